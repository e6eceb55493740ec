#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sample support agent: works through a mailbox, prepares each decision, and goes on as decided.

    FERMATA_URL=http://127.0.0.1:8600 FERMATA_KEY=fka_... python3 examples/support-agent/agent.py

It reads a ticket, looks into the records, weighs options, drafts, and proposes one. What Fermata lets
pass it carries out at once; what is held, it waits for, with a dozen others; what is returned, it
answers; what is rejected or blocked, it does another way, or hands to a person. Stopped and started
again it goes on where it was: the server knows what was proposed, the records know what was done.

With --model-url a language model thinks the plans over (model.py), without, the rules do.
"""

import argparse
import datetime
import os
import pathlib
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
for place in (HERE.parents[1] / "sdk" / "python" / "src", HERE.parent / "python"):  # a checkout; an installation
    sys.path.insert(0, str(place))
sys.path.insert(0, str(HERE))

from fermata import Fermata, FermataError  # noqa: E402

import desk  # noqa: E402
from crm import Crm, CrmError  # noqa: E402
from model import Model  # noqa: E402
from reading import all_cases, read_ticket  # noqa: E402
from thinking import brief_of  # noqa: E402

VERSION = "support-agent-1"
QUESTIONS_MAX = 3  # of one proposal; then a person takes over
REJECTIONS_MAX = 2  # of one ticket
PAUSE_S = 2.0  # while the server cannot be reached
HOPELESS = ("wrong_person", "duplicate")  # reasons after which no other option is tried


def printable(text):
    """One line without anything that a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in str(text).replace("\n", " "))


class Case:
    """The life of one ticket, in a thread of its own."""

    def __init__(self, agent, ticket):
        self.agent, self.f, self.crm, self.ticket = agent, agent.f, agent.crm, ticket
        self.tried, self.rejections, self.step = set(), 0, 1

    def say(self, text, opening=False):
        self.agent.say(f"{self.ticket.id}  {printable(text)}", opening)

    def live(self, before):
        """From the first thought to the ending. before: what was proposed for it earlier, in order."""
        plan = desk.think(self.crm, self.ticket)
        if self.agent.model and not before:
            plan = self.agent.model.think_over(plan)
        plans = [plan, *plan.then]
        for self.step, plan in enumerate(plans, 1):
            mine = [p for p in before if (p.get("labels") or {}).get("step", "1") == str(self.step)]
            self.tried = set()
            if not self.carry(plan, mine):
                return
        self.crm.end(self.ticket.id, "done")

    def carry(self, plan, before):
        """One plan through to its end: True once an option of it was carried out."""
        proposal, plan = self.resume(plan, before)
        while True:
            try:
                proposal = proposal or self.propose(plan)
            except FermataError as error:
                if error.status != 422:
                    raise
                return self.hand_over(f"not taken: {error}")
            done, plan = self.follow(proposal, plan)
            if done is not None:
                return done
            proposal = None

    def resume(self, plan, before):
        """The last proposal of an earlier run, with the plan as it was then: what was tried is marked."""
        for earlier in before:
            if earlier is not before[0]:
                self.tried.add(plan.choice)
                self.rejections += 1
            fitting = [i for i, option in enumerate(plan.options) if option.action == earlier["action"]]
            plan = plan._replace(choice=next((i for i in fitting if i not in self.tried), plan.choice))
        if before:
            self.say(f"goes on with {before[-1]['action']}, {before[-1]['status']}", opening=True)
        return (before[-1] if before else None), plan

    def propose(self, plan):
        chosen = plan.chosen
        members = {
            "agent_version": VERSION,
            "subject": f"customer:{self.ticket.customer['id']}" if self.ticket.customer else None,
            "domains": [desk.domain_of(chosen.action)],
            "session": self.ticket.id,
            "labels": {"topic": self.ticket.topic, "step": str(self.step), "thought_by": plan.thought_by},
        }
        proposal = self.agent.patiently(
            lambda: self.f.propose(chosen.action, chosen.arguments, brief_of(plan), **members))
        if proposal["status"] == "pending":
            self.say(f"{plan.summary}: waits for a person ({chosen.action}, {plan.confidence:.2f})", opening=True)
        return proposal

    def follow(self, proposal, plan):
        """(True or False when the ticket's step has ended, None to propose `plan` next; the plan)."""
        questions = 0
        while True:
            if proposal["status"] == "pending":
                proposal = self.agent.patiently(lambda: self.f.wait(proposal["id"]))
            status = proposal["status"]
            if status == "returned" and questions < QUESTIONS_MAX:
                questions += 1
                proposal, plan = self.revise(proposal, plan)
                continue
            if status == "approved":
                return self.execute(proposal), plan
            if status in ("rejected", "blocked"):
                return self.refused(proposal, plan)
            if status == "returned":
                self.agent.patiently(lambda: self.f.withdraw(proposal["id"]))
            return self.hand_over(f"{status}: no decision to act upon"), plan

    def revise(self, proposal, plan):
        decision = proposal["decision"]
        question = decision.get("reason") or ""
        plan, said = desk.answer(self.crm, plan, question)
        self.say(f"{decision['by'].get('name')} asks: {question}  ->  {said}")
        chosen = plan.chosen
        return self.agent.patiently(
            lambda: self.f.revise(proposal["id"], chosen.arguments, brief_of(plan))), plan

    def refused(self, proposal, plan):
        """Another option, if one is left and trying it makes sense; otherwise a person."""
        decision, status = proposal["decision"] or {}, proposal["status"]
        self.tried.add(plan.choice)
        self.rejections += status == "rejected"
        why = decision.get("reason") or "the policy does not let an agent do it"
        index = desk.next_option(plan, self.tried)
        if index is None or self.rejections >= REJECTIONS_MAX or decision.get("reason_code") in HOPELESS:
            return self.hand_over(f"{status}: {why}"), plan
        words = f"'{plan.chosen.title}' was {status}: {why}"
        self.say(f"{words}  ->  now: {plan.options[index].title}")
        return None, plan._replace(choice=index, reasons=[*plan.reasons, words + "."])

    def execute(self, proposal):
        """Redeems, carries out, reports. True when it took effect."""
        action, proposal_id = proposal["action"], proposal["id"]
        arguments = (proposal.get("decision") or {}).get("arguments") or proposal["arguments"]
        if proposal.get("redeemed_at"):
            return self.after_redemption(proposal)
        try:
            self.agent.patiently(lambda: self.f.redeem(self.permit_of(proposal), arguments))
        except FermataError as error:
            return self.hand_over(f"the permit was not accepted: {error.name}")
        try:
            done = self.crm.execute(self.ticket.id, action, arguments)
        except CrmError as error:
            self.report(proposal_id, "failed", str(error))
            return self.hand_over(f"approved, but the records refuse it: {error}")
        self.report(proposal_id, "succeeded", done)
        by = ((proposal.get("decision") or {}).get("by") or {})
        who = f"{by.get('name')} approved" if by.get("kind") == "reviewer" else "went on by itself"
        edited = " as edited" if arguments != proposal["arguments"] else ""
        self.say(f"{who}{edited}: {done}")
        return True

    def permit_of(self, proposal):
        return proposal.get("permit") or self.f.get(proposal["id"])["permit"]

    def after_redemption(self, proposal):
        """Stopped between redeeming and reporting: the records say whether it took effect."""
        if any((t, a) == (self.ticket.id, proposal["action"]) for t, a, _ in self.crm.effects()):
            if not proposal.get("outcome"):
                self.report(proposal["id"], "succeeded", "found in the records after a restart")
            return True
        self.report(proposal["id"], "failed", "stopped before it was carried out")
        return self.hand_over("stopped between permit and deed: a person should look")

    def report(self, proposal_id, status, detail):
        self.agent.patiently(lambda: self.f.outcome(proposal_id, status, detail[:500]))

    def hand_over(self, why):
        """A person takes the ticket; False, since nothing more is done about it here."""
        known = any((t, a) == (self.ticket.id, "ticket.handover") for t, a, _ in self.crm.effects())
        if not known:
            arguments = {"ticket": self.ticket.id, "team": "desk", "note": why[:300]}
            brief = {"summary": f"Hand {self.ticket.id} to a person", "reasoning": why[:300]}
            proposal = self.agent.patiently(
                lambda: self.f.propose("ticket.handover", arguments, brief, session=self.ticket.id,
                                       labels={"topic": self.ticket.topic, "step": "handover"}))
            if proposal["status"] == "pending":
                proposal = self.agent.patiently(lambda: self.f.wait(proposal["id"]))
            if proposal["status"] == "approved":
                arguments = (proposal.get("decision") or {}).get("arguments") or arguments
                self.agent.patiently(lambda: self.f.redeem(self.permit_of(proposal), arguments))
                self.report(proposal["id"], "succeeded", self.crm.execute(self.ticket.id, "ticket.handover", arguments))
        self.crm.end(self.ticket.id, f"handed over: {why}")
        self.say(f"handed to a person ({why})")
        return False


class Agent:
    """The mailbox, and how many cases are open at a time."""

    def __init__(self, f, crm, model=None, parallel=12, pace=0.6, out=print, quiet_opening=False):
        self.f, self.crm, self.model = f, crm, model
        self.parallel, self.pace, self._out, self._quiet = parallel, pace, out, quiet_opening
        self._slots = threading.Semaphore(parallel)
        self._lock = threading.Lock()
        self.stopped = threading.Event()
        self.failed = None

    def say(self, text, opening=False):
        if not (opening and self._quiet):
            with self._lock:
                self._out(f"{datetime.datetime.now():%H:%M:%S}  {text}")

    def patiently(self, call):
        """The call's answer, however long the server is away; what is refused is raised."""
        while True:
            try:
                return call()
            except FermataError as error:
                if not error.transient or self.stopped.is_set():
                    raise
            self.stopped.wait(PAUSE_S)

    def run(self, limit=None):
        """Works through what is not closed yet, in order; returns when all of it is."""
        ended = self.crm.endings()
        earlier = self._earlier()
        cases = [case for case in all_cases() if case["id"] not in ended][:limit]
        # those with a proposal first: after a restart they wait already
        cases.sort(key=lambda case: (case["id"] not in earlier, case["id"]))
        threads = []
        for number, case in enumerate(cases):
            self._slots.acquire()
            if self.failed:
                break
            threads.append(self._start(case, earlier.get(case["id"], [])))
            self.stopped.wait(self.pace if number < self.parallel else 2 * self.pace)
        for thread in threads:
            thread.join()
        if self.failed:
            raise self.failed
        return len(cases)

    def _earlier(self):
        """The agent's own proposals by ticket, the oldest first."""
        mine = sorted(self.patiently(lambda: list(self.f.list(limit=200))), key=lambda p: (p["created_at"], p["id"]))
        by_ticket = {}
        for proposal in mine:
            if proposal["action"] != "ticket.handover" or (proposal.get("labels") or {}).get("step") != "handover":
                by_ticket.setdefault(proposal.get("session"), []).append(proposal)
        return by_ticket

    def _start(self, case, before):
        def work():
            try:
                Case(self, read_ticket(self.crm, case)).live(before)
            except Exception as error:  # one broken case must not be mistaken for a finished one
                self.failed = error
                self.say(f"{case['id']}  failed: {printable(error)}")
            finally:
                self._slots.release()

        thread = threading.Thread(target=work, name=case["id"], daemon=True)
        thread.start()
        return thread


def options():
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--url", default=os.environ.get("FERMATA_URL", "http://127.0.0.1:8600"))
    parser.add_argument("--data", default=":memory:", metavar="FILE", help="what was done, kept over restarts")
    parser.add_argument("--parallel", type=int, default=12, metavar="N", help="cases open at a time (12)")
    parser.add_argument("--pace", type=float, default=0.6, metavar="SECONDS", help="between two new cases (0.6)")
    parser.add_argument("--cases", type=int, metavar="N", help="only the first N")
    parser.add_argument("--quiet-opening", action="store_true", help="say only what comes of decisions")
    parser.add_argument("--model-url", default=os.environ.get("MODEL_URL"), metavar="URL", help="of a chat completions endpoint; key in MODEL_KEY")
    parser.add_argument("--model", default=os.environ.get("MODEL_NAME", "default"), metavar="NAME")
    parser.add_argument("--model-timeout", type=float, default=30.0, metavar="SECONDS")
    return parser.parse_args()


def main():
    chosen = options()
    key = os.environ.get("FERMATA_KEY")
    if not key:
        sys.exit("agent.py: FERMATA_KEY is not set; `fermata agent add support-agent --owner USER` makes a key")
    if not 1 <= chosen.parallel <= 64:
        sys.exit("agent.py: --parallel is 1 to 64")
    model = None
    if chosen.model_url:
        try:
            model = Model(chosen.model_url, chosen.model, os.environ.get("MODEL_KEY"), chosen.model_timeout)
        except ValueError as error:
            sys.exit(f"agent.py: {error}")
    agent = Agent(Fermata(chosen.url, key), Crm(chosen.data), model, chosen.parallel, chosen.pace,
                  out=lambda text: print(text, flush=True), quiet_opening=chosen.quiet_opening)
    started = time.monotonic()
    try:
        count = agent.run(chosen.cases)
    except KeyboardInterrupt:
        sys.exit(130)
    except FermataError as error:
        sys.exit(f"agent.py: {printable(error)}")
    agent.say(f"the mailbox is empty: {count} cases in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
