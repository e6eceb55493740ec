# SPDX-License-Identifier: Apache-2.0
"""transport.py: addresses, keys and TLS; connections; what is repeated, how often, and how it is
refused. Above all: the key is shown to nobody."""

import contextlib
import http.client
import io
import logging
import os
import pickle
import shutil
import ssl
import subprocess
import tempfile
import threading
import unittest
from typing import NamedTuple

from fermata import Fermata, FermataError, Unreachable
from fermata.transport import ATTEMPTS_MAX, Answer, _json_of, _retry_after_s, address_of

from .fake_server import CUT, DROP, LOSE, NOT_JSON
from .support import ARGUMENTS, KEY, Case


class Row(NamedTuple):
    name: str
    given: object
    want: object


ADDRESSES = [
    Row("https", "https://fermata.example", "https://fermata.example:443"),
    Row("port and prefix", "https://h:8443/fermata/", "https://h:8443/fermata"),
    Row("http to this machine", "http://127.0.0.1:8600", "http://127.0.0.1:8600"),
    Row("all of 127/8", "http://127.9.9.9", "http://127.9.9.9:80"),
    Row("localhost", "http://LOCALHOST:8600", "http://localhost:8600"),
    Row("IPv6 loopback", "http://[::1]:8600", "http://[::1]:8600"),
]

BAD_ADDRESSES = [
    Row("http to elsewhere", "http://fermata.example", "allow_http=True"),
    Row("a name that begins like loopback", "http://127.0.0.1.evil.example", "allow_http=True"),
    Row("a name that begins like localhost", "http://localhost.evil.example", "allow_http=True"),
    Row("any address", "http://0.0.0.0:8600", "allow_http=True"),
    Row("another scheme", "ftp://fermata.example", "https://"),
    Row("no scheme", "fermata.example:8600", "https://"),
    Row("no host", "https:///v1", "https://"),
    Row("a password", "https://ana:secret@fermata.example", "password"),
    Row("a query", "https://fermata.example/?a=1", "query"),
]

BAD_KEYS = [
    Row("empty", "", ValueError),
    Row("a line end", "fka_secret\n", ValueError),
    Row("a header of its own", "fka_secret\r\nX: y", ValueError),
    Row("a space", "fka secret", ValueError),
    Row("not ASCII", "fka_s\u00e9cret", ValueError),
    Row("bytes", b"fka_secret", TypeError),
    Row("none", None, TypeError),
]

RETRY_AFTER = [
    Row("absent", None, None),
    Row("seconds", "7", 7.0),
    Row("a date is not used", "Fri, 27 Nov 2026 10:00:00 GMT", None),
    Row("negative", "-1", None),
    Row("other digits", "\u0663", None),
    Row("absurd", "9" * 400, 999999999.0),
]


class Addresses(Case):
    def test_accepted(self):
        for row in ADDRESSES:
            with self.subTest(row.name):
                self.assertEqual(str(address_of(row.given, allow_http=False)), row.want)

    def test_refused(self):
        for row in BAD_ADDRESSES:
            with self.subTest(row.name), self.assertRaises(ValueError) as caught:
                Fermata(row.given, KEY)
            self.assertIn(row.want, str(caught.exception), row.name)
            self.assertNotIn("secret", str(caught.exception))

    def test_http_elsewhere_where_allowed(self):
        client = Fermata("http://fermata.example", KEY, allow_http=True)
        self.assertEqual(repr(client), "<Fermata http://fermata.example:80>")

    def test_bad_keys_are_not_shown(self):
        for row in BAD_KEYS:
            with self.subTest(row.name), self.assertRaises(row.want) as caught:
                Fermata("https://fermata.example", row.given)
            self.assertNotIn("secret", str(caught.exception))

    def test_timeouts_must_be_positive_and_finite(self):
        for timeout in (0, -1, float("nan"), float("inf")):
            with self.subTest(timeout), self.assertRaises(ValueError):
                Fermata("https://fermata.example", KEY, timeout=timeout)


class Repetition(Case):
    """A write is repeated with one key, and takes effect once."""

    def propose(self):
        return self.f.propose("refund.issue", ARGUMENTS)

    def test_transport_failures(self):
        for fault in (DROP, LOSE, CUT):
            with self.subTest(fault):
                self.server.seen.clear()
                self.server.proposals.clear()
                self.server.fail("POST /v1/proposals", fault, fault)
                proposal = self.propose()
                self.assertEqual(list(self.server.proposals), [proposal["id"]])
                self.assertEqual(len(self.server.seen), 3)
                self.assertEqual(len({seen.key for seen in self.server.seen}), 1)

    def test_statuses_that_pass(self):
        self.server.fail("POST", *[(status, {}) for status in (429, 502, 503, 504)])
        self.assertEqual(self.propose()["status"], "pending")
        self.assertEqual(len(self.server.seen), 5)
        self.assertEqual(len({seen.key for seen in self.server.seen}), 1)

    def test_retry_after_is_kept_to(self):
        self.server.fail("POST", (503, {"Retry-After": "17"}), (429, {"Retry-After": "21"}))
        self.propose()
        self.assertEqual(self.clock.pauses, [17.0, 21.0])

    def test_pauses_grow_and_are_bounded(self):
        self.server.fail("POST", *[DROP] * 5)
        self.propose()
        for pause, longest in zip(self.clock.pauses, (0.25, 0.5, 1.0, 2.0, 4.0)):
            self.assertTrue(longest / 2 <= pause <= longest, self.clock.pauses)

    def test_attempts_are_bounded(self):
        self.server.fail("POST", *[DROP] * 50)
        with self.assertRaises(Unreachable) as caught:
            self.propose()
        self.assertEqual(len(self.server.seen), ATTEMPTS_MAX)
        self.assertIsNone(caught.exception.status)
        self.assertIsNotNone(caught.exception.__cause__)

    def test_a_long_retry_after_is_reported(self):
        self.server.fail("POST", (503, {"Retry-After": "3600"}))
        with self.assertRaises(FermataError) as caught:
            self.propose()
        self.assertEqual((caught.exception.retry_after, self.clock.pauses), (3600.0, []))

    def test_refusals_are_not_repeated(self):
        for status in (400, 401, 403, 404, 409, 410, 413, 422, 423, 500):
            with self.subTest(status):
                self.server.seen.clear()
                self.server.fail("POST", (status, {}))
                with self.assertRaises(FermataError) as caught:
                    self.propose()
                self.assertEqual((caught.exception.status, len(self.server.seen)), (status, 1))

    def test_a_200_that_is_not_json(self):
        self.server.fail("POST", NOT_JSON)
        with self.assertRaisesRegex(FermataError, "not JSON"):
            self.propose()

    def test_nobody_listens(self):
        self.server.stop()
        with self.assertRaisesRegex(Unreachable, "ConnectionRefusedError"):
            self.propose()

    def test_every_call_has_a_key_of_its_own(self):
        for _ in range(3):
            self.propose()
        keys = {seen.key for seen in self.server.seen}
        self.assertEqual(len(keys), 3)
        self.assertTrue(all(len(key) == 32 for key in keys), keys)

    def test_retry_after_rows(self):
        for row in RETRY_AFTER:
            with self.subTest(row.name):
                self.assertEqual(_retry_after_s(row.given), row.want)


class Connections(Case):
    def test_kept_alive(self):
        for _ in range(4):
            self.f.propose("refund.issue", ARGUMENTS)
        self.assertEqual({seen.sent_as for seen in self.server.seen}, {1})

    def test_idle_ones_that_broke_are_replaced_at_once(self):
        self.f.propose("refund.issue", ARGUMENTS)
        self.server.break_connections()
        self.f.propose("refund.issue", ARGUMENTS)
        self.assertEqual(self.clock.pauses, [])
        self.assertEqual([seen.sent_as for seen in self.server.seen], [1, 2])

    def test_threads_never_share_one(self):
        together, failures = threading.Barrier(8), []
        self.server.on_propose = lambda proposal: None

        def propose(number):
            try:
                together.wait(10)
                for _ in range(5):
                    made = self.f.propose("refund.issue", {"number": number})
                    read = self.f.get(made["id"])
                    assert read["arguments"] == {"number": number}, read
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=propose, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(len(self.server.proposals), 40)

    def test_a_forked_child_opens_its_own(self):
        self.f.propose("refund.issue", ARGUMENTS)
        self.f._transport._idle_of = os.getpid() + 1  # as a child finds it
        self.f.propose("refund.issue", ARGUMENTS)
        self.assertEqual([seen.sent_as for seen in self.server.seen], [1, 2])

    def test_usable_after_close(self):
        with self.f as client:
            client.propose("refund.issue", ARGUMENTS)
        self.assertEqual(self.f.propose("refund.issue", ARGUMENTS)["status"], "pending")

    def test_redirects_are_not_followed(self):
        self.server.fail("GET", (307, {"Location": "http://evil.example/"}))
        with self.assertRaises(FermataError) as caught:
            self.f.get("prp_1")
        self.assertEqual((caught.exception.status, len(self.server.seen)), (307, 1))


class Secrecy(Case):
    def test_the_key_is_sent_and_shown_nowhere(self):
        shown, out = [], io.StringIO()
        logger = logging.getLogger("fermata")
        logger.setLevel(logging.DEBUG)
        handler = logging.Handler()
        handler.emit = lambda record: shown.append(record.getMessage())
        logger.addHandler(handler)
        self.addCleanup(logger.removeHandler, handler)
        self.addCleanup(setattr, http.client.HTTPConnection, "debuglevel", 0)
        http.client.HTTPConnection.debuglevel = 2
        self.server.fail("POST", DROP, (503, {}), (401, {}))
        with contextlib.redirect_stdout(out), self.assertRaises(FermataError) as caught:
            self.f.propose("refund.issue", ARGUMENTS)
        self.assertEqual(self.server.seen[0].authorization, f"Bearer {KEY}")
        error = caught.exception
        shown += [repr(error), str(error), str(vars(error)), repr(self.f), repr(self.f._transport)]
        self.assertEqual(len(shown), 7, "two repetitions are logged")
        self.assertNotIn(KEY, "\n".join(shown) + out.getvalue())


class Problems(Case):
    def test_members(self):
        with self.assertRaises(FermataError) as caught:
            self.f.propose("", ARGUMENTS)
        error = caught.exception
        self.assertEqual(
            (error.status, error.type, error.name, error.title, error.detail),
            (422, "/problems/brief-incomplete", "brief-incomplete", "brief-incomplete",
             "seven members"),
        )
        self.assertEqual(len(error.errors), 7)
        self.assertEqual(error.problem["errors"], error.errors)
        self.assertRegex(str(error), r"^422 brief-incomplete: seven members \(/member0: required;")
        self.assertTrue(str(error).endswith("and 2 more)"), error)

    def test_answers_that_are_no_problem_documents(self):
        for body in (b"<html>", b"[]", b'{"type": 7, "errors": 3}', b"", b'{"a": NaN}', b"\xff"):
            with self.subTest(body), self.assertRaises(FermataError) as caught:
                _json_of(Answer(502, None, body))
            self.assertEqual(str(caught.exception), "502 error")
            self.assertEqual((caught.exception.name, caught.exception.errors), ("", []))

    def test_a_200_must_be_strict_json(self):
        for body in (b'{"a": NaN}', b"[" * 200_000, b'"\xff"', b"{} {}"):
            with self.subTest(body[:12]), self.assertRaisesRegex(FermataError, "not JSON"):
                _json_of(Answer(200, None, body))
        self.assertEqual(_json_of(Answer(204, None, b"")), {})

    def test_pickled(self):
        error = FermataError.from_problem(409, {"type": "/problems/permit-used"}, 2.0)
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((str(again), again.name, again.retry_after), (str(error), error.name, 2.0))


@unittest.skipUnless(shutil.which("openssl"), "no openssl command to make a certificate with")
class Tls(Case):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.certificate = os.path.join(folder.name, "certificate.pem")
        key = os.path.join(folder.name, "key.pem")
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        command += f" -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        subprocess.run(
            [*command.split(), "-keyout", key, "-out", self.certificate],
            check=True,
            capture_output=True,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server.stop()
        self.server.start(context)

    def url(self, host):
        return f"https://{host}:{self.server.port}"

    def test_a_trusted_certificate(self):
        with Fermata(self.url("localhost"), KEY, ca_file=self.certificate) as client:
            self.assertEqual(client.propose("refund.issue", ARGUMENTS)["status"], "pending")

    def test_an_unknown_certificate_is_refused_at_once(self):
        with Fermata(self.url("localhost"), KEY, clock=self.clock) as client:
            with self.assertRaisesRegex(Unreachable, "CERTIFICATE_VERIFY_FAILED"):
                client.propose("refund.issue", ARGUMENTS)
            with self.assertRaisesRegex(Unreachable, "CERTIFICATE_VERIFY_FAILED"):
                client.wait("prp_1")
        self.assertEqual((self.server.seen, self.clock.pauses), ([], []))

    def test_a_certificate_for_another_host_is_refused(self):
        with Fermata(self.url("127.0.0.1"), KEY, ca_file=self.certificate) as client:
            with self.assertRaisesRegex(Unreachable, "CERTIFICATE_VERIFY_FAILED"):
                client.propose("refund.issue", ARGUMENTS)
        self.assertEqual(self.server.seen, [])
