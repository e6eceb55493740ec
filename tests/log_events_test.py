#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds docs/reference/log-events.md against the source: every event with its level and its fields, and
none besides."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
CALL = re.compile(r'\blog_(info|warn|error)\(\s*"([^"]+)"(.*?)\);\n', re.DOTALL)
FIELD = re.compile(r'\bF_(?:INT|TEXT|ID)\(\s*"([^"]+)"')
ROW = re.compile(r"^\| `([a-z._]+)` \| (\w+) \| (.*?) \| (.+) \|$", re.MULTILINE)
NAME = re.compile(r"[a-z]+\.[a-z_]+")


def in_source():
    """{event: (level, fields)}; the same event in two places has one level and all fields."""
    events, faults = {}, []
    for path in sorted((ROOT / "src").rglob("*.c")):
        text = path.read_text(encoding="utf-8")
        for level, event, rest in CALL.findall(text):
            fields = set(FIELD.findall(rest))
            before = events.setdefault(event, (level, fields))
            if before[0] != level:
                faults.append(f"{path.relative_to(ROOT)}: {event} is logged as {level} and as {before[0]}")
            if not NAME.fullmatch(event):
                faults.append(f"{path.relative_to(ROOT)}: {event} is no dotted name")
            events[event] = (before[0], before[1] | fields)
        if re.search(r"\blog_event\(\s*LOG_", text):
            faults.append(f"{path.relative_to(ROOT)}: use log_info, log_warn or log_error")
    return events, faults


def in_table():
    text = (ROOT / "docs/reference/log-events.md").read_text(encoding="utf-8")
    return {event: (level, set(re.findall(r"`(\w+)`", fields))) for event, level, fields, _ in ROW.findall(text)}


def main():
    events, faults = in_source()
    table = in_table()
    for event in sorted(set(events) | set(table)):
        if event not in table:
            faults.append(f"docs/reference/log-events.md lacks {event}: {events[event]}")
        elif event not in events:
            faults.append(f"nothing logs {event}, which docs/reference/log-events.md has")
        elif events[event] != table[event]:
            faults.append(f"{event}: the source has {events[event]}, docs/reference/log-events.md {table[event]}")
    for fault in faults:
        print(fault)
    print(f"{len(set(events) | set(table)) - min(len(faults), len(events))} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
