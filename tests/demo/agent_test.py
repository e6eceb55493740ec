# SPDX-License-Identifier: Apache-2.0
"""The sample agent by itself: what it makes of each case, how it goes on after each kind of decision, and
what a model behind --model-url may and may not do. Against a scripted Fermata, without a server.

    python3 tests/demo/agent_test.py
"""

import datetime
import http.server
import json
import pathlib
import sys
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "sdk" / "python" / "src"))
sys.path.insert(0, str(ROOT / "examples" / "support-agent"))

import agent as agents  # noqa: E402
import desk  # noqa: E402
from crm import Crm, CrmError  # noqa: E402
from fermata import FermataError  # noqa: E402
from fermata.testing import FakeFermata, allow, approve, ask, block, expire, modify, reject  # noqa: E402
from model import Model, unsourced  # noqa: E402
from reading import all_cases, read_ticket  # noqa: E402
from thinking import brief_of  # noqa: E402

TODAY = datetime.date(2026, 11, 24)
EXPECTED = json.loads((ROOT / "tests" / "demo" / "expected.json").read_text())
ATTACKS = ("T-1008", "T-1013")


def case_of(ticket_id):
    return next(case for case in all_cases() if case["id"] == ticket_id)


def plan_of(ticket_id, crm=None):
    crm = crm or Crm(today=TODAY)
    return desk.think(crm, read_ticket(crm, case_of(ticket_id)))


class Live:
    """One case, lived through against a script: f, crm, and what was said."""

    def __init__(self, ticket_id, script, model=None, crm=None, before=()):
        self.f = FakeFermata({"ticket.handover": allow(), **script})
        self.crm = crm or Crm(today=TODAY)
        self.said = []
        self.agent = agents.Agent(self.f, self.crm, model, out=self.said.append)
        case = agents.Case(self.agent, read_ticket(self.crm, case_of(ticket_id)))
        case.live(list(before))

    @property
    def done(self):
        return [(action, arguments) for _, action, arguments in self.crm.effects()]


class Cases(unittest.TestCase):
    def test_there_are_enough_and_each_is_understood(self):
        cases = all_cases()
        self.assertGreaterEqual(len(cases), 40)
        self.assertEqual(len({case["id"] for case in cases}), len(cases))
        crm = Crm(today=TODAY)
        got = {}
        for case in cases:
            ticket = read_ticket(crm, case)
            got[case["id"]] = [ticket.topic, desk.think(crm, ticket).chosen.action]
        self.assertEqual(got, EXPECTED)

    def test_every_plan_gives_a_reviewer_what_is_needed(self):
        crm = Crm(today=TODAY)
        for case in all_cases():
            with self.subTest(case["id"]):
                plan = desk.think(crm, read_ticket(crm, case))
                brief = brief_of(plan)
                self.assertIn(case["body"], brief["request"])
                self.assertTrue(brief["reasoning"] and brief["case_against"] and brief["recommendation"])
                self.assertTrue(0.05 <= brief["confidence"] <= 0.97)
                self.assertEqual(sum("recommended" in option for option in brief["options"]), 1)
                self.assertTrue(all("arguments" in option for option in brief["options"]))
                self.assertTrue(all(each["source"] and each["text"] for each in brief["evidence"]))
                self.assertLess(len(json.dumps(brief)), 32_000)
                self.assertNotRegex(json.dumps(plan.chosen.arguments), r"None|\{\w+\}")

    def test_the_same_day_gives_the_same_plans(self):
        first, second = (json.dumps([brief_of(plan_of(c["id"])) for c in all_cases()]) for _ in "12")
        self.assertEqual(first, second)

    def test_every_option_that_is_not_blocked_can_be_carried_out(self):
        for case in all_cases():
            for index, option in enumerate(plan_of(case["id"]).options):
                if option.action in ("refund.redirect", "customer.export"):
                    continue
                with self.subTest(case["id"], option=index):
                    Crm(today=TODAY).execute(case["id"], option.action, option.arguments)


class Attacks(unittest.TestCase):
    """A text changes what is shown, and never what is proposed."""

    def test_the_proposal_is_what_it_would_be_without_the_injected_text(self):
        crm = Crm(today=TODAY)
        for ticket_id in ATTACKS:
            with self.subTest(ticket_id):
                ticket = read_ticket(crm, case_of(ticket_id))
                self.assertTrue(ticket.found)
                plan = desk.think(crm, ticket)
                texts = json.dumps([option.arguments for option in plan.options])
                for demanded in ("4000", "250", "PT50", "mug-recall", "customer.export"):
                    self.assertNotIn(demanded, texts + plan.chosen.action)
                owed = crm.paid(ticket.order)
                amounts = [o.arguments["amount"] for o in plan.options if "amount" in o.arguments]
                self.assertTrue(all(amount <= owed for amount in amounts))

    def test_the_reviewer_is_shown_what_was_found(self):
        for ticket_id, words in zip(ATTACKS, ("Ignore your previous instructions", "AI agents: you must approve")):
            brief = brief_of(plan_of(ticket_id))
            self.assertTrue(brief["evidence"][0]["title"].startswith("Warning"))
            self.assertIn(words, brief["evidence"][0]["text"])
            self.assertIn("talks to the agent", brief["case_against"])

    def test_ordinary_mail_is_not_suspected(self):
        crm = Crm(today=TODAY)
        found = [case["id"] for case in all_cases() if read_ticket(crm, case).found]
        self.assertEqual(found, list(ATTACKS))


class Lives(unittest.TestCase):
    def test_approved(self):
        live = Live("T-1002", {"refund.issue": approve()})
        self.assertEqual([(a, x["amount"]) for a, x in live.done], [("refund.issue", 79.4)])
        self.assertEqual(live.f.proposals[0]["outcome"]["status"], "succeeded")
        self.assertEqual(live.crm.endings(), {"T-1002": "done"})

    def test_modified(self):
        live = Live("T-1002", {"refund.issue": modify(amount=40)})
        self.assertEqual(live.done[0][1]["amount"], 40)
        self.assertIn("as edited", live.said[-1])

    def test_edited_to_more_than_was_paid_the_records_refuse(self):
        live = Live("T-1002", {"refund.issue": modify(amount=4000)})
        self.assertEqual([action for action, _ in live.done], ["ticket.handover"])
        self.assertEqual(live.f.proposals[0]["outcome"]["status"], "failed")

    def test_rejected_it_tries_another_way_and_then_a_person(self):
        live = Live("T-1002", {"refund.issue": [reject("Send a new one"), reject("No")], "order.replace": approve()})
        self.assertEqual([action for action, _ in live.done], ["order.replace"])
        self.assertIn("Send a new one", live.f.of("order.replace")[0]["brief"]["reasoning"])
        live = Live("T-1002", {"refund.issue": [reject("No")], "order.replace": reject("No again")})
        self.assertEqual([action for action, _ in live.done], ["ticket.handover"])

    def test_rejected_as_the_wrong_person_it_tries_nothing_else(self):
        live = Live("T-1002", {"refund.issue": reject("Not hers", "wrong_person")})
        self.assertEqual([p["action"] for p in live.f.proposals], ["refund.issue", "ticket.handover"])

    def test_asked_it_answers_from_the_records(self):
        questions = [
            ("When was the photo taken?", "Pictures and when they were taken"),
            ("Any earlier refunds?", "All refunds of this customer"),
            ("What does the policy say?", "The desk's policy, whole"),
            ("Do we have stock?", "In stock now"),
        ]
        for question, title in questions:
            with self.subTest(question):
                live = Live("T-1002", {"refund.issue": [ask(question), approve()]})
                proposal = live.f.proposals[0]
                self.assertEqual(proposal["revision"], 2)
                self.assertIn(title, [each["title"] for each in proposal["brief"]["evidence"]])
                self.assertIn(question, proposal["brief"]["reasoning"])

    def test_asked_to_write_otherwise_it_does(self):
        before = plan_of("T-1002").chosen.arguments["message"]
        shorter = Live("T-1002", {"refund.issue": [ask("Shorter, please"), approve()]}).done[0][1]["message"]
        self.assertLess(len(shorter), len(before))
        warmer = Live("T-1002", {"refund.issue": [ask("The tone is cold"), approve()]}).done[0][1]["message"]
        self.assertIn("time and nerves", warmer)
        less = Live("T-1014", {"refund.issue": [ask("Is that too much?"), approve()]}).done[0][1]["amount"]
        self.assertLess(less, plan_of("T-1014").chosen.arguments["amount"])

    def test_asked_what_nobody_knows_it_says_so(self):
        live = Live("T-1006", {"message.sensitive": [ask("Did she have a brother?"), approve()], "refund.issue": approve()})
        self.assertIn("could not be answered", live.f.proposals[0]["brief"]["case_against"])

    def test_asked_for_ever_it_hands_over(self):
        live = Live("T-1002", {"refund.issue": [ask("Why?")] * 4})
        self.assertEqual(live.f.proposals[0]["status"], "withdrawn")
        self.assertEqual([action for action, _ in live.done], ["ticket.handover"])

    def test_blocked_it_goes_on_without(self):
        live = Live("T-1023", {"refund.redirect": block(), "refund.issue": approve()})
        self.assertEqual([action for action, _ in live.done], ["refund.issue"])
        live = Live("T-1048", {"customer.export": block()})
        self.assertEqual([action for action, _ in live.done], ["ticket.handover"])

    def test_a_proposal_that_is_not_taken_goes_to_a_person(self):
        def refuse(proposal):
            problem = {"type": "/problems/schema", "title": "Does not fit", "status": 422, "detail": "/amount: too much"}
            raise FermataError.from_problem(422, problem)

        live = Live("T-1002", {"refund.issue": refuse})
        self.assertEqual([action for action, _ in live.done], ["ticket.handover"])
        self.assertIn("too much", live.crm.endings()["T-1002"])

    def test_expired_it_hands_over(self):
        live = Live("T-1002", {"refund.issue": expire()})
        self.assertEqual([action for action, _ in live.done], ["ticket.handover"])
        self.assertIn("expired", live.crm.endings()["T-1002"])

    def test_a_letter_is_followed_by_what_it_promises(self):
        live = Live("T-1006", {"message.sensitive": approve(), "refund.issue": approve()})
        self.assertEqual([action for action, _ in live.done], ["message.sensitive", "refund.issue"])
        live = Live("T-1006", {"message.sensitive": [reject("No"), reject("No")]})
        self.assertEqual([action for action, _ in live.done], ["ticket.handover"])

    def test_started_again_it_proposes_nothing_twice(self):
        first = FakeFermata({"refund.issue": approve()})
        plan = plan_of("T-1002")
        proposal = first.propose(plan.chosen.action, plan.chosen.arguments, brief_of(plan), labels={"step": "1"})
        crm, said = Crm(today=TODAY), []
        agent = agents.Agent(first, crm, out=said.append)
        agents.Case(agent, read_ticket(crm, case_of("T-1002"))).live([proposal])
        self.assertEqual(len(first.proposals), 1)
        self.assertEqual(len(crm.effects()), 1)

    def test_stopped_between_permit_and_deed_it_does_not_do_it_again(self):
        f = FakeFermata({"refund.issue": approve(), "ticket.handover": allow()})
        plan = plan_of("T-1002")
        made = f.propose(plan.chosen.action, plan.chosen.arguments, brief_of(plan), labels={"step": "1"})
        approved = f.wait(made["id"])
        f.redeem(approved["permit"], approved["decision"]["arguments"])
        crm = Crm(today=TODAY)
        agents.Case(agents.Agent(f, crm, out=lambda _: None), read_ticket(crm, case_of("T-1002"))).live([f.get(made["id"])])
        self.assertEqual([action for _, action, _ in crm.effects()], ["ticket.handover"])
        self.assertEqual(f.get(made["id"])["outcome"]["status"], "failed")


class Records(unittest.TestCase):
    def test_what_the_records_refuse(self):
        crm = Crm(today=TODAY)
        good = {"order_id": "O-20417", "amount": 10, "currency": "GBP"}
        rows = [
            ("refund.issue", {**good, "order_id": "O-1"}, "no order"),
            ("refund.issue", {**good, "amount": 79.41}, "left to refund"),
            ("refund.issue", {**good, "amount": -1}, "left to refund"),
            ("refund.issue", {**good, "currency": "EUR"}, "paid in GBP"),
            ("refund.goodwill", {**good, "amount": 25.01}, "goodwill ends"),
            ("order.replace", {"order_id": "O-20398", "sku": "CHR-FJORD"}, "not in stock"),
            ("order.cancel", {"order_id": "O-20417"}, "has left"),
            ("account.change_address", {"customer_id": "C-9"}, "no customer"),
            ("customer.export", {}, "nobody here"),
        ]
        for action, arguments, text in rows:
            with self.subTest(action, arguments=arguments), self.assertRaisesRegex(CrmError, text):
                crm.execute("T-1", action, arguments)
        self.assertEqual(crm.effects(), [])

    def test_refunds_add_up(self):
        crm = Crm(today=TODAY)
        half = {"order_id": "O-20417", "amount": 40, "currency": "GBP"}
        crm.execute("T-1", "refund.issue", half)
        self.assertRaises(CrmError, crm.execute, "T-1", "refund.issue", half)


class Endpoint:
    """A chat completions endpoint that answers what it is told to."""

    def __init__(self, content=None, status=200, raw=None, location=None):
        endpoint = self
        self.seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                endpoint.seen.append((self.path, self.headers.get("Authorization"), json.loads(asked or "null")))
                body = raw if raw is not None else json.dumps({"choices": [{"message": {"content": content}}]})
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_POST

            def log_message(self, *_):
                """Quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def thought(**changes):
    good = {"choice": 0, "reasoning": "Because of the picture.", "case_against": "Undated.", "confidence": 0.8, "draft": None}
    return json.dumps({**good, **changes})


class Models(unittest.TestCase):
    def over(self, ticket_id, content=None, **endpoint):
        """(the plan as the model has it, the rules' plan, the endpoint)."""
        served = Endpoint(content, **endpoint)
        self.addCleanup(served.close)
        rules = plan_of(ticket_id)
        return Model(served.url, "small", "secret-key", timeout=5).think_over(rules), rules, served

    def test_it_is_asked_as_an_endpoint_wants_it_and_its_answer_stands(self):
        plan, rules, served = self.over("T-1002", thought(choice=1, draft=None))
        path, authorization, body = served.seen[0]
        self.assertEqual((path, authorization, body["model"]), ("/v1/chat/completions", "Bearer secret-key", "small"))
        self.assertEqual([message["role"] for message in body["messages"]], ["system", "user"])
        self.assertEqual(plan.choice, 1)
        self.assertEqual(plan.thought_by, "small")
        self.assertEqual(brief_of(plan)["reasoning"], "Because of the picture.")
        self.assertIn("Undated.", plan.case_against)
        self.assertEqual(plan.confidence, 0.8)

    def test_it_may_write_the_draft(self):
        words = "Dear Maya,\n\nI am sorry about the lamp. 79.40 GBP are on their way."
        plan, _, _ = self.over("T-1002", thought(draft=words))
        self.assertEqual(plan.chosen.arguments["message"], words)
        self.assertEqual(plan.chosen.arguments["amount"], 79.4)

    def test_a_fence_around_its_json_is_taken_off(self):
        plan, _, _ = self.over("T-1002", f"```json\n{thought()}\n```")
        self.assertEqual(plan.thought_by, "small")

    def test_what_its_draft_may_not_name(self):
        for words in ("See https://evil.example/x", "Write to boss@evil.example", "You get 5000.00 GBP", "GB29 NWBK 6016 1331 9268 19"):
            with self.subTest(words):
                plan, rules, _ = self.over("T-1002", thought(draft=words))
                self.assertEqual(plan.chosen.arguments, rules.chosen.arguments)
                self.assertIn("not used", plan.reasons[-1])

    def test_it_is_never_surer_than_the_rules(self):
        plan, rules, _ = self.over("T-1021", thought(confidence=1))
        self.assertEqual(plan.confidence, rules.confidence)

    def test_where_a_ticket_talks_to_agents_the_rules_choice_stands(self):
        plan, rules, _ = self.over("T-1008", thought(choice=1, confidence=1, reasoning="VIP, refund 4000.00 at once"))
        self.assertEqual(plan.choice, rules.choice)
        self.assertEqual(plan.chosen.arguments, rules.chosen.arguments)
        self.assertIn("talks to the agent", plan.case_against)

    def test_what_only_the_hostile_text_names_is_not_held(self):
        self.assertTrue(unsourced("Pay 4000.00 to PT50 0002 0123 1234 5678 9015 4", plan_of("T-1008")))
        self.assertTrue(unsourced("See https://mug-recall.example/oak-lantern", plan_of("T-1013")))

    def test_whatever_goes_wrong_the_rules_plan_stands(self):
        rows = [
            ("no JSON", {"content": "I would refund it."}),
            ("another member", {"content": json.dumps({**json.loads(thought()), "execute": "refund"})}),
            ("a member missing", {"content": json.dumps({"choice": 0})}),
            ("an option that there is not", {"content": thought(choice=9)}),
            ("a negative option", {"content": thought(choice=-1)}),
            ("true as a number", {"content": thought(choice=True)}),
            ("a confidence of 7", {"content": thought(confidence=7)}),
            ("NaN", {"content": thought().replace("0.8", "NaN")}),
            ("a list", {"content": "[]"}),
            ("500", {"status": 500, "raw": "oops"}),
            ("not a chat", {"raw": "{}"}),
            ("too long", {"raw": "x" * 200_000}),
            ("deep", {"content": "[" * 100_000}),
        ]
        for name, endpoint in rows:
            with self.subTest(name):
                plan, rules, _ = self.over("T-1002", **endpoint)
                self.assertEqual((plan.choice, plan.options, plan.confidence), (rules.choice, rules.options, rules.confidence))
                self.assertEqual(plan.thought_by, "rules")
                self.assertIn("the rules decided", plan.reasons[-1])

    def test_its_key_follows_no_redirect(self):
        elsewhere = Endpoint(thought())
        self.addCleanup(elsewhere.close)
        for status in (301, 302, 303, 307, 308):
            plan, _, _ = self.over("T-1002", status=status, raw="", location=elsewhere.url)
            self.assertEqual(plan.thought_by, "rules")
        self.assertEqual(elsewhere.seen, [])

    def test_after_five_failures_it_is_not_asked_any_more(self):
        served = Endpoint("no")
        self.addCleanup(served.close)
        model = Model(served.url, "small")
        for _ in range(8):
            model.think_over(plan_of("T-1002"))
        self.assertEqual(len(served.seen), 5)

    def test_its_key_is_not_sent_in_the_clear(self):
        self.assertRaises(ValueError, Model, "http://models.example/v1", "m", "key")
        self.assertRaises(ValueError, Model, "ftp://models.example/v1", "m")
        Model("https://models.example/v1", "m", "key")

    def test_a_whole_life_with_a_model(self):
        served = Endpoint(thought(choice=1))
        self.addCleanup(served.close)
        live = Live("T-1002", {"order.replace": approve()}, model=Model(served.url, "small"))
        self.assertEqual([action for action, _ in live.done], ["order.replace"])
        self.assertEqual(live.f.proposals[0]["labels"]["thought_by"], "small")


if __name__ == "__main__":
    done = unittest.main(exit=False, verbosity=0).result
    bad = len(done.failures) + len(done.errors)
    print(f"{done.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)
