# SPDX-License-Identifier: Apache-2.0
"""client.py: the calls of the wire one by one, and wait() through restarts and failures."""

import pickle
from typing import NamedTuple

from fermata import FermataError, Unreachable, WaitTimeout

from .fake_server import CUT, DROP, LOSE
from .support import ARGUMENTS, Case

BRIEF = {"summary": "Refund 74.50 USD", "reasoning": "The photo shows the damage"}


class Row(NamedTuple):
    name: str
    given: object
    want: object


BAD_REQUESTS = [
    Row("an argument", {"arguments": {"amount": object()}}, "argument 'amount'"),
    Row("the brief", {"brief": {"confidence": b"high"}}, "/brief/confidence"),
    Row("a member", {"labels": {"region": {1}}}, "/labels/region"),
    Row("arguments that are a list", {"arguments": ["W1"]}, "arguments must be a dict"),
    Row("arguments that are None", {"arguments": None}, "arguments must be a dict"),
]

BAD_IDS = ["", "../permits/redeem", "prp_1?wait=0s", "prp_1/outcome", "prp_\u0661", None, 7]


class Calls(Case):
    def propose(self, **members):
        return self.f.propose("refund.issue", ARGUMENTS, **members)

    def approved(self):
        proposal = self.server.proposals[self.propose()["id"]]
        self.server.decide(proposal, "approved")
        return proposal

    def test_propose_sends_the_members(self):
        answer = self.propose(brief=BRIEF, subject="customer:W771", session=None)
        self.assertEqual(answer["status"], "pending")
        want = {
            "action": "refund.issue",
            "arguments": ARGUMENTS,
            "brief": BRIEF,
            "subject": "customer:W771",
        }
        self.assertEqual(self.server.seen[0].body, want)

    def test_a_null_argument_is_an_argument(self):
        self.f.propose("refund.issue", {"note": None})
        self.assertEqual(self.server.seen[0].body["arguments"], {"note": None})

    def test_what_is_not_json_is_not_sent(self):
        for row in BAD_REQUESTS:
            request = {"action": "refund.issue", "arguments": ARGUMENTS, **row.given}
            with self.subTest(row.name), self.assertRaises(TypeError) as caught:
                self.f.propose(**request)
            self.assertIn(row.want, str(caught.exception), row.name)
        with self.assertRaisesRegex(TypeError, "arguments must be a dict"):
            self.f.redeem("permit", None)
        self.assertEqual(self.server.seen, [])

    def test_redeem_once(self):
        proposal = self.approved()
        self.assertEqual(
            self.f.redeem(proposal["permit"], ARGUMENTS), {"proposal": proposal["id"]}
        )
        with self.assertRaises(FermataError) as caught:
            self.f.redeem(proposal["permit"], ARGUMENTS)
        self.assertEqual((caught.exception.status, caught.exception.name), (409, "permit-used"))

    def test_a_lost_redemption_is_asked_for_again(self):
        proposal = self.approved()
        self.server.fail("POST .*redeem", LOSE, CUT, (503, {}))
        self.f.redeem(proposal["permit"], ARGUMENTS)
        sent = self.server.writes("/redeem")
        self.assertEqual((len(sent), len({seen.key for seen in sent})), (4, 1))

    def test_redeem_with_other_arguments(self):
        proposal = self.approved()
        with self.assertRaises(FermataError) as caught:
            self.f.redeem(proposal["permit"], {**ARGUMENTS, "amount": 75})
        self.assertEqual(caught.exception.status, 422)
        self.assertEqual(self.server.redeemed, set())

    def test_outcome(self):
        proposal = self.approved()
        self.f.outcome(proposal["id"], "failed", "the bank is closed")
        want = {"status": "failed", "detail": "the bank is closed"}
        self.assertEqual(proposal["outcome"], want)

    def test_withdraw(self):
        self.assertEqual(self.f.withdraw(self.propose()["id"])["status"], "withdrawn")

    def test_revise(self):
        proposal = self.server.proposals[self.propose(brief=BRIEF)["id"]]
        self.server.decide(proposal, "returned", reason="Which lamp?")
        again = self.f.revise(proposal["id"], {**ARGUMENTS, "amount": 70}, {"summary": "70"})
        self.assertEqual((again["status"], again["revision"]), ("pending", 2))
        self.assertEqual((again["arguments"]["amount"], again["brief"]), (70, {"summary": "70"}))

    def test_get(self):
        self.assertEqual(self.f.get(self.propose()["id"])["arguments"], ARGUMENTS)
        with self.assertRaises(FermataError) as caught:
            self.f.get("prp_unknown")
        self.assertEqual((caught.exception.status, caught.exception.name), (404, "not-found"))

    def test_ids_lead_nowhere_else(self):
        calls = (self.f.get, self.f.wait, self.f.withdraw, lambda i: self.f.outcome(i, "failed"))
        for bad in BAD_IDS:
            for call in calls:
                with self.subTest(bad), self.assertRaises(ValueError):
                    call(bad)
        self.assertEqual(self.server.seen, [])

    def test_an_answer_about_another_proposal(self):
        one, other = self.propose(), self.propose()
        self.server.proposals[one["id"]] = other
        with self.assertRaisesRegex(FermataError, "another proposal"):
            self.f.get(one["id"])

    def test_an_answer_that_is_no_proposal(self):
        for answer in ([], "x", {}, {"id": 7, "status": "approved"}, {"id": "prp_1"}):
            self.server.proposals["prp_1"] = answer
            with self.subTest(answer), self.assertRaises(FermataError):
                self.f.get("prp_1")


class List(Case):
    def test_over_pages(self):
        made = [self.f.propose("refund.issue", {"n": n})["id"] for n in range(5)]
        self.server.seen.clear()
        self.assertEqual([p["id"] for p in self.f.list(limit=2)], made)
        self.assertEqual(
            [seen.path for seen in self.server.seen],
            ["/v1/proposals?limit=2", "/v1/proposals?limit=2&cursor=2",
             "/v1/proposals?limit=2&cursor=4"],
        )

    def test_filters(self):
        self.f.propose("refund.issue", ARGUMENTS)
        kept = self.f.withdraw(self.f.propose("refund.issue", ARGUMENTS)["id"])
        listed = list(self.f.list(status="withdrawn", q="a&b=c"))
        self.assertEqual([p["id"] for p in listed], [kept["id"]])
        self.assertIn("q=a%26b%3Dc", self.server.seen[-1].path)

    def test_empty(self):
        self.assertEqual(list(self.f.list()), [])

    def test_a_cursor_that_repeats(self):
        for n in range(3):
            self.f.propose("refund.issue", {"n": n})
        self.server._page = lambda query: {"items": [], "next_cursor": "2"}
        with self.assertRaisesRegex(FermataError, "does not end"):
            list(self.f.list())

    def test_an_answer_that_is_no_page(self):
        for page in ([], {"items": {}}, {"items": [], "next_cursor": 3}, {"items": [7]}):
            self.server._page = lambda query, page=page: page
            with self.subTest(page), self.assertRaises(FermataError):
                list(self.f.list())


class Wait(Case):
    def setUp(self):
        super().setUp()
        self.proposal_id = self.f.propose("refund.issue", ARGUMENTS)["id"]
        self.server.seen.clear()
        self.polls = 0

    def decide_at_poll(self, number):
        """The reviewer approves while the server parks that poll."""

        def on_poll(proposal):
            self.polls += 1
            if self.polls == number:
                self.server.decide(proposal, "approved")

        self.server.on_poll = on_poll

    def asked(self):
        return [seen.path.partition("?")[2] for seen in self.server.seen]

    def test_long_polls_until_decided(self):
        self.decide_at_poll(4)
        self.assertEqual(self.f.wait(self.proposal_id)["status"], "approved")
        self.assertEqual(self.asked(), ["wait=60s"] * 4)
        self.assertEqual(self.clock.pauses, [], "a parked poll is followed by the next at once")

    def test_decided_already(self):
        self.server.decide(self.server.proposals[self.proposal_id], "rejected")
        self.assertEqual(self.f.wait(self.proposal_id)["status"], "rejected")

    def test_time_up(self):
        with self.assertRaises(WaitTimeout) as caught:
            self.f.wait(self.proposal_id, timeout=130)
        self.assertEqual(self.asked(), ["wait=60s", "wait=60s", "wait=10s"])
        self.assertIsInstance(caught.exception, TimeoutError)
        self.assertEqual(caught.exception.proposal["status"], "pending")
        self.assertEqual(str(caught.exception), f"{self.proposal_id} is still pending after 130 s")
        self.assertEqual(str(pickle.loads(pickle.dumps(caught.exception))), str(caught.exception))

    def test_no_time_at_all_is_one_look(self):
        for timeout in (0, -5):
            self.server.seen.clear()
            with self.subTest(timeout), self.assertRaises(WaitTimeout):
                self.f.wait(self.proposal_id, timeout=timeout)
            self.assertEqual(self.asked(), [""])

    def test_fractions_are_rounded_up(self):
        with self.assertRaises(WaitTimeout):
            self.f.wait(self.proposal_id, timeout=0.2)
        self.assertEqual(self.asked(), ["wait=1s"])

    def test_a_timeout_that_is_no_number(self):
        with self.assertRaises(ValueError):
            self.f.wait(self.proposal_id, timeout=float("nan"))

    def test_broken_connections(self):
        self.decide_at_poll(3)
        # A kept connection that breaks is replaced at once; the next failure pauses.
        self.server.fail("GET", DROP, LOSE, (503, {}), (502, {}), (500, {}), DROP)
        self.assertEqual(self.f.wait(self.proposal_id)["status"], "approved")
        self.assertEqual(len(self.clock.pauses), 4)

    def test_a_restart_in_the_middle(self):
        self.decide_at_poll(2)
        poll = self.server.on_poll

        def crash_in_the_first(proposal):
            poll(proposal)
            if self.polls == 1:
                self.server.parks = False
                self.server.stop()

        def up_again_after_a_minute():
            if not self.server.parks and self.clock.now > began + 60:
                self.server.parks = True
                self.server.start()

        began = self.clock.now
        self.server.on_poll = crash_in_the_first
        self.clock.on_sleep = up_again_after_a_minute
        self.assertEqual(self.f.wait(self.proposal_id)["status"], "approved")
        self.assertGreater(len(self.clock.pauses), 8, "longer than a call's bounded attempts")
        self.assertLessEqual(max(self.clock.pauses), 8.0)

    def test_time_up_while_the_server_is_away(self):
        self.server.stop()
        with self.assertRaises(WaitTimeout) as caught:
            self.f.wait(self.proposal_id, timeout=30)
        self.assertIsInstance(caught.exception.__cause__, Unreachable)
        self.assertIsNone(caught.exception.proposal)
        self.assertAlmostEqual(sum(self.clock.pauses), 30.0)

    def test_retry_after_is_kept_to_within_the_time(self):
        self.server.fail("GET", (503, {"Retry-After": "9"}), (503, {"Retry-After": "900"}))
        with self.assertRaises(WaitTimeout):
            self.f.wait(self.proposal_id, timeout=20)
        self.assertEqual(self.clock.pauses, [9.0, 11.0])

    def test_a_server_that_parks_nothing_is_not_hammered(self):
        self.server.parks = False
        with self.assertRaises(WaitTimeout):
            self.f.wait(self.proposal_id, timeout=600)
        self.assertLess(len(self.server.seen), 200)

    def test_refusals_end_the_wait(self):
        for status in (401, 403, 404, 423):
            self.server.fail("GET", (status, {}))
            with self.subTest(status), self.assertRaises(FermataError) as caught:
                self.f.wait(self.proposal_id)
            self.assertEqual(caught.exception.status, status)
