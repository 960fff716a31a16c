"""A terminal with an interactive bash in it, as somebody has it at home.

    terminal = Terminal(user, folder, env={})         # user: support/box.py
    shown, status = terminal.type("netstat -an")      # to the next prompt
    terminal.start("tail -f lab.pcap")                # it goes on; what it shows is waited for
    terminal.wait_for(lambda shown: "Len=18" in shown)
    shown, status = terminal.interrupt()              # Ctrl-C, and to the next prompt
    terminal.end()                                    # hangs up; no process stays

`pmulab shell` opens its shell in the same terminal, with the same prompt. A job of the background
may write whenever it likes; what the shell itself says of its jobs is left out.
"""
import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from support.lab import SCALE

PATIENCE = 30 * SCALE
PROMPT = re.compile("\x1e(\\d+)\x1f")
OF_JOBS = re.compile(r"^\[\d+\][-+ ].*\n", re.MULTILINE)
BASH = "exec /bin/bash --norc --noprofile --noediting -i"


class Terminal:
    def __init__(self, user, folder, env=None):
        self._master, slave = pty.openpty()
        os.fchown(slave, user.uid, user.gid)
        mode = termios.tcgetattr(slave)
        mode[1] &= ~termios.OPOST  # "\n" stays "\n"
        mode[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        shell = user.folder() / "shell"
        shell.write_text(f"#!/bin/sh\n{BASH}\n")
        shell.chmod(0o755)
        said = {"SHELL": str(shell), "PS1": "\x1e$?\x1f", "TERM": "dumb", "LC_ALL": "C.UTF-8",
                **(env or {})}
        self._process = subprocess.Popen([*user.prefix, "setsid", "--ctty", str(shell)],
                                         cwd=folder, stdin=slave, stdout=slave, stderr=slave,
                                         env=user.environment(said))
        os.close(slave)
        self._typed = "a shell"
        self._text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._prompt()

    def type(self, line):
        self.start(line)
        return self._prompt()

    def start(self, line):
        self._typed = line
        os.write(self._master, f"{line}\n".encode())

    def interrupt(self):
        os.write(self._master, b"\x03")
        return self._prompt()

    def wait_for(self, seen):
        """Waits until seen(all that is shown since the last prompt) is true. A failure says what is
        shown."""
        end = time.monotonic() + PATIENCE
        while not seen(OF_JOBS.sub("", self._text)):
            readable, _, _ = select.select([self._master], [], [], max(0, end - time.monotonic()))
            assert readable, f"$ {self._typed}\nwithin {PATIENCE:g} s only:\n{self._text}"
            self._text += self._decoder.decode(self._read())

    def _prompt(self):
        """What is shown before the next prompt, and the exit status that is in it."""
        self.wait_for(PROMPT.search)
        prompt = PROMPT.search(self._text)
        shown, self._text = self._text[:prompt.start()], self._text[prompt.end():]
        return OF_JOBS.sub("", shown), int(prompt[1])

    def _read(self):
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: everybody has closed it
            data = b""
        assert data, f"the terminal has ended after:\n{self._text}"
        return data

    def end(self):
        os.close(self._master)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
