"""Failures of tools/fetch-mnist: one line on stderr, the documented exit code, and DIR unchanged."""
import os
import shutil
import socket
import unittest

import mirror_server as mirrors
from fetching import COMMANDS, FIRST, PACKED, FetchTest, checksums, real_packed
from mirror_server import right, serve
from support import FILES, TRAIN_IMAGES, TRAIN_LABELS, cases, needs_real_data, read_bytes, write_bytes


class Fails(FetchTest):
    """One line on stderr, and DIR unchanged."""

    def keep(self, *arguments, mirrors, says):
        before = {FIRST: b"mine", TRAIN_LABELS: b"my labels", "notes.txt": b"mine too"}
        self.put(before)
        self.fail_to_fetch(1, *arguments, mirrors=mirrors, says=says)
        self.assertEqual(before, self.there())

    def test_no_mirror_reachable(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        names = [f"http://127.0.0.1:{port}/{i}" for i in range(2)]
        self.keep(*self.ours(), mirrors=" ".join(names),
                  says=[FIRST, *(f"{name}: cannot be reached" for name in names)])

    def test_every_mirror_wrong(self):
        with serve(PACKED, a=mirrors.page, b=mirrors.status(404), c=mirrors.short) as server:
            self.keep(*self.ours(), mirrors=server.mirrors,
                      says=[FIRST, "/a: wrong contents", "/b: HTTP status 404",
                            "/c: wrong contents"])

    def test_silent_mirror(self):
        with serve(PACKED, only=mirrors.silent) as server:
            self.keep(*self.ours("--timeout", "1"), mirrors=server.mirrors, says="for 1 s")

    def test_mirror_with_other_data(self):
        for dataset in "mnist", "fashion":
            with self.subTest(dataset), serve(PACKED, only=right) as server:
                self.keep("--dataset", dataset, self.dir, mirrors=server.mirrors,
                          says="wrong contents")
                shutil.rmtree(self.dir)

    def test_mirror_with_too_much(self):
        with serve(PACKED, huge=mirrors.huge, endless=mirrors.endless) as server:
            self.keep("--dataset", "mnist", self.dir, mirrors=server.mirrors,
                      says=["/huge: larger than 67108864 bytes", "/endless: larger than 67108864 bytes"])

    @needs_real_data
    def test_mirror_with_mnist_for_fashion(self):
        with serve({FIRST: real_packed(TRAIN_IMAGES)}, only=right) as server:
            self.keep("--dataset=fashion", self.dir, mirrors=server.mirrors, says="wrong contents")

    def test_part_that_cannot_be_written(self):
        os.makedirs(os.path.join(self.dir, FIRST + ".part"))
        with serve(PACKED, good=right) as server:
            self.fail_to_fetch(1, *self.ours(), mirrors=server.mirrors,
                               says=[FIRST + ".part", "cannot be written"])

    def test_dir_is_a_file(self):
        write_bytes(self.dir, b"mine")
        self.fail_to_fetch(1, *self.ours(), says=[self.dir, "cannot be created"])
        self.assertEqual(b"mine", read_bytes(self.dir))
        self.fail_to_fetch(1, os.path.join(self.dir, "below"), says="cannot be created")

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_folder_without_permission(self):
        os.mkdir(self.dir, 0o555)
        self.fail_to_fetch(1, *self.ours(), mirrors="http://127.0.0.1:9",
                           says=[self.dir, "cannot be written"])

    def test_no_curl(self):
        self.fail_to_fetch(1, *self.ours(), PATH=self.commands(*COMMANDS), says="curl: not installed")

    def test_empty_list_of_mirrors(self):
        self.fail_to_fetch(1, *self.ours(), mirrors="  ", says=[FIRST, "MNIST_BLAS_MIRRORS"])

    def test_incomplete_checksums(self):
        write_bytes(self.list, checksums({name: b"" for name in FILES[:3]}).encode())
        self.fail_to_fetch(1, *self.ours(), says=[self.list, FILES[3]])

    def test_missing_checksums(self):
        os.remove(self.list)
        self.fail_to_fetch(1, *self.ours(), says=[self.list, "cannot be read"])


class DefaultFolder(FetchTest):
    """The last place where mnist_blas looks for data; created before the first download."""

    @cases({"home": (".cache/mnist_blas",), "home_and_empty_cache": (".cache/mnist_blas", ""),
            "home_and_relative_cache": (".cache/mnist_blas", "c"), "cache": ("c/mnist_blas", "{}/c"),
            "fashion": ("c/mnist_blas/fashion", "{}/c", "--dataset", "fashion")})
    def test_in(self, folder, cache=None, *arguments):
        variables = {} if cache is None else {"XDG_CACHE_HOME": cache.format(self.folder)}
        with serve(PACKED, only=mirrors.page) as server:
            self.fail_to_fetch(1, *arguments, mirrors=server.mirrors, **variables)
        self.assertTrue(os.path.isdir(self.path(folder)), os.listdir(self.folder))

    def test_none(self):
        self.fail_to_fetch(1, HOME="", says=["XDG_CACHE_HOME", "HOME"])


class Usage(FetchTest):
    def test_help(self):
        for option in "--help", "-?":
            result = self.end(self.start_fetch(option))
            self.assertEqual((0, ""), (result.code, result.err))
            for word in "Usage: fetch-mnist", "--dataset", "--checksums", "--timeout", \
                        "MNIST_BLAS_MIRRORS", "Examples:":
                self.assertIn(word, result.out)

    @cases({
        "unknown_option": (["--frob"], "unrecognized option '--frob'"),
        "unknown_short_option": (["-x"], "'-x'"),
        "unknown_dataset": (["--dataset", "kmnist", "d"], ["kmnist", "mnist", "fashion"]),
        "dataset_empty": (["--dataset="], "''"),
        "dataset_without_value": (["--dataset"], ["--dataset", "requires an argument"]),
        "timeout_0": (["--timeout", "0"], ["--timeout", "'0'"]),
        "timeout_of_letters": (["--timeout", "1s"], "'1s'"),
        "timeout_negative": (["--timeout=-1"], "'-1'"),
        "timeout_huge": (["--timeout", "99999"], "'99999'"),
        "two_folders": (["a", "b"], "'b'"),
        "two_folders_behind_a_double_dash": (["a", "--", "-b"], "'-b'"),
        "folder_without_name": ([""], "''"),
        "checksums_without_folder": (["--checksums", "list"], ["--checksums", "DIR"]),
    })
    def test_refused(self, arguments, says):
        self.fail_to_fetch(2, *arguments, says=says)
