# SPDX-License-Identifier: Apache-2.0
"""FakeFermata: an agent under test meets what it would meet against a server, by script."""

import unittest

from fermata import Blocked, Expired, FermataError, Rejected, Returned, WaitTimeout
from fermata.testing import (
    FakeFermata,
    Unscripted,
    allow,
    approve,
    ask,
    block,
    expire,
    modify,
    pending,
    reject,
)

ARGUMENTS = {"order_id": "W1", "amount": 74.5}


def refunds(f):
    """An agent with one checkpoint, and the list of what it has paid."""
    paid = []

    @f.checkpoint("refund.issue", brief=lambda order_id, amount: {"summary": f"Refund {amount}"})
    def refund(order_id, amount):
        paid.append((order_id, amount))
        return len(paid)

    return refund, paid


class Checkpoints(unittest.TestCase):
    def test_approved(self):
        f = FakeFermata({"refund.issue": approve()})
        refund, paid = refunds(f)
        self.assertEqual(refund("W1", 74.5), 1)
        self.assertEqual(refund("W2", 5), 2)
        self.assertEqual(paid, [("W1", 74.5), ("W2", 5)])
        proposal = f.assert_proposed("refund.issue", order_id="W1")
        self.assertEqual(proposal["brief"], {"summary": "Refund 74.5"})
        self.assertEqual(proposal["outcome"]["status"], "succeeded")

    def test_modified(self):
        f = FakeFermata({"refund.issue": [modify(amount=50), modify({"order_id": "W9", "amount": 1})]})
        refund, paid = refunds(f)
        refund("W1", 74.5)
        refund("W1", 74.5)
        self.assertEqual(paid, [("W1", 50), ("W9", 1)])
        self.assertEqual(f.proposals[0]["arguments"], ARGUMENTS)
        f.assert_used_up()

    def test_every_no_keeps_the_function_from_running(self):
        rows = [
            (reject("Wrong order", "wrong_person"), Rejected, "Wrong order"),
            (ask("Which photo?"), Returned, "Which photo?"),
            (block("Not by agents"), Blocked, "Not by agents"),
            (expire(), Expired, ""),
        ]
        for answer, error, reason in rows:
            with self.subTest(answer.status):
                f = FakeFermata({"refund.issue": answer})
                refund, paid = refunds(f)
                with self.assertRaises(error) as raised:
                    refund("W1", 74.5)
                self.assertEqual(raised.exception.reason, reason)
                self.assertEqual(paid, [])
                self.assertIsNone(f.proposals[0]["outcome"])

    def test_what_the_function_raises_is_reported(self):
        f = FakeFermata({"*": approve()})

        @f.checkpoint("door.open")
        def open_door(name):
            raise OSError("stuck")

        self.assertRaises(OSError, open_door, "front")
        self.assertEqual(f.proposals[0]["outcome"], {"status": "failed", "detail": "OSError: stuck"})


class Steps(unittest.TestCase):
    def test_a_question_and_its_answer(self):
        f = FakeFermata({"refund.issue": [ask("Which photo?"), approve()]})
        proposal = f.propose("refund.issue", ARGUMENTS)
        self.assertEqual(proposal["status"], "pending")
        self.assertEqual(f.wait(proposal["id"])["status"], "returned")
        revised = f.revise(proposal["id"], {**ARGUMENTS, "amount": 70}, {"summary": "S"})
        self.assertEqual((revised["status"], revised["revision"]), ("pending", 2))
        decided = f.wait(proposal["id"])
        self.assertEqual(decided["decision"]["arguments"]["amount"], 70)

    def test_a_permit_is_used_once_and_for_what_was_approved(self):
        f = FakeFermata({"refund.issue": approve()})
        proposal = f.wait(f.propose("refund.issue", ARGUMENTS)["id"])
        with self.assertRaises(FermataError) as refused:
            f.redeem(proposal["permit"], {"amount": 1})
        self.assertEqual(refused.exception.status, 422)
        f.redeem(proposal["permit"], ARGUMENTS)
        with self.assertRaises(FermataError) as refused:
            f.redeem(proposal["permit"], ARGUMENTS)
        self.assertEqual(refused.exception.name, "permit-used")
        self.assertRaises(FermataError, f.redeem, "a.b.c", ARGUMENTS)

    def test_allowed_at_once(self):
        f = FakeFermata({"ticket.tag": allow()})
        proposal = f.propose("ticket.tag", {"tag": "billing"})
        self.assertEqual((proposal["status"], proposal["decision"]["by"]["kind"]), ("approved", "policy"))
        f.redeem(proposal["permit"], {"tag": "billing"})

    def test_pending_runs_into_the_timeout_in_no_time(self):
        f = FakeFermata({"refund.issue": pending()})
        proposal = f.propose("refund.issue", ARGUMENTS)
        self.assertRaises(WaitTimeout, f.wait, proposal["id"], 3600)
        self.assertRaises(Unscripted, f.wait, proposal["id"])
        self.assertEqual(f.withdraw(proposal["id"])["status"], "withdrawn")

    def test_a_function_decides_by_what_was_proposed(self):
        f = FakeFermata(
            {"refund.issue": lambda p: approve() if p["arguments"]["amount"] < 50 else reject("Much")}
        )
        for amount, status in [(10, "approved"), (90, "rejected")]:
            proposal = f.propose("refund.issue", {"amount": amount})
            self.assertEqual(f.wait(proposal["id"])["status"], status)

    def test_the_list_is_the_agents_own(self):
        f = FakeFermata({"*": [approve(), pending()]})
        first = f.propose("a", {})["id"]
        f.wait(first)
        f.propose("b", {})
        self.assertEqual([p["id"] for p in f.list(status="approved")], [first])
        self.assertEqual(len(list(f.list())), 2)


class Script(unittest.TestCase):
    def test_what_it_does_not_name_fails_the_test(self):
        f = FakeFermata({"refund.issue": []})
        for action in ("refund.issue", "message.send"):
            with self.assertRaisesRegex(Unscripted, action):
                f.propose(action, {"a": 1})
        self.assertEqual(f.proposals, [])
        self.assertTrue(issubclass(Unscripted, AssertionError))

    def test_assertions_fail_where_they_should(self):
        f = FakeFermata({"a": [approve(), approve()]})
        f.propose("a", {"n": 1})
        f.assert_proposed("a", n=1)
        f.assert_not_proposed("b")
        for wrong in (
            lambda: f.assert_proposed("a", n=2),
            lambda: f.assert_proposed("b"),
            lambda: f.assert_not_proposed("a"),
            f.assert_used_up,
        ):
            self.assertRaises(AssertionError, wrong)
        f.on("a", reject("No more"))
        self.assertEqual(f.wait(f.propose("a", {})["id"])["status"], "rejected")

    def test_arguments_are_checked_as_ever(self):
        f = FakeFermata({"*": approve()})
        self.assertRaises(ValueError, f.propose, "a", {"n": float("nan")})

    def test_what_is_handed_out_is_a_copy(self):
        f = FakeFermata({"*": approve()})
        answer = f.propose("a", {"n": 1})
        answer["arguments"]["n"] = 2
        self.assertEqual(f.get(answer["id"])["arguments"], {"n": 1})
