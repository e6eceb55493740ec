# SPDX-License-Identifier: Apache-2.0
"""Receiving callbacks: is this request really from our Fermata, and recent?

    from fermata.webhooks import verify, WebhookError

    event = verify(request.body, request.headers, os.environ["FERMATA_WEBHOOK_SECRET"])
    # {"id", "type", "at", "proposal", "data": {"status", ...}}

Callbacks are signed as Standard Webhooks (https://www.standardwebhooks.com), so any library of that
name verifies them too. What is checked is the raw body: pass the bytes as they came, not a parsed
and rewritten form.

Everything here fails closed: what is missing, malformed, unsigned, signed with another secret, too
old, or about another proposal than the one that is waited for is a WebhookError. A callback may
come more than once: keep the ids that were handled. It holds nothing to execute: read the proposal
with the agent's key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

__all__ = ["TOLERANCE", "WebhookError", "verify"]

TOLERANCE = 300
"""Seconds by which the sender's clock and ours may differ."""

_BODY_BYTES_MAX = 1 << 20
_SIGNATURES_MAX = 16
_SECRET_BYTES = range(16, 65)

Headers = Union[Mapping[str, str], Iterable[Tuple[str, str]]]


class WebhookError(ValueError):
    """The request is not a callback of our Fermata; answer 400 and do nothing."""


def verify(
    body: Union[bytes, str],
    headers: Headers,
    secret: Union[str, Sequence[str]],
    *,
    proposal: Optional[str] = None,
    tolerance: float = TOLERANCE,
    now: Optional[float] = None,
) -> Dict[str, Any]:
    """The event in a callback's body, once its signature and its time are right.

    `secret` is the agent's `whsec_...`, or several while one is replaced by another. With `proposal`
    an event about another one is refused. `now` is for tests: seconds since 1970.
    """
    raw = body.encode("utf-8") if isinstance(body, str) else bytes(body)
    if len(raw) > _BODY_BYTES_MAX:
        raise WebhookError("the body is larger than any callback")
    message_id = _verified(raw, headers, secret, tolerance, now)
    event = _parsed(raw)
    if event.get("id") != message_id:
        raise WebhookError("the body is about another event than the header webhook-id")
    if proposal is not None and event.get("proposal") != proposal:
        raise WebhookError("the callback is about another proposal")
    return event


def _verified(
    raw: bytes,
    headers: Headers,
    secret: Union[str, Sequence[str]],
    tolerance: float,
    now: Optional[float],
) -> str:
    """The message's id; raises unless one of the signatures is by one of the secrets."""
    keys = [_key(each) for each in ([secret] if isinstance(secret, str) else secret)]
    if not keys:
        raise WebhookError("no secret to verify with")
    found = _wanted(headers)
    message_id, timestamp = found["webhook-id"], found["webhook-timestamp"]
    _check_time(timestamp, tolerance, time.time() if now is None else now)
    signed = f"{message_id}.{timestamp}.".encode("ascii") + raw
    expected = [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]
    if not _any_equal(_signatures(found["webhook-signature"]), expected):
        raise WebhookError("the signature does not verify")
    return message_id


def _wanted(headers: Headers) -> Dict[str, str]:
    """The three headers, whatever their case; raises where one is missing or comes twice."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    found: Dict[str, str] = {}
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    for name, value in pairs:
        lower = _text(name).lower()
        if lower in names:
            if lower in found:
                raise WebhookError(f"the header {lower} comes twice")
            found[lower] = _text(value)
    for name in names:
        if not found.get(name):
            raise WebhookError(f"the header {name} is missing")
        if not (found[name].isascii() and found[name].isprintable()):
            raise WebhookError(f"the header {name} is malformed")
    return found


def _text(value: Any) -> str:
    """A header as a string: WSGI has strings, ASGI has bytes."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _check_time(timestamp: str, tolerance: float, now: float) -> None:
    if not (timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookError("the header webhook-timestamp is malformed")
    if int(timestamp) < now - tolerance:
        raise WebhookError("the callback is too old")
    if int(timestamp) > now + tolerance:
        raise WebhookError("the callback is from the future; are both clocks right?")


def _key(secret: str) -> bytes:
    text = secret[len("whsec_") :] if secret.startswith("whsec_") else secret
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in _SECRET_BYTES:
        raise WebhookError("the secret is none: whsec_ and base64 of 24 to 64 bytes")
    return key


def _signatures(header: str) -> List[bytes]:
    """The v1 signatures of the header; those of other versions are not for us."""
    found = []
    for part in header.split(" ")[:_SIGNATURES_MAX]:
        version, _, text = part.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(text, validate=True))
            except (binascii.Error, ValueError):
                continue
    return found


def _any_equal(given: List[bytes], expected: List[bytes]) -> bool:
    """Whether one of the given is one of the expected, in the same time wherever they differ."""
    equal = False
    for signature in given:
        for wanted in expected:
            equal = hmac.compare_digest(signature, wanted) or equal
    return equal


def _parsed(raw: bytes) -> Dict[str, Any]:
    try:
        event = json.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise WebhookError("the body is not JSON") from None
    if not isinstance(event, dict):
        raise WebhookError("the body is not an event")
    return event
