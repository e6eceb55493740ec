# SPDX-License-Identifier: Apache-2.0
"""The Python client of Fermata: an agent proposes a step, waits for the decision, then acts.

    from fermata import Fermata

    f = Fermata("https://fermata.example", key)

    @f.checkpoint("refund.issue")
    def issue_refund(order_id, amount, currency):
        payments.refund(order_id, amount, currency)

Everything that a caller may use is named here; what is not named here may change at any time.
"""

from .client import Fermata
from .errors import (
    Blocked,
    Expired,
    FermataError,
    NotApproved,
    PermitMismatch,
    Rejected,
    Returned,
    Unreachable,
    WaitTimeout,
    Withdrawn,
)
from .version import VERSION as __version__

__all__ = [
    "Blocked",
    "Expired",
    "Fermata",
    "FermataError",
    "NotApproved",
    "PermitMismatch",
    "Rejected",
    "Returned",
    "Unreachable",
    "WaitTimeout",
    "Withdrawn",
    "__version__",
]
