"""A pseudo-terminal for the program, and the screen that its user would see."""
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


class Screen:
    """What a terminal of this many columns shows: it wraps behind the last column, scrolls nothing
    away, and knows no more than carriage return, line feed, erase to the end of the line, and styles."""

    def __init__(self, width):
        self.width, self.rows, self.row, self.column = width, [[]], 0, 0
        self.wraps = set()  # rows that were begun because the one above was full
        self.style = ""
        self.pending = ""  # of an escape sequence that is not whole yet

    def feed(self, text):
        text, self.pending = self.pending + text, ""
        while text:
            if text[0] == "\x1b":
                whole = re.match(r"\x1b\[[0-9;?]*[A-Za-z]", text)
                if not whole:
                    if len(text) > 16:
                        raise ValueError(f"not an escape sequence: {text[:16]!r}")
                    self.pending = text
                    return
                self.obey(whole.group())
                text = text[whole.end():]
            else:
                self.put(text[0])
                text = text[1:]

    def obey(self, sequence):
        if sequence == ERASE:
            del self.rows[self.row][min(self.column, self.width - 1):]
        elif STYLE.fullmatch(sequence):
            code = STYLE.fullmatch(sequence).group(1)
            self.style = "" if code in ("", "0") else code
        else:
            raise ValueError(f"an escape sequence of another kind: {sequence!r}")

    def line_feed(self):
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])

    def put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.line_feed()
        elif ord(character) < 32:
            raise ValueError(f"control character {character!r}")
        else:
            if self.column == self.width:
                self.line_feed()
                self.wraps.add(self.row)
                self.column = 0
            line = self.rows[self.row]
            line.extend([(" ", "")] * (self.column - len(line)))
            line[self.column:self.column + 1] = [(character, self.style)]
            self.column += 1

    def lines(self):
        """The rows, those that one long line fills as one, without the empty ones at the end."""
        found = []
        for number, row in enumerate(self.rows):
            text = "".join(character for character, _ in row)
            if number in self.wraps:
                found[-1] += text
            else:
                found.append(text)
        while found and not found[-1]:
            found.pop()
        return found

    def styled(self, style):
        """All text in this style, one after the other."""
        return "".join(character for row in self.rows for character, own in row if own == style)


class Terminal:
    """The program on a terminal of its own, which is the controlling one of its session, so that
    Ctrl-C reaches it. Variables that are None are not set."""

    def __init__(self, folder, *arguments, width=80, ignore=(), **variables):
        self.ours, theirs = pty.openpty()
        self.resize(width)
        self.screen, self.text = Screen(width or 80), ""
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
        """Takes in what the program wrote; false once it has ended."""
        if not select.select([self.ours], [], [], HANG)[0]:
            raise TimeoutError("the program writes nothing")
        try:
            data = os.read(self.ours, 65536)
        except OSError:  # Linux's way to say that the other end is closed
            return False
        text = self.decoder.decode(data)
        self.text += text
        self.screen.feed(text)
        return bool(data)

    def read_until(self, seen):
        """Reads on until `seen`(the text written from here on)."""
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
