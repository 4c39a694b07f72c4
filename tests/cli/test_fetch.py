"""tools/fetch-mnist with a server on the loopback interface: good and failing mirrors, resumed downloads,
existing files."""
import os
import shutil
import signal
import time
import unittest

import mirror_server as mirrors
import support
from fetching import COMMANDS, CONTENTS, FIRST, PACKED, FetchTest, real_packed
from mirror_server import BEGINNING, Asked, right, serve
from support import FILES, HANG, TRAIN_IMAGES, TRAIN_LABELS, cases, needs_real_data, read_bytes, write_bytes

HALF = len(PACKED[FIRST]) // 2


class Right(FetchTest):
    def test_right(self):
        with serve(PACKED, good=right) as server:
            out = self.fetch(server)
        self.assertEqual([Asked("good", name + ".gz", None, 200) for name in FILES], server.asked)
        self.assertEqual([f"{self.dir} holds what {self.list} lists: 4 files, 4 of them fetched now",
                          f"train on it: mnist_blas --data '{self.dir}'"], out.splitlines())

    def test_second_run_downloads_nothing(self):
        with serve(PACKED, good=right) as server:
            self.fetch(server)
            del server.asked[:]
            self.assertIn("4 files, 0 of them", self.fetch(server))
        self.assertEqual([], server.asked)

    def test_right_plain_file_is_not_downloaded(self):
        self.put({TRAIN_LABELS: CONTENTS[TRAIN_LABELS]})
        with serve(PACKED, good=right) as server:
            result = self.end(self.start_fetch(*self.ours(), mirrors=server.mirrors + "/"))
        self.assertEqual(0, result.code, result)
        self.assertEqual({FIRST, *(name + ".gz" for name in FILES[2:])},
                         {asked.name for asked in server.asked})
        self.assertNotIn(TRAIN_LABELS + ".gz", self.there())

    def run_concurrently(self, server, **variables):
        runs = [self.start_fetch(*self.ours(), mirrors=server.mirrors, **variables) for _ in range(4)]
        results = [support.Result(run.wait(HANG), *run.communicate()) for run in runs]
        for result in results:
            self.assertEqual((0, ""), (result.code, result.err), result)
        self.assertEqual(PACKED, self.there())

    @unittest.skipIf(shutil.which("flock") is None, "flock is not installed")
    def test_concurrent_runs_download_once(self):
        with serve(PACKED, good=right) as server:
            self.run_concurrently(server)
        self.assertEqual(4, len(server.asked), server.asked)

    def test_concurrent_runs_without_flock(self):
        with serve(PACKED, good=right) as server:
            self.run_concurrently(server, PATH=self.commands("curl", *COMMANDS))

    @needs_real_data
    def test_real_mnist_trains(self):
        packed = {name + ".gz": real_packed(name) for name in FILES}
        with serve(packed, good=mirrors.cut(right)) as server:
            result = self.end(self.start_fetch("mnist", mirrors=server.mirrors))
        self.assertEqual((0, ""), (result.code, result.err))
        self.assertIn("mnist holds MNIST: 4 files, 4 of them fetched now", result.out)
        command = result.out.splitlines()[-1].removeprefix("train on it: mnist_blas ").split()
        self.succeed("train", *command, "--epochs", 1, "--quiet", "--out", "run")
        self.assertGreater(self.summary("run")["test_accuracy"], 0.9)

    @needs_real_data
    def test_program_finds_the_default_folder(self):
        packed = {name + ".gz": real_packed(name) for name in FILES}
        with serve(packed, good=right) as server:
            self.assertEqual(0, self.end(self.start_fetch(mirrors=server.mirrors)).code)
        self.succeed("train", "--epochs", 1, "--quiet", "--out", "run")
        self.assertEqual(self.path(".cache/mnist_blas"), self.summary("run")["data"])


class FirstMirrorFails(FetchTest):
    @cases({
        "page_for_a_file": mirrors.page,
        "empty": mirrors.nothing,
        "other_contents": mirrors.other_contents,
        "corrupt_gzip": mirrors.corrupt,
        "short_gzip": mirrors.short,
        "trailing_bytes": mirrors.with_tail,
        "unpacked": mirrors.unpacked,
        "404": mirrors.status(404, 404),
        "403": mirrors.status(403, 403),
        "always_500": (mirrors.status(500, 500, 500, 500), 3),
        "slow": (mirrors.slow, 1, "--timeout", "1"),
        "stalled": (mirrors.stalled, 1, "--timeout=1"),
        "silent": (mirrors.silent, 1, "--timeout", "1"),
    })
    def test_with(self, handler, times=1, *arguments):
        """The second mirror serves all files; the first is not asked again."""
        with serve(PACKED, bad=handler, good=right) as server:
            self.fetch(server, *arguments)
        self.assertEqual(times, sum(asked.mirror == "bad" for asked in server.asked), server.asked)
        self.assertEqual(4, sum(asked.mirror == "good" for asked in server.asked), server.asked)


class Resumed(FetchTest):
    def assert_first_asked(self, server, *answers):
        """answers: (first byte of the Range or None, status) of each request for the first file."""
        self.assertEqual([(first, status) for first, status in answers],
                         [(asked.first, asked.status) for asked in server.asked
                          if asked.name == FIRST])

    @cases({"cut_connection": (mirrors.cut(right), (None, 200), (HALF, 206)),
            "cut_connection_without_ranges":
                (mirrors.cut(mirrors.without_ranges), (None, 200), (HALF, 200), (None, 200)),
            "errors_of_the_server": (mirrors.status(500, 503), (None, 500), (None, 503), (None, 200))})
    def test_after(self, handler, *answers):
        with serve(PACKED, good=handler) as server:
            self.fetch(server)
        self.assert_first_asked(server, *answers)

    def test_at_another_mirror(self):
        with serve(PACKED, bad=mirrors.stalled, good=right) as server:
            self.fetch(server, "--timeout", "1")
        self.assert_first_asked(server, (None, 200), (BEGINNING, 206))

    @cases({"a_part": (PACKED[FIRST][:777], (777, 206)),
            "the_whole_file": (PACKED[FIRST],),
            "a_wrong_part": (bytes(777), (777, 206), (None, 200)),
            "more_than_the_file": (bytes(len(PACKED[FIRST]) + 9), (len(PACKED[FIRST]) + 9, 416), (None, 200))})
    def test_earlier_run_left(self, content, *answers):
        self.put({FIRST + ".part": content})
        with serve(PACKED, good=right) as server:
            self.fetch(server)
        self.assert_first_asked(server, *answers)


class Replaced(FetchTest):
    def test_wrong_files_are_renamed(self):
        self.put({FIRST: b"mine", FIRST + ".old": b"older", TRAIN_LABELS: b"my labels"})
        with serve(PACKED, good=right) as server:
            out = self.fetch(server)
        kept = {name: content for name, content in self.there().items() if name not in PACKED}
        self.assertEqual({FIRST + ".old": b"older", FIRST + ".old.old": b"mine",
                          TRAIN_LABELS + ".old": b"my labels"}, kept)
        path = os.path.join(self.dir, TRAIN_LABELS)
        self.assertIn(f"{path} had other contents: kept as {path}.old\n", out)

    def test_wrong_plain_file_beside_the_right_one(self):
        """mnist_blas would read the plain file."""
        with serve(PACKED, good=right) as server:
            self.fetch(server)
            del server.asked[:]
            write_bytes(os.path.join(self.dir, TRAIN_IMAGES), b"mine")
            self.fetch(server)
        self.assertEqual([], server.asked)
        self.assertEqual(b"mine", self.there()[TRAIN_IMAGES + ".old"])

    def test_folder_in_place_of_a_file(self):
        os.makedirs(os.path.join(self.dir, FIRST, "inside"))
        with serve(PACKED, good=right) as server:
            result = self.end(self.start_fetch(*self.ours(), mirrors=server.mirrors))
        self.assertEqual(0, result.code, result)
        self.assertEqual(PACKED[FIRST], read_bytes(os.path.join(self.dir, FIRST)))
        self.assertEqual(["inside"], os.listdir(os.path.join(self.dir, FIRST + ".old")))


class Interrupted(FetchTest):
    @cases({"ctrl_c": (signal.SIGINT, os.killpg), "terminate": (signal.SIGTERM, os.killpg),
            "terminate_the_script_alone": (signal.SIGTERM, os.kill), "hang_up": (signal.SIGHUP, os.killpg)})
    def test_by(self, number, kill):
        """The partial file remains, and the next run resumes it."""
        part = os.path.join(self.dir, FIRST + ".part")
        with serve(PACKED, only=mirrors.stalled) as server:
            process = self.start_fetch(*self.ours("--timeout", "9999"), mirrors=server.mirrors)
            until = time.monotonic() + HANG
            while not os.path.exists(part) or os.path.getsize(part) == 0:
                self.assertLess(time.monotonic(), until, "nothing came")
                time.sleep(0.01)
            kill(process.pid, number)
            result = self.end(process)
            self.assertEqual((-number, "", ""), (result.code, result.out, result.err))
        self.assertEqual([FIRST + ".part"], list(self.there()))
        size = len(self.there()[FIRST + ".part"])
        with serve(PACKED, only=right) as server:
            self.fetch(server)
        self.assertEqual(Asked("only", FIRST, size, 206), server.asked[0])
