"""The benchmark programs: options, output, and consistent figures. No test depends on speed.

MNIST_BLAS_BENCH_EPOCH, _GEMM and _KERNELS name the programs (Meson sets them).
"""
import json
import math
import os
import re
import subprocess
import unittest

from support import (COLUMNS, HANG, OVERLOOKED_AVX512, ROWS, ProgramTest, Result, clean_environment, made_split,
                     needs_faults)

NAMES = ("bench_epoch", "bench_gemm", "bench_kernels")
PROGRAMS = {name: os.path.abspath(os.environ.get(f"MNIST_BLAS_{name.upper()}") or os.path.join(
    os.path.dirname(__file__), "../../build/bench", name)) for name in NAMES}
SETS = {"x86-64", "x86-64-v3", "x86-64-v4", "generic", "neon"}
KERNELS = os.path.join(os.path.dirname(__file__), "../../src/kernels/kernels.inc")
KEYS = {"name": str, "run_name": str, "run_type": str, "iterations": int, "repetitions": int,
        "threads": int, "real_time": float, "cpu_time": float, "time_unit": str}
CONTEXT = ("date", "host_name", "executable", "num_cpus", "cpu", "cpu_level", "blas_core",
           "blas_version")


class BenchTest(ProgramTest):
    def run_bench(self, name, *arguments, **variables):
        done = subprocess.run([PROGRAMS[name], *map(str, arguments)], cwd=self.folder,
                              env=clean_environment(self.folder, **variables),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=HANG, check=False)
        lines = [line for line in done.stderr.splitlines()
                 if not line.startswith(f"{name}: warning: ")]
        return Result(done.returncode, done.stdout, "\n".join(lines))

    def measure(self, name, *arguments, **variables):
        """Runs a benchmark; returns the entries of its JSON by name, checked against Google Benchmark's schema,
        and its stdout."""
        path = self.path(f"{name}.json")
        result = self.run_bench(name, *arguments, "--json", path, **variables)
        self.assertEqual((0, []), (result.code, result.errors), result)
        with open(path, encoding="utf-8") as file:
            whole = json.load(file)
        self.assertEqual(sorted(CONTEXT), sorted(whole["context"]))
        self.assertEqual(name, whole["context"]["executable"])
        for one in whole["benchmarks"]:
            for key, kind in KEYS.items():
                self.assertIs(kind, type(one[key]), f"{one['name']}: {key}")
            numbers = [value for value in one.values() if isinstance(value, (int, float))]
            self.assertTrue(all(map(math.isfinite, numbers)), one)
            self.assertEqual(("iteration", "ns"), (one["run_type"], one["time_unit"]))
            self.assertGreater(one["iterations"], 0)
            if "items_per_second" in one:
                self.assertGreater(one["real_time"], 0, one)
                self.assertGreater(one["items_per_second"], 0, one)
        by_name = {one["name"]: one for one in whole["benchmarks"]}
        self.assertEqual(len(by_name), len(whole["benchmarks"]), "two have one name")
        return by_name, result.out


    def assert_close(self, wanted, got, message=None):
        """Equal within the precision of the JSON."""
        self.assertAlmostEqual(wanted, got, delta=1e-6 * max(1, abs(wanted)), msg=message)


class Usage(BenchTest):
    def test_help_names_the_options(self):
        for name in NAMES:
            with self.subTest(program=name):
                result = self.run_bench(name, "--help")
                self.assertEqual((0, []), (result.code, result.errors), result)
                self.assertIn(f"Usage: {name} [OPTION...]", result.out)
                for option in ("--json=FILE", "--batch-size="):
                    self.assertIn(option, result.out)

    def refuse(self, name, *arguments):
        with self.subTest(program=name, arguments=arguments):
            result = self.run_bench(name, *arguments)
            self.assertEqual(2, result.code, result)
            self.assertEqual(1, len(result.errors), result)
            self.assertRegex(result.errors[0], rf"^{name}: \S.*[^\s:]$")

    def test_bad_options_are_refused(self):
        for name in NAMES:
            for arguments in (["--bogus"], ["--json"], ["word"], ["--batch-size", "0"],
                              ["--batch-size", "ten"]):
                self.refuse(name, *arguments)
        for name in ("bench_epoch", "bench_gemm"):
            for arguments in (["--threads", "1,x"], ["--threads", "1,"], ["--threads", ",1"],
                              ["--threads", ",".join(["1"] * 33)], ["--batch-size", "64,0"]):
                self.refuse(name, *arguments)
        for name in ("bench_kernels", "bench_gemm"):
            self.refuse(name, "--repeats", "0")
        self.refuse("bench_kernels", "--only", "no_such_kernel")
        self.refuse("bench_gemm", "--repeats", 1, "--network", "dense:0")
        for arguments in (["--optimizer", "adam,rmsprop"], ["--optimizer", ""], ["--augment", "off,cutout"], ["--epochs", "0"],
                          ["--rounds", "-1"], ["--samples", "0"]):
            self.refuse("bench_epoch", *arguments)

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_lost_output_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([PROGRAMS["bench_kernels"], "--only", "exp", "--repeats", "1"],
                                  env=clean_environment(self.folder), stdin=subprocess.DEVNULL,
                                  stdout=full, stderr=subprocess.PIPE, text=True, timeout=HANG,
                                  check=False)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, r"^bench_kernels: standard output: .*\n$")

    def test_epoch_refuses_more_samples_than_there_are(self):
        data = self.make_data(train=300)
        self.refuse("bench_epoch", "--data", data, "--samples", 301)
        self.refuse("bench_epoch", "--data", data, "--batch-size", 301)
        result = self.run_bench("bench_epoch", "--data", self.path("nowhere"))
        self.assertEqual((1, 1), (result.code, len(result.errors)), result)


class KernelSet(BenchTest):
    @needs_faults
    def test_is_that_of_training(self):
        data = self.make_data(classes=10, rows=28, columns=28, train=64)
        brief = {"bench_gemm": ["--repeats", 1, "--big-only"], "bench_kernels": ["--repeats", 1, "--only", "adam"],
                 "bench_epoch": ["--rounds", 1, "--epochs", 1, "--data", data]}
        for variables in ({}, OVERLOOKED_AVX512, {"OPENBLAS_CORETYPE": "Prescott"}):
            for name in NAMES:
                with self.subTest(program=name, variables=variables):
                    self.measure(name, *brief[name], **variables)
                    with open(self.path(f"{name}.json"), encoding="utf-8") as file:
                        self.assertEqual(self.info(**variables)["blas_core"], json.load(file)["context"]["blas_core"])


class Distance(BenchTest):
    """The round trip between two threads stands beside their speeds; one thread has none."""

    def test_of(self):
        self.make_data(train=300)
        epoch, out = self.measure("bench_epoch", "--data", self.path("data"), "--threads", "1,2", "--rounds", 2, "--epochs",
                                  1, "--network", "dense:8,relu,dense:4")
        gemm, _ = self.measure("bench_gemm", "--repeats", 1, "--threads", "1,2", "--big-only")
        for benchmarks in (epoch, gemm):
            for name, one in benchmarks.items():
                if not name.startswith(("epoch/", "sgemm ")):
                    continue
                with self.subTest(name):
                    if one["threads"] == 1:
                        self.assertNotIn("round_trip_ns_max", one)
                    if "round_trip_ns_max" not in one:  # also on a busy machine
                        continue
                    self.assertTrue(0 < one["round_trip_ns_min"] <= one["round_trip_ns_max"], one)
                    self.assertIn(one["rounds_changed"], (0, 1, 2))
                    self.assertRegex(one["label"], r"^(near|far|mixed), \d+-\d+ ns")
                    self.assertTrue(one in gemm.values() or one["label"] in out)


class Gemm(BenchTest):
    def test_products_are_those_of_the_network(self):
        benchmarks, out = self.measure("bench_gemm", "--repeats", 1, "--threads", "1,2",
                                       "--batch-size", "8,100", "--network", "dense:24,relu,dense:10")
        layers = {"dense1": 784 * 24, "dense2": 24 * 10}
        phases = [("dense1", "forward"), ("dense1", "update"), ("dense2", "forward"),
                  ("dense2", "update"), ("dense2", "backward")]
        seen = set()
        for threads in (1, 2):
            limit = benchmarks[f"FMA limit/threads:{threads}"]["GFLOP/s_max"]
            seen.update({f"FMA limit/threads:{threads}", f"sgemm 1024/threads:{threads}"})
            for batch in (8, 100):
                for layer, phase in phases:
                    name = (f"{layer} {phase}/dense:24,relu,dense:10/batch:{batch}"
                            f"/threads:{threads}")
                    one = benchmarks[name]
                    seen.add(name)
                    flops = one["items_per_second"] * one["real_time"] / 1e9
                    self.assertAlmostEqual(1, flops / (2 * batch * layers[layer]), 5, name)
                    self.assertAlmostEqual(one["GFLOP/s"] / limit, one["FMA_share"], 5, name)
                    self.assertLessEqual(one["GFLOP/s_min"], one["GFLOP/s"])
                    self.assertLessEqual(one["GFLOP/s"], one["GFLOP/s_max"])
                    self.assertIn(name, out)
        self.assertEqual(seen, set(benchmarks))

    def test_sparse_first_layer_does_not_call_sgemm(self):
        benchmarks, _ = self.measure("bench_gemm", "--repeats", 1, "--threads", 1, "--sparse",
                                     "--batch-size", 16)
        names = {name.split("/")[0] for name in benchmarks}
        self.assertIn("dense2 forward", names)
        self.assertFalse(names & {"dense1 forward", "dense1 update"}, names)

    def test_big_only_skips_the_step(self):
        benchmarks, _ = self.measure("bench_gemm", "--repeats", 1, "--threads", 1, "--big-only")
        self.assertEqual(["sgemm 1024/threads:1", "FMA limit/threads:1"], list(benchmarks))

    def test_all_cores_measures_each_kernel_set_once(self):
        path = self.path("all.json")
        result = self.run_bench("bench_gemm", "--repeats", 1, "--threads", 1, "--big-only",
                                "--all-cores", "--json", path)
        if "one kernel set only" in result.err:
            self.skipTest(result.err)
        self.assertEqual((0, []), (result.code, result.errors), result)
        with open(path, encoding="utf-8") as file:
            names = [one["name"] for one in json.load(file)["benchmarks"]]
        cores = [name.split("/core:")[1] for name in names if name.startswith("sgemm")]
        self.assertEqual(len(set(cores)), len(cores))
        self.assertEqual(2 * len(cores), len(set(names)))
        for core in cores:
            self.assertIn(core, result.out)


class Kernels(BenchTest):
    def test_each_kernel_is_timed_with_its_reference(self):
        benchmarks, out = self.measure("bench_kernels", "--repeats", 1, "--batch-size", 70)
        sets = {}
        for name in benchmarks:
            case, kernel_set = name.split("/")
            sets.setdefault(case, set()).add(kernel_set)
        with open(KERNELS, encoding="utf-8") as file:
            kernels = set(re.findall(r"^MB_(?:KERNEL|PRODUCT)\(\w+, (\w+)", file.read(), re.MULTILINE))
        self.assertEqual(kernels | {"gather", "adamw"}, {case.split(":")[0] for case in sets})
        self.assertEqual(1, len({frozenset(of_case) for of_case in sets.values()}), sets)
        self.assertLessEqual(sets["gather"], SETS | {"reference"})
        self.assertGreater(len(sets["gather"]), 1)
        for name, one in benchmarks.items():
            elements = one["items_per_second"] * one["real_time"] / 1e9
            self.assertAlmostEqual(1, one["ns_per_element"] * elements / one["real_time"], 5, name)
            self.assertAlmostEqual(1, one["bytes_per_second"] / 1e9 / one["GB/s"], 5, name)
            reference = benchmarks[name.split("/")[0] + "/reference"]
            self.assertAlmostEqual(1, one["speedup"] * one["real_time"] / reference["real_time"], 5, name)
            self.assertIn(name.split("/")[0], out)

    def test_only_one_kernel(self):
        benchmarks, _ = self.measure("bench_kernels", "--repeats", 1, "--only", "relu_forward")
        self.assertEqual({"relu_forward"}, {name.split("/")[0] for name in benchmarks})


class Epoch(BenchTest):
    def setUp(self):
        super().setUp()
        self.data = self.make_data(train=500)

    def measure_epochs(self, *arguments):
        return self.measure("bench_epoch", "--data", self.data, "--network", "dense:20,relu,dense:4",
                            *arguments)

    def test_every_combination_is_measured(self):
        benchmarks, out = self.measure_epochs(
            "--network", "dense:4", "--threads", "1,2", "--batch-size", "50,64", "--optimizer",
            "sgd,adam", "--epochs", 2, "--rounds", 2)
        wanted = {f"epoch/{network}/{optimizer}/batch:{batch}/threads:{threads}"
                  for network in ("dense:20,relu,dense:4", "dense:4") for optimizer in ("sgd", "adam")
                  for batch in (50, 64) for threads in (1, 2)}
        self.assertEqual(wanted, {name for name in benchmarks if name.startswith("epoch/")})
        for name in wanted:
            one = benchmarks[name]
            self.assertIn(name.removeprefix("epoch/"), out)
            self.assertLessEqual(one["samples/s_min"], one["samples/s"])
            self.assertLessEqual(one["samples/s"], one["samples/s_max"])
            self.assertLessEqual(one["SGEMM_ratio_min"], one["SGEMM_ratio"])
            self.assertLessEqual(one["SGEMM_ratio"], one["SGEMM_ratio_max"])
            for number in (2, 3):
                self.assertIn(name.replace("epoch/", f"epoch:{number}/"), benchmarks)

    def test_augmentations_are_combined(self):
        benchmarks, out = self.measure_epochs("--augment", "off,shift,affine,elastic", "--epochs", 1, "--rounds", 1,
                                              "--threads", 1, "--phases")
        for name in ("adamw", "adamw+shift", "adamw+affine", "adamw+elastic"):
            end = f"/dense:20,relu,dense:4/{name}/batch:64/threads:1"
            self.assertGreater(benchmarks["epoch" + end]["samples/s"], 0)
            self.assertEqual(name != "adamw", "augment" + end in benchmarks)
            self.assertIn(f"{name}/batch:64", out)

    def whole(self, *arguments):
        """Measures one combination for one round; returns its entry."""
        benchmarks, out = self.measure_epochs("--threads", 1, "--rounds", 1, *arguments)
        one, = (one for name, one in benchmarks.items() if name.startswith("epoch/"))
        return one, benchmarks, out

    def test_figures_are_consistent(self):
        one, _, _ = self.whole("--epochs", 3)
        flops = 2 * 2 * 120 * 20 + 3 * 2 * 20 * 4  # the first layer needs no gradient of its input
        self.assertAlmostEqual(1, one["samples/s"] * flops / 1e9 / one["GFLOP/s"], 5)
        self.assertAlmostEqual(one["GFLOP/s"] / one["SGEMM_GFLOP/s"], one["SGEMM_ratio"], 5)
        self.assertAlmostEqual(1, one["items_per_second"] / one["samples/s"], 5)
        images, _ = made_split(500, 4, ROWS, COLUMNS, 0.0, 0, 11)
        blank = images.count(0) / len(images)
        left_out = 2 * 2 * 120 * 20 * blank
        self.assertAlmostEqual(1 - left_out / flops, one["GFLOP/s_done"] / one["GFLOP/s"], 5)
        self.assertLess(one["GFLOP/s_done"], one["GFLOP/s"])

    def test_zero_gradients_of_a_max_pool_do_not_count_as_done(self):
        """One pixel of each window has a gradient, in both backward products of the second convolution."""
        layers = "conv2d:4x3/pad1,conv2d:16x3/pad1,relu,maxpool2d:2,flatten,dense:4"
        benchmarks, _ = self.measure_epochs("--network", layers, "--threads", 1, "--rounds", 1, "--epochs", 1)
        one, = (one for name, one in benchmarks.items() if name.startswith(f"epoch/{layers}/"))
        pixels, windows = ROWS * COLUMNS, (ROWS // 2) * (COLUMNS // 2)
        first, second, last = (2 * 9 * 4 * pixels, 2 * 9 * 4 * 16 * pixels, 2 * 16 * windows * 4)
        dense = 2 * first + 3 * second + 3 * last
        left_out = 2 * second * (1 - windows / pixels)
        self.assertAlmostEqual(1, one["samples/s"] * dense / 1e9 / one["GFLOP/s"], 5)
        self.assertAlmostEqual(1 - left_out / dense, one["GFLOP/s_done"] / one["GFLOP/s"], 5)

    def test_done_equals_dense_without_zero_pixels(self):
        one, _, out = self.whole("--epochs", 1, "--dense-images")
        self.assertEqual(one["GFLOP/s_done"], one["GFLOP/s"])
        self.assertIn("100.0 % of the pixels not zero", out)

    def test_fewer_samples(self):
        one, _, out = self.whole("--epochs", 1, "--samples", 100)
        self.assertAlmostEqual(100, one["items_per_second"] * one["real_time"] / 1e9, 3)
        self.assertIn("100 images of 12x10", out)

    def test_drift_needs_six_epochs(self):
        one, benchmarks, _ = self.whole("--epochs", 6)
        speeds = {number: next(value["samples/s"] for name, value in benchmarks.items()
                               if name.startswith(f"epoch:{number}/")) for number in (2, 3, 6, 7)}
        first, last = (2 / (1 / speeds[a] + 1 / speeds[b]) for a, b in ((2, 3), (6, 7)))
        self.assertAlmostEqual(last / first - 1, one["drift"], 4)
        self.assertNotIn("drift", self.whole("--epochs", 5)[0])

    def test_phases_add_up_to_the_step(self):
        for threads in (1, 2):
            with self.subTest(threads=threads):
                self.check_phases(threads)

    def check_phases(self, threads):
        benchmarks, out = self.measure_epochs("--threads", threads, "--rounds", 1, "--epochs", 1,
                                              "--batch-size", 64, "--phases")
        end = f"/dense:20,relu,dense:4/adamw/batch:64/threads:{threads}"
        step = benchmarks["step" + end]
        phases = {name.removesuffix(end): one for name, one in benchmarks.items() if "wait_us" in one
                  and one is not step}
        self.assertLessEqual({"gather", "dense1 forward", "relu1 forward", "dense2 forward", "softmax",
                              "dense2 backward", "relu1 backward", "dense1 update",
                              "dense2 update"}, set(phases))
        running = sum(one["real_time"] for one in phases.values()) / 1e3
        waiting = sum(one["wait_us"] for one in phases.values())
        self.assertGreater(running, 0)
        whole = step["real_time"] / 1e3
        self.assert_close(running, step["running_us"])
        self.assert_close(waiting, step["wait_us"])
        self.assert_close(whole, running + waiting + step["rest_us"])
        self.assertGreaterEqual(step["rest_us"], -0.01 * whole)  # measured with two clocks
        self.assertEqual(8, step["iterations"])  # 500 samples, the last step is smaller
        for name, one in phases.items():
            own = [one[f"thread{thread}_us"] for thread in range(threads)]
            self.assert_close(one["real_time"] / 1e3, sum(own) / threads, name)
            self.assert_close(one["share"], one["real_time"] / step["real_time"], name)
            self.assertIn(name, out)
