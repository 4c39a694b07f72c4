"""predict: pictures in every format, its output, and files that are not pictures."""
import gzip
import json
import os
import re
import struct
import subprocess

import pictures
import support
from pseudo_terminal import Terminal
from support import COLUMNS, MODEL, ROWS, TrainedTest, cases

FUZZ_SEEDS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fuzz", "seeds")


def seed(name):
    with open(os.path.join(FUZZ_SEEDS, name), "rb") as file:
        return file.read()


# One picture in each format, by the end of its name.
SEEDS = {name.split(".")[1]: seed(name) for name in
         ("gray.bmp", "gray.jpg", "gray.tif", "color.ppm", "color.webp")}
PIXELS = ROWS * COLUMNS


def made_images(count):
    """The first made test images, each as bytes."""
    images, _ = support.made_split(200, 4, ROWS, COLUMNS, 0.0, 0, 12)
    return [images[i * PIXELS:(i + 1) * PIXELS] for i in range(count)]


def drawing(factor=9):
    """(width, height, gray values) of a light ring with a tail on black, like a 9."""
    side = 3 * factor
    rows = []
    for y in range(4 * factor):
        row = bytearray(side)
        for x in range(side):
            u, v = x / factor - 1.4, y / factor - 1.3
            ring = 0.5 < (u * u + v * v) ** 0.5 < 0.8
            row[x] = 255 * (ring or (0.5 < u < 0.8 and 0 < v < 2.2))
        rows.append(bytes(row))
    return side, 4 * factor, b"".join(rows)


class PredictTest(TrainedTest):
    def predict(self, *arguments):
        """The output of --json, checked for consistency. The made images are not in MNIST's form."""
        found = super().predict(*(() if "--raw" in arguments else ("--form", "mnist")), MODEL, *arguments)
        for one in found:
            probabilities = one["probabilities"]
            self.assertAlmostEqual(1.0, sum(probabilities), places=5)
            self.assertEqual(max(probabilities), one["confidence"])
            self.assertEqual(probabilities.index(one["confidence"]), one["class"])
        return found


    def assert_close(self, one, other, delta=1e-6):
        for expected, share in zip(one["probabilities"], other["probabilities"]):
            self.assertAlmostEqual(expected, share, delta=delta, msg=other["image"])


class Forms(PredictTest):
    """JSON and text, of the same images."""

    def test_idx_images_are_numbered(self):
        images = made_images(5)
        self.write("five", support.idx((5, ROWS, COLUMNS), b"".join(images)))
        found = self.predict("five")
        self.assertEqual([("five", i) for i in range(5)], [(f["image"], f["index"]) for f in found])
        self.assertEqual([4] * 5, [len(f["probabilities"]) for f in found])

    def test_raw_pictures_are_as_idx_images(self):
        images = made_images(3)
        self.write("all.gz", gzip.compress(support.idx((3, ROWS, COLUMNS), b"".join(images))))
        names = [self.write(f"{i}.bin", make(COLUMNS, ROWS, image)) for i, (make, image) in
                 enumerate(zip((pictures.png, pictures.pgm, pictures.png), images))]
        found = self.predict("--raw", *names, "all.gz")
        self.assertEqual([*names, *["all.gz"] * 3], [f["image"] for f in found])
        self.assertNotIn("index", found[0])
        for one, same in zip(found, found[3:]):
            self.assert_close(one, same)

    def test_pictures_of_the_set_are_as_in_the_set(self):
        """Also enlarged: images that are not in MNIST's form are resized, and nothing else."""
        images = made_images(3)
        self.write("all", support.idx((3, ROWS, COLUMNS), b"".join(images)))
        large = [b"".join(bytes(v for v in image[y // 4 * COLUMNS:][:COLUMNS] for _ in range(4))
                          for y in range(4 * ROWS)) for image in images]
        names = [self.write(f"{i}.png", pictures.png(*size, image)) for i, (image, size) in enumerate(
            [(i, (COLUMNS, ROWS)) for i in images] + [(i, (4 * COLUMNS, 4 * ROWS)) for i in large])]
        found = TrainedTest.predict(self, MODEL, "all", *names)
        for i, one in enumerate(found):
            self.assert_close(found[i % 3], one)

    def test_text_agrees_with_json(self):
        self.write("two", support.idx((2, ROWS, COLUMNS), b"".join(made_images(2))))
        self.write("one.png", pictures.png(*drawing()))
        found = self.predict("two", "one.png")
        text = self.succeed("predict", "--form", "mnist", MODEL, "two", "one.png").out
        self.assertTrue(text.isprintable() or set(filter(lambda c: not c.isprintable(), text)) ==
                        {"\n"}, text)
        lines = text.splitlines()
        for i, line in enumerate(lines[:2]):
            self.assertRegex(line, rf"^two\[{i}\]: {found[i]['class']} +"
                             rf"{100 * found[i]['confidence']:.1f} %$")
        self.assertEqual(f"one.png: {found[2]['class']} ({100 * found[2]['confidence']:.1f} %)",
                         lines[2])
        self.assertEqual(7, len(lines))
        for line, (c, share) in zip(lines[3:], enumerate(found[2]["probabilities"])):
            self.assertRegex(line, rf"^ +{c} #*\.* +{100 * share:.1f} %$")

    def test_bars_fit_the_terminal(self):
        self.write("one.png", pictures.png(*drawing()))
        for width in (20, 40, 80, 300):
            terminal = Terminal(self.folder, "predict", MODEL, "one.png", width=width)
            self.addCleanup(terminal.close)
            self.assertEqual(0, terminal.finish())
            lines = terminal.lines()
            self.assertEqual(5, len(lines), lines)
            self.assertLessEqual(max(map(len, lines)), width)
            bars = {len(re.findall("[█░]", line)) for line in lines[1:]}
            self.assertEqual(1, len(bars), lines)

    def test_threads_do_not_change_the_output(self):
        self.write("one.png", pictures.png(*drawing()))
        texts = {self.succeed("predict", "--json", MODEL, "one.png", "--threads", n).out
                 for n in (1, 2, 3)}
        self.assertEqual(1, len(texts), texts)

    def test_one_alone_is_as_among_others(self):
        """To the last bit, with sets of OpenBLAS that compute a row by where it lies in a batch, too."""
        images = made_images(40)
        self.write("all", support.idx((40, ROWS, COLUMNS), b"".join(images)))
        self.write("one", support.idx((1, ROWS, COLUMNS), images[37]))
        for variables in ({}, {"OPENBLAS_CORETYPE": "Haswell"}):
            among, alone = (json.loads(self.succeed("predict", "--json", "--raw", MODEL, name, **variables).out)
                            for name in ("all", "one"))
            self.assertEqual(among[37]["probabilities"], alone[0]["probabilities"])

    def test_names_of_any_bytes(self):
        name = os.fsencode(self.folder) + b"/\xff\x1b[2J.png"
        support.write_bytes(name, pictures.png(*drawing()))
        found = json.loads(self.succeed("predict", "--json", MODEL, os.fsdecode(name)).out)
        self.assertTrue(found[0]["image"].endswith("?\x1b[2J.png"), found)

    def test_every_kind_of_png(self):
        """A black digit on white, in colour, with alpha, in 16 bits, and on a transparent background."""
        *size, gray = drawing()
        ink = gray.translate(pictures.INVERTED)
        kinds = {
            "gray": pictures.png(*size, ink),
            "light": pictures.png(*size, gray),
            "rgb": pictures.png(*size, bytes(v for g in ink for v in (g, g, g)), 2),
            "deep": pictures.png(*size, bytes(v for g in ink for v in (g, g)), 0, 16),
            "opaque": pictures.png(*size, bytes(v for g in ink for v in (g, 255)), 4),
            "black": pictures.png(*size, bytes(v for g in gray for v in (0, g)), 4),
            "white": pictures.png(*size, bytes(v for g in gray for v in (255, g)), 4),
            "pgm": pictures.pgm(*size, ink),
        }
        found = self.predict(*(self.write(name, data) for name, data in kinds.items()))
        for one in found[1:]:
            self.assert_close(found[0], one, 0.02)

    def test_orientation(self):
        """EXIF's, also if the chunk's checksum is wrong, as it often is."""
        width, height, gray = drawing()
        self.write("upright", GOOD)
        for orientation, samples in ((3, gray[::-1]), (6, b"".join(
                gray[x::width] for x in reversed(range(width)))), (8, b"".join(
                    gray[x::width][::-1] for x in range(width)))):
            size = (width, height) if orientation == 3 else (height, width)
            exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\3\0\0\0\1\0" + bytes([orientation]) + bytes(6)
            whole = pictures.png(*size, samples)
            self.write("turned", whole[:33] + pictures.chunk(b"eXIf", exif)[:-1] + b"?" + whole[33:])
            found = self.predict("upright", "turned")
            self.assert_close(found[0], found[1])

    def test_every_format(self):
        """The same picture; only JPEG and WebP are lossy."""
        found = self.predict(*(self.write(name, data) for name, data in SEEDS.items()))
        for one in found[1:]:
            self.assert_close(found[0], one, 0.1 if one["image"] in ("jpg", "webp") else 1e-6)


GOOD = pictures.png(*drawing())



def tiff(tag, value, pages=1):
    """The directories of a TIFF with one tag."""
    ends = [8 + 18 * (page + 1) for page in range(pages)]
    return b"II*\0" + struct.pack("<I", 8) + b"".join(
        struct.pack("<HHHIII", 1, tag, 3, 1, value, end if end != ends[-1] else 0) for end in ends)


# Name of the test: the file's bytes, what the line says.
BAD_FILES = {
    "empty": (b"", "is not PNG, JPEG, TIFF, BMP, WebP, PNM, IDX or CSV"),
    "truncated_jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(200), "truncated JPEG"),
    "damaged_jpeg": (SEEDS["jpg"][:-40] + bytes(20) + SEEDS["jpg"][-20:], "damaged or truncated JPEG"),
    "truncated_tiff": (SEEDS["tif"][:-60], "damaged or truncated TIFF"),
    "tiff_of_floats": (tiff(339, 3), "floating-point"),
    "tiff_of_pages": (tiff(256, 1, 2), "several pages"),
    "truncated_bmp": (SEEDS["bmp"][:-1], "damaged or truncated BMP"),
    "truncated_webp": (SEEDS["webp"][:-2], "damaged or truncated WebP"),
    "text": (b"seven\n", "is not PNG, JPEG, TIFF, BMP, WebP, PNM, IDX or CSV"),
    "truncated_png": (GOOD[:-20], "truncated"),
    "damaged_png": (GOOD[:45] + b"?" + GOOD[46:], "checksum"),
    "huge_png": (pictures.png(1, 1, b"\0")[:8] + pictures.chunk(
        b"IHDR", b"\0\0\xff\xff\0\0\xff\xff\x08\0\0\0\0") + GOOD[33:], "too large: 65535x65535"),
    "truncated_pgm": (pictures.pgm(COLUMNS, ROWS, bytes(PIXELS - 1)), "truncated"),
    "pgm_with_more": (pictures.pgm(COLUMNS, ROWS, bytes(PIXELS + 1)), "trailing garbage"),
    "uniform": (pictures.png(40, 40, b"\x80" * 1600), "nothing stands out"),
    "idx_of_another_size": (support.idx((1, 28, 28), bytes(784)), ["28x28", "12x10"]),
    "idx_of_labels": (support.idx((10,), bytes(10)), "holds labels"),
    "truncated_idx": (support.idx((2, ROWS, COLUMNS), bytes(PIXELS)), "truncated"),
    "broken_gzip": (gzip.compress(bytes(100))[:-4], ""),
}


class BadFiles(PredictTest):
    """A line that names the file, exit 1, and the answers of the good ones."""

    def refuse_file(self, name, *arguments, says=()):
        self.write("good.png", GOOD)
        arguments = "predict", "--form", "mnist", *arguments
        good = self.succeed(*arguments, MODEL, "good.png", "good.png").out
        result = self.run_program(*arguments, MODEL, "good.png", name, "good.png")
        line = self.check_failure(result, 1, says)
        self.assertTrue(line.startswith(f"mnist_blas: {name}: "), line)
        self.assertEqual(good, result.out)

    @cases(BAD_FILES)
    def test_file(self, data, says):
        self.write("bad", data)
        self.refuse_file("bad", says=says)
        self.refuse_file("bad", "--json", says=says)

    @cases([("nowhere.png", "No such file"), ("data", "not a regular file")])
    def test_unreadable(self, name, says):
        self.refuse_file(name, says=says)

    def test_several_bad_files(self):
        for name, data in ("good", GOOD), ("one", b""), ("two", b"seven"):
            self.write(name, data)
        result = self.run_program("predict", "--json", MODEL, "one", "good", "two")
        self.assertEqual((1, 2), (result.code, len(result.errors)), result)
        self.assertEqual(["good"], [one["image"] for one in json.loads(result.out)])

    def test_pipe(self):
        """From standard input, under both of its names, and a named pipe."""
        self.write("good.png", GOOD)
        found = self.predict("good.png")[0]["probabilities"]
        os.mkfifo(self.path("pipe"))
        for name, command in ("-", "cat good.png | {}"), ("/dev/stdin", "cat good.png | {}"), (
                "pipe", "cat good.png > pipe & {}"):
            line = f"{support.PROGRAM} predict --json --form mnist {MODEL} {name}"
            out = subprocess.check_output(command.format(line), shell=True, cwd=self.folder,
                                          env=support.clean_environment(self.folder))
            self.assertEqual(found, json.loads(out)[0]["probabilities"])

    def test_bad_model(self):
        self.write("good.png", GOOD)
        self.fail_with(1, "predict", "good.png", "good.png", says="good.png: ")

    def test_form_and_raw(self):
        self.fail_with(2, "predict", "--raw", "--form", "mnist", MODEL, "x", says="--form")

    def test_help(self):
        self.assertIn("predict", self.succeed("predict", "--help").out)
        self.assertIn("predict MODEL IMAGE", self.succeed("train", "--help").out)
