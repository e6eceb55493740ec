#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that tools/deps installs what is missing, and nothing else, on a machine that only seems to be one.

It runs in a folder of its own with programs of its own for dpkg-query, apt-get, node and npm, which behave
as the real ones do: dpkg-query fails as soon as it does not know one of the names.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

DEPS = pathlib.Path(__file__).resolve().parents[1] / "tools" / "deps"

FAKES = {
    "dpkg-query": 'status=0\nfor name; do case "$name" in -*|*{*) ;; *)\n'
                  'if grep -qx "$name" "$ROOT/installed"; then echo "ii  $name"\n'
                  'else echo "no packages found matching $name" >&2; status=1; fi ;; esac; done\nexit $status\n',
    "apt-get": 'echo "$*" >>"$ROOT/apt"\n',
    "node": 'cat "$ROOT/node_version"\n',
    "npm": 'echo "$PWD: $*" >>"$ROOT/npm"\nmkdir -p node_modules\n',
}
ALL = ("gcc make pkg-config gzip libmicrohttpd-dev libsqlite3-dev libssl-dev libsodium-dev libyaml-dev"
       " libunistring-dev libcurl4-openssl-dev libmimalloc-dev libre2-dev g++ curl python3").split()


def machine(root, installed, node="v20.20.2", locks=()):
    (root / "tools").mkdir()
    shutil.copy(DEPS, root / "tools" / "deps")
    (root / "bin").mkdir()
    for name, body in FAKES.items():
        (root / "bin" / name).write_text("#!/bin/bash\n" + body)
        (root / "bin" / name).chmod(0o755)
    (root / "installed").write_text("".join(name + "\n" for name in installed))
    (root / "node_version").write_text(node + "\n")
    for folder in locks:
        (root / folder).mkdir(parents=True)
        (root / folder / "package-lock.json").write_text("{}\n")


def run(root, *groups):
    environment = {"PATH": f"{root}/bin:/usr/bin:/bin", "ROOT": str(root), "CI": "1"}
    return subprocess.run([root / "tools" / "deps", *groups], env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


def read(path):
    return path.read_text() if path.exists() else ""


def check_nothing(root):
    machine(root, ALL)
    result = run(root, "build", "run")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "" and not read(root / "apt"), "nothing is missing, nothing is said"


def check_one(root):
    machine(root, [name for name in ALL if name != "libunistring-dev"])
    result = run(root, "build")
    assert result.returncode == 0, result.stderr
    assert "to install: libunistring-dev\n" in result.stdout, result.stdout
    assert read(root / "apt").split()[-1] == "libunistring-dev", read(root / "apt")


def check_all(root):
    machine(root, [])
    result = run(root, "build")
    assert result.returncode == 0, result.stderr
    assert {"libmicrohttpd-dev", "libsodium-dev", "gcc"} <= set(read(root / "apt").split()), read(root / "apt")


def check_npm(root):
    machine(root, ALL, locks=["web"])
    assert run(root, "build").returncode == 0
    assert "web: ci" in read(root / "npm"), read(root / "npm")
    assert run(root, "build").stdout == "", "the second time it is there"
    (root / "web" / "package-lock.json").write_text('{"newer": 1}\n')
    mark = root / "web" / "node_modules" / ".ready"
    os.utime(mark, ns=(0, 0))
    assert "web/node_modules" in run(root, "build").stdout, "a newer lock file is installed again"


def check_node(root):
    machine(root, ALL, node="v18.19.0")
    result = run(root, "build")
    assert result.returncode == 1 and "Node.js 20 or newer" in result.stderr, result


CHECKS = [check_nothing, check_one, check_all, check_npm, check_node]


def main():
    failed = 0
    for check in CHECKS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                check(pathlib.Path(folder))
            except AssertionError as error:
                failed += 1
                print(f"FAILED {check.__name__}: {error}")
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
