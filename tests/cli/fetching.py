"""Support for the tests of tools/fetch-mnist: correct data, and running the script."""
import gzip
import hashlib
import os
import random
import shutil
import signal
import subprocess
import unittest

import support
from support import FILES, HANG, REAL_DATA, TRAIN_IMAGES, ProgramTest, read_bytes, write_bytes

SCRIPT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../tools/fetch-mnist"))
FIRST = TRAIN_IMAGES + ".gz"  # the first file downloaded
CONTENTS = {name: random.Random(i).randbytes(40000 if "images" in name else 500)
            for i, name in enumerate(FILES)}
PACKED = {name + ".gz": gzip.compress(content, mtime=0) for name, content in CONTENTS.items()}
COMMANDS = "sh cat gzip head mkdir mktemp mv rm sed sha256sum sleep".split()  # besides curl and flock


def checksums(contents):
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n"
                   for name, content in contents.items())


def real_packed(name):
    path = os.path.join(REAL_DATA, name)
    return gzip.compress(read_bytes(path), 1) if os.path.exists(path) else read_bytes(path + ".gz")


@unittest.skipIf(shutil.which("curl") is None, "curl is not installed")
class FetchTest(ProgramTest):
    """The correct files are CONTENTS; the script gets their checksums as a list."""

    def setUp(self):
        super().setUp()
        self.dir, self.list = self.path("data set"), self.path("SHA256SUMS")
        write_bytes(self.list, checksums(CONTENTS).encode())
        os.mkdir(self.path("tmp"))

    def start_fetch(self, *arguments, mirrors="", **variables):
        """Starts the script in its own process group, with default signal handlers."""
        variables = {"MNIST_BLAS_MIRRORS": mirrors, "TMPDIR": self.path("tmp"), "no_proxy": "*",
                     **variables}
        return subprocess.Popen(
            [SCRIPT, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL, text=True,
            env=support.clean_environment(self.folder, **variables), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True)

    def end(self, process):
        """Waits for the process and its children; returns its Result."""
        with process:
            try:
                out, err = process.communicate(timeout=HANG)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        self.assertEqual([], os.listdir(self.path("tmp")))
        return support.Result(process.returncode, out, err)

    def ours(self, *arguments):
        """The arguments that make the script fetch CONTENTS, with `arguments` added."""
        return "--checksums", self.list, *arguments, self.dir

    def fetch(self, server, *arguments, **variables):
        """Fetches CONTENTS from the server's mirrors, which must succeed. Returns stdout."""
        result = self.end(self.start_fetch(*self.ours(*arguments), mirrors=server.mirrors, **variables))
        self.assertEqual((0, ""), (result.code, result.err), result)
        self.assert_fetched()
        return result.out

    def fail_to_fetch(self, code, *arguments, says=(), **variables):
        """Runs the script, which must fail with this exit code and one line that has the words."""
        result = self.end(self.start_fetch(*arguments, **variables))
        self.assertEqual((code, ""), (result.code, result.out), result)
        self.assertRegex(result.err, r"\Afetch-mnist: \S[^\n]*[^\s:]\n\Z")
        for word in (says,) if isinstance(says, str) else says:
            self.assertIn(word, result.err)
        return result.err

    def assert_fetched(self):
        """DIR contains the correct files, and otherwise only files renamed to .old."""
        self.assertEqual(PACKED, {name: content for name, content in self.there().items()
                                  if not name.endswith(".old")})

    def there(self):
        return {name: read_bytes(os.path.join(self.dir, name)) for name in os.listdir(self.dir)}

    def put(self, files):
        """Creates DIR with these files, {name: bytes}."""
        os.mkdir(self.dir)
        for name, content in files.items():
            write_bytes(os.path.join(self.dir, name), content)

    def commands(self, *names):
        """A PATH with these commands only."""
        folder = self.path("bin")
        os.mkdir(folder)
        for name in names:
            os.symlink(shutil.which(name), os.path.join(folder, name))
        return folder
