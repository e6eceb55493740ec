# SPDX-License-Identifier: Apache-2.0
"""The checkpoint: what `@f.checkpoint(...)` puts around a function.

    bind --> propose --> wait --> check --> redeem --200--> call --> report
                |          |        |          |
             Blocked    Rejected  Permit-   FermataError         (the function is not called)
                        Expired   Mismatch
                        Returned

It waits in `wait`, for as long as the server holds the proposal, and nowhere else.

Invariants:
1. The function is called only after this very call's redemption was answered 200. No exception, no
   time-out and no cancellation leads around it.
2. It is called with the arguments of the decision and with nothing else: a default of the function
   that is not among the approved arguments is not filled in.
3. Once it has run, its result or its exception reaches the caller, whether or not the outcome could
   be reported: a caller who saw an error instead would do it again.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import inspect
import logging
import threading
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple, TypeVar, cast

from .errors import NOT_APPROVED, NotApproved, PermitMismatch
from .permit import approved_arguments, matching_permit, require_redeemed

Function = TypeVar("Function", bound=Callable[..., Any])
Result = TypeVar("Result")
Wait = Callable[[str, Optional[float], threading.Event], Dict[str, Any]]

DETAIL_MAX = 500  # characters of an exception that go into the outcome

log = logging.getLogger("fermata")


class Request(NamedTuple):
    """One call of the function, on its way to being proposed."""

    arguments: Dict[str, Any]
    members: Dict[str, Any]


class Grant(NamedTuple):
    """One redeemed permit: call the function once, with these arguments."""

    proposal_id: str
    arguments: Dict[str, Any]


class Checkpoint:
    """One decorated function with its action. It holds no state between calls; safe for threads.

    client: a Fermata. wait: its wait with an event that ends it early. members: further members of
    each proposal, the brief among them; values or callables of the arguments."""

    def __init__(
        self,
        client: Any,
        wait: Wait,
        function: Callable[..., Any],
        action: str,
        members: Mapping[str, Any],
        wait_timeout: Optional[float],
    ) -> None:
        self._client = client
        self._wait = wait
        self._signature = _signature(function)
        self._action = action
        self._members = dict(members)
        self._wait_timeout = wait_timeout

    def request(self, args: Tuple[Any, ...], kwargs: Mapping[str, Any]) -> Request:
        """Binds a call as Python would (TypeError as Python's own) and prepares its members."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments: Dict[str, Any] = {}
        for name, value in bound.arguments.items():
            rest = self._signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD
            arguments.update(value if rest else {name: value})
        members = {
            name: member(**arguments) if callable(member) else member
            for name, member in self._members.items()
        }
        return Request(arguments, members)

    def obtain(self, request: Request, stop: threading.Event) -> Grant:
        """Proposes, waits and redeems: the grant, or an exception. Blocks.

        stop: set by a caller who no longer waits; then nothing is redeemed any more."""
        proposal = self._client.propose(self._action, request.arguments, **request.members)
        if proposal["status"] == "pending":
            proposal = self._wait(proposal["id"], self._wait_timeout, stop)
        if proposal["status"] != "approved":
            raise NOT_APPROVED.get(proposal["status"], NotApproved)(proposal)
        if not proposal.get("permit"):
            proposal = self._client.get(proposal["id"])
        arguments = approved_arguments(proposal)
        self._require_fit(proposal, arguments)
        permit = matching_permit(proposal)
        if stop.is_set():
            raise NotApproved(proposal)
        require_redeemed(self._client.redeem(permit, arguments), proposal)
        return Grant(proposal["id"], arguments)

    def report(self, grant: Grant, error: Optional[Exception] = None) -> None:
        """Reports the outcome; a failure to do so is logged only (invariant 3)."""
        try:
            if error is None:
                self._client.outcome(grant.proposal_id, "succeeded")
            else:
                self._client.outcome(grant.proposal_id, "failed", _detail(error))
        except Exception as failure:
            log.warning("outcome.unreported proposal=%s: %s", grant.proposal_id, failure)

    def _require_fit(self, proposal: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
        """Invariant 2; and what does not fit must be noticed before the permit is used up."""
        if proposal.get("action") != self._action:
            raise PermitMismatch(f"{proposal['id']} is for another action than {self._action}")
        parameters = self._signature.parameters.values()
        open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
        named = {p.name for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD}
        missing = sorted(named - arguments.keys())
        unknown = [] if open_ended else sorted(arguments.keys() - named)
        if missing or unknown:
            raise PermitMismatch(
                f"{proposal['id']}: the approved arguments do not fit the function: "
                f"missing {missing}, unknown {unknown}"
            )


def guarded(gate: Checkpoint, function: Function) -> Function:
    """The function behind its checkpoint; plain functions stay plain, async ones stay async."""
    if inspect.iscoroutinefunction(function):
        return cast(Function, _guarded_async(gate, function))

    @functools.wraps(function)
    def held(*args: Any, **kwargs: Any) -> Any:
        grant = gate.obtain(gate.request(args, kwargs), threading.Event())
        try:
            result = function(**grant.arguments)
        except Exception as error:
            gate.report(grant, error)
            raise
        gate.report(grant)
        return result

    return cast(Function, held)


def _guarded_async(gate: Checkpoint, function: Callable[..., Any]) -> Callable[..., Any]:
    """As guarded(). A cancellation is no Exception: how far the function came is not known then,
    nothing is reported, and the server lists the outcome as unknown."""

    @functools.wraps(function)
    async def held(*args: Any, **kwargs: Any) -> Any:
        request = gate.request(args, kwargs)
        grant = await _in_thread(lambda stop: gate.obtain(request, stop))
        try:
            result = await function(**grant.arguments)
        except Exception as error:
            failure = error
            await _in_thread(lambda _: gate.report(grant, failure))
            raise
        await _in_thread(lambda _: gate.report(grant))
        return result

    return held


async def _in_thread(work: Callable[[threading.Event], Result]) -> Result:
    """Runs blocking work in a thread of its own; the event is set when nobody waits for it.

    Not in the loop's executor: holds last for days, and a handful of them would fill its few
    threads. A daemon, so that a waiting agent can end."""
    done: concurrent.futures.Future[Result] = concurrent.futures.Future()
    stop = threading.Event()

    def run() -> None:
        try:
            done.set_result(work(stop))
        except BaseException as error:
            done.set_exception(error)

    done.set_running_or_notify_cancel()
    threading.Thread(target=run, name="fermata", daemon=True).start()
    try:
        return await asyncio.wrap_future(done)
    finally:
        stop.set()


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """The function's signature, if every argument in it has a name that can be proposed."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError("a checkpoint cannot guard a generator: it would run after the outcome")
    signature = inspect.signature(function)
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            raise TypeError(
                f"a checkpoint calls by keyword: parameter {parameter.name!r} cannot be one"
            )
    return signature


def _detail(error: Exception) -> str:
    """`ValueError: the text`, cut to DETAIL_MAX and made sendable."""
    text = f"{type(error).__name__}: {error}"[:DETAIL_MAX]
    return text.encode("utf-8", "replace").decode("utf-8")
