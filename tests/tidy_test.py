#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that each rule and each measure of tools/tidy can fail, and where it says so.

A small tree that keeps all rules is made in a folder of its own; each row breaks one thing.
"""

import pathlib
import subprocess
import sys
import tempfile

TIDY = pathlib.Path(__file__).resolve().parents[1] / "tools" / "tidy"
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
RATCHET = "".join(f"{name} {most}\n" for name, most in [
    ("longest_file", 20), ("longest_function", 8), ("raw_memcpy", 0), ("wide_lines", 0),
    ("bare_prototypes", 0)])

GOOD = {
    "src/base/str.h": SPDX + "/* Copies. */\nvoid str_copy(void);\n",
    "src/json/json.h": SPDX + '#include "base/str.h"\n\n/* Reads. */\nint json_read(void);\n',
    "src/json/inner.h": SPDX + "int inner(void);\n",
    "src/json/read.c": SPDX + '#include "json/inner.h"\n#include "json/json.h"\n\nint json_read(void)\n{\n'
                              '    return 1; /* like gets(x), "rand()" */\n}\n',
    "src/flow/flow.c": SPDX + '#include "json/json.h"\n',
    "src/main.c": SPDX + '#include "flow/flow.h"\n',
    "README.md": "Words.\n",
    "tools/ratchet.txt": RATCHET,
}


def long_function(lines, mark=""):
    return "\nint long_one(void)\n{\n" + mark + "    x();\n" * lines + "}\n"


# name, file, what is appended (or, as a tuple, what replaces it), part of the violation or None
ROWS = [
    ("the good tree", "README.md", "", None),
    ("an include upwards", "src/json/read.c", '#include "flow/flow.h"\n',
     "src/json/read.c:9: json must not include flow/flow.h"),
    ("an include of a neighbour", "src/json/read.c", '#include "crypto/crypto.h"\n',
     "json must not include crypto/crypto.h"),
    ("an include of an unknown folder", "src/json/read.c", '#include "misc/misc.h"\n',
     "misc/misc.h is in no layer"),
    ("a folder in no layer", "src/misc/a.c", SPDX, "src/misc/a.c:1: the folder misc is in no layer"),
    ("another folder's inner header", "src/flow/flow.c", '#include "json/inner.h"\n',
     "src/flow/flow.c:3: json/inner.h is not the public header of json"),
    ("a banned function", "src/json/read.c", "int a = atoi(b);\n", "read.c:9: atoi() is banned"),
    ("a banned function in a test", "tests/a.c", SPDX + "x = rand();\n", "tests/a.c:2: rand()"),
    ("no licence in C", "src/base/a.c", "int a;\n", "src/base/a.c:1: the line `SPDX"),
    ("no licence in a script", "tools/a", "#!/bin/sh\ntrue\n", "tools/a:1: the line `SPDX"),
    ("no licence in TypeScript", "web/src/a.ts", "export {};\n", "web/src/a.ts:1: the line `SPDX"),
    ("a tab", "src/json/read.c", "\tint a;\n", "read.c:9: a tab"),
    ("blanks at the end", "src/json/read.c", "int a; \n", "read.c:9: blanks at the end"),
    ("a line beyond the end", "src/json/read.c", "/* " + "x" * 120 + " */\n", "read.c:9: 126 columns"),
    ("a source beyond the end", "web/src/a.ts", "// SPDX-License-Identifier: Apache-2.0\n" * 801,
     "web/src/a.ts:1: 801 lines"),
    ("a long function", "src/json/read.c", long_function(68), "read.c:10: long_one() has 71 lines"),
    ("work left for later", "README.md", "TO" "DO: more\n", "README.md:2: TO" "DO"),
    ("unbuilt work in the product", "src/json/read.c", "/* a st" "ub */\n", "read.c:9: `st" "ub`"),
    ("the same word in a test is fine", "tests/a.c", SPDX + "/* a st" "ub */\n", None),
    ("a path of one machine", "README.md", "see /root/notes\n", "README.md:2: /root/notes is a path"),
    ("a path in a URL is fine", "README.md", "see https://example.org/root/notes\n", None),
    ("test data by path", "README.md", "../sha" "red/data\n", "README.md:2: the test data's folder"),
    ("a link to nothing", "docs/a.md", "see [b](../b.md)\n", "docs/a.md:1: ../b.md is not there"),
    ("a named file that is gone", "README.md", "`src/json/old.c`\n",
     "README.md:2: src/json/old.c is not there"),
    ("links that hold", "docs/a.md", "[b](../README.md) `src/json/read.c` `src/FILE.c`\n", None),
    ("a longer file than recorded", "src/json/read.c", "int a;\n" * 20,
     "longest_file rose from 20 to 28: src/json/read.c"),
    ("a longer function than recorded", "src/json/read.c", long_function(10),
     "longest_function rose from 8 to 13: src/json/read.c:10: long_one()"),
    ("a declared coordinator is not measured", "src/json/read.c",
     long_function(10, "    /* tidy: long, sequential */\n"), "longest_file rose"),
    ("a raw memcpy", "src/json/read.c", "int a = memcpy(a, b, c);\n",
     "raw_memcpy rose from 0 to 1: src/json/read.c:9"),
    ("memcpy in base is fine", "src/base/a.c", SPDX + "int a = memcpy(a, b, c);\n", None),
    ("a wide line", "src/json/read.c", "/* " + "x" * 100 + " */\n", "wide_lines rose from 0 to 1"),
    ("a bare prototype", "src/json/json.h", "\nint json_bare(void);\n",
     "bare_prototypes rose from 0 to 1: src/json/json.h:7"),
    ("a prototype in an explained group", "src/json/json.h", "int json_group(void);\n", None),
    ("a measure without a record", "tools/ratchet.txt", ("longest_file 20\n",),
     "has no record of raw_memcpy"),
]


def run(root, *options):
    return subprocess.run([sys.executable, str(TIDY), "--root", root, *options],
                          capture_output=True, text=True, check=False)


def make_tree(root, name, text):
    for path, content in {**GOOD, name: change(GOOD.get(name, ""), text)}.items():
        file = pathlib.Path(root, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")


def change(before, text):
    return text[0] if isinstance(text, tuple) else before + text


def check_row(row):
    """None, or what is wrong."""
    _, file, text, want = row
    with tempfile.TemporaryDirectory() as root:
        make_tree(root, file, text)
        done = run(root)
    last = done.stdout.rstrip().split("\n")[-1]
    if want is None:
        return None if done.returncode == 0 and last == "16 passed, 0 failed" else done.stdout
    if done.returncode != 1 or want not in done.stdout or last == "16 passed, 0 failed":
        return done.stdout + done.stderr
    return None


def check_lower():
    """--lower writes what has fallen, and never what has risen."""
    with tempfile.TemporaryDirectory() as root:
        make_tree(root, "src/json/read.c", "int a = memcpy(a, b, c);\n")
        run(root, "--lower")
        text = pathlib.Path(root, "tools/ratchet.txt").read_text(encoding="utf-8")
    records = dict(line.split()[:2] for line in text.splitlines() if not line.startswith("#"))
    good = records["longest_file"] == "9" and records["raw_memcpy"] == "0"
    return None if good else text


def main():
    checks = [(row[0], lambda row=row: check_row(row)) for row in ROWS]
    checks.append(("--lower", check_lower))
    failed = 0
    for name, check in checks:
        problem = check()
        if problem is not None:
            failed += 1
            print(f"not so: {name}\n{problem}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
