"""Tables of predictions: evaluate --predictions, predict --csv, Kaggle's form; as they are, byte by byte."""
import csv
import json
import os

import support
from support import COLUMNS, MODEL, ROWS, TEST_IMAGES, TEST_LABELS, TrainedTest

PIXELS = ROWS * COLUMNS
NAMES = ["apple, red", 'a "b"', "plain", "é"]


class Predictions(TrainedTest):
    def setUp(self):
        super().setUp()
        self.pixels, self.labels = self.read("data", TEST_IMAGES)[16:], self.read("data", TEST_LABELS)[8:]
        self.entries = json.loads(self.succeed("predict", "--json", MODEL, self.images).out)

    def rows(self, name):
        with open(self.path(name), encoding="utf-8", newline="") as file:
            return list(csv.reader(file))

    def probability(self, i):
        return f"{self.entries[i]['confidence']:.9g}"

    def write_table(self, name, labels, indices):
        """Of images of the test set."""
        header = ",".join((["label"] if labels else []) + [f"pixel{i}" for i in range(PIXELS)])
        lines = [",".join(([labels[i]] if labels else []) + [str(p) for p in self.pixels[i * PIXELS:(i + 1) * PIXELS]])
                 for i in indices]
        self.write(name, "\n".join([header, *lines, ""]).encode())

    def test_of_the_test_set(self):
        written = []
        for threads in 1, 3:
            self.succeed("evaluate", "--data", self.data, "--predictions", "p.csv", "--threads", threads, MODEL)
            written.append(self.read("p.csv"))
        self.assertEqual(*written)
        head, *rows = self.rows("p.csv")
        self.assertEqual(["image", "label", "predicted", "probability"], head)
        self.assertEqual([[str(i), str(label), str(entry["class"])]
                          for i, (label, entry) in enumerate(zip(self.labels, self.entries))], [row[:3] for row in rows])
        for i, row in enumerate(rows):  # of batches of other sizes, whose products may be rounded otherwise
            self.assertAlmostEqual(float(self.probability(i)), float(row[3]), places=6)
        accuracy = sum(row[1] == row[2] for row in self.rows("p.csv")[1:]) / len(self.labels)
        found = json.loads(self.succeed("evaluate", "--json", "--data", self.data, MODEL).out)
        self.assertAlmostEqual(found["test_accuracy"], accuracy)

    def test_of_classes_with_names(self):
        self.write("data/classes.txt", "\n".join(NAMES).encode())
        self.train(self.data)
        self.succeed("evaluate", "--data", self.data, "--predictions", "p.csv", MODEL)
        rows = self.rows("p.csv")
        self.assertEqual([NAMES[label] for label in self.labels], [row[1] for row in rows[1:]])
        self.assertLess({row[2] for row in rows[1:]}, {*NAMES, ""})
        self.assertIn(b'"apple, red",', self.read("p.csv"))
        self.assertIn(b'"a ""b""",', self.read("p.csv"))
        self.write_table("own.csv", ['"apple, red"', "plain"] * 100, [0, 1])
        self.succeed("predict", "--csv", "p.csv", MODEL, "own.csv")
        self.assertEqual(["apple, red", "plain"], [row[1] for row in self.rows("p.csv")[1:]])

    def test_a_table_without_labels_is_answered_in_kaggles_form(self):
        self.write_table("test.csv", None, range(200))
        out = self.succeed("predict", "--csv", "submission.csv", MODEL, "test.csv").out
        self.assertEqual("200 predictions in submission.csv\n", out)
        expected = ["ImageId,Label"] + [f"{i + 1},{entry['class']}" for i, entry in enumerate(self.entries)]
        self.assertEqual("\n".join(expected) + "\n", self.read("submission.csv").decode())
        self.assertEqual([entry["logits"] for entry in self.entries],
                         [entry["logits"] for entry in self.predict(MODEL, "test.csv")])

    def test_a_table_with_labels(self):
        self.write_table("some.csv", [str(label) for label in self.labels], [3, 1])
        self.succeed("predict", "--csv", "p.csv", MODEL, "some.csv")
        expected = ["image,label,predicted,probability"] + [
            f"{row},{self.labels[i]},{self.entries[i]['class']},{self.probability(i)}" for row, i in ((0, 3), (1, 1))]
        self.assertEqual("\n".join(expected) + "\n", self.read("p.csv").decode())

    def test_files_of_several_kinds(self):
        self.write_table("some.csv", [str(label) for label in self.labels], [3])
        self.write("a, b.pgm", b"P5 %d %d 255\n" % (COLUMNS, ROWS) + self.pixels[:PIXELS])
        result = self.run_program("predict", "--raw", "--csv", "p.csv", MODEL, "a, b.pgm", "nowhere.png", "some.csv",
                                  self.images)
        self.check_failure(result, 1, "nowhere.png: ")
        rows = self.rows("p.csv")
        self.assertEqual([["image", "label", "predicted", "probability"],
                          ["a, b.pgm", "", str(self.entries[0]["class"]), self.probability(0)],
                          ["some.csv[0]", str(self.labels[3]), str(self.entries[3]["class"]), self.probability(3)],
                          [f"{self.images}[0]", "", str(self.entries[0]["class"]), self.probability(0)]], rows[:4])
        self.assertEqual(203, len(rows))
        self.succeed("predict", "--csv", "q.csv", MODEL, self.images)
        self.assertEqual(["image", "predicted", "probability"], self.rows("q.csv")[0])

    def test_json_beside_it(self):
        found = json.loads(self.succeed("predict", "--json", "--csv", "p.csv", MODEL, self.images).out)
        self.assertEqual(self.entries, found)
        self.assertEqual(201, len(self.rows("p.csv")))

    def test_files_that_are_read_are_not_replaced(self):
        self.write_table("test.csv", None, [0])
        before = self.read("test.csv"), self.model_bytes()
        self.fail_with(2, "predict", "--csv", "./test.csv", MODEL, "test.csv", says="--csv: must not be a file that is read")
        self.fail_with(2, "predict", "--csv", MODEL, MODEL, "test.csv", says="--csv: must not be a file that is read")
        self.fail_with(2, "evaluate", "--predictions", MODEL, "--data", self.data, MODEL,
                       says="--predictions: must not be the model")
        self.assertEqual(before, (self.read("test.csv"), self.model_bytes()))

    def test_a_file_that_cannot_be_written(self):
        for command in (["evaluate", "--predictions", "no/p.csv", "--data", self.data, MODEL],
                        ["predict", "--csv", "no/p.csv", MODEL, self.images]):
            self.fail_with(1, *command, says="no/p.csv: cannot be written")
        os.mkdir(self.path("p.csv"))
        self.fail_with(1, "predict", "--csv", "p.csv", MODEL, self.images, says="p.csv: cannot be written")

    def test_a_damaged_table_costs_the_others_nothing(self):
        self.write("bad.csv", b"1,2,3\n")
        result = self.run_program("predict", "--csv", "p.csv", MODEL, "bad.csv", self.images)
        self.check_failure(result, 1, ["bad.csv: ", "the network's input is"])
        self.assertEqual(201, len(self.rows("p.csv")))


if __name__ == "__main__":
    support.unittest.main()
