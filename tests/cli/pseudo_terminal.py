"""The program on a pseudo-terminal."""
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

from support import HANG, PROGRAM, clean_environment

STYLE, ERASE = re.compile(r"\x1b\[([0-9;]*)m"), "\x1b[K"


def shown(line):
    """A line of output as the screen shows it: what was written after the last carriage return. The
    program erases what is left of the old text, so each text after one must be followed by ERASE."""
    first, *rewritten = STYLE.sub("", line).split("\r")
    for text in rewritten:
        if ERASE not in text:
            raise ValueError(f"not erased: {text!r}")
    text = (rewritten or [first])[-1].replace(ERASE, "")
    if re.search(r"[\x00-\x1f]", text):
        raise ValueError(f"control character in {text!r}")
    return text


class Terminal:
    """The program on its own controlling terminal, so that Ctrl-C reaches it. Variables that are None
    are not set."""

    def __init__(self, folder, *arguments, width=80, ignore=(), **variables):
        self.ours, theirs = pty.openpty()
        self.resize(width)
        self.text = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        environment = clean_environment(folder)
        for name in ("NO_COLOR", "COLUMNS", "LC_ALL", "LC_CTYPE", "LANG"):
            environment.pop(name, None)
        environment.update({"TERM": "xterm", "LC_ALL": "C.UTF-8", **variables})

        def own_terminal():
            for number in ignore:
                signal.signal(number, signal.SIG_IGN)
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [PROGRAM, *map(str, arguments)], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs,
            env={name: value for name, value in environment.items() if value is not None},
            start_new_session=True, preexec_fn=own_terminal)
        os.close(theirs)

    def resize(self, width):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))

    def read(self):
        """Reads what the program wrote; false when it has ended."""
        if not select.select([self.ours], [], [], HANG)[0]:
            raise TimeoutError("the program writes nothing")
        try:
            data = os.read(self.ours, 65536)
        except OSError:  # on Linux: the other end is closed
            return False
        self.text += self.decoder.decode(data)
        return bool(data)

    def lines(self):
        """The lines that the screen shows."""
        lines = [shown(line) for line in self.text.replace("\r\n", "\n").split("\n")]
        return lines[:-1] if lines[-1] == "" else lines

    def in_style(self, style):
        """All text in this style."""
        return "".join(re.findall(rf"\x1b\[{style}m(.*?)\x1b\[0m", self.text))

    def ends_clean(self):
        """True if the cursor is at the start of an empty line, without a style."""
        styles = STYLE.findall(self.text)
        return shown(self.text.replace("\r\n", "\n").split("\n")[-1]) == "" and styles[-1:] in ([], ["0"], [""])

    def read_until(self, seen):
        """Reads until seen(text written from now on)."""
        begin, deadline = len(self.text), time.monotonic() + HANG
        while not seen(self.text[begin:]):
            if not self.read():
                raise EOFError(f"the program ended: {self.text[-500:]!r}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"never seen; the last: {self.text[-500:]!r}")

    def type(self, text):
        os.write(self.ours, text.encode())

    def send(self, number):
        self.process.send_signal(number)

    def finish(self):
        """Reads to the end. Returns the exit code, below 0 for a signal."""
        while self.read():
            pass
        return self.process.wait(HANG)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.ours)
