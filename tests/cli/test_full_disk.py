"""Disks that are full or cannot be written: one line, exit code 1, and the old files or new ones, all
whole. The disks are small ones in memory, mounted where nobody else sees them; the tests skip where
that is not permitted."""
import os
import subprocess
import sys
import unittest

import run_files
import support
from support import ProgramTest

PAGE = 4096
# As root, and as a user who is root in a namespace of their own.
UNSHARE = ["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]


def mount(folder, *options):
    subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", folder], check=True,
                   capture_output=True)


class Namespace(unittest.TestCase):
    def test_disks(self):
        """Runs the others where disks can be mounted."""
        for unshare in UNSHARE:
            try:
                tried = subprocess.run([*unshare, "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                                       capture_output=True, text=True, check=False)
            except OSError as error:
                self.skipTest(f"unshare: {error}")
            if tried.returncode == 0:
                break
        else:
            self.skipTest("no disk can be mounted here: " + tried.stderr.strip())
        subprocess.run([*unshare, sys.executable, "-m", "unittest", "-v", "test_full_disk.Disks"],
                       check=True)


class Disks(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.make_data(train=300, test=60)
        self.options = ["--data", self.data, "--epochs", 1, "--quiet", "--out", "disk/out"]
        os.makedirs(self.path("disk"))
        mount(self.path("disk"), "-o", "size=2m")
        self.addCleanup(subprocess.run, ["umount", self.path("disk")], check=True)
        self.succeed(*self.options)
        self.old = run_files.files(self.path("disk/out"))

    def fill(self, pages):
        """Leaves so many pages of the disk free."""
        filler = self.path("disk/filler")
        if os.path.exists(filler):
            os.remove(filler)
        state = os.statvfs(self.path("disk"))
        support.write_bytes(filler, bytes(state.f_bavail * state.f_frsize - pages * PAGE))
        self.assertEqual(pages * PAGE, os.statvfs(self.path("disk")).f_bavail * state.f_frsize)

    def check(self, said):
        found = run_files.files(self.path("disk/out"))
        self.assertEqual(set(self.old), set(found), said)
        for name in found:
            run_files.check_whole(self.path("disk/out", name))
        self.assertEqual([], run_files.leftovers(self.path("disk/out")), said)
        self.succeed("evaluate", "--data", self.data, "disk/out/model.safetensors")

    def test_full(self):
        failed = 0
        for pages in (0, 1, 2, 3, 5, 10, 20, 40, 80, 160):
            self.fill(pages)
            result = self.run_program(*self.options, "--seed", 2 + pages)
            failed += result.code == 1
            if result.code != 0:
                self.assertEqual(1, result.code, result)
                self.assertEqual(1, len(result.errors), result)
                self.assertRegex(result.errors[0],
                                 r"^mnist_blas: disk/out/[a-z.]+: cannot be written: No space left")
            self.check(f"{pages} pages: {result}")
        self.assertGreaterEqual(failed, 2)
        self.assertEqual(0, result.code, result)

    def test_full_for_export(self):
        model, path = "disk/out/model.safetensors", self.path("disk/model.onnx")
        if not self.info()["features"]["onnx"]:
            self.skipTest("built without protobuf-c")
        self.succeed("export", model, "--onnx", path)
        before = support.read_bytes(path)
        self.fill(1)
        self.fail_with(1, "export", model, "--onnx", path, says="model.onnx: cannot be written: No ")
        self.assertEqual(before, support.read_bytes(path))
        self.assertEqual([], run_files.leftovers(self.path("disk")))

    def test_read_only(self):
        subprocess.run(["mount", "-o", "remount,ro", self.path("disk")], check=True)
        self.fail_with(1, *self.options, "--seed", 9,
                       says="disk/out: cannot be written: Read-only file system")
        self.assertEqual(self.old, run_files.files(self.path("disk/out")))
        if self.info()["features"]["onnx"]:
            self.fail_with(1, "export", "disk/out/model.safetensors", "--onnx", "disk/model.onnx",
                           says="model.onnx: cannot be written: Read-only file system")
        self.check("read-only")

    def test_read_only_while_training(self):
        """The model cannot be written in the end; what was there stays."""
        with subprocess.Popen(
                [support.PROGRAM, *map(str, self.options), "--epochs", "100", "--seed", "9"],
                cwd=self.folder, env=support.clean_environment(self.folder), text=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            subprocess.run(["mount", "-o", "remount,ro", self.path("disk")], check=True)
            errors = process.stderr.read()
        self.assertEqual(1, process.returncode, errors)
        self.assertRegex(errors, r"^mnist_blas: disk/out[^:]*: cannot be written: Read-only.*\n$")
        self.assertEqual(self.old, run_files.files(self.path("disk/out")))


def load_tests(loader, _tests, _pattern):
    """The module's own test is the one that runs the others."""
    return loader.loadTestsFromTestCase(Namespace)


if __name__ == "__main__":
    unittest.main()
