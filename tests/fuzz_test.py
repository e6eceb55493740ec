#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows when `tools/fuzz long` stops, and what it says, with programs that talk like libFuzzer."""

import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]

HEAD = "#!/bin/bash\ntrap 'echo \"==1== libFuzzer: run interrupted; exiting\"; exit 72' INT\n"
LINE = 'echo "#{n}\tNEW    cov: {n} ft: {n} corp: 1/1b lim: 4 exec/s: 0 rss: 40Mb" >&2\n'
WAIT = "while :; do read -r -t 0.1 <> <(:) || :; done\n"  # until it is told to stop

ROWS = [
    # what it shows, the program, seconds of quiet and at most, exit code, the last line
    ("quiet ends it", HEAD + LINE.format(n=7) + LINE.format(n=9) + WAIT, 1, 60, 0,
     "json: 9 edges after 0 s, ended after 1 s: no new edge for 1 s"),
    ("fewer edges in a line are not new", HEAD + LINE.format(n=9) + LINE.format(n=7) + WAIT, 1, 60, 0,
     "json: 9 edges after"),
    ("the time ends it", HEAD + LINE.format(n=5) + "exit 0\n", 60, 3, 0, "the time is up (3 s)"),
    ("a finding is a failure", HEAD + LINE.format(n=5) + "exit 77\n", 60, 60, 1, "json: a finding after"),
    ("a finding while it is being stopped is one too",
     "#!/bin/bash\ntrap 'exit 77' INT\n" + LINE.format(n=5) + WAIT, 1, 60, 1, "json: a finding after"),
]


def check(program, quiet, most, code, said):
    with tempfile.TemporaryDirectory(prefix="fermata-test-") as folder:
        path = pathlib.Path(folder, "json_fuzz")
        path.write_text(program, encoding="utf-8")
        path.chmod(0o755)
        done = subprocess.run([ROOT / "tools/fuzz", "long", folder, "json", str(quiet), str(most)], cwd=ROOT,
                              capture_output=True, text=True, timeout=30, check=False)
    good = done.returncode == code and said in done.stdout.strip().split("\n")[-1]
    return None if good else f"exit code {done.returncode}\n{done.stdout}{done.stderr}"


def main():
    failed = 0
    for name, program, quiet, most, code, said in ROWS:
        problem = check(program, quiet, most, code, said)
        if problem is not None:
            failed += 1
            print(f"not so: {name}\n{problem}")
    print(f"{len(ROWS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
