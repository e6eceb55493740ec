# SPDX-License-Identifier: Apache-2.0
"""For unit tests of agents: a Fermata that decides by script, in this process, without a server.

    from fermata.testing import FakeFermata, allow, approve, ask, modify, reject

    f = FakeFermata({
        "ticket.tag": allow(),                          # every use
        "refund.issue": [ask("Which photo?"), modify(amount=50)],   # one after the other
        "message.send": lambda proposal: reject("Tone") if "!" in proposal["arguments"]["body"]
                        else approve(),
    })

It is the real client on a scripted server: arguments are checked, checkpoints propose, wait, redeem
and report, permits are used once, as against a real one. What it does not know is the policy: no
brief is incomplete here, and no schema is broken. An action that the script does not name, and a
list that is used up, raise Unscripted, an AssertionError: no agent catches it by accident.

Time is virtual: nothing in here sleeps.
"""

from __future__ import annotations

import base64
import copy
import json
import threading
import urllib.parse
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Union

from .client import Fermata, Proposal
from .clock import Clock
from .errors import FermataError
from .values import canonical_sha256

__all__ = [
    "Answer",
    "FakeFermata",
    "Unscripted",
    "allow",
    "approve",
    "ask",
    "block",
    "expire",
    "modify",
    "pending",
    "reject",
]


class Unscripted(AssertionError):
    """The agent proposed what the test's script has no answer for."""


class Answer(NamedTuple):
    """What becomes of one proposal. arguments: the final ones, of the proposal's; None: as proposed."""

    status: str
    verdict: str
    reason: str = ""
    reason_code: Optional[str] = None
    arguments: Optional[Callable[[Dict[str, Any]], Dict[str, Any]]] = None
    by: str = "reviewer"


def allow() -> Answer:
    """The policy lets it pass at once: it is approved as soon as it is proposed."""
    return Answer("approved", "approve", by="policy")


def approve() -> Answer:
    """A person approves it as it is."""
    return Answer("approved", "approve")


def modify(_arguments: Optional[Mapping[str, Any]] = None, **changes: Any) -> Answer:
    """A person edits members of the arguments and approves; or all of them, given as a dict."""

    def edited(proposed: Dict[str, Any]) -> Dict[str, Any]:
        return {**(proposed if _arguments is None else _arguments), **changes}

    return Answer("approved", "modify", arguments=edited)


def reject(reason: str, reason_code: Optional[str] = None) -> Answer:
    """A person says no, and why."""
    return Answer("rejected", "reject", reason, reason_code)


def ask(question: str) -> Answer:
    """A person returns it with a question; the revision takes the script's next answer."""
    return Answer("returned", "return", question)


def block(reason: str = "The policy forbids it") -> Answer:
    """The policy says no at once; nobody was asked."""
    return Answer("blocked", "", reason)


def expire() -> Answer:
    """Nobody decides in time."""
    return Answer("expired", "")


def pending() -> Answer:
    """Nobody has decided yet: wait() runs into its timeout, and without one it raises Unscripted."""
    return Answer("pending", "")


Rule = Union[Answer, List[Answer], Callable[[Proposal], Answer]]


class FakeFermata(Fermata):
    """A Fermata whose answers come from `script`: by action, an answer for every use, a list of them
    for one after the other, or a function of the proposal. `*` stands for actions not named.

    proposals: every proposal in order, as it stands, with `decision` and `outcome`."""

    def __init__(self, script: Optional[Mapping[str, Rule]] = None) -> None:
        super().__init__("http://127.0.0.1:1", "fka_fake", clock=_VirtualClock())
        self._server = _Scripted(dict(script or {}), self._clock)
        self._transport = self._server  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<FakeFermata {len(self.proposals)} proposals>"

    @property
    def proposals(self) -> List[Proposal]:
        """Every proposal so far, the oldest first."""
        return list(self._server.proposals.values())

    def of(self, action: str) -> List[Proposal]:
        """The proposals of one action."""
        return [proposal for proposal in self.proposals if proposal["action"] == action]

    def on(self, action: str, rule: Rule) -> None:
        """Sets or replaces what becomes of an action, in the midst of a test."""
        self._server.script[action] = rule

    # Assertions.

    def assert_proposed(self, action: str, **arguments: Any) -> Proposal:
        """The one proposal of the action that has these arguments, among others; else it fails."""
        fitting = [p for p in self.of(action) if _holds(p["arguments"], arguments)]
        if len(fitting) != 1:
            seen = [(p["action"], p["arguments"]) for p in self.proposals]
            raise AssertionError(f"{len(fitting)} proposals of {action} with {arguments} in {seen}")
        return fitting[0]

    def assert_not_proposed(self, action: str) -> None:
        """Fails if the action was proposed at all."""
        if self.of(action):
            raise AssertionError(f"{action} was proposed: {self.of(action)[0]['arguments']}")

    def assert_used_up(self) -> None:
        """Fails if a list of the script still has answers."""
        left = {name: rule for name, rule in self._server.script.items() if isinstance(rule, list)}
        if any(left.values()):
            raise AssertionError(f"never asked for: {left}")


def _holds(whole: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    return all(name in whole and whole[name] == value for name, value in part.items())


class _VirtualClock(Clock):
    """Time that passes when somebody sleeps, or a poll finds nothing."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def _refuse(status: int, name: str, detail: str) -> FermataError:
    problem = {"type": f"/problems/{name}", "title": name, "status": status, "detail": detail}
    return FermataError.from_problem(status, problem)


class _Scripted:
    """The server behind FakeFermata, in place of a transport: takes the client's calls, keeps the
    proposals and answers by the script. Safe for threads."""

    timeout = 30.0

    def __init__(self, script: Dict[str, Rule], clock: Any) -> None:
        self.script = script
        self.clock = clock
        self.proposals: Dict[str, Proposal] = {}
        self._answers: Dict[str, Answer] = {}
        self._redeemed: Dict[str, str] = {}
        self._lock = threading.RLock()

    def close(self) -> None:
        """Nothing is open."""

    def pause(self, failures: int, error: FermataError, at_most: float = 0.0) -> None:
        """The client's pause between two polls."""
        self.clock.sleep(max(0.0, min(1.0, at_most)))

    def call(self, method: str, path: str, body: Any = None, key: Optional[str] = None) -> Any:
        """One call of the wire; a copy of the answer, which the caller may do with as it likes."""
        with self._lock:
            url = urllib.parse.urlsplit(path)
            query = dict(urllib.parse.parse_qsl(url.query))
            words = url.path.strip("/").split("/")
            answer = self._read(words, query) if method == "GET" else self._write(words, body, key)
            return copy.deepcopy(answer)

    def once(
        self,
        method: str,
        path: str,
        body: Any = None,
        key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """The same: nothing here fails in passing."""
        return self.call(method, path, body, key)

    def _read(self, words: List[str], query: Mapping[str, str]) -> Any:
        if len(words) == 2:
            wanted = query.get("status")
            items = [p for p in self.proposals.values() if wanted in (None, p["status"])]
            return {"items": items, "next_cursor": None}
        proposal = self._find(words[2])
        if "wait" in query and proposal["status"] == "pending":
            self._release(proposal, float(query["wait"].rstrip("s")))
        return proposal

    def _write(self, words: List[str], body: Any, key: Optional[str]) -> Any:
        if words[1] == "permits":
            return self._redeem(body, key or "")
        if len(words) == 2:
            return self._propose(body)
        proposal, verb = self._find(words[2]), words[3]
        if verb == "outcome":
            if proposal["redeemed_at"] is None:
                raise _refuse(409, "already-decided", "it was not redeemed")
            proposal["outcome"] = body
        elif verb == "withdraw":
            self._expect(proposal, "pending", "returned")
            proposal["status"] = "withdrawn"
        else:
            self._expect(proposal, "returned")
            proposal.update(body, revision=proposal["revision"] + 1)
            self._take(proposal)
        return proposal

    def _find(self, proposal_id: str) -> Proposal:
        if proposal_id not in self.proposals:
            raise _refuse(404, "not-found", f"there is no proposal {proposal_id}")
        return self.proposals[proposal_id]

    def _expect(self, proposal: Proposal, *statuses: str) -> None:
        if proposal["status"] not in statuses:
            raise _refuse(409, "already-decided", f"it is {proposal['status']}")

    def _propose(self, body: Mapping[str, Any]) -> Proposal:
        proposal: Proposal = {
            "brief": None,
            **body,
            "id": f"prp_fake{len(self.proposals) + 1}",
            "revision": 1,
            "permit": None,
            "redeemed_at": None,
            "outcome": None,
        }
        self._take(proposal)
        self.proposals[proposal["id"]] = proposal
        return proposal

    def _take(self, proposal: Proposal) -> None:
        """Takes the script's next answer; what a person says is read only by waiting for it."""
        answer = self._next(proposal)
        proposal.update(status="pending", decision=None)
        proposal["assessment"] = {"verdict": "review", "reasons": []}
        self._answers[proposal["id"]] = answer
        if answer.status == "blocked":
            reason = {"source": "rule", "verdict": "block", "text": answer.reason}
            proposal["assessment"] = {"verdict": "block", "reasons": [reason]}
            proposal["status"] = "blocked"
        elif answer.by == "policy":
            proposal["assessment"]["verdict"] = "allow"
            self._release(proposal, 0.0)

    def _next(self, proposal: Proposal) -> Answer:
        action = proposal["action"]
        rule = self.script.get(action, self.script.get("*"))
        if callable(rule):
            return rule(copy.deepcopy(proposal))
        if isinstance(rule, list) and rule:
            return rule.pop(0)
        if isinstance(rule, Answer):
            return rule
        why = "no more answers" if isinstance(rule, list) else "no answer"
        raise Unscripted(f"the script has {why} for {action} {proposal['arguments']}")

    def _release(self, proposal: Proposal, wait_s: float) -> None:
        answer = self._answers[proposal["id"]]
        if answer.status == "pending":
            self._stay_pending(proposal, wait_s)
            return
        proposal["status"] = answer.status
        if answer.status == "expired":
            return
        edit = answer.arguments
        proposed = copy.deepcopy(proposal["arguments"])
        proposal["decision"] = {
            "id": f"dec_{proposal['id'][4:]}",
            "verdict": answer.verdict,
            "by": {"kind": answer.by, "id": "rev_fake", "name": answer.by},
            "arguments": edit(proposed) if edit else proposed,
            "reason": answer.reason or None,
            "reason_code": answer.reason_code,
        }
        if answer.status == "approved":
            proposal["permit"] = _permit(proposal)

    def _stay_pending(self, proposal: Proposal, wait_s: float) -> None:
        if self.clock.monotonic() > DAY_S:
            raise Unscripted(f"the agent waits for ever for {proposal['action']}, which is pending()")
        self.clock.sleep(wait_s)

    def _redeem(self, body: Mapping[str, Any], key: str) -> Dict[str, Any]:
        """Once for each permit; the same attempt asked again is answered again."""
        permit = body["permit"]
        proposal = next((p for p in self.proposals.values() if p["permit"] == permit), None)
        if proposal is None:
            raise _refuse(422, "invalid-argument", "no permit of this server")
        if self._redeemed.setdefault(permit, key) != key:
            raise _refuse(409, "permit-used", "it has been redeemed")
        if body["arguments"] != proposal["decision"]["arguments"]:
            del self._redeemed[permit]
            raise _refuse(422, "invalid-argument", "not the arguments that were approved")
        proposal["redeemed_at"] = "2026-01-01T00:00:00.000Z"
        return {"proposal": proposal["id"], "arguments": body["arguments"]}


DAY_S = 86400.0


def _permit(proposal: Proposal) -> str:
    claims = {
        "proposal": proposal["id"],
        "revision": proposal["revision"],
        "action": proposal["action"],
        "arguments_sha256": canonical_sha256(proposal["decision"]["arguments"]),
    }
    return ".".join(_encoded(part) for part in ({"alg": "none"}, claims, {}))


def _encoded(part: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
