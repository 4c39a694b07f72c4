"""bench/ranks, bench/ranks_model and bench_messages, on tiny settings; and the model of a step, by hand. No test depends on
speed. Ranks need mpirun, and a build with MPI; the slow network needs root on Linux.
"""
import json
import math
import os
import shutil
import subprocess
import sys
import unittest
import xml.etree.ElementTree

import support
from support import HANG, ProgramTest, Result, clean_environment

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench")
BUILD = os.path.dirname(support.PROGRAM)
NETWORK = "dense:20,relu,dense:4"
ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}  # Open MPI's questions to root

sys.path.insert(0, BENCH)
import step_model  # noqa: E402

needs_mpirun = unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")


def has_namespaces():
    """True if a namespace can be made, with a TAP device."""
    if not all(map(shutil.which, ("ip", "unshare", "taskset"))) or not os.access("/dev/net/tun", os.W_OK):
        return False
    name = f"mbtest{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return made


class BenchRanks(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.make_data(train=300, test=260)

    def run_words(self, *words):
        done = subprocess.run([*map(str, words)], cwd=self.folder, env=clean_environment(self.folder, **ROOT),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=HANG, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    def run_script(self, name, *arguments):
        return self.run_words(sys.executable, os.path.join(BENCH, name), "--build", BUILD, "--data", self.data, *arguments)

    def succeed(self, result):
        self.assertEqual((0, ""), (result.code, result.err), result)
        return result.out

    def figures(self, *parts):
        with open(self.path(*parts), encoding="utf-8") as file:
            return json.load(file)


class Messages(BenchRanks):
    def messages(self, *arguments):
        out = self.succeed(self.run_words(os.path.join(BUILD, "bench", "bench_messages"), "--data", self.data, *arguments))
        return json.loads(out)

    def test_lists_what_ranks_send(self):
        one, two, many = self.messages("--network", NETWORK, "--batch-size", 50, "--ranks", "1,2,100")
        self.assertEqual([1, 2, 100], [one["ranks"], two["ranks"], many["ranks"]])
        self.assertEqual(0, sum(exchange["bytes_of_all"] for exchange in one["exchanges"]))
        names = [[phase["name"] for phase in listing["phases"]] for listing in (one, two, many)]
        self.assertEqual(names[1], names[2])
        self.assertEqual(set(names[0]), set(names[1]))  # in another order, so that messages pass meanwhile
        for listing in (one, two, many):
            for phase in listing["phases"]:
                self.assertTrue(1 <= phase["max_tiles"] <= phase["tiles"], phase)
                if listing is one:
                    self.assertEqual(phase["tiles"], phase["max_tiles"])
            for exchange in listing["exchanges"]:
                self.assertTrue(exchange["writer"] < exchange["start"] <= exchange["finish"] <= len(listing["phases"]))
                self.assertLessEqual(exchange["messages_sent"], listing["ranks"] - 1)
        for listing in (two, many):
            parameters = sum(exchange["bytes_of_all"] for exchange in listing["exchanges"]
                             if exchange["finish"] == len(listing["phases"]))
            self.assertEqual((listing["ranks"] - 1) * 4 * self.parameters(), parameters)

    def parameters(self):
        return json.loads(self.succeed(self.run_words(support.PROGRAM, "info", "--json", "--network", NETWORK, "--data",
                                                      self.data)))["network"]["parameters"]

    def test_bad_options_are_refused(self):
        for arguments in (["--ranks", "0"], ["--ranks", "2,"], ["--network", "dense:0"], ["--batch-size", 301]):
            with self.subTest(arguments):
                result = self.run_words(os.path.join(BUILD, "bench", "bench_messages"), "--data", self.data, *arguments)
                self.assertEqual((2, 1, ""), (result.code, len(result.err.splitlines()), result.out), result)

    @needs_mpirun
    def test_times_messages_between_ranks(self):
        for ranks in (2, 3):
            out = self.succeed(self.run_words("mpirun", "--oversubscribe", "-n", ranks, "--mca", "btl", "vader,self",
                                              os.path.join(BUILD, "bench", "bench_messages"), "--repeats", 1))
            times = json.loads(out)
            self.assertEqual({"one", "all"}, {one["pattern"] for one in times})
            for one in times:
                self.assertTrue(0 < one["seconds"]["min"] <= one["seconds"]["median"] <= one["seconds"]["max"], one)


@needs_mpirun
class Ranks(BenchRanks):
    def test_splits_are_compared(self):
        out = self.succeed(self.run_script("ranks", "--case", f"{NETWORK}:50", "--threads", 1, "--split", "2x1", "--split",
                                           "1x2", "--samples", 200, "--rounds", 2, "--seconds", 0.001, "--json",
                                           self.path("figures.json")))
        self.assertIn("the models of all splits are equal", out)
        case, = self.figures("figures.json")["cases"]
        self.assertEqual((NETWORK, 50), (case["network"], case["batch_size"]))
        self.assertGreaterEqual(case["epochs"], 2)
        self.assertEqual(["1x1", "2x1", "1x2"], list(case["splits"]))
        self.assertEqual(1, case["splits"]["1x1"]["ratio"]["median"])
        for name, row in case["splits"].items():
            speed = row["samples_per_second"]
            self.assertEqual(2, len(row["speeds"]))
            self.assertTrue(0 < speed["min"] <= speed["median"] <= speed["max"], row)
            self.assertIn(name, out)

    def test_bad_options_are_refused(self):
        for arguments in (["--split", "2"], ["--split", "0x1"], ["--case", "mlp"], ["--rounds", "0"], ["word"]):
            with self.subTest(arguments):
                result = self.run_script("ranks", *arguments)
                self.assertEqual((2, 1), (result.code, len(result.err.splitlines())), result)
        result = self.run_script("ranks", "--samples", 301)
        self.assertEqual(1, result.code)
        self.assertRegex(result.err, r"^ranks: --samples 301: .* has fewer training images\n$")


@needs_mpirun
class Model(BenchRanks):
    def test_predictions(self):
        out = self.succeed(self.run_script("ranks_model", "--network", NETWORK, "--batch-size", "20,1000", "--ranks", "1,2,4",
                                           "--out", self.path("model")))
        self.assertIn(f"left out: {NETWORK}, batch size 1000: more than the 300 training images", out)
        row, = self.figures("model", "model.json")["predictions"]
        self.assertEqual((NETWORK, 20), (row["network"], row["batch_size"]))
        self.assertEqual(len(row["listings"][0]["phases"]), len(row["phases"]))
        self.assertEqual(5, len(row["speedups"]))
        for speeds in row["speedups"].values():
            self.assertEqual(1, speeds["1"])
            self.assertTrue(0 < speeds["2"] <= 2 and 0 < speeds["4"] <= 4, speeds)
        with open(self.path("model", "model.md"), encoding="utf-8") as file:
            self.assertIn(f"| {NETWORK} | 20 |", file.read())
        svg = xml.etree.ElementTree.parse(self.path("model", "model.svg")).getroot()
        self.assertIn("InfiniBand", "".join(svg.itertext()))

    @unittest.skipUnless(has_namespaces(), "no network namespaces here")
    def test_check_on_a_slow_network(self):
        before = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
        self.succeed(self.run_script("ranks_model", "--check-only", "--check-case", f"{NETWORK}:100", "--line", "100:1000",
                                     "--out", self.path("model")))
        rows = self.figures("model", "model.json")["checks"]
        self.assertEqual(["shared memory", "TCP within the machine", "100 us, 1000 Mbit/s"], [row["link"] for row in rows])
        for row in rows:
            self.assertTrue(row["predicted"]["max"] > 0 and row["measured"]["max"] > 0, row)
        self.assertEqual(before, subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout)


class Step(unittest.TestCase):
    """A step of three phases of 10 s, 4 tiles each; the first sends to the third."""

    link = step_model.Link("test", latency=2.0, bandwidth=100.0, per_message=0.25, per_byte=0.001, eager=1000)

    def listing(self, tiles, size, finish=2):
        exchange = {"start": 1, "finish": finish, "bytes_sent": size, "bytes_received": size, "bytes_of_all": 2 * size,
                    "messages_sent": 1, "messages_received": 1}
        return {"ranks": 2, "phases": [{"tiles": 4, "max_tiles": tiles}] * 3, "exchanges": [exchange]}

    def seconds(self, *arguments, rest=0.0, **options):
        return step_model.step_seconds([10.0] * 3, rest, self.listing(*arguments, **options), self.link)

    def test_of_one_rank(self):
        self.assertAlmostEqual(30.5, self.seconds(4, 0, rest=0.5))

    def test_tiles_are_those_of_the_busiest_rank(self):
        self.assertAlmostEqual(22.5, self.seconds(3, 0))

    def test_messages_cost_processors_and_hide_behind_phases(self):
        self.assertAlmostEqual(15 + 2 * (0.25 + 0.1), self.seconds(2, 100))

    def test_messages_that_nothing_hides_are_waited_for(self):
        self.assertAlmostEqual(5 + 1 + 2 + 10, self.seconds(2, 100, finish=1))

    def test_longer_ones_ask_first(self):
        self.assertAlmostEqual(5 + 20 + 3 * 2 + 10, self.seconds(2, 2000, finish=1))

    def test_links_carry_one_exchange_after_the_other(self):
        listing = self.listing(2, 500, finish=1)
        listing["exchanges"] *= 2
        self.assertAlmostEqual(5 + 2 * 5 + 2 + 10, step_model.step_seconds([10.0] * 3, 0.0, listing, self.link))

    def test_fit(self):
        figures = [{"pattern": pattern, "bytes": size, "seconds": {"min": latency + size * per_byte}}
                   for pattern, latency, per_byte in (("one", 1e-3, 1e-9), ("all", 2e-3, 4e-9))
                   for size in (8, 128, 131072, 524288, 2097152)]
        processor = step_model.fit_processor("here", figures, 4096)
        self.assertAlmostEqual(5e-4, processor.per_message, delta=1e-6)
        self.assertAlmostEqual(2e-9, processor.per_byte, delta=1e-12)
        far = [{**one, "seconds": {"min": one["seconds"]["min"] + 0.1 + 1e-8 * one["bytes"]}} for one in figures]
        link = step_model.fit_network("far", far, processor)
        self.assertAlmostEqual(0.1, link.latency, delta=1e-5)
        self.assertAlmostEqual(1 / 1.4e-8, link.bandwidth, delta=1e4)
        self.assertEqual(math.inf, processor.bandwidth)

    def test_half_efficiency(self):
        self.assertEqual(4, step_model.half_efficient({1: 1.0, 2: 1.8, 4: 2.0, 8: 3.9, 16: 9.0}))


if __name__ == "__main__":
    unittest.main()
