"""Names of classes, from a file beside the command to everything that a run leaves and the commands print."""
import html
import json
import os
import unicodedata

import support
from model_files import TensorFile
from support import MODEL, ProgramTest, TrainedTest, cases

NAMES = ["cat", 'Dog "x" & <b>', "Kätze", "猫" * 20]
TEXT = "".join(f"{name}\n" for name in NAMES)


def columns_of(text):
    """Columns on a terminal."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


class Kept(ProgramTest):
    """The names of a run are those of its model and its checkpoint; the file that they came from is not needed."""

    def setUp(self):
        super().setUp()
        self.data = self.make_data()
        self.write("names.txt", TEXT.encode())
        self.train(self.data, "--class-names", "names.txt", "--checkpoint-every", "epoch")
        os.remove(self.path("names.txt"))

    def metadata(self):
        return TensorFile.read(self.model_bytes()).metadata

    def test_model_file(self):
        self.assertEqual(NAMES, json.loads(self.metadata()["class_names"]))
        self.assertIn('["cat"'.replace('"', '\\"').encode(), self.model_bytes())
        self.assertIn("猫".encode(), self.model_bytes())

    def test_resumed(self):
        self.succeed("train", "--resume", "out/checkpoint", "--epochs", 2, "--quiet", "--no-report")
        self.assertEqual(NAMES, json.loads(self.metadata()["class_names"]))
        self.write("names.txt", TEXT.encode())
        self.succeed("train", "--resume", "out/checkpoint", "--epochs", 3, "--quiet", "--no-report",
                     "--class-names", "names.txt")
        self.write("names.txt", b"cat\ndog\na\nb\n")
        self.fail_with(1, "train", "--resume", "out/checkpoint", "--epochs", 4, "--class-names", "names.txt",
                       says=[': class "', "the model has none"])

    def test_same_as_without_stop(self):
        """One run of two epochs at a constant rate, and one that is resumed without the file."""
        self.write("names.txt", TEXT.encode())
        constant = ["--schedule", "constant"]
        self.train(self.data, "--class-names", "names.txt", "--epochs", 2, *constant, out="whole")
        self.train(self.data, "--class-names", "names.txt", "--checkpoint-every", "epoch", *constant, out="half")
        os.remove(self.path("names.txt"))
        self.succeed("train", "--resume", "half/checkpoint", "--epochs", 2, "--quiet", "--no-report")
        self.assert_same_model("whole", "half")

    def test_report(self):
        self.need_feature("report")
        self.succeed("report", "out")
        os.remove(self.path("out/checkpoint"))
        self.succeed("report", "out")

    def test_info(self):
        self.assertEqual(NAMES, self.info(MODEL)["model"]["class_names"])
        first = 'classes    cat, Dog "x" & <b>, Kätze,'  # 37 columns; each 猫 has 2
        for width, lines in ((78, [f"{first} {NAMES[3]}"]), (77, [first, " " * 11 + NAMES[3]])):
            text = self.succeed("info", MODEL, COLUMNS=str(width)).out
            self.assertEqual(lines, text.splitlines()[2:2 + len(lines)])

    def test_onnx(self):
        self.need_feature("onnx")
        self.succeed("export", MODEL, "--onnx", "model.onnx")
        text = json.dumps(NAMES, ensure_ascii=False, separators=(",", ":")).encode()
        self.assertIn(b"\x0bclass_names\x12" + bytes([len(text)]) + text, self.read("model.onnx"))


# Columns of a terminal, names of four classes, first lines of the scores, lines of the confusion matrix. All of
# each is cut short where the terminal is narrow.
TABLES = {
    "short": (80, ["cat", "dog", "猫", "é"],
              ["class  precision %  recall %    F1 %  support", "cat    ", "dog    ", "猫     ", "é      ", "mean   "],
              ["        cat   dog    猫     é", "cat  ", "dog  ", "猫   ", "é    "]),
    "long": (60, ["a" * 30, "b" * 30, "c猫猫" + "c" * 30, "d" * 30],
             ["class                 precision %  recall %    F1 %  support", "a" * 18 + "..  ", "b" * 18 + "..  ",
              "c猫猫" + "c" * 13 + "..  ", "d" * 18 + "..  ", "mean                  "],
             [" " * 36 + "aaaaa bbbbb c猫猫 ddddd", "a" * 30 + " " * 5, "b" * 30 + " " * 5, "c猫猫" + "c" * 30,
              "d" * 30 + " " * 5]),
    "alike": (60, [f"class number {i}" for i in range(4)],
              ["class           precision %  recall %    F1 %  support", *(f"class number {i}  " for i in range(4)),
               "mean            "],
              [" " * 16 + "     0     1     2     3", *(f"{i} class number {i}" for i in range(4))]),
}


class Printed(ProgramTest):
    """What commands print of classes with names."""

    def train_names(self, names, *arguments, **data):
        self.write("names.txt", "".join(f"{name}\n" for name in names).encode())
        self.data = self.make_data(classes=len(names), **data)
        return self.run_program("train", "--data", self.data, "--class-names", "names.txt", "--epochs", 1,
                                "--quiet", "--no-report", "--out", "out", *arguments)

    @cases(TABLES)
    def test_tables(self, width, names, scores, matrix):
        """Each line begins as expected, and is not wider than the terminal."""
        self.train_names(names)
        text = self.succeed("evaluate", MODEL, "--data", self.data, COLUMNS=str(width)).out
        tables = [table.splitlines() for table in text.split("\n\n")[1:]]
        self.assertEqual("confusion matrix: a row a true class, a column a predicted one", tables[1].pop(0))
        for expected, lines in zip((scores, matrix), tables):
            self.assertEqual(len(expected), len(lines), lines)
            for begin, line in zip(expected, lines):
                self.assertEqual(begin, line[:len(begin)])
            self.assertEqual(1, len({columns_of(line) for line in lines}), lines)
            self.assertLessEqual(columns_of(lines[0]), width)

    def test_most_confused(self):
        names = [f"name of class {i:03}" for i in range(30)]
        self.train_names(names, "--lr", 2e-4)
        args = ["evaluate", MODEL, "--data", self.data]
        pairs = self.succeed(*args).out.split("\n\n")[2].splitlines()
        self.assertEqual("true               predicted           images", pairs[1])
        confusion = json.loads(self.succeed(*args, "--json").out)["confusion"]
        for line in pairs[2:]:
            truly, predicted = names.index(line[:17]), names.index(line[19:36])
            self.assertEqual(confusion[truly][predicted], int(line[36:]))
        narrow = self.succeed(*args, COLUMNS="30").out.split("\n\n")[2].splitlines()
        self.assertEqual("name of..  name of..", narrow[2][:20])

    def test_json(self):
        """The keys that there are without names stay; class is the number."""
        self.train_names(NAMES)
        found = json.loads(self.succeed("evaluate", MODEL, "--data", self.data, "--json").out)
        summary = self.summary()
        for one in (found, summary):
            self.assertEqual(NAMES, one["class_names"])
            self.assertEqual(list(enumerate(NAMES)), [(score["class"], score["name"]) for score in one["class_scores"]])
        images = os.path.join(self.data, support.TEST_IMAGES)
        for entry in self.predict(MODEL, images):
            self.assertEqual(NAMES[entry["class"]], entry["name"])

    def test_predict(self):
        self.train_names(["cat", "dog", "猫猫", "é"])
        image = bytes([80, 53, 10]) + b"10 12 255\n" + bytes(range(120))
        self.write("picture.pgm", image)
        entry, = self.predict(MODEL, "picture.pgm")
        lines = self.succeed("predict", MODEL, "picture.pgm").out.splitlines()
        self.assertEqual(f"picture.pgm: {entry['name']} ({100 * entry['confidence']:.1f} %)", lines[0])
        for begin, line in zip(("  cat  ", "  dog  ", "  猫猫 ", "  é    "), lines[1:]):
            self.assertEqual(begin, line[:len(begin)])
        self.assertEqual(1, len({columns_of(line) for line in lines[1:]}))
        numbered = self.succeed("predict", MODEL, os.path.join(self.data, support.TEST_IMAGES)).out.splitlines()
        self.assertRegex(numbered[0], r"\[0\]: (cat|dog|猫猫|é) +[0-9.]+ %$")

    def test_nothing_learned(self):
        run = self.train_names(["cat", "dog"], "--lr", 1e-9)
        self.assertRegex(run.err, r'nothing was learned: test accuracy [0-9.]+ %, always predicting class '
                                  r'(0 \("cat"\)|1 \("dog"\)) gives 50.00 %; try')

    def test_names_of_the_data_for_a_model_without(self):
        data = self.make_data()
        self.train(data)
        self.write("names.txt", TEXT.encode())
        found = json.loads(self.succeed("evaluate", MODEL, "--data", data, "--json", "--class-names", "names.txt").out)
        self.assertEqual(NAMES, found["class_names"])
        self.fail_with(1, "evaluate", MODEL, "--data", data, "--class-names", self.write("few", b"a\nb\n"),
                       says="few: 2 class names, but there are 4 classes")

    def test_page(self):
        self.need_feature("report")
        self.write("names.txt", TEXT.encode())
        self.data = self.make_data()
        self.succeed("train", "--data", self.data, "--class-names", "names.txt", "--epochs", 1)
        page = self.read("mnist_blas_out/report.html").decode()
        for number, name in enumerate(NAMES):
            self.assertIn(f'<th scope="row"><data value="{number}">{number}</data> <bdi class="label">'
                          f'{html.escape(name)}</bdi></th>', page)


class Numbers(TrainedTest):
    """Classes without names leave no trace of them."""

    def test_files(self):
        self.assertNotIn(b"class_names", self.model_bytes())
        self.assertIsNone(self.info(MODEL)["model"]["class_names"])
        self.assertNotIn("\nclasses", self.succeed("info", MODEL).out)
        self.assertNotIn(b'"name', self.read("out/summary.json"))
        self.assertNotIn(b'"class_names', self.read("out/summary.json"))
        for text in (self.succeed("evaluate", MODEL, "--data", self.data, "--json").out,
                     self.succeed("predict", MODEL, self.images, "--json").out):
            self.assertNotIn('name', text)
