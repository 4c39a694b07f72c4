"""try.html in a browser: it classifies as `predict` does what is drawn, dropped or in the test set; and how it looks, for
eyes, keyboards and screen readers."""
import base64
import hashlib
import json
import os
import re
import shutil
import tempfile
import unittest

import pictures
import support
from chromium import CHROMIUM
from support import MODEL, ProgramTest, cases, idx, made_split
from test_report import ABSENT
from try_page import TryPage

TOLERANCE = 1e-4
SIDE = 28
# spec, rows, columns, channels
NETWORKS = {
    "mlp": ("mlp", 12, 10, 1),
    "lenet5": ("lenet5", 28, 28, 1),
    "every_layer": ("conv2d:6x3/pad1,batchnorm2d,relu,batchnorm2d,conv2d:8x3/stride2/groups2/pad2,gelu,"
                    "maxpool2d:3/stride2/pad1,avgpool2d:2/stride1/pad1,dropout:0.2,conv2d:6x2,globalavgpool,flatten,dense:9,"
                    "gelu,dense:4", 20, 17, 1),
    "color": ("conv2d:8x3/pad1,batchnorm2d,relu,maxpool2d:2,flatten,dense:4", 8, 6, 3),
}
VIEWS = [(width, dark) for width in (320, 400, 760, 1600) for dark in (False, True)]
# elements that stick out of the view, or whose text does, and canvases and controls without a name
LOOK = """(() => {
    const outside = [...document.querySelectorAll("body *")].filter(e => {
        const box = e.getBoundingClientRect();
        return box.width > 1 && (box.left < 0 || box.right > innerWidth + 0.5 || e.scrollWidth > e.clientWidth + 1
            && getComputedStyle(e).display !== "inline" && e.clientWidth > 1); }).map(e => e.outerHTML.slice(0, 80));
    const unnamed = [...document.querySelectorAll("canvas, button, input")].filter(e =>
        !(e.ariaLabel || e.textContent.trim() || e.labels?.[0]?.textContent.trim())).map(e => e.outerHTML);
    return {outside, unnamed, width: document.documentElement.scrollWidth,
            background: getComputedStyle(document.body).backgroundColor};
})()"""
FRAME = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
# a picture as a file of a drop or a paste; waits for the answer
SEND = """(() => {
    document.getElementById("clear").click();
    const transfer = new DataTransfer(), bytes = Uint8Array.from(atob("%s"), c => c.charCodeAt(0));
    transfer.items.add(new File([bytes], "picture.png", {type: "image/png"}));
    dispatchEvent(new %s("%s", {%s: transfer}));
    return new Promise(done => {
        const wait = () => mnistBlas.shown().result.probabilities ? done(mnistBlas.shown().answer) : setTimeout(wait, 20);
        wait();
    });
})()"""


def class_of(probabilities):
    return None if probabilities is None else probabilities.index(max(probabilities))


@unittest.skipUnless(CHROMIUM, "no Chromium is installed")
class BrowserTest(ProgramTest):
    """A test with a browser that is started once."""

    @classmethod
    def setUpClass(cls):
        cls.profile = tempfile.mkdtemp(prefix="mnist_blas_test_")
        cls.addClassCleanup(shutil.rmtree, cls.profile)
        cls.page = cls.enterClassContext(TryPage(cls.profile))

    def tearDown(self):
        self.assertEqual([], self.page.console)

    def open(self, *names):
        self.page.console.clear()
        self.page.open(self.path(*names))

    def export(self, *arguments, model=MODEL):
        self.succeed("export", model, "--html", "try.html", *arguments)
        self.open("try.html")

    def answer(self):
        return self.page.evaluate("mnistBlas.shown().answer")

    def predicted(self, picture):
        """The probabilities of `predict` for a picture; None if it refuses it."""
        self.write("picture.png", picture)
        result = self.run_program("predict", "--json", MODEL, "picture.png")
        return json.loads(result.out)[0]["probabilities"] if result.code == 0 else None


class Probabilities(BrowserTest):
    def check(self, images, shape, model=MODEL):
        """The page's probabilities of images (count, *shape), channels last, are those of predict."""
        count = len(images) // (shape[0] * shape[1] * shape[2])
        self.write("images", idx((count, *shape), images))
        expected = [one["probabilities"] for one in self.predict("--raw", model, "images")]
        found = self.page.probabilities(images)
        self.assertEqual(len(expected), len(found))
        error = max(abs(a - b) for ours, theirs in zip(found, expected) for a, b in zip(ours, theirs))
        self.assertLess(error, TOLERANCE)
        self.assertGreater(len({class_of(one) for one in expected}), 1)
        return error

    @cases(NETWORKS)
    def test_network(self, spec, rows, columns, channels):
        data = self.path("data")
        os.mkdir(data)
        for names, count, seed in ((support.FILES[:2], 800, 11), (support.FILES[2:], 500, 12)):
            images, labels = made_split(count, 4, rows, columns * channels, 0.0, 40 if channels > 1 else 0, seed)
            shape = (count, rows, columns, channels)[:4 if channels > 1 else 3]
            self.write(f"data/{names[0].replace('idx3', f'idx{len(shape)}')}", idx(shape, images))
            self.write(f"data/{names[1]}", idx((count,), labels))
        self.train(data, "--network", spec)
        self.export()
        self.check(images, (rows, columns, channels))

    def test_rounded_weights(self):
        data = self.make_data()
        result = self.succeed("train", "--data", data, "--epochs", 2, "--out", "out")
        if ABSENT in result.out:
            self.skipTest("the program is built without cairo")
        self.export("--data", data)
        self.assertEqual(self.read("try.html"), self.read("out", "try.html"))
        self.assertTrue(self.page.evaluate("mnistBlas.network.layers[0].half"))
        images = self.read("data", support.TEST_IMAGES)[16:]
        classes = [one["class"] for one in self.predict("--raw", MODEL, f"data/{support.TEST_IMAGES}")]
        self.assertEqual(classes, list(map(class_of, self.page.probabilities(images))))
        self.assertEqual(32, self.page.evaluate("mnistBlas.network.test.labels.length"))
        self.export()
        self.assertFalse(self.page.evaluate("mnistBlas.network.layers[0].half"))
        self.assertFalse(self.page.evaluate("document.getElementById('tests').checkVisibility()"))


class OnPage(BrowserTest):
    """The page of a network that was trained on synthetic digits for an epoch."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        maker = ProgramTest()
        maker.setUp()
        try:
            if ABSENT in maker.succeed("train", "--epochs", 1, "--out", "out").out:
                raise unittest.SkipTest("the program is built without cairo")
            cls.files = {name: maker.read("out", name) for name in ("model.safetensors", "try.html")}
        finally:
            maker.doCleanups()

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("out"))
        for name, data in self.files.items():
            self.write(f"out/{name}", data)
        self.open("out", "try.html")
        self.page.resize(1000)

    def digits(self):
        """The test images of the page, as bytes."""
        pixels = bytes(self.page.evaluate("Array.from(mnistBlas.network.test.pixels)"))
        return [pixels[i:i + SIDE * SIDE] for i in range(0, len(pixels), SIDE * SIDE)]

    def click(self, name):
        self.page.evaluate(f"document.getElementById('{name}').click()")

    def place(self, points):
        """Points of the drawing area, 0 to 1, in CSS pixels of the view."""
        left, top, side = self.page.evaluate("(() => { const box = document.getElementById('drawing')"
                                             ".getBoundingClientRect(); return [box.left, box.top, box.width]; })()")
        return [(left + x * side, top + y * side) for x, y in points]

    def test_pictures(self):
        """Digits drawn and photographed in many styles have the class that predict gives them."""
        digits, other = self.digits(), []
        for number, style in enumerate(sorted(pictures.STYLES)):
            picture = pictures.png(*pictures.drawn(digits[number], SIDE, style, number))
            expected, found = self.predicted(picture), self.page.drop(picture)["probabilities"]
            if class_of(expected) != class_of(found):
                other.append(style)
        self.assertLessEqual(len(other), 1, other)

    def test_equal_images(self):
        """Pictures of no more than 400 pixels a side become the very image that predict makes of them. The browser rounds
        transparent colors."""
        digits = self.digits()[:8]
        self.export()
        for number, digit in enumerate(digits):
            side = SIDE * (2 + number)
            pixels = pictures.blocks(digit, SIDE, 2 + number)
            gray = pixels if number % 2 else pixels.translate(pictures.INVERTED)
            clear = b"".join(bytes((20, 40, 200, ink)) for ink in pixels)
            for picture, tolerance in ((pictures.png(side, side, gray), TOLERANCE),
                                       (pictures.png(side, side, clear, colour=6), 0.01)):
                expected, found = self.predicted(picture), self.page.drop(picture)["probabilities"]
                self.assertLess(max(abs(a - b) for a, b in zip(expected, found)), tolerance, number)

    def test_no_digit(self):
        two = [row + row for row in (self.digits()[0][i:i + SIDE] for i in range(0, SIDE * SIDE, SIDE))]
        for picture, says in ((pictures.png(40, 40, bytes(1600)), "Nothing stands out: no ink to be seen."),
                              (pictures.png(2 * SIDE, SIDE, b"".join(two)), "It looks like 2 digits: a picture has one."),
                              (b"no picture", "This is no picture that the browser can read.")):
            self.assertIsNone(self.predicted(picture))
            self.assertEqual({"probabilities": None, "answer": says}, self.page.drop(picture))

    @cases({"drop": ("DragEvent", "drop", "dataTransfer"), "paste": ("ClipboardEvent", "paste", "clipboardData")})
    def test_sent(self, *event):
        digit = self.digits()[0]
        picture = base64.b64encode(pictures.png(SIDE, SIDE, digit)).decode()
        answer = self.page.evaluate(SEND % (picture, *event))
        self.assertRegex(answer, r"^Predicted class: \d \(\d+\.\d %\)$")

    def test_mouse(self):
        self.click("clear")
        self.page.draw(self.place([(0.5, 0.15), (0.5, 0.5), (0.48, 0.85)]))
        self.page.evaluate(FRAME)
        self.assertIn("Predicted class: 1 ", self.answer())
        best = self.page.evaluate("document.querySelector('#bars .best').textContent")
        self.assertRegex(best, r"^1\d+\.\d %$")
        self.assertGreater(self.page.evaluate("document.querySelector('#bars .best i').clientWidth"), 50)

    def test_keyboard(self):
        self.click("clear")
        reached = []
        for _ in range(5):
            self.page.key("Tab")
            reached.append(self.page.evaluate("document.activeElement.id"))
        self.assertEqual(["drawing", "clear", "file", "previous", "next"], reached)
        self.page.evaluate("document.getElementById('drawing').focus()")
        for _ in range(9):
            self.page.key("ArrowUp")
        for _ in range(18):
            self.page.key("ArrowDown", shift=True)
        self.page.evaluate(FRAME)
        self.assertIn("Predicted class: 1 ", self.answer())

    def test_test_images(self):
        digits = self.digits()
        self.write("images", idx((len(digits), SIDE, SIDE), b"".join(digits)))
        classes = [one["class"] for one in self.predict("--raw", MODEL, "images")]
        labels = self.page.evaluate("mnistBlas.network.test.labels")
        self.click("clear")
        for number, (label, predicted) in enumerate(zip(labels, classes)):
            self.click("next")
            self.assertRegex(self.answer(), rf"^Test image {number + 1} of 32, class {label}: predicted {predicted} "
                                            rf"\(.*\), {'right' if label == predicted else 'wrong'} .$")
        self.assertGreater(sum(a == b for a, b in zip(labels, classes)), 20)
        self.click("next")
        self.assertIn("Test image 1 of 32", self.answer())
        self.click("previous")
        self.assertIn("Test image 32 of 32", self.answer())

    def test_policy(self):
        """Of scripts only the page's own runs, and nothing is loaded."""
        text = self.read("out", "try.html").decode()
        digest = base64.b64encode(hashlib.sha256(
            text.split('<script type="module">')[1].split("</script>")[0].encode()).digest()).decode()
        self.assertEqual([f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"],
                         re.findall('Content-Security-Policy" content="(.*?)"', text))
        self.assertEqual([], re.findall(r"""\b(?:src|href)=["'](?!data:)""", text.split("<script")[0]))
        self.page.evaluate("document.body.append(Object.assign(document.createElement('script'),"
                           " {textContent: 'globalThis.intruder = 1'}))")
        self.page.evaluate("fetch('https://mnist-blas.invalid').catch(() => {})")
        self.assertEqual("undefined", self.page.evaluate("typeof intruder"))
        refused, self.page.console[:] = " ".join(self.page.console), []
        self.assertIn("Executing inline script violates the following Content Security Policy", refused)
        self.assertIn("'connect-src' was not explicitly set", refused)

    def test_views(self):
        for width, dark in VIEWS:
            with self.subTest(width=width, dark=dark):
                self.page.resize(width, dark=dark)
                self.page.evaluate(FRAME)
                found = self.page.evaluate(LOOK)
                self.assertEqual((width, [], []), (found["width"], found["outside"], found["unnamed"]))
                self.assertEqual(dark, found["background"] != "rgb(255, 255, 255)")
