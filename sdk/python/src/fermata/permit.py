# SPDX-License-Identifier: Apache-2.0
"""The last check before a function runs: is this approval for exactly these arguments?

The permit is a signed JWS. Its signature is the server's to verify, which it does when the permit
is redeemed; what is compared here are the claims. So a mix-up of proposals, revisions or arguments,
on either side, stops before the permit is used and before anything is executed.

Everything here fails closed: what is missing, malformed or merely different is a PermitMismatch.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Dict, Mapping

from .errors import PermitMismatch
from .values import canonical_sha256, same


def approved_arguments(proposal: Mapping[str, Any]) -> Dict[str, Any]:
    """The final arguments of an approved proposal: those of its decision, after any edit."""
    decision = proposal.get("decision")
    arguments = decision.get("arguments") if isinstance(decision, dict) else None
    if not isinstance(arguments, dict):
        raise PermitMismatch(f"{proposal.get('id')} is approved, but its decision has no arguments")
    return arguments


def matching_permit(proposal: Mapping[str, Any]) -> str:
    """The permit of an approved proposal, once its claims agree with the proposal's decision."""
    proposal_id, permit = proposal.get("id"), proposal.get("permit")
    if not isinstance(permit, str):
        raise PermitMismatch(f"{proposal_id} is approved, but has no permit (is it redeemed?)")
    expected = {
        "proposal": proposal_id,
        "revision": proposal.get("revision"),
        "action": proposal.get("action"),
        "arguments_sha256": _sha256(proposal),
    }
    claims = _claims(permit)
    for name, value in expected.items():
        if not same(claims.get(name), value):
            raise PermitMismatch(f"the permit of {proposal_id} is for another {name}")
    return permit


def require_redeemed(answer: Any, proposal: Mapping[str, Any]) -> None:
    """PermitMismatch if the answer of a redemption speaks of something else than this proposal.

    The members are compared where the answer has them; a 200 alone already means redeemed."""
    said = answer if isinstance(answer, dict) else {}
    expected = {"proposal": proposal.get("id"), "arguments": approved_arguments(proposal)}
    for name, value in expected.items():
        if name in said and not same(said[name], value):
            raise PermitMismatch(f"{proposal.get('id')} was redeemed with another {name}")


def _sha256(proposal: Mapping[str, Any]) -> str:
    try:
        return canonical_sha256(approved_arguments(proposal))
    except ValueError as error:
        raise PermitMismatch(f"{proposal.get('id')}: the approved arguments: {error}") from error


def _claims(permit: str) -> Dict[str, Any]:
    """The claims of a compact JWS, unverified (RFC 7515 section 3.1); {} if it is not one."""
    parts = permit.split(".")
    if len(parts) != 3:
        return {}
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
