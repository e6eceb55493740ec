# SPDX-License-Identifier: Apache-2.0
"""webhooks.py: what is a callback of ours, and everything that only looks like one (A38)."""

import base64
import hashlib
import hmac
import json

from fermata.webhooks import TOLERANCE, WebhookError, _verified, verify

from .support import TESTDATA, Case

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four.").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret, as long..").decode()
NOW = 1_795_343_075
ID = "evt_01M8CN12JH0003TSW0AYGV4KVP"
EVENT = {
    "at": "2026-11-22T10:24:35.000Z",
    "data": {"status": "approved"},
    "id": ID,
    "proposal": "prp_01M8CN12J90005G1CXD34R4QVH",
    "type": "proposal.released",
}
BODY = json.dumps(EVENT).encode()


def signed(body=BODY, secret=SECRET, at=NOW, message_id=ID):
    key = base64.b64decode(secret[6:])
    digest = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(at),
        "Webhook-Signature": "v1," + base64.b64encode(digest).decode(),
    }


def without(headers, name):
    return {key: value for key, value in headers.items() if key != name}


class Accepted(Case):
    def test_event(self):
        self.assertEqual(verify(BODY, signed(), SECRET, now=NOW), EVENT)
        self.assertEqual(verify(BODY.decode(), signed(), SECRET, now=NOW), EVENT)
        self.assertEqual(verify(bytearray(BODY), signed(), SECRET, now=NOW), EVENT)

    def test_headers_of_any_kind(self):
        headers = signed()
        upper = {name.upper(): value for name, value in headers.items()}
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        for kind in (upper, pairs, list(headers.items()), {"other": "x", **headers}):
            self.assertEqual(verify(BODY, kind, SECRET, now=NOW), EVENT)

    def test_window(self):
        for difference in (-TOLERANCE, 0, TOLERANCE):
            self.assertEqual(verify(BODY, signed(at=NOW + difference), SECRET, now=NOW), EVENT)

    def test_rotation(self):
        """The sender signs with both for a while; the receiver may know either, or both."""
        both = signed()
        both["Webhook-Signature"] += " " + signed(secret=OTHER)["Webhook-Signature"]
        for secret in (SECRET, OTHER, [OTHER, SECRET], (SECRET,)):
            self.assertEqual(verify(BODY, both, secret, now=NOW), EVENT)
        self.assertEqual(verify(BODY, signed(), [OTHER, SECRET], now=NOW), EVENT)

    def test_among_other_signatures(self):
        headers = signed()
        headers["Webhook-Signature"] = "v1a,AAAA v2,AAAA v1,!! v1, " + headers["Webhook-Signature"]
        self.assertEqual(verify(BODY, headers, SECRET, now=NOW), EVENT)

    def test_expected_proposal(self):
        self.assertEqual(verify(BODY, signed(), SECRET, now=NOW, proposal=EVENT["proposal"]), EVENT)


class Refused(Case):
    def refused(self, words, body=BODY, headers=None, secret=SECRET, **options):
        with self.assertRaisesRegex(WebhookError, words):
            verify(body, signed() if headers is None else headers, secret, now=NOW, **options)

    def test_unsigned(self):
        for name in signed():
            self.refused("missing", headers=without(signed(), name))
            self.refused("missing", headers={**signed(), name: ""})
        self.refused("missing", headers={})

    def test_old_and_future(self):
        self.refused("too old", headers=signed(at=NOW - TOLERANCE - 1))
        self.refused("future", headers=signed(at=NOW + TOLERANCE + 1))
        self.refused("too old", headers=signed(at=NOW - 11), tolerance=10)

    def test_now_is_the_clock(self):
        with self.assertRaisesRegex(WebhookError, "too old|future"):
            verify(BODY, signed(at=1_614_265_330), SECRET)

    def test_changed(self):
        self.refused("signature", body=BODY.replace(b"approved", b"rejected"))
        self.refused("signature", body=json.dumps(EVENT, indent=1))
        self.refused("signature", headers={**signed(), "Webhook-Id": ID[:-1] + "0"})
        self.refused("signature", headers={**signed(), "Webhook-Timestamp": str(NOW + 1)})
        self.refused("signature", secret=OTHER)
        self.refused("signature", secret=[OTHER, OTHER])

    def test_other(self):
        """Signed by ours, about something else: never taken for what is waited for."""
        self.refused("another proposal", proposal="prp_" + "0" * 26)
        body = json.dumps({**EVENT, "id": "evt_" + "0" * 26}).encode()
        self.refused("another event", body=body, headers=signed(body))

    def test_malformed(self):
        for signature in ("v1", "v1,", "v1,====", "v2,AAAA", ",", " ", "v1:AAAA", "v1,AAAA"):
            self.refused("signature", headers={**signed(), "Webhook-Signature": signature})
        for at in ("x", "-1", "1.5", " 1", "1" * 13, "١٢٣"):
            self.refused("malformed", headers={**signed(), "Webhook-Timestamp": at})
        self.refused("malformed", headers={**signed(), "Webhook-Id": "a\nb"})
        self.refused("twice", headers=[*signed().items(), ("webhook-id", ID)])
        for body in (b"{", b"[]", b"\xff", b'"x"'):
            self.refused("not", body=body, headers=signed(body))
        self.refused("larger", body=b" " * (1 << 20) + BODY)

    def test_secrets(self):
        for secret in ("", "whsec_", "whsec_!!!!", "whsec_AAAA", "fka_x", [], [""]):
            self.refused("secret", secret=secret)

    def test_many_signatures(self):
        headers = {**signed(), "Webhook-Signature": "v1,AAAA " * 100_000}
        self.refused("signature", headers=headers)


class Vectors(Case):
    """The published vector, and the cases of the specification's libraries where they are there."""

    def test_published(self):
        headers = {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        body = b'{"test": 2432232314}'
        self.assertEqual(
            _verified(body, headers, secret, TOLERANCE, 1614265330), headers["webhook-id"]
        )

    def test_cases(self):
        path = TESTDATA / "webhooks" / "vectors.json"
        if not path.is_file():
            self.skipTest("no webhooks/vectors.json in FERMATA_TESTDATA")
        cases = json.loads(path.read_text())["verify_cases"]
        self.assertGreaterEqual(len(cases), 10)
        for case in cases:
            with self.subTest(case["name"]):
                arguments = (case["payload"].encode(), case["headers"], case["secret"])
                if case["valid"]:
                    _verified(*arguments, TOLERANCE, case["now"])
                else:
                    with self.assertRaises(WebhookError):
                        _verified(*arguments, TOLERANCE, case["now"])
