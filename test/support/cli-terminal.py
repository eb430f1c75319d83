"""Runs a program on a terminal of its own: cli-terminal.py <rows> <columns> <program> [arguments].

Standard input goes to the terminal, and what the terminal shows comes from standard output. A line "\x1eresize ROWS COLUMNS" on standard
input changes the size instead. The exit code is that of the program.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios

rows, columns, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
pid, master = pty.fork()
if pid == 0:
    os.execvp(program[0], program)


def resize(rows, columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


resize(rows, columns)
sources = [0, master]
while master in sources:
    for source in select.select(sources, [], [])[0]:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b""
        if not data:
            sources.remove(source)
        elif source == master:
            os.write(1, data)
        else:
            if data.startswith(b"\x1eresize "):
                line, data = data.split(b"\n", 1)
                resize(*map(int, line.split()[1:3]))
            os.write(master, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256)
