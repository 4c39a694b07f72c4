"""The figures of try.html: run as try_figures.py [COLOR_DATA], with MNIST_BLAS_PROGRAM and MNIST_BLAS_DATA set. Networks
are trained for an epoch on few images. Prints for each: size of the page, largest difference of the probabilities of
500 test images from those of `predict`, time to answer a stroke; then how many of 100 pictures have predict's class.
With --screenshot FILE.png it takes the README's picture instead."""
import gzip
import json
import os
import statistics
import struct
import sys

import pictures
import support
from support import FILES, MODEL, ProgramTest, idx
from test_predict_mnist import SIDE, test_images
from test_try import class_of
from try_page import TryPage

NETWORKS = ("mlp", "lenet5", "cnn", "best")
TRAINING, TESTING = 6000, 2000
# before the page's script: notes how long the answers to strokes take
NOTE_TIMES = """const request = requestAnimationFrame, times = [];
requestAnimationFrame = (callback) => request((now) => {
    const begin = performance.now();
    callback(now);
    times.push(performance.now() - begin);
});"""


def script_seconds(page):
    """CPU time of the page's scripts."""
    metrics = page.call("Performance.getMetrics")["metrics"]
    return next(one["value"] for one in metrics if one["name"] == "ScriptDuration")


def read_idx(folder, name):
    """(shape, bytes) of an IDX file, plain or .gz, of gray images, color images or labels."""
    names = (name.replace("idx3", kind) + end for kind in ("idx3", "idx4") for end in ("", ".gz"))
    for path in (os.path.join(folder, one) for one in names):
        if os.path.exists(path):
            with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
                data = file.read()
            return struct.unpack_from(f">{data[3]}I", data, 4), data[4 + 4 * data[3]:]
    raise FileNotFoundError(f"{folder}: no {name}")


class Figures(ProgramTest):
    def few(self, folder, to):
        """The first images of the data, in a folder of their own. Returns the first 500 test images."""
        os.mkdir(self.path(to))
        for name, count in zip(FILES, (TRAINING, TRAINING, TESTING, TESTING)):
            shape, data = read_idx(folder, name)
            size, kind = len(data) // shape[0], f"idx{max(len(shape), 3)}"
            self.write(f"{to}/{name.replace('idx3', kind)}", idx((count, *shape[1:]), data[:count * size]))
            if name == support.TEST_IMAGES:
                self.write("images", idx((500, *shape[1:]), data[:500 * size]))
                images = data[:500 * size]
        return images

    def points(self, page, corners, steps=40):
        """Points of the drawing area on the lines between corners, 0 to 1, in CSS pixels of the view."""
        left, top, side = page.evaluate("(() => { const box = document.getElementById('drawing').getBoundingClientRect();"
                                        " return [box.left, box.top, box.width]; })()")
        return [(left + (a + (c - a) * k / steps) * side, top + (b + (d - b) * k / steps) * side)
                for (a, b), (c, d) in zip(corners, corners[1:]) for k in range(steps + 1)]

    def stroke_times(self, page):
        page.resize(1000)
        page.evaluate("document.getElementById('clear').click()")
        points = self.points(page, [(0.3, 0.2), (0.7, 0.2), (0.5, 0.48), (0.7, 0.7), (0.3, 0.8)])
        page.draw(points)  # compiles the script
        page.evaluate("times.length = 0")
        seconds = script_seconds(page)
        page.draw(points)
        seconds = script_seconds(page) - seconds
        times = sorted(page.evaluate("times"))
        return (f"{len(times)} answers in {times[0]:.1f} / {statistics.median(times):.1f} / {times[-1]:.1f} ms (min, median, "
                f"max), {1000 * seconds / len(times):.1f} ms of CPU time each")

    def take_screenshot(self, path):
        """Of the page of ./mnist_blas, with a digit that is drawn."""
        self.succeed("train", MNIST_BLAS_DATA=support.REAL_DATA)
        with TryPage(self.folder) as page:
            page.resize(960, 740)
            page.open(self.path("mnist_blas_out", "try.html"))
            page.evaluate("document.getElementById('clear').click()")
            page.draw(self.points(page, [(0.3, 0.25), (0.42, 0.16), (0.58, 0.16), (0.7, 0.27), (0.68, 0.4), (0.5, 0.6),
                                         (0.3, 0.82), (0.5, 0.8), (0.74, 0.82)], 8))
            page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))")
            page.evaluate("document.activeElement.blur()")
            page.screenshot(path, full=False)

    def measure(self, page, network, data, images):
        out = network + "_out"
        self.succeed("train", "--data", data, "--epochs", 1, "--network", network, "--out", out, "--threads", 1)
        self.succeed("export", f"{out}/model.safetensors", "--html", "exact.html")
        expected = [one["probabilities"] for one in self.predict("--raw", f"{out}/model.safetensors", "images")]
        page.open(self.path("exact.html"))
        found = page.probabilities(images)
        error = max(abs(a - b) for ours, theirs in zip(found, expected) for a, b in zip(ours, theirs))
        page.open(self.path(out, "try.html"))
        print(f"{network:8} {os.path.getsize(self.path(out, 'try.html')) / 1e6:.2f} MB, {len(found)} images within {error:.1e}, "
              f"{self.stroke_times(page)}", flush=True)

    def compare_pictures(self, page):
        digits, styles, same, close = test_images(), sorted(pictures.STYLES), 0, 0
        os.rename(self.path("mlp_out"), self.path("out"))
        self.succeed("export", MODEL, "--html", "exact.html")
        page.open(self.path("exact.html"))
        for number in range(100):
            digit = digits[number]
            made = pictures.drawn(digit, SIDE, styles[number % len(styles)], number) if number < 70 else \
                pictures.photograph(digit, SIDE, number)
            self.write("picture.png", pictures.png(*made))
            result = self.run_program("predict", "--json", MODEL, "picture.png")
            expected = json.loads(result.out)[0]["probabilities"] if result.code == 0 else None
            found = page.drop(self.read("picture.png"))["probabilities"]
            same += class_of(expected) == class_of(found)
            close += None not in (expected, found) and max(abs(a - b) for a, b in zip(expected, found)) < 1e-4
        print(f"pictures: {same} of 100 of predict's class, {close} with its probabilities")

    def runTest(self):
        with TryPage(self.folder) as page:
            page.call("Performance.enable", timeDomain="threadTicks")
            page.call("Page.addScriptToEvaluateOnNewDocument", source=NOTE_TIMES)
            images = self.few(support.REAL_DATA, "few")
            for network in NETWORKS:
                self.measure(page, network, "few", images)
            if len(sys.argv) > 1:
                self.measure(page, "cifar", "color", self.few(sys.argv[1], "color"))
            self.compare_pictures(page)
            self.assertEqual([], page.console)


if __name__ == "__main__":
    figures = Figures()
    figures.setUp()
    try:
        if sys.argv[1:2] == ["--screenshot"]:
            figures.take_screenshot(os.path.abspath(sys.argv[2]))
        else:
            figures.runTest()
    finally:
        figures.doCleanups()
