#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `make install` installs, the systemd unit in systemd's own eyes, and the words that the server
exchanges with a service manager (sd_notify)."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = os.environ.get("FERMATA_BIN", str(ROOT / "build/fermata"))
EXPOSURE_MAX = 15  # of systemd-analyze security, in tenths; 100 is a unit without any hardening
WAIT_S = 20


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    return done.returncode, done.stdout + done.stderr


def install(prefix):
    code, said = run("make", "-s", "-C", str(ROOT), "install", f"PREFIX={prefix}", "DESTDIR=")
    expect(code == 0, said)
    return prefix / "lib/systemd/system/fermata.service"


def check_install(folder):
    """Everything is where it belongs, and the unit starts what was installed."""
    unit = install(folder)
    for name in ("bin/fermata", "lib/sysusers.d/fermata.conf", "share/doc/fermata/policy.yaml"):
        expect((folder / name).is_file(), name)
    text = unit.read_text(encoding="utf-8")
    expect(f"ExecStart={folder}/bin/fermata serve\n" in text, text)
    expect("@" not in re.sub(r"#.*|=[~]?@[a-z-]+", "", text), "a place that was not filled in")


def check_verify(folder):
    """systemd reads the unit without a complaint."""
    code, said = run("systemd-analyze", "verify", str(install(folder)))
    ours = "\n".join(line for line in said.splitlines() if "fermata" in line)
    expect(code == 0 and not ours, said)


def check_exposure(folder):
    """And finds it hardened."""
    code, said = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}",
                     "--no-pager", str(install(folder)))
    print(said.strip().splitlines()[-1])
    expect(code == 0, said)


def server(folder, environment):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(folder / "notify"))
    listener.settimeout(WAIT_S)
    process = subprocess.Popen(
        [BINARY, "serve", "--data", str(folder / "data"), "--listen", "127.0.0.1:0"],
        env={**os.environ, "NOTIFY_SOCKET": str(folder / "notify"), **environment},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return listener, process


def stop(process):
    if process.poll() is None:
        process.kill()
    process.wait()


def check_notify(folder):
    """READY when it serves, RELOADING and READY around a reload, STOPPING at the end."""
    listener, process = server(folder, {})
    try:
        expect(listener.recv(200) == b"READY=1", "ready")
        process.send_signal(signal.SIGHUP)
        expect(re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", listener.recv(200)), "reloading")
        expect(listener.recv(200) == b"READY=1", "ready again")
        process.terminate()
        expect(listener.recv(200) == b"STOPPING=1", "stopping")
        expect(process.wait(WAIT_S) == 0, "exit code")
    finally:
        stop(process)


def check_watchdog(folder):
    """WATCHDOG comes again and again, and only while writes come back."""
    listener, process = server(folder, {"WATCHDOG_USEC": "200000"})
    try:
        expect(listener.recv(200) == b"READY=1", "ready")
        for _ in range(3):
            expect(listener.recv(200) == b"WATCHDOG=1", "watchdog")
    finally:
        stop(process)


CHECKS = [check_install, check_notify, check_watchdog]
if shutil.which("systemd-analyze"):
    CHECKS += [check_verify, check_exposure]
else:
    print("skipped: systemd-analyze is not there (Debian package systemd)")


def main():
    failed = 0
    for check in CHECKS:
        with tempfile.TemporaryDirectory(prefix="fermata-test-") as folder:
            try:
                check(pathlib.Path(folder))
            except (AssertionError, OSError, subprocess.SubprocessError) as problem:
                failed += 1
                print(f"not so: {check.__doc__}\n{problem}")
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
