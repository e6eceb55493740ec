# SPDX-License-Identifier: Apache-2.0
"""values.py: what may be sent, what is refused and how it is named, and the canonical form."""

import base64
import csv
import decimal
import enum
import gzip
import json
import struct
from typing import NamedTuple

from fermata.values import canonical, canonical_sha256, checked_copy, same

from .support import TESTDATA, Case


class Currency(str, enum.Enum):
    USD = "USD"


class Level(enum.IntEnum):
    HIGH = 3


def nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


ITSELF = []
ITSELF.append(ITSELF)


class Row(NamedTuple):
    name: str
    given: object
    want: object


ACCEPTED = [
    Row("null", None, "null"),
    Row("booleans stay booleans", [True, False], "[true,false]"),
    Row("a tuple becomes a list", ("a", 1), '["a",1]'),
    Row("a text enumeration is its value", Currency.USD, '"USD"'),
    Row("an integer enumeration is its value", Level.HIGH, "3"),
    Row("2^53 itself", 2**53, "9007199254740992"),
    Row("minus 2^53", -(2**53), "-9007199254740992"),
    Row("hidden characters are sent as they are", "a\u200bb\u202e", '"a\u200bb\u202e"'),
    Row("nested members", {"b": {"c": [1.5]}, "a": ""}, '{"a":"","b":{"c":[1.5]}}'),
]

REFUSED = [
    Row("decimal", decimal.Decimal("1.10"), (TypeError, "send a string")),
    Row("bytes", b"abc", (TypeError, "is a bytes")),
    Row("set", {1, 2}, (TypeError, "is a set")),
    Row("an object", Case, (TypeError, "is a type")),
    Row("a member name that is no text", {1: "a"}, (TypeError, "member name")),
    Row("NaN", float("nan"), (ValueError, "is nan")),
    Row("infinity", float("-inf"), (ValueError, "is -inf")),
    Row("an integer beyond 2^53", 2**53 + 1, (ValueError, "send a string")),
    Row("a negative one", -(2**53) - 1, (ValueError, "send a string")),
    Row("a lone surrogate", "ab\ud800", (ValueError, "index 2")),
    Row("a lone surrogate in a name", {"\udfff": 1}, (ValueError, "not Unicode")),
    Row("too deep", nested(64), (ValueError, "deeper than 64")),
    Row("a list that contains itself", ITSELF, (ValueError, "deeper than 64")),
]

NAMES = [
    Row("an argument", ("arguments", "amount"), "argument 'amount' is"),
    Row("inside one", ("arguments", "a", "0"), "argument 'a' (/arguments/a/0) is"),
    Row("elsewhere", ("brief", "confidence"), "/brief/confidence is"),
    Row("escaped (RFC 6901)", ("labels", "a/b~c"), "/labels/a~1b~0c is"),
]

CANONICAL = [
    Row("UTF-16 order: a pair sorts before U+FB33", {"\ufb33": 1, "\U0001f600": 2},
        '{"\U0001f600":2,"\ufb33":1}'),
    Row("escapes", "\b\t\n\f\r\"\\\x0f\x7f/\u2028", '"\\b\\t\\n\\f\\r\\"\\\\\\u000f\x7f/\u2028"'),
    Row("an integral double", 56.0, "56"),
    Row("minus zero", -0.0, "0"),
    Row("just below 1e21", 999999999999999900000.0, "999999999999999900000"),
    Row("1e21", 1e21, "1e+21"),
    Row("1e-6", 0.000001, "0.000001"),
    Row("1e-7", 1e-7, "1e-7"),
    Row("many digits and an exponent", 1.5e-300, "1.5e-300"),
    Row("the smallest", 5e-324, "5e-324"),
    Row("the largest", -1.7976931348623157e308, "-1.7976931348623157e+308"),
    Row("thirds", 333333333.33333329, "333333333.3333333"),
]

SAME = [
    Row("5 and 5.0", (5, 5.0), True),
    Row("order of members", ({"a": 1, "b": 2}, {"b": 2, "a": 1}), True),
    Row("1 and true", (1, True), False),
    Row("null and absent", ({"a": None}, {}), False),
    Row("a text and a number", ("1", 1), False),
    Row("a hidden character", ("ab", "a\u200bb"), False),
    Row("NaN is not even itself", (float("nan"), float("nan")), False),
]


class Values(Case):
    def test_accepted(self):
        for row in ACCEPTED:
            with self.subTest(row.name):
                self.assertEqual(canonical(checked_copy(row.given, ("arguments", "x"))), row.want)

    def test_refused(self):
        for row in REFUSED:
            error, text = row.want
            with self.subTest(row.name), self.assertRaises(error) as caught:
                checked_copy(row.given, ("arguments", "x"))
            self.assertIn(text, str(caught.exception), row.name)

    def test_errors_name_the_place(self):
        for row in NAMES:
            with self.subTest(row.name), self.assertRaises(TypeError) as caught:
                checked_copy(object(), row.given)
            self.assertTrue(str(caught.exception).startswith(row.want), caught.exception)

    def test_a_copy_is_independent(self):
        given = {"items": [{"n": 1}]}
        copy = checked_copy(given, ("arguments",))
        given["items"][0]["n"] = 2
        self.assertEqual(copy, {"items": [{"n": 1}]})


class Canonical(Case):
    def test_rows(self):
        for row in CANONICAL:
            with self.subTest(row.name):
                self.assertEqual(canonical(row.given), row.want)

    def test_same(self):
        for row in SAME:
            with self.subTest(row.name):
                self.assertIs(same(*row.given), row.want)

    def test_no_form(self):
        for value in (2**53 + 1, float("inf"), nested(65), "\ud800"):
            with self.subTest(value), self.assertRaises(ValueError):
                canonical(value)

    def test_sha256(self):
        # printf '{"a":1}' | sha256sum
        want = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
        self.assertEqual(canonical_sha256({"a": 1.0}), want)


class Rfc8785Vectors(Case):
    """Outside truth: the vectors of RFC 8785's author."""

    def setUp(self):
        if not (TESTDATA / "jcs").is_dir():
            self.skipTest(f"no test data in {TESTDATA}: set FERMATA_TESTDATA")

    def test_documents(self):
        for line in (TESTDATA / "jcs" / "vectors.jsonl").read_text().splitlines():
            row = json.loads(line)
            given = json.loads(base64.b64decode(row["input_b64"]))
            with self.subTest(row.get("name")):
                self.assertEqual(canonical(given).encode(), base64.b64decode(row["output_b64"]))

    def test_numbers(self):
        with gzip.open(TESTDATA / "jcs" / "es6_numbers_100k.csv.gz", "rt") as lines:
            for bits, want in csv.reader(lines):
                number = struct.unpack(">d", bytes.fromhex(bits.rjust(16, "0")))[0]
                self.assertEqual(canonical(number), want, bits)
