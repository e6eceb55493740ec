# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, as exceptions in three families.

- FermataError: the server refused a call (RFC 9457 problem), could not be reached, or answered
  something that must not be acted upon.
- NotApproved: the call worked, and the answer is no (or not yet: Returned asks a question).
- WaitTimeout: nobody has decided in the time that the caller was ready to wait.

The families are apart on purpose: a program that retries on FermataError must never retry a
rejection. No message here ever holds the agent's key: messages are made from the server's answer
and from the proposal alone.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Type

TRANSIENT_STATUS = frozenset({429, 502, 503, 504})
"""Statuses after which the same call, with the same Idempotency-Key, is worth repeating."""

ERRORS_SHOWN_MAX = 5


class FermataError(Exception):
    """A call that failed.

    status: the HTTP status, or None where there was no usable answer.
    problem: the RFC 9457 document as sent ({} if there was none); type, title, detail and errors
    are its members; name is the last part of type, `permit-used`.
    retry_after: seconds that the server asked to wait, or None.
    transient: whether repeating the same call may help.
    """

    def __init__(
        self,
        message: str,
        status: Optional[int] = None,
        problem: Optional[Mapping[str, Any]] = None,
        retry_after: Optional[float] = None,
        transient: Optional[bool] = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem: Dict[str, Any] = dict(problem or {})
        self.retry_after = retry_after
        self.transient = status in TRANSIENT_STATUS if transient is None else transient

    @property
    def type(self) -> str:
        """The problem's type, such as `/problems/permit-used`; `about:blank` if it names none."""
        return _text(self.problem.get("type")) or "about:blank"

    @property
    def name(self) -> str:
        """The short name of the problem, such as `permit-used`; empty if it has none."""
        return self.type.rpartition("/problems/")[2] if "/problems/" in self.type else ""

    @property
    def title(self) -> str:
        """The problem's title, or an empty text."""
        return _text(self.problem.get("title"))

    @property
    def detail(self) -> str:
        """What the server says about this very case, or an empty text."""
        return _text(self.problem.get("detail"))

    @property
    def errors(self) -> List[Dict[str, Any]]:
        """The refused members: a list of {pointer, message}; empty if the server named none."""
        listed = self.problem.get("errors")
        if not isinstance(listed, list):
            return []
        return [entry for entry in listed if isinstance(entry, dict)]

    @classmethod
    def from_problem(
        cls, status: int, problem: Mapping[str, Any], retry_after: Optional[float] = None
    ) -> FermataError:
        """The error for an answer of that status; problem may be {} (a proxy answered)."""
        error = cls("", status=status, problem=problem, retry_after=retry_after)
        error.args = (_problem_message(error),)
        return error


class Unreachable(FermataError):
    """The server could not be reached, or the connection broke before its whole answer was read.

    Whether the call took effect is unknown. __cause__ is the failure underneath."""


class PermitMismatch(FermataError):
    """What was approved, what the permit says and what the function takes do not fit together.

    The function was not called."""


class WaitTimeout(TimeoutError):
    """The proposal is still pending after the time that the caller gave.

    It stays pending at the server: wait again, or withdraw it. proposal: as last read, or None if
    the server could not be read even once."""

    def __init__(
        self, proposal_id: str, timeout: float, proposal: Optional[Dict[str, Any]] = None
    ) -> None:
        super().__init__(proposal_id, timeout, proposal)
        self.proposal_id = proposal_id
        self.timeout = timeout
        self.proposal = proposal

    def __str__(self) -> str:
        return f"{self.proposal_id} is still pending after {self.timeout:g} s"


class NotApproved(Exception):
    """The proposal left `pending` without an approval. proposal: as read from the server."""

    said = "was not approved"

    def __init__(self, proposal: Dict[str, Any]) -> None:
        super().__init__(proposal)
        self.proposal = proposal

    @property
    def reason(self) -> str:
        """Why, in the words of the reviewer or of the policy; empty if nobody gave a reason."""
        return _text(_member(self.proposal, "decision").get("reason"))

    def __str__(self) -> str:
        action, proposal_id = self.proposal.get("action"), self.proposal.get("id")
        who = _text(_member(_member(self.proposal, "decision"), "by").get("name"))
        code = _text(_member(self.proposal, "decision").get("reason_code"))
        message = f"{action} ({proposal_id}) {self.said}"
        message += f" by {who}" if who else ""
        message += f" [{code}]" if code else ""
        return message + (f": {self.reason}" if self.reason else "")


class Rejected(NotApproved):
    """A reviewer said no; reason says why."""

    said = "was rejected"


class Blocked(NotApproved):
    """The policy forbids it; nobody was asked. reason holds the texts of the blocking rules."""

    said = "was blocked"

    @property
    def reason(self) -> str:
        reasons = _member(self.proposal, "assessment").get("reasons")
        listed = [r for r in reasons if isinstance(r, dict)] if isinstance(reasons, list) else []
        blocking = [r for r in listed if r.get("verdict") == "block"]
        texts = [_text(r.get("text")) or _text(r.get("rule")) for r in blocking]
        return "; ".join(text for text in texts if text) or super().reason


class Expired(NotApproved):
    """Nobody decided in time, or the approval was not used in time. Treat it as a rejection."""

    said = "expired"


class Returned(NotApproved):
    """A reviewer asks something first; answer with Fermata.revise() and wait again."""

    said = "was returned with a question"

    @property
    def question(self) -> str:
        """What the reviewer wants to know."""
        return self.reason


class Withdrawn(NotApproved):
    """The agent itself took it back, or another proposal superseded it."""

    said = "was withdrawn"


NOT_APPROVED: Dict[str, Type[NotApproved]] = {
    "rejected": Rejected,
    "blocked": Blocked,
    "expired": Expired,
    "returned": Returned,
    "withdrawn": Withdrawn,
}
"""Status to exception. Any status that is neither here nor `approved` raises NotApproved itself."""


def _problem_message(error: FermataError) -> str:
    """`422 brief-incomplete: the brief lacks reasoning (/brief/reasoning: required)`."""
    message = f"{error.status} {error.name or error.title or 'error'}"
    text = error.detail or (error.title if error.name else "")
    message += f": {text}" if text else ""
    named = [f"{e.get('pointer', '')}: {e.get('message', '')}" for e in error.errors]
    if len(named) > ERRORS_SHOWN_MAX:
        named[ERRORS_SHOWN_MAX:] = [f"and {len(named) - ERRORS_SHOWN_MAX} more"]
    return message + (f" ({'; '.join(named)})" if named else "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _member(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object under that name; an empty one where it is absent, null or something else."""
    value = holder.get(name)
    return value if isinstance(value, dict) else {}
