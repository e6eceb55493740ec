# SPDX-License-Identifier: Apache-2.0
"""checkpoint.py and permit.py: the function runs after a redemption and in no other case, with the
approved arguments and no others, and its end is reported."""

import asyncio
import copy
import inspect
import pickle
import threading
from typing import NamedTuple

import fermata
from fermata import FermataError, NotApproved, PermitMismatch, WaitTimeout

from .fake_server import LOSE, permit_for
from .support import ARGUMENTS, AsyncCase, Case

REASONS = [
    {"verdict": "review", "text": "Refunds are reviewed"},
    {"verdict": "block", "text": "No exports"},
    {"verdict": "block", "rule": "night"},
]


class Row(NamedTuple):
    name: str
    given: object
    want: object


class Ending(NamedTuple):
    """A status without approval: what it raises, and what the message says after the id."""

    status: str
    decision: dict
    exception: type
    message: str


ENDINGS = [
    Ending("rejected", {"reason": "Wrong lamp", "reason_code": "wrong_person"}, fermata.Rejected,
           "was rejected by ana [wrong_person]: Wrong lamp"),
    Ending("returned", {"reason": "Which lamp?"}, fermata.Returned,
           "was returned with a question by ana: Which lamp?"),
    Ending("expired", {"by": None}, fermata.Expired, "expired"),
    Ending("withdrawn", {"by": None}, fermata.Withdrawn, "was withdrawn"),
    Ending("blocked", {"by": None}, fermata.Blocked, "was blocked: No exports; night"),
    Ending("quarantined", {"by": None}, NotApproved, "was not approved"),
]

# What an approved proposal is made to say (or its permit, under "permit"), and what is noticed.
MISMATCHES = [
    Row("a permit for another proposal", {"permit": {"proposal": "prp_other"}}, "another proposal"),
    Row("a permit for an older revision", {"permit": {"revision": 0}}, "another revision"),
    Row("a revision that is true, not 1", {"permit": {"revision": True}}, "another revision"),
    Row("a permit for another action", {"permit": {"action": "a.b"}}, "another action"),
    Row("a permit for other arguments", {"permit": {"arguments_sha256": "0" * 64}}, "sha256"),
    Row("an action that was not asked for, with a permit for it",
        {"action": "account.close", "permit": {}}, "another action"),
    Row("no permit", {"permit": None}, "no permit"),
    Row("a permit that is no text", {"permit": [1]}, "no permit"),
    Row("two parts", {"permit": "a.b"}, "another proposal"),
    Row("not base64", {"permit": "a.!!!!!.c"}, "another proposal"),
    Row("not JSON", {"permit": "a.YWJj.c"}, "another proposal"),
    Row("claims that are a list", {"permit": "a.W10.c"}, "another proposal"),
    Row("no decision", {"decision": None}, "no arguments"),
    Row("a decision without arguments", {"decision": {"by": None}}, "no arguments"),
    Row("arguments that are a list", {"decision": {"arguments": []}}, "no arguments"),
    Row("arguments that are rounded", {"decision": {"arguments": {"order_id": 2**53 + 1,
        "amount": 1, "currency": ""}}}, "2^53"),
]

# Arguments as a reviewer might leave them, and what does not fit the function's parameters.
MISFITS = [
    Row("a required one is gone", {"amount": 1, "currency": "USD"}, r"missing \['order_id'\]"),
    Row("one with a default is gone", {"order_id": "W1", "amount": 1}, r"missing \['currency'\]"),
    Row("one is new", {**ARGUMENTS, "memo": ""}, r"unknown \['memo'\]"),
]


class Guarded(Case):
    """A checkpoint whose function remembers its calls, and a reviewer who decides at the poll."""

    def setUp(self):
        super().setUp()
        self.calls = []
        self.review("approved")

    def review(self, status, change=lambda proposal: None, **decision):
        """From now on each held proposal is decided so while the agent waits."""

        def on_poll(proposal):
            self.server.decide(proposal, status, **decision)
            change(proposal)

        self.server.on_poll = on_poll

    def refund(self, **options):
        """A guarded function; called with the amount 13 it fails."""

        @self.f.checkpoint("refund.issue", **options)
        def issue_refund(order_id, amount, currency="USD"):
            """Pays money back."""
            self.calls.append({"order_id": order_id, "amount": amount, "currency": currency})
            if amount == 13:
                raise LookupError("no such order")
            return f"paid {amount}"

        return issue_refund

    def proposal(self):
        return next(iter(self.server.proposals.values()))

    def steps(self):
        """The calls as the server saw them, in order: method and last part of the path."""
        names = [f"{s.method} {s.path.partition('?')[0]}" for s in self.server.seen]
        return [name.replace("/v1/", "").replace(self.proposal()["id"], "ID") for name in names]


class Approved(Guarded):
    def test_the_whole_way(self):
        self.assertEqual(self.refund()(**ARGUMENTS), "paid 74.5")
        self.assertEqual(self.calls, [ARGUMENTS])
        self.assertEqual(
            self.steps(),
            ["POST proposals", "GET proposals/ID", "POST permits/redeem",
             "POST proposals/ID/outcome"],
        )
        self.assertEqual(self.proposal()["outcome"], {"status": "succeeded", "detail": ""})

    def test_allowed_at_once_does_not_wait(self):
        self.server.on_propose = lambda proposal: self.server.decide(proposal, "approved")
        self.refund()(**ARGUMENTS)
        self.assertNotIn("GET proposals/ID", self.steps())
        self.assertEqual(self.calls, [ARGUMENTS])

    def test_a_permit_is_read_where_the_first_answer_has_none(self):
        def on_propose(proposal):
            proposal["status"] = "approved"
            proposal["decision"] = {"arguments": proposal["arguments"]}

        self.server.on_propose = on_propose
        read = self.server._read

        def with_permit(path):
            self.proposal()["permit"] = permit_for(self.proposal())
            return read(path)

        self.server._read = with_permit
        self.refund()(**ARGUMENTS)
        self.assertEqual(self.calls, [ARGUMENTS])

    def test_calls_are_bound_as_python_does(self):
        rows = [
            Row("positional", lambda r: r("W1", 5, "EUR"), ("W1", 5, "EUR")),
            Row("mixed, with a default", lambda r: r("W1", amount=5), ("W1", 5, "USD")),
            Row("keywords in any order", lambda r: r(amount=5, order_id="W1"), ("W1", 5, "USD")),
        ]
        for row in rows:
            with self.subTest(row.name):
                row.given(self.refund())
                want = dict(zip(("order_id", "amount", "currency"), row.want))
                self.assertEqual(self.calls[-1], want)
                self.assertEqual(self.server.writes("/proposals")[-1].body["arguments"], want)

    def test_a_call_that_does_not_bind(self):
        for args, kwargs in (((), {}), (("W1", 5, "USD", 1), {}), (("W1",), {"amuont": 5})):
            with self.subTest(kwargs), self.assertRaises(TypeError):
                self.refund()(*args, **kwargs)
        self.assertEqual(self.server.seen, [])

    def test_further_keywords(self):
        @self.f.checkpoint("ticket.tag")
        def tag(ticket, **more):
            self.calls.append((ticket, more))

        tag("T1", colour="red", size=2)
        self.assertEqual(self.calls, [("T1", {"colour": "red", "size": 2})])
        want = {"ticket": "T1", "colour": "red", "size": 2}
        self.assertEqual(self.proposal()["arguments"], want)

    def test_the_reviewers_edit_is_what_runs(self):
        self.review("approved", arguments={**ARGUMENTS, "amount": 20})
        self.assertEqual(self.refund()(**ARGUMENTS), "paid 20")
        self.assertEqual(self.server.writes("/redeem")[0].body["arguments"]["amount"], 20)

    def test_plain_values_are_what_runs(self):
        items = [1, 2]

        @self.f.checkpoint("items.set")
        def set_items(items):
            self.calls.append(items)

        self.server.on_propose = lambda proposal: items.append(3)
        set_items(items)
        set_items((4, 5))
        self.assertEqual(self.calls, [[1, 2], [4, 5]])

    def test_what_is_not_json_names_the_argument(self):
        with self.assertRaisesRegex(TypeError, "argument 'currency' is a object"):
            self.refund()("W1", 5, object())
        with self.assertRaisesRegex(ValueError, "argument 'amount' is nan"):
            self.refund()("W1", float("nan"))
        self.assertEqual((self.server.seen, self.calls), ([], []))

    def test_brief_and_members(self):
        brief = {"summary": "Refund"}
        self.refund(brief=brief, session="conv-1", subject=None)("W1", 5)
        made = self.refund(
            brief=lambda order_id, amount, currency: {"summary": f"{amount} {currency}"},
            subject=lambda order_id, **_: f"order:{order_id}",
        )
        made("W2", 6)
        first, second = (seen.body for seen in self.server.writes("/proposals"))
        self.assertEqual((first["brief"], first["session"]), (brief, "conv-1"))
        self.assertNotIn("subject", first)
        self.assertEqual((second["brief"], second["subject"]), ({"summary": "6 USD"}, "order:W2"))

    def test_the_function_is_still_itself(self):
        made = self.refund()
        self.assertEqual((made.__name__, made.__doc__), ("issue_refund", "Pays money back."))
        self.assertEqual(list(inspect.signature(made).parameters), list(ARGUMENTS))

    def test_from_many_threads(self):
        issue_refund, results = self.refund(), []

        def run(number):
            results.append((number, issue_refund("W1", number + 100)))

        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(results), [(n, f"paid {n + 100}") for n in range(8)])
        self.assertEqual(len(self.server.redeemed), 8)


class NotCalled(Guarded):
    def test_endings(self):
        for row in ENDINGS:
            self.server.proposals.clear()
            assess = lambda proposal: proposal.update(assessment={"reasons": REASONS})
            self.review(row.status, assess, **{"reason": "", **row.decision})
            with self.subTest(row.status), self.assertRaises(NotApproved) as caught:
                self.refund()(**ARGUMENTS)
            error = caught.exception
            self.assertIs(type(error), row.exception)
            self.assertEqual(str(error), f"refund.issue ({self.proposal()['id']}) {row.message}")
            self.assertEqual(error.proposal["status"], row.status)
            self.assertEqual(str(pickle.loads(pickle.dumps(error))), str(error))
        self.assertEqual((self.calls, self.server.redeemed), ([], set()))

    def test_blocked_at_once(self):
        self.server.on_propose = lambda proposal: self.server.decide(proposal, "blocked")
        with self.assertRaises(fermata.Blocked):
            self.refund()(**ARGUMENTS)
        self.assertEqual((self.calls, self.steps()), ([], ["POST proposals"]))

    def test_a_question(self):
        self.review("returned", reason="Which lamp?")
        with self.assertRaises(fermata.Returned) as caught:
            self.refund()(**ARGUMENTS)
        self.assertEqual(caught.exception.question, "Which lamp?")

    def test_time_up(self):
        self.server.on_poll = lambda proposal: None
        with self.assertRaises(WaitTimeout) as caught:
            self.refund(wait_timeout=90)(**ARGUMENTS)
        self.assertEqual(caught.exception.proposal_id, self.proposal()["id"])
        self.assertEqual((self.calls, self.proposal()["status"]), ([], "pending"))

    def test_a_refused_redemption(self):
        for status in (403, 409, 410, 422, 423, 500):
            self.server.fail("POST .*redeem", (status, {}))
            with self.subTest(status), self.assertRaises(FermataError) as caught:
                self.refund()(**ARGUMENTS)
            self.assertEqual(caught.exception.status, status)
        self.assertEqual(self.calls, [])

    def test_a_permit_that_somebody_else_used(self):
        def used(proposal):
            self.server.redeemed.add(f"{proposal['id']}/1")

        self.review("approved", used)
        with self.assertRaises(FermataError) as caught:
            self.refund()(**ARGUMENTS)
        self.assertEqual((caught.exception.name, self.calls), ("permit-used", []))

    def test_a_redemption_whose_answer_never_comes(self):
        self.server.fail("POST .*redeem", *[LOSE] * 50)
        with self.assertRaises(fermata.Unreachable):
            self.refund()(**ARGUMENTS)
        self.assertEqual(self.calls, [])

    def test_a_lost_redemption_is_called_once(self):
        self.server.fail("POST .*redeem", LOSE, LOSE)
        self.refund()(**ARGUMENTS)
        self.assertEqual((len(self.calls), len(self.server.redeemed)), (1, 1))

    def test_mismatches(self):
        for row in MISMATCHES:
            self.server.proposals.clear()

            def change(proposal, given=row.given):
                proposal.update(copy.deepcopy(given))
                if isinstance(given.get("permit"), dict):
                    proposal["permit"] = permit_for(proposal, **given["permit"])

            self.review("approved", change)
            with self.subTest(row.name), self.assertRaises(PermitMismatch) as caught:
                self.refund()(**ARGUMENTS)
            self.assertIn(row.want, str(caught.exception), row.name)
        self.assertEqual((self.calls, self.server.writes("/redeem")), ([], []))

    def test_a_permit_without_its_signature(self):
        def change(proposal):
            proposal["permit"] = proposal["permit"].rpartition(".")[0]

        self.review("approved", change)
        with self.assertRaises(PermitMismatch):
            self.refund()(**ARGUMENTS)
        self.assertEqual(self.calls, [])

    def test_arguments_that_changed_after_the_decision(self):
        def change(proposal):
            proposal["decision"]["arguments"] = {**ARGUMENTS, "amount": 7450}

        self.review("approved", change)
        with self.assertRaisesRegex(PermitMismatch, "another arguments_sha256"):
            self.refund()(**ARGUMENTS)
        self.assertEqual((self.calls, self.server.redeemed), ([], set()))

    def test_misfits_leave_the_permit_unused(self):
        for row in MISFITS:
            self.review("approved", arguments=row.given)
            with self.subTest(row.name), self.assertRaisesRegex(PermitMismatch, row.want):
                self.refund()(**ARGUMENTS)
        self.assertEqual((self.calls, self.server.redeemed), ([], set()))

    def test_redeemed_for_something_else(self):
        one_is_true = {"arguments": {**ARGUMENTS, "amount": True}}
        other_amount = {"arguments": {**ARGUMENTS, "amount": 2}}
        for answer in (one_is_true, other_amount, {"arguments": None}, {"proposal": "prp_other"}):
            self.server.redeem_answer = answer
            with self.subTest(answer), self.assertRaisesRegex(PermitMismatch, "with another"):
                self.refund()(**{**ARGUMENTS, "amount": 1})
        self.assertEqual(self.calls, [])

    def test_redeemed_with_the_same_arguments_otherwise_written(self):
        self.server.redeem_answer = {"arguments": {**ARGUMENTS, "amount": 80.0}}
        self.refund()("W2378156", 80, "USD")
        self.assertEqual(len(self.calls), 1)


class Outcome(Guarded):
    def test_an_exception_is_reported_and_raised(self):
        with self.assertRaisesRegex(LookupError, "no such order"):
            self.refund()("W1", 13)
        want = {"status": "failed", "detail": "LookupError: no such order"}
        self.assertEqual(self.proposal()["outcome"], want)

    def test_a_long_exception_is_cut(self):
        @self.f.checkpoint("a.b")
        def fail():
            raise ValueError("\ud800" + "x" * 10_000)

        with self.assertRaises(ValueError):
            fail()
        detail = self.proposal()["outcome"]["detail"]
        self.assertEqual((len(detail), detail[:14]), (500, "ValueError: ?x"))

    def test_the_result_comes_back_though_nobody_hears_of_it(self):
        for fault in ((500, {}), (404, {})):
            self.server.fail("POST .*outcome", fault)
            with self.subTest(fault):
                self.assertEqual(self.refund()(**ARGUMENTS), "paid 74.5")
        self.server.fail("POST .*outcome", (500, {}))
        with self.assertRaises(LookupError):
            self.refund()("W1", 13)

    def test_an_interruption_reports_nothing(self):
        @self.f.checkpoint("a.b")
        def interrupted():
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            interrupted()
        self.assertIsNone(self.proposal()["outcome"])


class Decorating(Guarded):
    def test_what_cannot_be_guarded(self):
        def positional_only(a, /):
            pass

        def any_number(*a):
            pass

        def generator(a):
            yield a

        async def async_generator(a):
            yield a

        for function in (positional_only, any_number, generator, async_generator):
            with self.subTest(function.__name__), self.assertRaises(TypeError):
                self.f.checkpoint("a.b")(function)

    def test_the_action_must_be_named(self):
        with self.assertRaisesRegex(TypeError, "name the action"):

            @self.f.checkpoint
            def function():
                pass


class Async(AsyncCase, Guarded):
    def refund_async(self):
        @self.f.checkpoint("refund.issue", brief=lambda **_: {"summary": "Refund"})
        async def issue_refund(order_id, amount, currency="USD"):
            await asyncio.sleep(0)
            self.calls.append(amount)
            if amount == 13:
                raise LookupError("no such order")
            return f"paid {amount}"

        return issue_refund

    async def test_the_whole_way(self):
        issue_refund = self.refund_async()
        self.assertTrue(inspect.iscoroutinefunction(issue_refund))
        self.review("approved", arguments={**ARGUMENTS, "amount": 20})
        self.assertEqual(await issue_refund(**ARGUMENTS), "paid 20")
        self.assertEqual(self.proposal()["outcome"]["status"], "succeeded")
        self.assertEqual(self.proposal()["brief"], {"summary": "Refund"})

    async def test_a_failure(self):
        with self.assertRaisesRegex(LookupError, "no such order"):
            await self.refund_async()("W1", 13)
        self.assertEqual(self.proposal()["outcome"]["detail"], "LookupError: no such order")

    async def test_rejected(self):
        self.review("rejected", reason="no")
        with self.assertRaises(fermata.Rejected):
            await self.refund_async()(**ARGUMENTS)
        self.assertEqual(self.calls, [])

    async def test_many_hold_up_neither_the_loop_nor_each_other(self):
        """The reviewer decides only once all 40 are waiting at the same time."""
        waiting = threading.Barrier(40)
        self.server.handle = self.unlocked(self.server.handle, waiting)
        issue_refund = self.refund_async()
        results = await asyncio.gather(*(issue_refund("W1", 100 + n) for n in range(40)))
        self.assertEqual(results, [f"paid {100 + n}" for n in range(40)])

    @staticmethod
    def unlocked(handle, waiting):
        def wait_for_all(method, path, key, body):
            if "wait=" in path:
                waiting.wait(30)
            return handle(method, path, key, body)

        return wait_for_all

    async def test_cancelled_while_waiting(self):
        """Approved after the cancellation: the permit stays unused and nothing runs."""
        polled, decide, done = asyncio.Event(), threading.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def on_poll(proposal):
            loop.call_soon_threadsafe(polled.set)
            decide.wait(30)
            self.server.decide(proposal, "approved")

        self.server.on_poll = on_poll
        obtain = fermata.checkpoint.Checkpoint.obtain

        def observed(gate, request, stop):
            try:
                return obtain(gate, request, stop)
            finally:
                done.set()

        self.addCleanup(setattr, fermata.checkpoint.Checkpoint, "obtain", obtain)
        fermata.checkpoint.Checkpoint.obtain = observed
        task = asyncio.create_task(self.refund_async()(**ARGUMENTS))
        await polled.wait()
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        decide.set()
        self.assertTrue(await loop.run_in_executor(None, done.wait, 30))
        self.assertEqual((self.calls, self.server.redeemed), ([], set()))

    async def test_cancelled_while_running(self):
        started = asyncio.Event()

        @self.f.checkpoint("a.b")
        async def runs_for_ever():
            started.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(runs_for_ever())
        await started.wait()
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertIsNone(self.proposal()["outcome"], "how far it came is not known")
