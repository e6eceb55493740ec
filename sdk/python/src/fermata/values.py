# SPDX-License-Identifier: Apache-2.0
"""Values on their way to the server and back: what may be sent, and when two are the same.

What a reviewer sees must be what runs, so a value that JSON cannot carry exactly is refused before
anything is sent; it is never rounded, turned into text, or left out. What is accepted is copied,
so that a caller who changes a list afterwards changes nothing that was proposed.

Two values are the same if their canonical forms (RFC 8785, JSON Canonicalization Scheme) are the
same bytes: 5 and 5.0 are, 1 and True are not.
"""

from __future__ import annotations

import hashlib
import json
import math
from decimal import Decimal
from typing import Any, Mapping, Tuple

DEPTH_MAX = 64  # the server's limit on nesting, counted over the whole document
INTEGER_MAX = 2**53  # beyond, a double can no longer hold every integer (RFC 7493 section 2.2)

Path = Tuple[str, ...]


def checked_copy(value: Any, path: Path) -> Any:
    """A copy of value in plain JSON types (dict, list, str, int, float, bool, None).

    path: the names from the root of the request; errors name it. Tuples become lists, and
    enumerations of str or int their value. TypeError: a type that JSON does not have. ValueError:
    a value that JSON cannot carry exactly (NaN, an integer beyond 2^53, a lone surrogate), or
    nesting deeper than DEPTH_MAX (which a value that contains itself runs into as well).
    """
    if len(path) > DEPTH_MAX:
        raise ValueError(f"{_named(path[:4])} is nested deeper than {DEPTH_MAX} levels")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _checked_text(str.__str__(value), path)
    if isinstance(value, int):
        return _checked_integer(int(value), path)
    if isinstance(value, float):
        return _checked_float(float(value), path)
    if isinstance(value, (list, tuple)):
        return [checked_copy(item, path + (str(index),)) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {
            _checked_name(name, path): checked_copy(item, path + (str(name),))
            for name, item in value.items()
        }
    raise TypeError(_wrong_type(value, path))


def canonical(value: Any) -> str:
    """The RFC 8785 form of a plain JSON value; ValueError where it has none or is too deep."""
    return _canonical(value, 0)


def canonical_sha256(value: Any) -> str:
    """Lower-case hex SHA-256 of the canonical form, as a permit's arguments_sha256 holds it."""
    return hashlib.sha256(canonical(value).encode("utf-8")).hexdigest()


def same(one: Any, other: Any) -> bool:
    """Whether two plain JSON values are the same; False where either has no canonical form."""
    try:
        return canonical(one) == canonical(other)
    except ValueError:
        return False


def _checked_text(text: str, path: Path) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{_named(path)} is not Unicode text: a lone surrogate at index {error.start}"
        ) from None
    return text


def _checked_integer(number: int, path: Path) -> int:
    if abs(number) > INTEGER_MAX:
        raise ValueError(
            f"{_named(path)} is an integer beyond 2^53, which JSON readers round: send a string"
        )
    return number


def _checked_float(number: float, path: Path) -> float:
    if not math.isfinite(number):
        raise ValueError(f"{_named(path)} is {number}, which JSON cannot carry")
    return number


def _checked_name(name: Any, path: Path) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{_named(path)} has a member name that is not a str: {name!r:.80}")
    return _checked_text(str.__str__(name), path)


def _wrong_type(value: Any, path: Path) -> str:
    message = f"{_named(path)} is a {type(value).__name__}, which JSON cannot carry"
    return message + (": send a string" if isinstance(value, Decimal) else "")


def _named(path: Path) -> str:
    """`argument 'amount'`, `argument 'items' (/arguments/items/2)` or `/brief/confidence`."""
    pointer = "".join("/" + p.replace("~", "~0").replace("/", "~1") for p in path)
    if len(path) < 2 or path[0] != "arguments":
        return pointer
    return f"argument {path[1]!r}" + (f" ({pointer})" if len(path) > 2 else "")


def _canonical(value: Any, depth: int) -> str:
    if depth > DEPTH_MAX:
        raise ValueError(f"nested deeper than {DEPTH_MAX} levels")
    if isinstance(value, dict):
        # RFC 8785 section 3.2.3: members are sorted by the UTF-16 units of their names.
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        members = (f"{_quoted(name)}:{_canonical(value[name], depth + 1)}" for name in names)
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_canonical(item, depth + 1) for item in value) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value)
    return {None: "null", True: "true", False: "false"}[value]


def _quoted(text: str) -> str:
    """RFC 8785 section 3.2.2.2; Python's own escapes are the same set, in the same spelling."""
    return json.dumps(_checked_text(text, ()), ensure_ascii=False)


def _number(value: float) -> str:
    """RFC 8785 section 3.2.2.3: a number as ECMAScript writes it.

    repr() yields the shortest digits that read back as the same double; only the layout differs."""
    if isinstance(value, int) and abs(value) > INTEGER_MAX:
        raise ValueError("an integer beyond 2^53 has no canonical form")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("NaN and infinities have no canonical form")
    if number == 0:
        return "0"
    parts = Decimal(repr(abs(number))).as_tuple()
    digits = "".join(map(str, parts.digits))
    point = len(digits) + int(parts.exponent)  # where the decimal point stands in digits
    return ("-" if number < 0 else "") + _laid_out(digits.rstrip("0"), point)


def _laid_out(digits: str, point: int) -> str:
    """ECMA-262 Number::toString steps 6 to 10: plain from 1e-6 up to 1e21, else an exponent."""
    if len(digits) <= point <= 21:
        return digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"
