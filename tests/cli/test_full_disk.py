"""Disks that are full or read-only: one line, exit code 1, and the old files or new ones, all whole. The
disks are small ones in memory, mounted in a namespace of the test's own; the tests skip where that is not
permitted."""
import os
import subprocess
import sys
import unittest

import support
from run_folder import RunFolderTest

PAGE = 4096
# As root, and as a user who is root in a namespace of their own.
UNSHARE = ["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]


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


class Disks(RunFolderTest):
    DATA = {"train": 300, "test": 60}

    def setUp(self):
        super().setUp()
        self.options = ["--data", "data", "--epochs", 1, "--quiet", "--out", "disk/out"]
        self.disk = self.path("disk")
        os.makedirs(self.disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", self.disk], check=True, capture_output=True)
        self.addCleanup(subprocess.run, ["umount", self.disk], check=True)
        self.succeed(*self.options)
        self.old = self.whole_files("disk/out")

    def fill(self, pages):
        """Leaves this number of pages of the disk free."""
        filler = self.path("disk/filler")
        if os.path.exists(filler):
            os.remove(filler)
        state = os.statvfs(self.disk)
        support.write_bytes(filler, bytes(state.f_bavail * state.f_frsize - pages * PAGE))
        self.assertEqual(pages * PAGE, os.statvfs(self.disk).f_bavail * state.f_frsize)

    def make_read_only(self):
        subprocess.run(["mount", "-o", "remount,ro", self.disk], check=True)

    def check(self, said):
        found = set(self.whole_files("disk/out"))
        self.assertLessEqual(set(support.RUN_FILES), found, said)
        self.assertLessEqual(found, set(self.old), said)
        self.assertEqual([], self.leftovers("disk/out"), said)
        self.succeed("evaluate", "--data", "data", "disk/out/model.safetensors")

    def test_full(self):
        failed = 0
        for pages in (0, 1, 2, 3, 5, 10, 20, 40, 80, 160):
            self.fill(pages)
            result = self.run_program(*self.options, "--seed", 2 + pages)
            failed += result.code == 1
            if result.code != 0:
                self.assertRegex(self.check_failure(result, 1),
                                 r"^mnist_blas: disk/out/[a-z.]+: cannot be written: No space left")
            self.check(f"{pages} pages: {result}")
        self.assertGreaterEqual(failed, 2)
        self.assertEqual(0, result.code, result)

    def test_full_for_export(self):
        self.need_feature("onnx")
        export = ["export", "disk/out/model.safetensors", "--onnx", "disk/model.onnx"]
        self.succeed(*export)
        before = self.read("disk/model.onnx")
        self.fill(1)
        self.fail_with(1, *export, says="model.onnx: cannot be written: No ")
        self.assertEqual(before, self.read("disk/model.onnx"))
        self.assertEqual([], self.leftovers("disk"))

    def test_mounted_file(self):
        """It cannot be replaced, and is overwritten; if that fails, the new content stays beside it."""
        model = self.path("disk/out/model.safetensors")
        subprocess.run(["mount", "--bind", model, model], check=True)
        self.addCleanup(subprocess.run, ["umount", model], check=True)
        self.succeed(*self.options, "--seed", 9)
        self.check("mounted")
        new = self.whole_files("disk/out")
        self.assertNotEqual(self.old["model.safetensors"], new["model.safetensors"])
        subprocess.run(["mount", "-o", "remount,bind,ro", model], check=True)
        self.write("disk/out/model.safetensors.new", b"the user's")
        self.fail_with(1, *self.options, says="model.safetensors: cannot be written: Read-only file system; its new "
                       "content is in disk/out/model.safetensors.new2")
        self.assertEqual(new["model.safetensors"], self.read("disk/out/model.safetensors"))
        self.assertEqual(self.old["model.safetensors"], self.read("disk/out/model.safetensors.new2"))
        self.assertEqual(b"the user's", self.read("disk/out/model.safetensors.new"))

    def test_read_only(self):
        self.make_read_only()
        self.fail_with(1, *self.options, "--seed", 9, says="disk/out: cannot be written: Read-only file system")
        self.assertEqual(self.old, self.whole_files("disk/out"))
        if self.info()["features"]["onnx"]:
            self.fail_with(1, "export", "disk/out/model.safetensors", "--onnx", "disk/model.onnx",
                           says="model.onnx: cannot be written: Read-only file system")
        self.check("read-only")

    def test_read_only_while_training(self):
        """The model cannot be written at the end; the old files stay."""
        process = self.start(*self.options, "--epochs", 100, "--seed", 9)
        self.make_read_only()
        line = self.check_failure(self.finish(process), 1)
        self.assertRegex(line, r"^mnist_blas: disk/out[^:]*: cannot be written: Read-only")
        self.assertEqual(self.old, self.whole_files("disk/out"))


def load_tests(loader, _tests, _pattern):
    """The module's own test is the one that runs the others."""
    return loader.loadTestsFromTestCase(Namespace)
