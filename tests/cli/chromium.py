"""Headless Chromium, driven by its DevTools protocol over --remote-debugging-pipe: JSON messages that
end with a 0 byte, from us on its file descriptor 3, from it on 4."""
import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATH = next(filter(None, map(shutil.which, NAMES)), None)
HANG = 120  # seconds after which an answer counts as never coming
ENDING = 10  # seconds that it has to end by itself


def pipe():
    """The two ends of a pipe, out of the way of the numbers that they get in the browser."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 16) for end in ends]
    for end in ends:
        os.close(end)
    return high


class Chromium:
    """A browser with one page open. `errors` are what the page had to complain about."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="mnist_blas_chromium_")
        arguments = ["--headless", "--remote-debugging-pipe", f"--user-data-dir={self.profile}",
                     "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
                     "--hide-scrollbars", "--disable-background-networking"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        theirs_in, self.to_it = pipe()
        self.from_it, theirs_out = pipe()
        actions = [(os.POSIX_SPAWN_DUP2, theirs_in, 3), (os.POSIX_SPAWN_DUP2, theirs_out, 4)]
        actions += [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
        self.process = os.posix_spawn(PATH, [PATH, *arguments], {**os.environ, "HOME": self.profile},
                                      file_actions=actions, setpgroup=0)
        os.close(theirs_in)
        os.close(theirs_out)
        self.buffer, self.number, self.session, self.errors, self.events = b"", 0, None, [], []
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.command("Target.attachToTarget", targetId=target,
                                    flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self.command(f"{domain}.enable")

    def close(self):
        os.close(self.to_it)  # it ends when nobody is there to command it
        os.close(self.from_it)
        until = time.monotonic() + ENDING
        while os.waitpid(self.process, os.WNOHANG)[0] == 0:
            if time.monotonic() > until:
                os.killpg(self.process, signal.SIGKILL)
            time.sleep(0.02)
        shutil.rmtree(self.profile, ignore_errors=True)

    def receive(self):
        """The next message."""
        until = time.monotonic() + HANG
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.from_it], [], [], max(0, until - time.monotonic()))
            data = os.read(self.from_it, 1 << 16) if ready else b""
            if not data:
                raise RuntimeError("Chromium does not answer" if not ready else "Chromium has ended")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def note(self, event):
        """Keeps an event's name, and what of it is an error."""
        method, parameters = event.get("method"), event.get("params", {})
        self.events.append(method)
        if method == "Runtime.exceptionThrown" or (
                method == "Runtime.consoleAPICalled" and parameters["type"] != "log") or (
                method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning")):
            self.errors.append(parameters)

    def command(self, method, **parameters):
        """Sends a command and returns its result; events that come meanwhile are noted."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to_it, data):]
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                break
            self.note(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def open(self, path):
        """Opens a file and waits until all of it is there."""
        self.events.clear()
        self.command("Page.navigate", url="file://" + os.path.abspath(path))
        while "Page.loadEventFired" not in self.events:
            self.note(self.receive())

    def show(self, width, scheme="light", height=900):
        """Sets the window's size and whether pages are light or dark."""
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=1, mobile=False)
        self.command("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": scheme}])

    def evaluate(self, script):
        """The value of a JavaScript expression, as JSON has it."""
        result = self.command("Runtime.evaluate", expression=script, returnByValue=True,
                              awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(str(result["exceptionDetails"]))
        return result["result"].get("value")

    def press(self, key):
        for kind in ("rawKeyDown", "keyUp"):
            self.command("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                         windowsVirtualKeyCode={"Tab": 9, "ArrowRight": 39}[key])

    def screenshot(self):
        """The bytes of a PNG of the whole page."""
        return base64.b64decode(self.command("Page.captureScreenshot", captureBeyondViewport=True,
                                             format="png")["data"])

    def print(self):
        """The bytes of a PDF of the page on A4 paper."""
        return base64.b64decode(self.command("Page.printToPDF", paperWidth=8.27, paperHeight=11.69,
                                             preferCSSPageSize=False)["data"])
