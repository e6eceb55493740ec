# SPDX-License-Identifier: Apache-2.0
"""Time and chance, in one object, so that tests can put a virtual clock in its place.

Nothing else in the client may sleep, read a clock or draw a random back-off. Only the monotonic
clock is used: a jump of the wall clock must neither end a wait nor stretch it.
"""

from __future__ import annotations

import random
import time

PAUSE_FIRST_S = 0.25
PAUSE_MAX_S = 8.0


class Clock:
    """The real clock. Safe for threads; it has no state."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits that long."""
        time.sleep(seconds)

    def back_off_s(self, failures: int) -> float:
        """How long to pause after that many failures in a row (1 or more).

        0.25 s, doubled each time up to 8 s, and of that a random part of at least half: agents
        that lost the same server must not all come back in the same instant."""
        longest = min(PAUSE_MAX_S, PAUSE_FIRST_S * 2.0 ** min(failures - 1, 10))
        return random.uniform(longest / 2, longest)
