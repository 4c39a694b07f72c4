"""The report of a run: files, and the markup, values and command of the page."""
import base64
import html.parser
import json
import os
import shlex
import shutil
import struct
import xml.etree.ElementTree

import support
from support import RUN_FILES, ProgramTest, cases, needs_real_data

PICTURES = ["confusion.svg", "loss.png", "loss.svg", "mistakes.png", "predictions.png", "reliability.svg", "weights.png"]
REPORT_FILES = sorted([*PICTURES, "report.html", "try.html", *RUN_FILES])
VOID = {"meta", "link", "img", "input", "wbr", "br", "hr"}
ABSENT = "report   left out"


class Page(html.parser.HTMLParser):
    """Parses a page; raises ValueError if elements are not nested properly."""

    def __init__(self, path):
        super().__init__()
        self.open, self.tags, self.data = [], [], []  # data: (attributes, text) of <data>
        self.tables, self.shown = {}, {}  # by id: rows of the cells' values, and of their texts
        self.headings, self.command = {}, ""  # headings: the columns' keys by table
        self.table = None
        with open(path, encoding="utf-8") as file:
            self.feed(file.read())
        self.close()
        if self.open:
            raise ValueError(f"not closed: {self.open}")

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self.open.append((tag, attributes))
        if tag == "table":
            self.table = attributes["id"]
            self.tables[self.table], self.shown[self.table], self.headings[self.table] = [], [], []
        elif tag == "th" and "data-key" in attributes:
            self.headings[self.table].append(attributes["data-key"])
        elif tag == "tr":
            self.tables[self.table].append([])
            self.shown[self.table].append([])
        elif tag == "data":
            self.data.append((attributes, ""))
            if self.open[-2][0] in ("th", "td"):
                self.tables[self.table][-1].append(float(attributes["value"]))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop()[0] != tag:
            raise ValueError(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        if any(attributes.get("id") == "command" for _, attributes in self.open):
            self.command += data
        if self.open and self.open[-1][0] == "data":
            attributes, text = self.data[-1]
            self.data[-1] = attributes, text + data
            if self.open[-2][0] in ("th", "td"):
                self.shown[self.table][-1].append(float(data.replace(",", "")))

    def values(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def flat(summary):
    """The entries of the summary except the scores, with those of nested objects as "object.entry"."""
    entries = {}
    for key, value in summary.items():
        if key in ("macro", "class_scores", "confusion", "confidence_bins", "machine", "command", "loss_curve"):
            continue
        inner = value if isinstance(value, dict) else None
        entries.update({f"{key}.{name}": of for name, of in inner.items()} if inner else {key: value})
    return entries


class ReportTest(ProgramTest):
    """Skips if the program was built without cairo."""

    def report(self, *arguments, out="out", **variables):
        """A run with a report: its page."""
        result = self.succeed("train", "--epochs", 2, "--out", out, *arguments, **variables)
        if ABSENT in result.out:
            self.skipTest("the program is built without cairo")
        self.assertIn(f"report   {out}/report.html", result.out)
        return Page(self.path(out, "report.html"))


class Files(ReportTest):
    """The files in the run folder."""

    def test_pictures_and_page_are_written(self):
        self.report("--data", self.make_data())
        self.assertEqual(REPORT_FILES, self.names())

    def test_augmented_images_are_shown_by_the_run_that_has_them(self):
        data = self.make_data()
        for kind in ("shift", "affine", "elastic"):
            page = self.report("--data", data, "--augment", kind)
            self.assertEqual(sorted([*REPORT_FILES, "augmented.png"]), self.names())
            shown = [image["src"].split(",")[1] for image in page.values("img")]
            picture = support.read_bytes(self.path("out", "augmented.png"))
            self.assertIn(base64.b64encode(picture).decode(), shown)
        self.report("--data", data)
        self.assertEqual(REPORT_FILES, self.names())

    def test_none_of_them_without_a_report(self):
        self.train(self.make_data())
        self.assertEqual(RUN_FILES, self.names())

    def test_quiet_writes_them_too(self):
        data = self.make_data()
        self.report("--data", data)
        self.succeed("--data", data, "--epochs", 1, "--quiet", "--out", "quiet")
        self.assertEqual(REPORT_FILES, self.names("quiet"))

    def test_folder_in_place_of_a_file_is_an_error(self):
        data = self.make_data()
        self.report("--data", data)
        os.makedirs(self.path("taken", "report.html"))
        self.fail_with(1, "--data", data, "--epochs", 1, "--out", "taken", says="report.html")
        self.assertEqual(REPORT_FILES, self.names("taken"))


class Markup(ReportTest):
    """The page as parsed HTML."""

    def test_nothing_is_fetched_or_run(self):
        page = self.report("--data", self.make_data())
        for tag, attributes in page.tags:
            self.assertNotIn(tag, ("script", "iframe", "object", "embed", "base", "form"))
            for name, value in attributes.items():
                self.assertFalse(name.startswith("on"), name)
                if name in ("src", "href", "srcset", "action", "data"):
                    self.assertRegex(value, "^(data:|#|try.html$)")
        for text in ("url(", "@import"):
            self.assertNotIn(text, support.read_bytes(self.path("out", "report.html")).decode())

    def test_links_and_labels_lead_somewhere(self):
        page = self.report("--data", self.make_data())
        names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        self.assertEqual(len(names), len(set(names)))
        for _, attributes in page.tags:
            for name in ("for", "aria-labelledby"):
                self.assertIn(attributes.get(name, names[0]), names)
            if attributes.get("href", "").startswith("#"):
                self.assertIn(attributes["href"][1:], names)

    def test_pictures_are_whole_and_have_a_text(self):
        images = self.report("--data", self.make_data()).values("img")
        self.assertEqual(6, len(images))
        for image in images:
            self.assertGreater(len(image["alt"]), 20)
            kind, data = image["src"].split(";base64,")
            data = base64.b64decode(data, validate=True)
            size = int(image["width"]), int(image["height"])
            if kind == "data:image/png":
                self.assertEqual(b"\x89PNG\r\n\x1a\n", data[:8])
                self.assertEqual(size, struct.unpack(">II", data[16:24]))
                self.assertEqual(b"IEND", data[-8:-4])
            else:
                self.assertEqual("data:image/svg+xml", kind)
                root = xml.etree.ElementTree.fromstring(data)
                self.assertEqual(size, tuple(int(root.get(side).removesuffix("px"))
                                             for side in ("width", "height")))
            self.assertIn(data, [support.read_bytes(self.path("out", name)) for name in PICTURES])

    def test_names_of_folders_are_text(self):
        folder = self.make_data("\"><img src=x onerror='alert(1)'>&amp; \u00e9 --x")
        page = self.report("--data", folder)
        value, text = next((attributes["value"], text) for attributes, text in page.data
                           if attributes.get("data-key") == "data")
        self.assertEqual(folder, value)
        self.assertIn(folder, shlex.split(page.command))
        self.assertEqual("", text)  # it stands in an element of its own


class Numbers(ReportTest):
    """The page has the numbers of summary.json and metrics.jsonl."""

    def check(self, page):
        for key, value in flat(self.summary()).items():
            found = [attributes["value"] for attributes, _ in page.data
                     if attributes.get("data-key") == key]
            if found or value and value not in ("off", "auto"):  # options that are off, or have no effect, may be absent
                self.assertEqual([value], [type(value)(text) for text in found], key)
        scores = [*self.summary()["class_scores"], self.summary()["macro"]]
        self.assertEqual([list(score.values()) for score in scores], page.tables["class-table"][1:])
        keys = page.headings["epoch-table"]
        metrics = self.metrics()
        self.assertEqual(set(metrics[0]), set(keys))
        self.assertEqual([[epoch[key] for key in keys] for epoch in metrics],
                         page.tables["epoch-table"][1:])
        for epoch, row in zip(metrics, page.shown["epoch-table"][1:]):
            for key, shown in zip(keys, row):  # the same numbers, rounded
                number = epoch[key] * (100 if key.endswith("accuracy") else 1)
                self.assertAlmostEqual(number, shown, delta=0.05 * number, msg=key)

    def test_of_made_data(self):
        self.check(self.report("--data", self.make_data()))

    def test_with_augmentation(self):
        data = self.make_data()
        self.check(self.report("--data", data, "--augment", "shift", "--shift", 1, "--flip", "--cutout", 3,
                               "--padding-mode", "reflect"))
        self.check(self.report("--data", data, "--augment", "affine", "--rotate", 12.5))
        self.check(self.report("--data", data, "--augment", "elastic", "--elastic-sigma", 2.5,
                               "--plain-epochs", 1))

    def test_with_validation(self):
        self.check(self.report("--data", self.make_data(), "--validation", 100, "--optimizer", "sgd",
                               "--seed", 2 ** 63 - 1))

    def test_with_a_temperature(self):
        self.check(self.report("--data", self.make_data(), "--validation", 200, "--temperature", "--lr", 1e-4))

    @needs_real_data
    def test_of_mnist(self):
        page = self.report("--data", support.REAL_DATA)
        self.check(page)
        classes = page.tables["class-table"][1:-1]
        self.assertEqual(list(range(10)), [row[0] for row in classes])
        self.assertEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
                         [row[4] for row in classes])
        right = sum(row[2] * row[4] for row in classes)  # recall times support
        self.assertAlmostEqual(10000 * self.summary()["test_accuracy"], right, places=3)

    def test_scores_are_those_of_evaluate(self):
        data = self.make_data()
        summary = self.train(data)
        found = json.loads(self.succeed("evaluate", "--json", "--data", data, support.MODEL).out)
        for key in ("macro", "class_scores", "confusion", "test_accuracy", "test_images"):
            self.assertEqual(found[key], summary[key], key)


class Command(ReportTest):
    """The command on the page reproduces the model."""

    def check(self, *arguments):
        page = self.report(*arguments)
        words = shlex.split(page.command)
        self.assertEqual(["mnist_blas", "train"], words[:2])
        self.succeed(*words[1:], "--out", "again")
        self.assertEqual(self.model_bytes("out"), self.model_bytes("again"))
        for name in PICTURES:  # equal runs give equal bytes
            self.assertEqual(support.read_bytes(self.path("out", name)),
                             support.read_bytes(self.path("again", name)), name)

    def test_of_a_plain_run(self):
        self.check("--data", self.make_data())

    def test_of_a_run_with_all_options(self):
        self.check("--data", self.make_data("a b's \"c\" $d"), "--network", "dense:7,relu,dense:4",
                   "--batch-size", 48, "--optimizer", "sgd", "--nesterov", "--momentum", 0.7,
                   "--lr", 0.0123456789, "--weight-decay", 1e-5, "--schedule", "cosine",
                   "--validation", 100, "--seed", 12345, "--threads", 1)

    def test_of_runs_that_augmented(self):
        data = self.make_data()
        self.check("--data", data, "--augment", "affine", "--rotate", 12.5, "--scale", 0.05,
                   "--shear", 0.123456789012, "--shift", 1e-3)
        self.check("--data", data, "--augment", "elastic", "--elastic-alpha", 11, "--elastic-sigma", 2.5,
                   "--plain-epochs", 2)

    @needs_real_data
    def test_of_mnist(self):
        self.check("--data", support.REAL_DATA)


class Later(ReportTest):
    """Command report draws what a run left out."""

    def page(self):
        """The page except its sums and medians of times, which are rounded in summary.json."""
        lines = support.read_bytes(self.path("out", "report.html")).splitlines()
        return [line for line in lines if b"train_seconds" not in line and b"samples_per_second.m" not in line
                and b'class="lead"' not in line]

    @cases({"plain": (), "light": ("--ground", "light", "--optimizer", "sgd", "--nesterov", "--threads", 1),
            "patience": ("--validation", "10%", "--patience", 1, "--epochs", 9, "--schedule", "constant"),
            "temperature": ("--validation", 200, "--temperature", "--lr", 1e-4),
            "augmented": ("--augment", "elastic", "--plain-epochs", 1, "--seed", 2 ** 63 - 1, "--ema", 0.9),
            "checkpoints": ("--checkpoint-every", "epoch", "--lr", 0.00123456789)})
    def test_equals_that_of_the_run(self, *arguments):
        run = ["--data", self.make_data(), *arguments]
        self.report(*run)
        page, before = self.page(), self.files()
        for name in before:
            if name.endswith((".png", ".svg", ".html")):
                os.remove(self.path("out", name))
        self.assertEqual("report   out/report.html\n", self.succeed("report", "out", "--threads", 2).out)
        self.assertEqual(page, self.page())
        self.assertEqual({**before, "report.html": b""}, {**self.files(), "report.html": b""})
        self.succeed("--epochs", 2, *run, "--no-report", "--quiet", "--out", "later")
        self.succeed("report", "later")
        self.assertEqual(sorted(before), self.names("later"))
        for name in before:
            if name.endswith((".png", ".svg")):
                self.assertEqual(before[name], self.read("later", name), name)

    @cases({"no_summary": ("summary.json", None, "out/summary.json: cannot be opened"),
            "no_metrics": ("metrics.jsonl", None, "out/metrics.jsonl: cannot be opened"),
            "no_model": ("model.safetensors", None, "out/model.safetensors: cannot be opened"),
            "summary_cut_off": ("summary.json", lambda text: text[:1000], "out/summary.json: line"),
            "summary_of_an_earlier_version": ("summary.json", lambda text: text.replace(b"loss_curve", b"lost_curve"),
                                              'out/summary.json: no valid "loss_curve"'),
            "summary_with_an_invalid_option": ("summary.json", lambda text: text.replace(b'"lr": ', b'"lr": -'),
                                               "out/summary.json: lr: must be"),
            "summary_of_more_epochs": ("summary.json", lambda text: text.replace(b'"epochs": 2', b'"epochs": 3'),
                                       "out/metrics.jsonl: line 3"),
            "predictions_of_another_run": ("summary.json", lambda text: text.replace(b'"confusion": [', b'"confusion": [['
                                           b'1, 1, 1, 1],'), "out: predictions are not those in summary.json"),
            "stopped": ("summary.json", lambda text: text.replace(b'"test_loss"', b'"interrupted_at": {"epoch": 3, "step":'
                        b' 1}, "test_loss"'), "out: the run was stopped, and has no checkpoint")})
    def test_files_that_do_not_fit(self, name, change, says):
        self.need_feature("report")
        self.succeed("--data", self.make_data(), "--epochs", 2, "--no-report", "--quiet", "--out", "out")
        content = self.read("out", name)
        os.remove(self.path("out", name))
        if change:
            self.assertNotEqual(content, change(content))
            self.write(f"out/{name}", change(content))
        before = self.files()
        self.fail_with(1, "report", "out", says=says)
        self.assertEqual(before, self.files())

    def test_other_data(self):
        self.need_feature("report")
        self.train(self.make_data())
        shutil.move(self.path("data"), self.path("moved"))
        self.fail_with(1, "report", "out", says=["data", "--data DIR says where"])
        self.succeed("report", "out", "--data", "moved")
        for name, sizes in (("more", {"train": 1201}), ("fewer", {"test": 190})):
            self.fail_with(1, "report", "out", "--data", self.make_data(name, **sizes), says="the data are of another run")
        self.fail_with(1, "report", "nowhere", says="nowhere/summary.json: cannot be opened")
        self.assertFalse(os.path.exists(self.path("nowhere")))
