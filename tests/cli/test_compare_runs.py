"""compare: the table, the JSON object and the page of runs, and two networks on the same images."""
import csv
import fractions
import json
import math
import os
import shutil

import support
from support import ProgramTest, cases, needs_real_data
from test_page import WIDTHS, BrowserTest
from test_report import Page

WEAK = ["--lr", "0.0005", "--network", "dense:10"]  # makes mistakes


def p_value(first, second):
    """McNemar's, by whole numbers."""
    count = first + second
    tail = sum(math.comb(count, i) for i in range(min(first, second) + 1))
    return float(min(fractions.Fraction(1), fractions.Fraction(2 * tail, 2 ** count)))


class CompareTest(ProgramTest):
    DATA = {"classes": 10, "train": 400, "test": 500}

    def setUp(self):
        super().setUp()
        self.need_feature("report")  # without cairo each comparison warns that it has no page

    def compare(self, *arguments, **options):
        return json.loads(self.succeed("compare", "--json", *arguments, **options).out)

    def right(self, run, data):
        """Whether each test image is classified correctly, by evaluate."""
        model = f"{run}/model.safetensors"
        self.succeed("evaluate", "--data", data, "--predictions", "p.csv", model)
        with open(self.path("p.csv"), encoding="utf-8", newline="") as file:
            return [row["label"] == row["predicted"] for row in csv.DictReader(file)]

    def check_pair(self, pair, runs, data):
        first, other = (self.right(run, data) for run in runs)
        both = list(zip(first, other))
        found = [pair[key] for key in ("both", "only_first", "only_run", "neither")]
        self.assertEqual([both.count(key) for key in ((True, True), (True, False), (False, True), (False, False))], found)
        for name, key in (("only_first", (True, False)), ("only_run", (False, True))):
            self.assertEqual([i for i, one in enumerate(both) if one == key], pair[f"{name}_images"])
        expected = p_value(pair["only_first"], pair["only_run"])
        self.assertLess(abs(pair["mcnemar_p_value"] - expected), 1e-8 * expected)

    def make_runs(self):
        data = self.make_data(**self.DATA)
        self.train(data, *WEAK, out="runs/b")
        self.train(data, *WEAK, "--seed", 2, out="runs/a")
        self.train(data, "--lr", 0.0005, "--network", "dense:16,relu,dense:10", "--epochs", 3, out="runs/c")
        return data


class Results(CompareTest):
    def setUp(self):
        super().setUp()
        self.data = self.make_runs()

    def test_counts_are_those_of_the_predictions(self):
        found = self.compare("runs/b", "runs/a", "runs/c")
        self.assertEqual(([], ["a", "c"]), (found["excluded"], [pair["run"] for pair in found["pairs"]]))
        for pair in found["pairs"]:
            self.assertEqual("b", pair["first"])
            self.assertGreater(min(pair["only_first"], pair["only_run"]), 0)  # else this tests little
            self.check_pair(pair, ("runs/b", f"runs/{pair['run']}"), self.data)

    def test_values_are_those_of_the_summaries(self):
        found = self.compare("runs")
        self.assertEqual(["a", "b", "c"], [run["run"] for run in found["runs"]])
        for run in found["runs"]:
            summary = self.summary(f"runs/{run['run']}")
            for key in ("test_accuracy", "test_loss", "train_seconds", "parameters", "epochs"):
                self.assertEqual(summary[key], run[key], key)
            self.assertEqual(summary["samples_per_second"]["median"], run["samples_per_second"])
            self.assertEqual({key: summary[key] for key in ("network", "epochs_requested", "seed")}, run["options"])
            self.assertFalse(run["stopped"])

    def test_table(self):
        out = self.succeed("compare", "runs").out
        heading, *rows = out.split("\n\n")[0].splitlines()
        self.assertRegex(heading, "^run  accuracy %    loss +seconds +samples/s  parameters +network$")
        for row, name in zip(rows, "abc"):
            summary = self.summary(f"runs/{name}")
            cells = row.replace(",", "").split()
            self.assertAlmostEqual(float(cells[3]), summary["train_seconds"], delta=0.005 * summary["train_seconds"])
            self.assertEqual([name, f"{100 * summary['test_accuracy']:.2f}", f"{summary['test_loss']:.4f}"], cells[:3])
            self.assertEqual([round(summary["samples_per_second"]["median"]), summary["parameters"]],
                             list(map(int, cells[4:6])))
        self.assertIn("500 test images, by who is right: each run and the first, a\n", out)
        self.assertTrue(out.endswith("\npage     compare.html\n"), out)
        self.assertEqual([], [line for line in out.splitlines() if len(line) > 80])

    def test_is_the_same_at_each_thread_count(self):
        self.assertEqual(self.compare("runs", "--threads", 1), self.compare("runs", "--threads", 3))

    def test_options_in_a_narrow_terminal(self):
        """Columns that do not fit are below the others; nothing is left out."""
        for width in (20, 40, 200):
            out = self.succeed("compare", "runs", COLUMNS=str(width)).out
            for label in ("accuracy %", "parameters", "network", "epochs", "seed"):
                self.assertEqual(1, out.count(label), label)
            table = out.split("\n\n")[:-2]
            self.assertEqual(width == 200, len(table) == 1, out)
            if width > 20:
                self.assertLessEqual(max(map(len, "\n".join(table).splitlines())), width)

    def test_lost_output(self):
        self.run_into_full_disk("compare", "runs")


class Runs(CompareTest):
    """Which runs are compared."""
    DATA = {"train": 200, "test": 40}

    def setUp(self):
        super().setUp()
        self.data = self.make_data(**self.DATA)
        for seed in (1, 2):
            self.train(self.data, "--seed", seed, out=f"runs/{seed}")

    def names_of(self, *arguments):
        return [run["run"] for run in self.compare(*arguments)["runs"]]

    def change(self, folder, **members):
        path = os.path.join(folder, "summary.json")
        self.write(path, json.dumps({**json.loads(self.read(path)), **members}).encode())

    def test_names(self):
        shutil.copytree(self.path("runs/1"), self.path("other/1"))
        self.assertEqual(["2", "1"], self.names_of("runs/2/", "runs/1"))
        self.assertEqual(["runs/1", "runs/2", "other/1"], self.names_of("runs", "other"))

    def test_other_content_of_a_folder_is_no_run(self):
        os.mkdir(self.path("runs/notes"))
        self.write("runs/notes.txt", b"")
        os.symlink("1", self.path("runs/last"))
        self.assertEqual(["1", "2"], self.names_of("runs"))

    def test_bad_runs(self):
        os.mkdir(self.path("empty"))
        for arguments, code, says in (
                ([], 2, "compare: missing RUN"),
                (["runs/1"], 2, "compare: needs at least 2 runs, got 1: runs/1"),
                (["none", "runs"], 1, "none: cannot be opened: No such file"),
                (["empty", "runs"], 1, "empty: has no run: neither it nor a folder in it has a summary.json"),
                (["runs/1", "./runs/1"], 2, "./runs/1: is named twice, also as runs/1"),
                (["runs", "runs/2"], 2, "runs/2: is named twice"),
                (["runs", "--data", "empty"], 1, "empty"),
                (["runs", "--out", "none/x.html"], 1, "none/x.html: cannot be written"),
                (["runs", "--out", "runs/1/model.safetensors"], 2,
                 "--out: must end in .html, got 'runs/1/model.safetensors'")):
            with self.subTest(arguments=arguments):
                self.write("compare.html", b"of an earlier comparison")
                self.fail_with(code, "compare", *arguments, says=says)
                self.assertEqual(b"of an earlier comparison", self.read("compare.html"))

    @cases({"broken_summary": ("summary.json", b'{"version": ', "broken/summary.json: line 1"),
            "no_metrics": ("metrics.jsonl", None, "broken/metrics.jsonl: cannot be opened"),
            "no_epoch": ("summary.json", {"epochs": 0}, "broken: the run has not finished an epoch")})
    def test_run_that_cannot_be_read(self, name, content, says):
        """An error if it is named, else left out with a warning."""
        shutil.copytree(self.path("runs/1"), self.path("runs/broken"))
        if isinstance(content, dict):
            self.change("runs/broken", **content)
        elif content is None:
            os.remove(self.path("runs/broken", name))
        else:
            self.write(f"runs/broken/{name}", content)
        self.fail_with(1, "compare", "runs/1", "runs/broken", says=says)
        result = self.succeed("compare", "--json", "runs")
        self.assertEqual(["1", "2"], [run["run"] for run in json.loads(result.out)["runs"]])
        line, = result.warnings
        self.assertIn(says, line)
        self.assertTrue(line.endswith("; the run is left out"), line)

    def excluded(self, *arguments):
        """{name: reason} and the warnings."""
        result = self.succeed("compare", "--json", *arguments)
        found = json.loads(result.out)
        return {one["run"]: one["reason"] for one in found["excluded"]}, result.warnings, found["pairs"]

    def test_stopped_run(self):
        self.change("runs/2", interrupted_at={"epoch": 2, "step": 3})
        reason = "the run was stopped: its model is none of a finished epoch"
        for data in ([], ["--data", self.data]):
            found, warnings, pairs = self.excluded("runs", *data)
            self.assertEqual(({"2": reason}, []), (found, pairs))
            self.assertEqual([f"mnist_blas: warning: {reason}; no images are compared with 2"], warnings)
        found, warnings, pairs = self.excluded("runs/2", "runs/1")
        self.assertEqual(({"2": reason}, []), (found, pairs))
        self.assertTrue(warnings[0].endswith("; no images are compared with 2, the first run"))
        self.assertEqual([False, True], [run["stopped"] for run in self.compare("runs")["runs"]])

    def test_model_of_another_run(self):
        self.train(self.data, "--lr", "1e-7", out="runs/2")
        shutil.copy(self.path("runs/1/model.safetensors"), self.path("runs/2"))
        self.assertIn("2: predictions are not those in summary.json", self.excluded("runs")[0]["2"])
        self.fail_with(1, "compare", "runs", "--data", self.data, says="2: predictions are not those in summary.json")

    def test_without_data_or_model(self):
        """They are missed only if they were asked for; --data says where they are now."""
        os.rename(self.data, self.path("moved"))
        found, warnings, pairs = self.excluded("runs")
        self.assertEqual((["1"], 1, []), (list(found), len(warnings), pairs))
        self.assertIn("; --data DIR says where the data are", found["1"])
        self.assertIn("no images are compared with 1, the first run", warnings[0])
        self.assertEqual(1, len(self.compare("runs", "--data", "moved")["pairs"]))
        os.remove(self.path("runs/2/model.safetensors"))
        self.fail_with(1, "compare", "runs", "--data", "moved", says="runs/2/model.safetensors: cannot be opened")

    def test_runs_on_other_images(self):
        data = self.make_data("other", train=200, test=40, rows=11)
        self.write("other/classes.txt", b"ant\nbee\ncow\ndog\n")
        self.train(data, out="runs/3")
        found, warnings, pairs = self.excluded("runs")
        self.assertEqual(({"3": "its test images, their form or the names of classes are not those of the first run"}, 1, ["2"]),
                         (found, len(warnings), [pair["run"] for pair in pairs]))
        self.assertEqual({"data", "seed"}, set(self.compare("runs")["runs"][0]["options"]))


class OnThePage(CompareTest):
    def setUp(self):
        super().setUp()
        self.data = self.make_runs()

    def page(self, *arguments):
        self.succeed("compare", *arguments, "--out", "page.html")
        return Page(self.path("page.html"))

    def test_tables(self):
        """One in each order; those of numbers are sorted by them, the best first."""
        page, found = self.page("runs"), self.compare("runs")
        keys = page.headings["runs-by-given"]
        self.assertEqual([key for key in found["runs"][0] if key in keys] + list(found["runs"][0]["options"]), keys)
        self.assertEqual({"pair-table", "runs-by-given", *(f"runs-by-{key}" for key in keys)}, set(page.tables))
        numbers = [key for key in keys if key in found["runs"][0]]
        rows = [[run[key] for key in numbers] for run in found["runs"]]
        for i, key in enumerate(numbers):
            best = key in ("test_accuracy", "samples_per_second")
            expected = sorted(rows, key=lambda row: row[i], reverse=best)
            shown = page.tables[f"runs-by-{key}"][1:]
            self.assertEqual([row[i] for row in expected], [row[i] for row in shown])
            self.assertEqual(sorted(rows), sorted(shown))
        self.assertEqual([[pair[key] for key in page.headings["pair-table"]] for pair in found["pairs"]],
                         page.tables["pair-table"][1:])

    def test_is_fetched_and_run_nowhere(self):
        page = self.page("runs")
        self.assertEqual([], page.values("script"))
        self.assertTrue(all(image["src"].startswith("data:image/") for image in page.values("img")))
        self.assertEqual(["default-src 'none'; img-src data:; style-src 'unsafe-inline'"],
                         [meta["content"] for meta in page.values("meta") if "http-equiv" in meta])
        alts = [image["alt"] for image in page.values("img")]
        self.assertEqual(3, len(alts))
        self.assertRegex(alts[0], r"accuracy ends at [\d.]+ % \(a\), [\d.]+ % \(b\), [\d.]+ % \(c\)\.$")
        pair = self.compare("runs")["pairs"][0]
        self.assertEqual(f"a classifies {pair['only_first']} test images correctly that b does not, and b "
                         f"{pair['only_run']} that a does not.", alts[1])

    def test_equal_runs_give_equal_pages(self):
        """Those of two equal models have no images."""
        shutil.copytree(self.path("runs/a"), self.path("runs/same"))
        page = self.page("runs/a", "runs/same")
        self.assertEqual(1, len(page.values("img")))
        self.assertEqual([0.0, 0.0, 1.0], [page.tables["pair-table"][1][i] for i in (1, 2, 4)])

    def test_long_names(self):
        """Also such as are cut in the middle of a character: paths, as the last parts are equal."""
        for length in (78, 79, 80):
            runs = [os.path.join(*["\u732b" * length] * 5, name, "run") for name in "ab"]
            for name, run in zip("ab", runs):
                shutil.copytree(self.path("runs", name), self.path(run))
            self.assertEqual(2, len(self.page(*runs).values("img")))

    def test_names_are_text(self):
        os.rename(self.path("runs/a"), self.path("runs/<b>&'a'"))
        self.assertNotIn(b"<b>&", self.read(self.page("runs") and "page.html"))

    def test_many_runs(self):
        for i in range(10):
            shutil.copytree(self.path("runs/a"), self.path(f"runs/a{i}"))
        page = self.page("runs")
        self.assertEqual(13, len(page.tables["runs-by-given"][1:]))
        self.assertIn(b"Images are shown of the first 10 runs.", self.read("page.html"))


class OnThePageInABrowser(CompareTest, BrowserTest):
    def test_fits(self):
        self.make_runs()
        os.rename(self.path("runs/c"), self.path("runs/" + "long name " * 20))
        self.succeed("compare", "runs")
        *views, _ = self.look(self.read("compare.html").decode())
        for i, found in enumerate(views):
            with self.subTest(width=WIDTHS[i // 2], dark=i % 2 == 1):
                self.check_view(found, WIDTHS[i // 2])
                self.assertEqual(found["background"] == "rgb(255, 255, 255)", i % 2 == 0)
                shown = [frame for frame in found["frames"] if frame[0] > 0]
                self.assertEqual(2, len(shown))  # the chosen order, and the pairs


class OnMnist(CompareTest):
    @needs_real_data
    def test_counts(self):
        for seed in (1, 2):
            self.train(support.REAL_DATA, "--seed", seed, out=f"runs/{seed}")
        pair, = self.compare("runs")["pairs"]
        self.assertGreater(pair["only_first"] + pair["only_run"], 50)
        self.check_pair(pair, ("runs/1", "runs/2"), support.REAL_DATA)
