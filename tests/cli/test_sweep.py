"""sweep: all combinations are trained, once each, whatever ends the sweep in between; what is chosen, and the files."""
import csv
import io
import itertools
import os
import random
import re
import signal
import time

import support
from support import cases
from run_folder import RunFolderTest

NETWORK = "dense:16,relu,dense:4"
KILLS = 50 if support.LONG_TESTS else 10
ENDLESS = 100000  # epochs


def command(*arguments, out="out", epochs=1, network=NETWORK, validation="10%"):
    return ["sweep", "--data", "data", "--network", network, "--validation", validation, "--epochs", epochs, *arguments,
            "--out", out]


class SweepTest(RunFolderTest):
    def sweep(self, *arguments, **options):
        return self.succeed(*command(*arguments, **options))

    def table(self, out="out"):
        """The rows of sweep.csv, each checked to have all columns."""
        lines = list(csv.reader(io.StringIO(self.read(out, "sweep.csv").decode(), newline="")))
        for line in lines:
            self.assertEqual(len(lines[0]), len(line), line)
        return [dict(zip(lines[0], line)) for line in lines[1:]]

    def runs(self, out="out"):
        """{name of the folder: summary} of the runs that have a whole one."""
        return {name: self.summary(os.path.join(out, name)) for name in self.names(out)
                if os.path.exists(self.path(out, name, "summary.json"))}

    def finished(self, out="out"):
        """{name: identity of its summary.json}, which a run that is trained again changes."""
        found = {}
        for name, summary in self.runs(out).items():
            info = os.stat(self.path(out, name, "summary.json"))
            if "interrupted_at" not in summary:
                found[name] = info.st_ino, info.st_mtime_ns
        return found


class Combinations(SweepTest):
    def test_lists_ranges_and_repeated_options(self):
        self.sweep("--lr", "0.001,0.01", "--seed", "1..3", "--optimizer", "adam", "--optimizer", "sgd")
        expected = {f"optimizer={optimizer},lr={rate},seed={seed}"
                    for optimizer, rate, seed in itertools.product(["adam", "sgd"], ["0.001", "0.01"], [1, 2, 3])}
        runs = self.runs()
        self.assertEqual(expected, set(runs))
        for name, run in runs.items():
            self.assertEqual(name, f"optimizer={run['optimizer']},lr={run['lr']:g},seed={run['seed']}")
            self.assertEqual((1, None), (run["threads"], run.get("interrupted_at")))

    def test_networks(self):
        """Names that are all networks are several, layers are one; those are counted in the names of folders."""
        self.make_data("digits", classes=10, rows=28, columns=28, train=200, test=50)
        self.succeed("sweep", "--data", "digits", "--network", "mlp,lenet5", "--epochs", 1, "--by", "none", "--out", "a")
        self.assertEqual(["network=lenet5", "network=mlp"], sorted(self.runs("a")))
        self.succeed("sweep", "--data", "digits", "--network", "mlp", "--network", "dense:8,relu,dense:10",
                     "--epochs", 1, "--by", "none", "--out", "b")
        self.assertEqual({"network=1": "dense:128,relu,dense:64,relu,dense:10", "network=2": "dense:8,relu,dense:10"},
                         {name: run["network"] for name, run in self.runs("b").items()})
        self.assertEqual(["mlp", "dense:8,relu,dense:10"], [row["network"] for row in self.table("b")])

    @cases({"test_files": "data", "test_set_drawn_by_the_seed": "images.csv"})
    def test_a_run_is_that_of_train(self, data):
        images, labels = support.made_split(600, 4, 12, 12, 0.0, 0, 11)
        size = 12 * 12
        header = "label," + ",".join(f"pixel{i}" for i in range(size)) + "\n"
        self.write("images.csv", header.encode() + "".join(f"{label},{','.join(map(str, images[i * size:(i + 1) * size]))}\n"
                                         for i, label in enumerate(labels)).encode())
        self.sweep("--data", data, "--seed", "1..3", "--lr", "0.01,0.02")
        for seed, rate in itertools.product([1, 2, 3], ["0.01", "0.02"]):
            self.train(data, "--network", NETWORK, "--validation", "10%", "--seed", seed, "--lr", rate, "--threads", 1,
                       out="alone")
            name = f"out/lr={rate},seed={seed}"
            self.assert_same_model("alone", name)
            alone, run = self.summary("alone"), self.summary(name)
            for key in "command", "test_accuracy", "confusion", "validation_accuracy":
                self.assertEqual(alone[key], run[key], name)

    def test_random(self):
        """Each chosen configuration has all seeds."""
        options = ["--lr", "0.001,0.002,0.003,0.004,0.005", "--batch-size", "8,16,32,64", "--seed", "1,2", "--random", 6]
        self.sweep(*options)
        chosen = {name.rsplit(",", 1)[0] for name in self.runs()}
        self.assertEqual((6, 12), (len(chosen), len(self.runs())))
        self.sweep(*options, "--sweep-seed", 2, out="other")
        self.assertNotEqual(chosen, {name.rsplit(",", 1)[0] for name in self.runs("other")})

    @cases({"no_number": (["--lr", "0.1,x"], ["--lr", "'x'"]), "twice": (["--lr", "0.1,0.10"], ["--lr", "0.1 twice"]),
            "reversed": (["--seed", "5..1"], ["--seed", "5..1"]), "empty": (["--seed", "1,,2"], ["--seed", "''"]),
            "no_effect": (["--optimizer", "sgd,adamw", "--momentum", 0.5], ["--momentum", "adamw"]),
            "network": (["--network", "mlp,nosuch"], ["network", "mlp"]),
            "batch_size": (["--batch-size", "64,1100"], ["--batch-size", "1080"]),
            "too_many": (["--seed", "1..20000"], ["--seed", "10000"]),
            "too_many_combinations": (["--seed", "1..1000", "--lr", "1,2,3,4,5,6,7,8,9,10,11"], ["10000", "combinations"]),
            "random": (["--lr", "1,2", "--random", 3], ["--random", "1 to 2"]),
            "epochs": (["--halving", "--epochs", "3,9"], ["--epochs", "--halving"]),
            "halving_by_nothing": (["--halving", "--by", "none"], ["--by none", "--halving"]),
            "no_validation": (["--validation", 0], ["--by validation", "--validation 10%", "--by none"]),
            "test": (["--by", "test"], ["--by", "'test'"]), "jobs": (["--jobs", 0], ["--jobs"]),
            "option_of_train_only": (["--resume", "x"], ["--resume"])})
    def test_bad_usage(self, options, says):
        """Nothing is trained, and no folder is made, before all combinations are good."""
        self.check_failure(self.run_program(*command(*options)), 2, says)
        self.assertFalse(os.path.exists(self.path("out")))


class Files(SweepTest):
    def test_table_and_page(self):
        self.need_feature("report")
        text = self.sweep("--lr", "0.0001,0.01", "--seed", "1..3").out
        runs = self.runs()
        for row in self.table():
            run = runs[row["run"]]
            self.assertEqual(("finished", "1", "", run["seed"], run["lr"]),
                             (row["state"], row["epochs_trained"], row["failure"], int(row["seed"]), float(row["lr"])))
            for key, there in ("validation_accuracy",) * 2, ("validation_loss",) * 2, ("seconds", "train_seconds"):
                self.assertAlmostEqual(run[there], float(row[key]), delta=1e-8)
        mean = sum(runs[f"lr=0.01,seed={seed}"]["validation_accuracy"] for seed in (1, 2, 3)) / 3
        self.assertIn(f"best     lr 0.01: validation accuracy {100 * mean:.2f} %, mean of 3 seeds\n", text)
        page = self.read("out/sweep.html").decode()
        self.assertNotIn("test_accuracy", page)
        self.assertIn(f"<b>{100 * mean:.2f} %</b> validation accuracy, the best of 2 configurations", page)
        rows = re.search(r'(?s)id="run-table".*?<tbody>(.*?)</tbody>', page)[1]
        shown = [float(value) for value in re.findall(r'<td><data value="([^"]*)">[^<]*</data></td><td><data', rows)]
        self.assertEqual(sorted((run["validation_accuracy"] for run in runs.values()), reverse=True), shown)
        self.assertEqual(2, page.count('src="data:image/svg+xml;base64,'))
        for name in re.findall(r'<a href="([^"#]+)">', page):
            self.assertTrue(os.path.exists(self.path("out", name)), name)

    def test_nothing_is_chosen_by_test_accuracy(self):
        """By the loss, and without held-out images in the order of the runs."""
        options = ["--data", "data", "--network", NETWORK, "--epochs", 1, "--seed", "1..6"]
        self.succeed("sweep", *options, "--by", "none", "--out", "plain")
        self.assertEqual([str(seed) for seed in range(1, 7)], [row["seed"] for row in self.table("plain")])
        self.assertNotIn(b"best of", self.read("plain/sweep.html"))
        self.succeed("sweep", *options, "--validation", "20%", "--by", "validation-loss", "--out", "loss")
        rows = re.search(rb'(?s)id="run-table".*?<tbody>(.*?)</tbody>', self.read("loss/sweep.html"))[1].decode()
        losses = {f"seed={row['seed']}": float(row["validation_loss"]) for row in self.table("loss")}
        self.assertEqual(sorted(losses, key=losses.get), re.findall(r'title="(seed=\d)"', rows))

    def test_reports_of_the_runs(self):
        self.need_feature("report")
        self.sweep("--seed", "1,2", "--report")
        for seed in 1, 2:
            self.assertIn("report.html", self.names(f"out/seed={seed}"))
            self.assertIn(f'href="seed={seed}/report.html"', self.read("out/sweep.html").decode())

    def test_reports_that_come_too_late(self):
        """Finished runs are not trained again for their reports, which is said."""
        self.need_feature("report")
        self.sweep("--seed", "1,2")
        before = self.finished()
        result = self.run_program(*command("--seed", "1,2", "--report"))
        self.assertEqual((0, ["mnist_blas: warning: report: 2 finished runs have no report.html; mnist_blas report draws it"]),
                         (result.code, [line.strip() for line in result.warnings]))
        self.assertEqual(before, self.finished())

    def test_the_folder_of_another_sweep(self):
        self.sweep("--seed", "1,2")
        before = self.finished()
        self.check_failure(self.run_program(*command("--seed", "1,3")), 2,
                           ["out: has another sweep", "--seed 1,2", "--out DIR"])
        self.sweep("--seed", "1,2")
        self.succeed("sweep", "--seed", "1..2", *command()[1:])  # in another order
        self.succeed(*command("--seed", "1,2")[:1], *command("--seed", "1,2")[3:], MNIST_BLAS_DATA="data")
        self.make_data("other")
        self.check_failure(self.run_program(*command("--data", "other", "--seed", "1,2")), 2, "out: has another sweep")
        self.assertEqual(before, self.finished())

    def test_a_run_that_fails(self):
        """The others are trained, and the exit code is 1; started again, only it is tried again."""
        options = command("--optimizer", "sgd", "--lr", "0.01,1000000,0.02", epochs=2)
        for _ in range(2):
            result = self.run_program(*options)
            self.check_failure(result, 1, "1 of 3 runs failed")
            self.assertRegex("".join(result.warnings), r"lr=1e\+06: failed: .*loss")
            rows = {row["lr"]: row for row in self.table()}
            self.assertEqual({"0.01": "finished", "1e+06": "failed", "0.02": "finished"},
                             {rate: row["state"] for rate, row in rows.items()})
            self.assertIn("loss", rows["1e+06"]["failure"])
        self.assertEqual(["lr=0.01", "lr=0.02"], sorted(self.finished()))

    def test_runs_that_fail_after_training(self):
        """With every validation image right there is no temperature: the runs have failed, also when started again."""
        self.make_data("easy")
        for _ in range(2):
            result = self.run_program(*command("--seed", "1,2", "--batch-size", 16, "--temperature", "--data", "easy", epochs=3))
            self.check_failure(result, 1, "2 of 2 runs failed")
            self.assertEqual(["failed", "failed"], [row["state"] for row in self.table()])
        self.assertEqual({}, self.finished())


class Halving(SweepTest):
    RATES = "0.00001,0.00003,0.0001,0.0003,0.001,0.003,0.01,0.02,0.03"

    def best(self, epochs, count):
        """The rates with the best validation accuracy after that many epochs."""
        rows = [row for row in self.table() if row["epochs"] == str(epochs)]
        return {row["lr"] for row in sorted(rows, key=lambda row: -float(row["validation_accuracy"]))[:count]}

    def test_rungs(self):
        """Nine configurations with one epoch, the best three with three, the best one with nine."""
        text = self.sweep("--lr", self.RATES, "--halving", epochs=9).out
        self.assertEqual(13, len(self.runs()))
        rungs = {epochs: {row["lr"] for row in self.table() if row["epochs"] == str(epochs)} for epochs in (1, 3, 9)}
        self.assertEqual([9, 3, 1], [len(rates) for rates in rungs.values()])
        self.assertEqual((self.best(1, 3), self.best(3, 1)), (rungs[3], rungs[9]))
        self.assertEqual({1, 3, 9}, {run["epochs"] for run in self.runs().values()})
        self.assertIn(f"best     lr {rungs[9].pop()}, epochs 9: ", text)
        if self.info()["features"]["report"]:
            page = self.read("out", "sweep.html").decode()
            self.assertIn("the best of 9 configurations", page)
            self.assertEqual(["lr"], re.findall(r"<figcaption><h3>(.*?)</h3>", page))
        before = self.finished()
        self.sweep("--lr", self.RATES, "--halving", epochs=9)
        self.assertEqual(before, self.finished())

    def test_seeds_are_of_one_configuration(self):
        self.sweep("--lr", "0.0001,0.001,0.02", "--seed", "1,2", "--halving", epochs=3)
        last = [row for row in self.table() if row["epochs"] == "3"]
        self.assertEqual([("0.02", "1"), ("0.02", "2")], [(row["lr"], row["seed"]) for row in last])


class Ending(SweepTest):
    def workers(self, process):
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    def wait_for(self, condition):
        end = time.monotonic() + support.HANG
        while not condition():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.01)

    def start_sweep(self, *arguments, count=2, epochs=ENDLESS, **variables):
        """Starts a sweep with two processes, and waits until that many train."""
        process = self.start(*command(*arguments, "--jobs", 2, "--batch-size", 4, epochs=epochs), **variables)
        self.wait_for(lambda: process.poll() is not None or len(self.workers(process)) == count)
        return process

    def test_killed_at_random_moments(self):
        """Nothing is done twice, and nothing is lost: at the end all models are those of an undisturbed sweep."""
        options = command("--seed", f"1..{KILLS}", "--lr", "0.003,0.01", "--batch-size", 4, "--jobs", 2, epochs=20)
        rng = random.Random(1)
        before = {}
        for _ in range(KILLS):
            process = self.start(*options)
            time.sleep(rng.uniform(0.0, 0.4))
            process.kill()
            self.finish(process)
            now = self.finished() if os.path.exists(self.path("out")) else {}
            self.assertEqual(before, {name: now.get(name) for name in before})
            before = now
        self.succeed(*options)
        now = self.finished()
        self.assertEqual((2 * KILLS, before), (len(now), {name: now[name] for name in before}))
        self.assertEqual(2 * KILLS, len(self.table()))
        self.succeed(*options[:-1], "whole")
        for name in now:
            self.assert_same_model(f"out/{name}", f"whole/{name}")
            self.assertEqual(support.RUN_FILES, self.names(f"out/{name}"))

    @cases([signal.SIGINT, signal.SIGTERM])
    def test_signal(self, number):
        """The runs save checkpoints, with which the sweep goes on."""
        process = self.start_sweep("--seed", "1,2")
        time.sleep(0.3)
        process.send_signal(number)
        line = self.check_failure(self.finish(process), 128 + number, [number.name, "0 of 2 runs", "to go on", "--out out"])
        self.assertIn("mnist_blas sweep --data data", line)
        for seed in 1, 2:
            self.assertIn("interrupted_at", self.summary(f"out/seed={seed}"))
            self.assertIn("checkpoint", self.names(f"out/seed={seed}"))

    def test_stopped_runs_are_resumed(self):
        """A run that goes on from a checkpoint has the model of one that was not stopped, and no checkpoint at its end."""
        epochs = 600
        process = self.start_sweep("--seed", "1,2", epochs=epochs)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        if self.finish(process).code == 0:
            self.skipTest("the runs were finished before the signal came")
        self.assertIn("checkpoint", self.names("out/seed=1") + self.names("out/seed=2"))
        self.sweep("--seed", "1,2", "--batch-size", 4, epochs=epochs)
        for seed in 1, 2:
            self.train("data", "--network", NETWORK, "--validation", "10%", "--batch-size", 4, "--epochs", epochs,
                       "--seed", seed, "--threads", 1, out="alone")
            self.assert_same_model("alone", f"out/seed={seed}")
            self.assertEqual(self.learned("alone"), self.learned(f"out/seed={seed}"))
            self.assertEqual(support.RUN_FILES, self.names(f"out/seed={seed}"))

    def test_a_worker_that_dies(self):
        """Its run is trained again; a second death makes it a failed one, and the others are trained."""
        process = self.start_sweep(count=1, epochs=400)
        os.kill(self.workers(process)[0], signal.SIGKILL)
        result = self.finish(process)
        self.assertEqual(0, result.code, result)
        self.assertRegex("".join(result.warnings), "run: .*signal 9.*trained again")
        self.assertEqual(400, self.summary("out/run")["epochs"])

    def test_a_run_whose_process_dies_twice(self):
        process = self.start_sweep(count=1)
        killed = set()
        for _ in range(2):
            self.wait_for(lambda: set(self.workers(process)) - killed)
            pid, = set(self.workers(process)) - killed
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)
        self.check_failure(self.finish(process), 1, "1 of 1 runs failed")
        self.assertEqual([("failed", True)], [(row["state"], "signal 9" in row["failure"]) for row in self.table()])

    def test_two_sweeps_in_one_folder(self):
        """The second is refused. The processes of one that was killed end by themselves."""
        process = self.start_sweep("--seed", "1,2")
        workers = self.workers(process)
        self.check_failure(self.run_program(*command("--seed", "1,2")), 1, ["out: another run", "--out DIR"])
        process.kill()
        self.finish(process)
        self.wait_for(lambda: not any(map(self.is_running, workers)))
        self.assertEqual({}, self.finished())

    @staticmethod
    def is_running(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return file.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def test_each_run_has_a_core_of_its_own(self):
        """As MNIST_BLAS_PIN says: without it, it depends on what else runs whether there are free ones."""
        allowed = sorted(os.sched_getaffinity(0))
        if self.info()["cores_allowed"] < 2 or len(allowed) < 2:
            self.skipTest("one core")
        for pins in f"{allowed[0]},{allowed[1]}", "core":
            process = self.start_sweep("--seed", "1,2", MNIST_BLAS_PIN=pins)
            self.wait_for(lambda: all(len(os.sched_getaffinity(pid)) == 1 for pid in self.workers(process)))
            self.assertEqual(2, len(set.union(*(os.sched_getaffinity(pid) for pid in self.workers(process)))))
            process.send_signal(signal.SIGTERM)
            self.finish(process)
