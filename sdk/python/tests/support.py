# SPDX-License-Identifier: Apache-2.0
"""What the tests share: a virtual clock, a base class, and the last line `N passed, N failed`.

It must never make a test pass: it counts what unittest found, and decides nothing.
"""

from __future__ import annotations

import atexit
import logging
import os
import pathlib
import unittest

from fermata import Fermata
from fermata.clock import Clock

from .fake_server import FakeServer

ROOT = pathlib.Path(__file__).resolve().parents[3]
TESTDATA = pathlib.Path(os.environ.get("FERMATA_TESTDATA", ROOT.parent / "shared" / "data"))
KEY = "fka_test-key-that-must-never-be-shown"
ARGUMENTS = {"order_id": "W2378156", "amount": 74.5, "currency": "USD"}

_results = []


class FakeClock(Clock):
    """Time that passes only when somebody sleeps, or the server parks a poll. Keeps the pauses."""

    def __init__(self):
        self.now = 1000.0
        self.pauses = []
        self.on_sleep = lambda: None

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds
        self.on_sleep()

    def advance(self, seconds):
        self.now += seconds


class Case(unittest.TestCase):
    """A test with a fake server and a client of it, on one virtual clock."""

    def setUp(self):
        self.clock = FakeClock()
        self.server = FakeServer(self.clock)
        self.server.start()
        self.addCleanup(self.server.stop)
        self.f = self.client()
        logging.getLogger("fermata").setLevel(logging.CRITICAL)
        self.addCleanup(logging.getLogger("fermata").setLevel, logging.NOTSET)

    def client(self, **options):
        """A further client of the fake server, closed with the test."""
        client = Fermata(self.server.url, KEY, clock=self.clock, **options)
        self.addCleanup(client.close)
        return client

    def run(self, result=None):
        if not _results:
            atexit.register(_print_count)
        if result is not None and result not in _results:
            _results.append(result)
        return super().run(result)


class AsyncCase(Case, unittest.IsolatedAsyncioTestCase):
    """The same for tests that are coroutines."""


def _print_count():
    """The last line of the run. A test with several failed rows counts once."""
    failed, run, skipped = set(), 0, 0
    for result in _results:
        run += result.testsRun
        skipped += len(result.skipped)
        for test, _ in result.failures + result.errors:
            failed.add(getattr(test, "test_case", test).id())
        failed.update(test.id() for test in result.unexpectedSuccesses)
    print(f"{max(0, run - skipped - len(failed))} passed, {len(failed)} failed", flush=True)
