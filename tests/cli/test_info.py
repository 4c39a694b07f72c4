"""info: the machine as training uses it, and what determines that."""
import errno
import os
import re
import resource
import unittest

from support import MODEL, OVERLOOKED_AVX512, PROGRAM, ProgramTest, TrainedTest, cases, needs_ulimit_v, needs_faults

AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
AVX512_SETS = {"SkylakeX", "Cooperlake", "SapphireRapids"}


def cpu_flags():
    """The CPU flags in /proc/cpuinfo, on x86."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return set(re.search(r"(?m)^flags\s*:(.*)$", file.read()).group(1).split())
    except (OSError, AttributeError):
        return set()


CPUS = sorted(os.sched_getaffinity(0))


class Report(ProgramTest):
    """JSON and text."""

    def test_json_has_the_keys_and_types_of_the_contract(self):
        info = self.info()
        for key, kind in {"threads": int, "blas_core": str, "blas_version": str,
                          "blas_threading": str, "cores": int, "cores_allowed": int,
                          "pin_policy": str, "restarted": bool}.items():
            self.assertIs(kind, type(info[key]), key)
        self.assertIn(info["blas_threading"], ("openmp", "pthreads", "none"))
        self.assertRegex(info["blas_version"], r"^\d+\.\d+")

    def test_features_built_in(self):
        features = self.info()["features"]
        for name, what in (("onnx", "models for ONNX Runtime"), ("tensorboard", "runs for TensorBoard"),
                           ("npz", "data in NumPy archives")):
            self.assertIs(bool, type(features[name]))
            self.assertIn(f"{name} ({what})" if features[name] else f"no {name}",
                          self.run_program("info").out)
        report = self.info()["features"]["report"]
        self.assertIs(bool, type(report))
        self.assertIn("features   report" if report else "features   no report",
                      self.succeed("info").out)

    def test_figures_are_consistent(self):
        info = self.info()
        self.assertEqual(len(CPUS), info["cpus_allowed"])
        self.assertTrue(1 <= info["cores_allowed"] <= min(info["cores"], info["cpus_allowed"]))
        self.assertTrue(1 <= info["threads"] <= info["cores_allowed"])

    def test_distance_of_the_cores(self):
        """Cores are in one cache each, and two threads on CPUs of their own have a round trip."""
        info = self.info()
        caches = info["caches"]
        self.assertIn(sorted(cpu for cache in caches for cpu in cache), ([], sorted(set(sum(caches, [])))))
        self.assertTrue(caches == [] or info["cores_allowed"] == sum(map(len, caches)), caches)
        self.assertIsNone(self.info("--threads", 1)["round_trip"])
        if len(CPUS) == 1:
            self.skipTest("one CPU")
        pinned = {"MNIST_BLAS_PIN": f"{CPUS[0]},{CPUS[-1]}"}
        tries = (self.info("--threads", 2, **pinned)["round_trip"] for _ in range(50))  # unknown on a busy machine
        trip = next(filter(None, tries))
        self.assertTrue(0 < trip["min_ns"] == trip["max_ns"], trip)
        self.assertEqual(trip["kind"], "near" if trip["max_ns"] < 180 else "far")
        self.assertRegex(self.succeed("info", "--threads", 2, **pinned).out, 
                         r"(?m)^distance   ((near|far): .* \d+ ns|unknown: .* share CPUs.*)$")

    def test_text_agrees_with_json(self):
        pinned = {"MNIST_BLAS_PIN": "core"} # else other runs decide about it, which may end between the two
        info, text = self.info(**pinned), self.succeed("info", **pinned).out
        for key in ("version", "cpu", "threads", "blas_core", "blas_version", "blas_threading",
                    "kernels", "pin_policy"):
            self.assertIn(str(info[key]), text, key)

    def test_train_uses_the_same(self):
        info = self.info()
        summary = self.train(self.make_data())
        self.assertEqual((info["threads"], info["blas_core"]),
                         (summary["threads"], summary["blas_core"]))


class Threads(ProgramTest):
    """The thread count, and what determines it."""

    @cases({"variable": ("OMP_NUM_THREADS", 3, [], "3"), "list": ("OMP_NUM_THREADS", 4, [], "4,2"),
            "option": ("--threads", 2, ["--threads", 2]), "both": ("--threads", 2, ["--threads", 2], "3")})
    def test_of(self, source, threads, arguments, variable=None):
        info = self.info(*arguments, **({"OMP_NUM_THREADS": variable} if variable else {}))
        self.assertEqual((threads, source), (info["threads"], info["threads_from"]))

    def test_train_uses_it(self):
        data = self.make_data()
        self.assertEqual(3, self.train(data, OMP_NUM_THREADS="3")["threads"])
        self.assertEqual(2, self.train(data, "--threads", 2, OMP_NUM_THREADS="3")["threads"])

    def check_limited(self, word, *arguments, **variables):
        result = self.run_program("info", *arguments, **variables)
        self.assertEqual((0, 1), (result.code, len(result.warnings)), result)
        self.assertIn(word, result.warnings[0])
        return result.out

    def test_openmp_limit_reduces_it_with_a_warning(self):
        out = self.check_limited("OMP_THREAD_LIMIT", "--threads", 4, OMP_THREAD_LIMIT="2")
        self.assertRegex(out, r"threads +2\b")

    def test_openblas_limit_reduces_it_with_a_warning(self):
        limit = re.search(r"MAX_THREADS=(\d+)", self.info()["blas_config"])
        if limit is None:
            self.skipTest("this OpenBLAS has no known limit")
        self.check_limited("OpenBLAS", "--threads", 1 + int(limit[1]))

    @cases({"empty": ("", 0), "word": ("all", 2), "list": ("2,x", 2)})
    def test_libgomp_is_silent(self, value, code):
        result = self.run_program("info", OMP_NUM_THREADS=value)
        self.assertEqual((code, code // 2), (result.code, len(result.err.splitlines())), result)

    @cases({"to_load": (100, CPUS), "to_load_on_one_cpu": (256, CPUS[:1]), "to_multiply": (128 * (1 + len(CPUS)), CPUS)})
    @needs_ulimit_v
    def test_little_address_space(self, mib, cpus):
        """OpenBLAS, which maps 128 MiB per thread, would wait for it without end."""
        limit = mib << 20

        def prepare():
            os.sched_setaffinity(0, cpus)
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        self.fail_with(1, "info", says=("OpenBLAS", "MiB", "ulimit -v"), prepare=prepare)

    def test_one_allowed_cpu(self):
        self.addCleanup(os.sched_setaffinity, 0, CPUS)
        os.sched_setaffinity(0, CPUS[-1:])  # the program inherits it
        info = self.info()
        self.assertEqual((1, 1), (info["cpus_allowed"], info["threads"]))
        self.assertIn(info["pins"], ([CPUS[-1]], None))


class Pins(ProgramTest):
    """The CPU of each thread."""

    def pins(self, *arguments, **variables):
        info = self.info(*arguments, **variables)
        return info["pin_policy"], info["pins"]

    def test_cores_by_default(self):
        """Unless other runs, such as tests beside this one, have too many of them."""
        for policies, variables in ((("core", "shared"), {}), (("core",), {"MNIST_BLAS_PIN": "core"})):
            policy, pins = self.pins(**variables)
            self.assertIn(policy, policies)
            self.assertEqual(policy == "shared", pins is None)
            self.assertEqual(len(pins or []), len(set(pins or [])))
            self.assertLessEqual(set(pins or []), set(CPUS))

    def test_logical_processors(self):
        threads = min(len(CPUS), 8)
        policy, pins = self.pins("--threads", threads, MNIST_BLAS_PIN="pu")
        self.assertEqual(("pu", threads), (policy, len(set(pins))))
        self.assertLessEqual(set(pins), set(CPUS))

    @cases({"none": ("none", None, "none"),
            "list": ("list", CPUS[::-1][:4], ",".join(map(str, CPUS[::-1][:4]))),
            "list_shorter_than_the_threads": ("list", CPUS[:1] * 3, str(CPUS[0]))})
    def test_policy(self, policy, pins, variable):
        threads = ["--threads", len(pins)] if pins else []
        self.assertEqual((policy, pins), self.pins(*threads, MNIST_BLAS_PIN=variable))

    @unittest.skipIf(len(CPUS) < 2 or CPUS[1] != CPUS[0] + 1, "no two neighbouring CPUs are allowed")
    def test_range(self):
        self.assertEqual(("list", CPUS[:2]), self.pins("--threads", 2, MNIST_BLAS_PIN=f"{CPUS[0]}-{CPUS[1]}"))

    def test_openmp_binds(self):
        for variables in ({"OMP_PROC_BIND": "true"}, {"OMP_PLACES": "cores", "MNIST_BLAS_PIN": "core"},
                          {"GOMP_CPU_AFFINITY": str(CPUS[0])}):
            self.assertEqual(("OpenMP", None), self.pins(**variables))


class KernelSet(ProgramTest):
    """The kernel set of OpenBLAS."""

    def setUp(self):
        super().setUp()
        config = self.info()["blas_config"]
        if "DYNAMIC_ARCH" not in config:
            self.skipTest(f"this OpenBLAS has one kernel set: {config}")

    def need(self, flags):
        if self.info()["kernels"] == "generic":
            self.skipTest("these kernel sets are for 64 bits")
        if missing := flags - cpu_flags():
            self.skipTest(f"the CPU lacks {', '.join(sorted(missing))}")

    def test_avx512_if_the_cpu_has_it(self):
        self.need(AVX512)
        self.assertIn(self.info()["blas_core"], AVX512_SETS)

    def test_set_by_the_variable(self):
        self.need({"avx2", "fma"})
        info = self.info(OPENBLAS_CORETYPE="Haswell")
        self.assertEqual(("Haswell", False), (info["blas_core"], info["restarted"]))
        self.assertIn("kernel set Haswell (OPENBLAS_CORETYPE),", self.succeed("info", OPENBLAS_CORETYPE="Haswell").out)

    def test_unknown_name_is_a_warning(self):
        result = self.succeed("info", OPENBLAS_CORETYPE="Unknown")
        core = self.info(OPENBLAS_CORETYPE="Unknown")["blas_core"]
        self.assertRegex("".join(result.warnings), f"OPENBLAS_CORETYPE=Unknown: .*no such kernel set, and uses {core}$")
        self.assertEqual([], self.succeed("info", OPENBLAS_CORETYPE=core.upper()).warnings)

    def test_variable_applies_to_train(self):
        self.need({"avx2", "fma"})
        summary = self.train(self.make_data(), OPENBLAS_CORETYPE="Haswell")
        self.assertEqual("Haswell", summary["blas_core"])

    @needs_faults
    def test_restarts_if_openblas_overlooks_avx512(self):
        self.need(AVX512)
        info = self.info(**OVERLOOKED_AVX512)
        self.assertEqual(("SkylakeX", True), (info["blas_core"], info["restarted"]))
        self.assertIn("starting again", self.succeed("info", **OVERLOOKED_AVX512).out)
        summary = self.train(self.make_data(), **OVERLOOKED_AVX512)
        self.assertEqual("SkylakeX", summary["blas_core"])
        info = self.info(**OVERLOOKED_AVX512, OPENBLAS_CORETYPE="Zen")
        self.assertEqual(("Zen", False), (info["blas_core"], info["restarted"]))


class Networks(ProgramTest):
    """info --network."""
    PARAMETERS = {"mlp": 109386, "lenet5": 61706, "lenet5-valid": 44426, "cnn": 1199882, "best": 87194,
                  "cifar": 288618}
    LENET5 = [("conv2d", "6x5/pad2", "1x28x28", "6x28x28", 156, 2 * 25 * 6 * 784),
              ("relu", None, "6x28x28", "6x28x28", 0, 0),
              ("maxpool2d", "2", "6x28x28", "6x14x14", 0, 0),
              ("conv2d", "16x5", "6x14x14", "16x10x10", 2416, 2 * 150 * 16 * 100),
              ("relu", None, "16x10x10", "16x10x10", 0, 0),
              ("maxpool2d", "2", "16x10x10", "16x5x5", 0, 0),
              ("flatten", None, "16x5x5", "1x1x400", 0, 0),
              ("dense", "120", "1x1x400", "1x1x120", 48120, 2 * 400 * 120),
              ("relu", None, "1x1x120", "1x1x120", 0, 0),
              ("dense", "84", "1x1x120", "1x1x84", 10164, 2 * 120 * 84),
              ("relu", None, "1x1x84", "1x1x84", 0, 0),
              ("dense", "10", "1x1x84", "1x1x10", 850, 2 * 84 * 10)]

    def network(self, *arguments):
        return self.info("--network", *arguments)["network"]

    def test_names(self):
        for name, parameters in self.PARAMETERS.items():
            self.assertEqual(parameters, self.network(name)["parameters"], name)

    def test_layers(self):
        network = self.network("lenet5")
        found = [tuple(layer[key] for key in ("kind", "argument", "in", "out", "parameters", "forward_flops"))
                 for layer in network["layers"]]
        self.assertEqual(self.LENET5, found)
        forward = sum(layer[-1] for layer in self.LENET5)
        self.assertEqual(forward, network["forward_flops"])
        self.assertEqual(3 * forward - self.LENET5[0][-1], network["training_flops"])

    def test_table_agrees_with_json(self):
        network, text = self.network("lenet5"), self.succeed("info", "--network", "lenet5").out
        rows = [line.split() for line in text.splitlines()]
        for number, (kind, argument, *rest) in enumerate(self.LENET5):
            name = f"{kind}:{argument}" if argument else kind
            self.assertIn([str(number), name, *map(str, rest)], rows)
        self.assertIn(["sum", "61706", f"{network['forward_flops']:.0f}"], rows)
        self.assertIn(f"training   {network['training_flops']:.0f} FLOP per sample; "
                      f"{1e-6 * network['training_bytes']:.1f} MB for batches of 64", text)

    def test_input(self):
        network = self.network("cifar", "--input", "3x32x32")
        self.assertEqual(("3x32x32", 288618 + 2 * 9 * 32), (network["layers"][0]["in"], network["parameters"]))

    def test_images_and_classes_of_data(self):
        self.make_data(rows=7, columns=9, classes=3)
        network = self.network("dense:5,relu,dense:3", "--data", "data")
        self.assertEqual(("1x7x9", 64 * 5 + 6 * 3), (network["layers"][0]["in"], network["parameters"]))

    def test_memory_grows_with_the_batch(self):
        """By four bytes per stored element and sample."""
        bytes_of = {batch: self.network("lenet5", "--batch-size", batch)["training_bytes"]
                    for batch in (64, 80, 96)}
        self.assertEqual(64, self.network("lenet5")["batch_size"])
        self.assertLess(0, bytes_of[80] - bytes_of[64])
        self.assertEqual(bytes_of[96] - bytes_of[80], bytes_of[80] - bytes_of[64])


class Model(TrainedTest):
    """info MODEL."""

    def test_model_and_the_run_beside_it(self):
        info, summary = self.info(MODEL), self.trained_summary
        framing = info["model"]["framing"]
        self.assertEqual({"path": MODEL, "input": "1x12x10", "classes": 4, "class_names": None, "ground": "dark",
                          "framing": framing, "standardized": False, "temperature": 1, "confidence_threshold": None,
                          "summary": summary}, info["model"])
        self.assertEqual((summary["network"], summary["parameters"]),
                         (info["network"]["spec"], info["network"]["parameters"]))
        self.assertIn("threads", info)
        text = self.succeed("info", MODEL).out
        for part in (MODEL, f"1x12x10, 4 classes, ground dark, framing {framing}\n",
                     "adamw, lr 0.005 onecycle, batch size 64, 1 epoch, seed 1",
                     f"test accuracy {100 * summary['test_accuracy']:.2f} %", "dense:128"):
            self.assertIn(part, text)

    @cases({"missing": (None, []), "of_another_network": (b'{"network": "dense:4", "parameters": 484}', []),
            "damaged": (b"{", ["string or '}' expected near end of file"]), "empty": (b"", ["'[' or '{' expected near end of file"]),
            "loop": ("summary.json", [os.strerror(errno.ELOOP)])})
    def test_summary(self, content, why):
        """None, or one that is no use, which is a warning if it cannot be read."""
        os.remove(self.path("out/summary.json"))
        if isinstance(content, str):
            os.symlink(content, self.path("out/summary.json"))
        elif content is not None:
            self.write("out/summary.json", content)
        self.assertIsNone(self.info(MODEL)["model"]["summary"])
        result = self.succeed("info", MODEL)
        self.assertIn("trained    unknown", result.out)
        self.assertEqual([f"mnist_blas: warning: out/summary.json: {one}" for one in why], result.warnings)

    def test_bad_usage(self):
        self.fail_with(2, "info", MODEL, MODEL, says="takes one MODEL")
        self.fail_with(1, "info", "nothing", says="nothing: cannot be opened")


class StartedAs(ProgramTest):
    """Commands that are printed can be typed."""

    @cases({"by_a_relative_path": "./mnist_blas", "by_its_name": "mnist_blas"})
    def test_help_and_page(self, program):
        os.symlink(PROGRAM, self.path("mnist_blas"))
        self.make_data()
        path = f"{self.folder}:{os.environ['PATH']}"
        text = self.succeed("tune", "--help", program=program, PATH=path).out
        self.assertEqual(f"Usage: {program} tune [OPTION...]", text.splitlines()[0])
        self.assertIn(f'eval "$({program} tune)"', text)
        self.assertIn(f"\n  {program} evaluate MODEL ", self.succeed("--help", program=program, PATH=path).out)
        self.succeed("--data", "data", "--epochs", 1, "--out", "out", program=program, PATH=path)
        if self.info()["features"]["report"]:
            self.assertIn(f'id="command">{program} train <', self.read("out/report.html").decode())
