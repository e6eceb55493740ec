# SPDX-License-Identifier: Apache-2.0
"""The client that an agent holds: one method for each call of the wire API (version 1, agents).

Proposals and answers are plain dicts, as the server sent them: members that a newer server adds are
simply there. It must never execute anything and never turn an error into an approval.

Invariants:
1. Every write carries a random Idempotency-Key, made once for each call of a method and kept over
   its repetitions: a lost answer is asked for again, nothing takes effect twice.
2. Arguments are checked whole before the first byte is sent (values.py).
3. An answer that is not a proposal with an id and a status, or is about another id, is an error.
"""

from __future__ import annotations

import math
import re
import secrets
import threading
import urllib.parse
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Tuple, TypeVar

from .checkpoint import Checkpoint, guarded
from .clock import Clock
from .errors import FermataError, Unreachable, WaitTimeout
from .transport import RETRY_AFTER_MAX_S, Transport
from .values import checked_copy

Proposal = Dict[str, Any]
Function = TypeVar("Function", bound=Callable[..., Any])

POLL_MAX_S = 60  # half of what the server allows: proxies between like to cut after 60 to 120 s
POLL_GRACE_S = 10.0  # for the answer of a poll to arrive after its time is up
POLL_QUICK_S = 1.0  # `pending` sooner than this means that the poll was not parked
NO_STOP = threading.Event()  # never set: for waits that nobody cancels

PROPOSAL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class Fermata:
    """A connection to one server with one agent's key. One object serves all threads.

    url: `https://host[:port][/prefix]`; plain http only to this machine, unless allow_http.
    key: the agent's key, `fka_...`; never shown by repr, errors or logs.
    timeout: seconds for connecting and for each answer (wait() adds its own time).
    ca_file: a PEM file of authorities to trust instead of the system's.
    clock: time and chance; only tests pass one.
    """

    def __init__(
        self,
        url: str,
        key: str,
        timeout: float = 30.0,
        *,
        allow_http: bool = False,
        ca_file: Optional[str] = None,
        clock: Optional[Clock] = None,
    ) -> None:
        self._transport = Transport(url, key, timeout, allow_http, ca_file, clock)
        self._clock = self._transport.clock

    def __repr__(self) -> str:
        return f"<Fermata {self._transport.address}>"

    def __enter__(self) -> Fermata:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Closes idle connections. The object stays usable; a later call opens new ones."""
        self._transport.close()

    # A proposal's life, in order.

    def propose(
        self,
        action: str,
        arguments: Mapping[str, Any],
        brief: Optional[Mapping[str, Any]] = None,
        **members: Any,
    ) -> Proposal:
        """Proposes one use of an action and returns the proposal, held or not: look at `status`.

        members: further members of the request, such as subject="customer:W771" or deadline="30m";
        those that are None are left out. TypeError and ValueError: something in it is not JSON.
        FermataError: refused, among others `brief-incomplete` and `schema`."""
        request = {"action": action, "arguments": _arguments(arguments), "brief": brief, **members}
        return _proposal(self._write("/v1/proposals", request))

    def wait(self, proposal_id: str, timeout: Optional[float] = None) -> Proposal:
        """Waits until the proposal has left `pending`, and returns it, whatever the status is.

        timeout: seconds, to about a second; None waits as long as it takes, which may be weeks:
        restarts of the server and broken connections are ridden out. WaitTimeout: still pending.
        FermataError: the server refuses to say, for instance `not-found`."""
        return self._wait(proposal_id, timeout, NO_STOP)

    def redeem(self, permit: str, arguments: Mapping[str, Any]) -> Dict[str, Any]:
        """Uses the permit, once, for these arguments. Execute only after this has returned.

        Each call is one execution attempt with a key of its own, so a second call for the same
        permit is FermataError `permit-used` and must not execute. FermataError as well where the
        arguments are not those that were approved, or the permit is expired, void or forged."""
        body = {"permit": permit, "arguments": _arguments(arguments)}
        return _object(self._write("/v1/permits/redeem", body))

    def outcome(self, proposal_id: str, status: str, detail: str = "") -> Dict[str, Any]:
        """Reports what came of the execution: `succeeded`, `failed` or `reverted`."""
        body = {"status": status, "detail": detail}
        return _object(self._write(_path(proposal_id, "/outcome"), body))

    def revise(
        self,
        proposal_id: str,
        arguments: Mapping[str, Any],
        brief: Optional[Mapping[str, Any]] = None,
    ) -> Proposal:
        """Answers a `returned` proposal: the next revision, held again for the same reviewer."""
        body = {"arguments": _arguments(arguments), "brief": brief}
        return _proposal(self._write(_path(proposal_id, "/revise"), body), proposal_id)

    def withdraw(self, proposal_id: str) -> Proposal:
        """Takes a pending proposal back: the agent no longer wants it."""
        return _proposal(self._write(_path(proposal_id, "/withdraw"), {}), proposal_id)

    # Reading.

    def get(self, proposal_id: str) -> Proposal:
        """The proposal as it stands; an approved one comes with a fresh permit until redeemed."""
        return _proposal(self._transport.call("GET", _path(proposal_id)), proposal_id)

    def list(
        self,
        status: Optional[str] = None,
        action: Optional[str] = None,
        category: Optional[str] = None,
        q: Optional[str] = None,
        limit: int = 50,
    ) -> Iterator[Proposal]:
        """The agent's own proposals, page after page as the loop goes on.

        q: a text to search for; limit: of one page, 1 to 200, not of the whole."""
        asked = {"status": status, "action": action, "category": category, "q": q, "limit": limit}
        query = {name: value for name, value in asked.items() if value is not None}
        while True:
            url = "/v1/proposals?" + urllib.parse.urlencode(query)
            items, cursor = _page(self._transport.call("GET", url))
            yield from items
            if cursor is None:
                return
            if cursor == query.get("cursor"):
                raise FermataError("the list does not end: the server repeats a cursor")
            query["cursor"] = cursor

    # The checkpoint.

    def checkpoint(
        self,
        action: str,
        brief: Any = None,
        wait_timeout: Optional[float] = None,
        **members: Any,
    ) -> Callable[[Function], Function]:
        """A decorator: the function runs only once this very use of the action is approved.

        The function's arguments, bound by name and with defaults applied, are the action's. A call
        proposes, waits, redeems, runs the function with the approved arguments (a reviewer may have
        edited them) as plain JSON values, and reports the outcome. It raises Rejected, Blocked,
        Expired, Returned, Withdrawn or WaitTimeout; and if the function raised, the same exception,
        with the outcome `failed`. `async def` functions are awaited; the waiting blocks no loop.

        brief and each of members: a value, or a callable that is given the same arguments by
        keyword and returns it. wait_timeout: seconds, as for wait()."""
        if not isinstance(action, str):
            raise TypeError('name the action: @f.checkpoint("refund.issue")')
        prepared = dict(members, brief=brief)

        def decorate(function: Function) -> Function:
            gate = Checkpoint(self, self._wait, function, action, prepared, wait_timeout)
            return guarded(gate, function)

        return decorate

    # Underneath.

    def _write(self, path: str, members: Mapping[str, Any]) -> Any:
        """A POST with its Idempotency-Key (invariant 1); members that are None are left out."""
        body = {
            name: checked_copy(value, (name,))
            for name, value in members.items()
            if value is not None
        }
        return self._transport.call("POST", path, body, secrets.token_hex(16))

    def _wait(self, proposal_id: str, timeout: Optional[float], stop: threading.Event) -> Proposal:
        """wait(), given up between two polls when stop is set (then the proposal is `pending`)."""
        if timeout is not None and math.isnan(timeout):
            raise ValueError("timeout must be a number of seconds, or None")
        end = math.inf if timeout is None else self._clock.monotonic() + timeout
        failures, proposal = 0, None
        while True:
            started = self._clock.monotonic()
            proposal, error = self._poll(proposal_id, end - started, proposal)
            if proposal is not None and (proposal["status"] != "pending" or stop.is_set()):
                return proposal
            now = self._clock.monotonic()
            if now >= end or stop.is_set():
                raise WaitTimeout(proposal_id, timeout or 0.0, proposal) from error
            quick = now - started < POLL_QUICK_S
            failures = failures + 1 if error is not None or quick else 0
            if failures:
                self._rest(failures, error, end - now)

    def _poll(
        self, proposal_id: str, left_s: float, before: Optional[Proposal]
    ) -> Tuple[Optional[Proposal], Optional[FermataError]]:
        """One long poll: what was read, or what was read before and the failure to ride out."""
        park_s = max(0, math.ceil(min(POLL_MAX_S, left_s)))
        path = _path(proposal_id, f"?wait={park_s}s" if park_s else "")
        answer_s = park_s + min(POLL_GRACE_S, self._transport.timeout)
        try:
            read = self._transport.once("GET", path, timeout=answer_s)
            return _proposal(read, proposal_id), None
        except FermataError as error:
            # A read may be repeated for ever, so here an internal error counts as passing too.
            if not error.transient and error.status != 500:
                raise
            return before, error

    def _rest(self, failures: int, error: Optional[FermataError], left_s: float) -> None:
        """Pauses before the next poll, at most until the wait's time is up."""
        reason = error or Unreachable("the server answers long polls at once")
        self._transport.pause(failures, reason, min(left_s, RETRY_AFTER_MAX_S))


def _arguments(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(arguments, Mapping):
        raise TypeError(f"arguments must be a dict, not a {type(arguments).__name__}")
    return arguments


def _path(proposal_id: str, rest: str = "") -> str:
    """The path of a proposal; an id from elsewhere must not lead to another route."""
    if not isinstance(proposal_id, str) or not PROPOSAL_ID.fullmatch(proposal_id):
        raise ValueError("that is not a proposal's id (prp_...)")
    return f"/v1/proposals/{proposal_id}{rest}"


def _object(answer: Any) -> Dict[str, Any]:
    if not isinstance(answer, dict):
        raise FermataError("the server's answer is not an object")
    return answer


def _proposal(answer: Any, proposal_id: Optional[str] = None) -> Proposal:
    """Invariant 3."""
    proposal = _object(answer)
    said_id, status = proposal.get("id"), proposal.get("status")
    if not isinstance(said_id, str) or not isinstance(status, str):
        raise FermataError("the server's answer is not a proposal")
    if proposal_id is not None and said_id != proposal_id:
        raise FermataError(f"asked for {proposal_id}, the server answered about another proposal")
    return proposal


def _page(answer: Any) -> Tuple[Any, Optional[str]]:
    """(items, next cursor or None) of one page of a list."""
    page = _object(answer)
    items, cursor = page.get("items"), page.get("next_cursor")
    if not isinstance(items, list) or not (cursor is None or isinstance(cursor, str)):
        raise FermataError("the server's answer is not a list of items")
    return [_proposal(item) for item in items], cursor
