# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own: python3 terminal.py COLUMNS PROMPT ANSWER COMMAND... When the
output holds PROMPT, ANSWER and a line end are typed. Prints what the terminal received; exits as the
command does."""
import fcntl
import os
import pty
import struct
import sys
import termios

columns, prompt, answer, command = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3].encode(), sys.argv[4:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
seen, typed = b"", False
while True:
    try:
        some = os.read(terminal, 65536)
    except OSError:  # the command has ended
        break
    if not some:
        break
    seen += some
    if not typed and prompt in seen:
        os.write(terminal, answer + b"\n")
        typed = True
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(status))
