"""convert: what was converted trains to the same model."""
import os

from support import COLUMNS, ROWS, ProgramTest, cases


class Convert(ProgramTest):
    """Each format, from IDX and back."""

    @cases({"idx": ("idx", "MNIST's files"), "folder": ("folder", "PNG files in a folder for each class"),
            "npz": ("npz", "NumPy's archive data.npz")})
    def test_trains_to_the_same_model(self, to, what):
        if to == "npz":
            self.need_feature("npz")
        if to == "folder" and "folder (pictures" not in " ".join(self.succeed("train", "--help").out.split()):
            self.skipTest("folders of pictures are not read")
        self.make_data(classes=3, train=600)
        self.write("data/classes.txt", b"zebra\nant\nM/W\n")
        result = self.succeed("convert", "--data", "data", "--to", to, "--out", "new/converted")
        self.assertEqual(f"new/converted: 600 + 200 images of {ROWS}x{COLUMNS}, 3 classes, as {what}\n", result.out)
        self.train("data", out="a")
        self.train("new/converted", out="b")
        self.assert_same_model("a", "b")
        self.assertEqual(["zebra", "ant", "M/W"], self.info("--data", "new/converted")["data"]["classes"])

    def test_options_of_reading_apply(self):
        self.make_data()
        self.succeed("convert", "--data", "data", "--size", "8x9", "--color", "--out", "converted")
        data = self.info("--data", "converted", "--color")["data"]
        self.assertEqual((8, 9, 3), (data["rows"], data["columns"], data["channels"]))

    def test_refuses(self):
        self.make_data()
        before = self.files("data")
        self.fail_with(1, "convert", "--data", "data", "--out", "data", says="data: is not empty: give a folder that is")
        self.assertEqual(before, self.files("data"))
        self.fail_with(2, "convert", "--data", "data", says="--out DIR is required")
        self.fail_with(1, "convert", "--data", "nowhere", "--out", "x", says="nowhere: no such folder")
        os.mkdir(self.path("x.partial"))
        self.fail_with(1, "convert", "--data", "data", "--out", "x", says=["x.partial", "remove what an interrupted run"])
        self.fail_with(1, "convert", "--data", "data", "--out", "/dev/null/x", says="/dev/null/x")
        self.assertEqual(["data", "x.partial"], sorted(os.listdir(self.folder)))
