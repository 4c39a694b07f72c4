"""bench/compare with fake peers: programs that speak the protocol but do not train."""
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import re
import shutil
import sys
import xml.etree.ElementTree
from unittest import mock

import support
from support import ProgramTest

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench")

# Answers through bench/peers/peer.py with a simulated clock. `seconds` per epoch is an expression of the
# thread count, the layout, and the number of the epoch since open().
PEER = """
import sys
sys.path.insert(0, {folder!r})
import peer

class Fake:
    version, samples, now = "Fake 1.0", 1200, 0.0
    {networks}
    def open(self, **settings):
        self.threads, self.layout, self.epoch = settings["threads"], settings.get("layout"), 0
        {open}
    def reset(self, seed): pass
    def train_epoch(self):
        self.epoch += 1
        threads, layout, epoch = self.threads, self.layout, self.epoch
        Fake.now += {seconds}
    def evaluate(self): return {accuracy}

peer.time.perf_counter = lambda: Fake.now
peer.serve(Fake)
"""


def load_compare():
    """Imports bench/compare as a module."""
    path = os.path.join(BENCH, "compare")
    loader = importlib.machinery.SourceFileLoader("compare_program", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class Compare(ProgramTest):
    def setUp(self):
        super().setUp()
        sys.path.insert(0, BENCH)
        self.addCleanup(sys.path.remove, BENCH)
        self.compare = load_compare()
        sys.modules["contenders"].SETTLING = 0  # fake peers have no threads
        self.sgemm = mock.patch.object(sys.modules["contest"], "big_sgemm", lambda build, threads: 100.0)
        self.sgemm.start()
        self.addCleanup(mock.patch.stopall)
        self.peers = dict(self.compare.PEERS)
        self.addCleanup(self.compare.PEERS.update, self.peers)
        self.compare.PEERS.clear()
        self.addCleanup(self.compare.PEERS.clear)  # runs before the update
        self.build = os.path.dirname(support.PROGRAM)

    def add_peer(self, name, accuracy=1.0, open_="pass", seconds="0.01", networks=""):
        path = self.path(name + ".py")
        support.write_bytes(path, PEER.format(folder=os.path.join(BENCH, "peers"), accuracy=accuracy,
                                              open=open_, seconds=seconds, networks=networks).encode())
        self.compare.PEERS[name] = path

    def run_compare(self, *arguments):
        """Runs compare on generated data that is easy to learn; returns (exit code, stdout, stderr)."""
        data = self.path("data")
        if not os.path.exists(data):
            self.make_data(classes=2)
        words = ["compare", "--build", self.build, "--data", data, "--rounds", "1", "--epochs-per-round", "1",
                 "--threads", "1", *map(str, arguments)]
        out, err, before = io.StringIO(), io.StringIO(), sys.argv
        sys.argv = words
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    code = self.compare.main()
                except SystemExit as end:
                    code = end.code
        finally:
            sys.argv = before
        return code, out.getvalue(), err.getvalue()

    def fails_with(self, code, word, *arguments):
        ended, out, err = self.run_compare(*arguments)
        lines = [line for line in err.splitlines() if "warning" not in line]
        self.assertEqual((code, 1), (ended, len(lines)), out + err)
        self.assertTrue(lines[0].startswith("compare: ") and word in lines[0], err)

    def results(self, *arguments, code=0):
        """Runs compare, which must exit with `code`; returns its JSON and stdout."""
        ended, out, err = self.run_compare("--json", self.path("c.json"), *arguments)
        self.assertEqual(code, ended, out + err)
        with open(self.path("c.json"), encoding="utf-8") as file:
            return json.load(file), out

    def test_json_and_svg(self):
        self.sgemm.stop()  # SGEMM is measured here alone
        self.add_peer("quick")
        self.add_peer("quicker")
        written, _ = self.results("--rounds", 2, "--svg", self.path("c.svg"))
        result, = written["comparisons"]
        self.assertEqual(["mnist_blas", "quick", "quicker"], list(result["contenders"]))
        for name, row in result["contenders"].items():
            speed = row["samples_per_second"]
            self.assertTrue(0 < speed["min"] <= speed["median"] <= speed["max"], row)
            self.assertEqual((name == "mnist_blas", 2), ("ratio" not in row, len(row["epochs"])))
        self.assertAlmostEqual(120000, result["contenders"]["quick"]["samples_per_second"]["median"], 3)
        for rates in result["sgemm_gflops"].values():
            self.assertGreater(rates["min"], 0)
        picture = xml.etree.ElementTree.parse(self.path("c.svg"))
        texts = " ".join(element.text or "" for element in picture.iter())
        for word in ("mnist_blas", "quick", "quicker", "batch size 64", "adam", "784-128-64-10"):
            self.assertIn(word, texts)

    def test_a_round_in_which_the_distance_of_the_cores_changes_is_repeated(self):
        """And marked after three attempts; rounds of both kinds are said."""
        self.add_peer("peer")
        kinds = iter(["near", "far", "far", "near", "near", "near"] + 3 * ["near", "far"] + ["far", "far"])
        sys.modules["contest"].round_trip = lambda build, threads: {
            "kind": (kind := next(kinds)), "min_ns": 400 if kind == "far" else 100, "max_ns": 450 if kind == "far" else 110}
        self.addCleanup(setattr, sys.modules["contest"], "round_trip", sys.modules["contenders"].round_trip)
        code, out, err = self.run_compare("--json", self.path("c.json"), "--rounds", 3)
        self.assertEqual(0, code, err)
        self.assertEqual(["repeated"] * 4 + ["marked"],
                         re.findall(r"(?m)^  round \d: the cores were \w+ before and \w+ after it: (\w+)$", out))
        with open(self.path("c.json"), encoding="utf-8") as file:
            result, = json.load(file)["comparisons"]
        self.assertEqual({"rounds": ["near", "changed", "far"], "min_ns": 100, "max_ns": 450}, result["round_trip"])
        self.assertEqual(3, len(result["contenders"]["peer"]["epochs"]))
        self.assertIn("cores: changed, far, near, round trip of a cache line 100 to 450 ns\n", out)
        self.assertIn("the distance of the cores changed: near in 1, changed in 1, far in 1 of 3 rounds",
                      err)

    def test_slow_trials_do_not_decide(self):
        # Two epochs per trial. Two threads are faster, except in the first two trials.
        self.add_peer("peer", seconds="(1 if epoch <= 4 else 0.01) if threads == 2 else 0.02")
        written, out = self.results("--threads", "1,2")
        row = written["comparisons"][0]["contenders"]["peer"]
        self.assertEqual(2, row["threads"])
        self.assertEqual([1, 2], [tried["threads"] for tried in row["tried"]])
        for contender in written["comparisons"][0]["contenders"].values():
            for tried in contender["tried"]:
                self.assertGreaterEqual(len(tried["samples_per_second"]), 3)
        self.assertIn("peer: samples/s by threads 1: 60,000, 2: 120,000; best 2", out)

    def test_memory_format_and_threads_are_chosen_together(self):
        self.add_peer("peer", networks='networks = {"mlp": ["contiguous", "channels_last"]}',
                      seconds="0.01 * threads / (2 if layout == 'channels_last' else 1)")
        self.add_peer("plain")
        written, out = self.results("--threads", "1,2")
        rows = written["comparisons"][0]["contenders"]
        self.assertEqual((1, "channels_last", 4),
                         (rows["peer"]["threads"], rows["peer"]["layout"], len(rows["peer"]["tried"])))
        self.assertIsNone(rows["plain"]["layout"])
        self.assertIn("memory format: peer channels_last\n", out)

    def test_peers_without_the_network_are_skipped(self):
        self.add_peer("plain")
        code, out, err = self.run_compare("--network", "lenet5")
        self.assertEqual((1, "compare: no peer is installed\n"), (code, err))
        self.assertIn("left out: plain: there is no network lenet5 in it\n", out)

    def test_samples(self):
        seen = self.path("seen")
        self.add_peer("peer", open_="import shutil; shutil.copytree(settings['data'], {!r}, dirs_exist_ok=True)"
                      .format(seen))
        images, labels = support.made_split(1200, 2, support.ROWS, support.COLUMNS, 0.0, 0, 11)
        wanted = {support.TRAIN_IMAGES: support.idx((400, support.ROWS, support.COLUMNS),
                                                    images[:400 * support.ROWS * support.COLUMNS]),
                  support.TRAIN_LABELS: support.idx((400,), labels[:400])}
        for packed in (False, True):
            with self.subTest(packed=packed):
                for folder in ("data", "seen"):
                    shutil.rmtree(self.path(folder), ignore_errors=True)
                self.make_data(classes=2, packed=packed)
                written, _ = self.results("--samples", 400)
                for name, content in wanted.items():
                    self.assertEqual(content, support.read_bytes(os.path.join(seen, name)))
                for name in (support.TEST_IMAGES, support.TEST_LABELS):
                    name += ".gz" if packed else ""
                    self.assertEqual(support.read_bytes(self.path("data", name)),
                                     support.read_bytes(os.path.join(seen, name)))
                self.assertEqual((400, os.path.realpath(self.path("data"))), (
                    written["settings"]["samples"], os.path.realpath(written["context"]["data"])))
        self.fails_with(1, "--samples 1201", "--samples", 1201)

    def test_different_accuracy_fails(self):
        self.add_peer("fair")
        self.add_peer("unfair", accuracy=0.5)
        self.fails_with(1, "unfair: its test accuracy is -50")

    def test_verdict_on_accuracy(self):
        self.add_peer("fair")
        accuracy = self.results()[0]["comparisons"][0]["accuracy"]
        self.assertEqual((0.01, True, ["fair"]),
                         (accuracy["margin"], accuracy["agree"], list(accuracy["from_ours"])))
        self.add_peer("unfair", accuracy=0.5)
        accuracy = self.results(code=1)[0]["comparisons"][0]["accuracy"]
        self.assertFalse(accuracy["agree"])
        self.assertAlmostEqual(-0.5, accuracy["from_ours"]["unfair"], 2)

    def test_thread_counts(self):
        self.assertEqual([[1], [1, 2], [1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 3, 4, 6, 8, 12, 16]],
                         [self.compare.thread_counts(cores) for cores in (1, 2, 3, 5, 16)])

    def test_peers_that_cannot_run_are_skipped(self):
        self.add_peer("fair")
        self.add_peer("absent", open_="import no_such_package")
        self.add_peer("unable", open_="raise NotImplementedError('there is no adam in it')")
        self.add_peer("compiled", open_="peer.os.environ['PATH'] = ''; peer.find_compiler()")
        code, out, err = self.run_compare()
        self.assertEqual(0, code, out + err)
        self.assertIn("left out: absent: no_such_package is not installed", out)
        self.assertIn("left out: unable: there is no adam in it", out)
        self.assertIn("left out: compiled: there is no C++ compiler", out)

    def test_named_peer_must_run(self):
        self.add_peer("absent", open_="import no_such_package")
        self.fails_with(1, "no_such_package", "--peer", "absent")

    def test_failing_peer(self):
        self.add_peer("broken", open_="raise ValueError('out of order')")
        self.fails_with(1, "broken: ValueError: out of order")

    def test_bad_usage(self):
        self.add_peer("fair")
        for arguments, word in ((["--peer", "nobody"], "nobody"), (["--rounds", "0"], "--rounds"),
                                (["--batch-size", "x"], "--batch-size"), (["--samples", "-1"], "--samples"),
                                (["--network", "dense:10"], "--network")):
            self.fails_with(2, word, *arguments)

    def test_unwritable_output_and_missing_build(self):
        self.add_peer("fair")
        for option in ("--json", "--svg"):
            self.fails_with(1, "/nowhere/file", option, "/nowhere/file")
        self.build = "/nowhere"
        self.fails_with(1, "cannot be run")
