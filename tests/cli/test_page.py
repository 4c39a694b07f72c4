"""The report page in a browser: headless Chromium, where one is installed."""
import unittest

import chromium
from support import ProgramTest
from test_report import ABSENT, flat

WIDTHS = (320, 400, 760, 1600)
VIEWS = [(width, scheme) for width in WIDTHS for scheme in ("light", "dark")]
READABLE = 4.5  # contrast that WCAG's level AA asks of text

# What of a page sticks out of the window, its frames apart, which scroll.
STICKING_OUT = """[...document.body.querySelectorAll('*')]
    .filter(e => !e.closest('.scroll table, .unseen'))
    .filter(e => { const box = e.getBoundingClientRect();
                   return box.width && (box.left < 0 || box.right > innerWidth + 0.5); })
    .map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"""

# Elements whose text does not fit into them and cannot be scrolled to.
CUT = """[...document.body.querySelectorAll('*')]
    .filter(e => !e.matches('.unseen') && e.clientWidth)
    .filter(e => (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1) &&
                 ['hidden', 'clip'].includes(getComputedStyle(e).overflowX))
    .map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"""

IMAGES = """Promise.all([...document.images].map(async image => {
    await image.decode();
    const box = image.getBoundingClientRect();
    return {complete: image.complete, size: [image.naturalWidth, image.naturalHeight],
            shown: [box.width, box.height], inside: box.left >= 0 && box.right <= innerWidth}; }))"""

# The least contrast of a text with what is behind it (WCAG 2.2, "relative luminance"), and where.
CONTRAST = """(() => {
    const parts = colour => colour.match(/[0-9.]+/g).map(Number);
    const light = colour => parts(colour).slice(0, 3)
        .map(c => c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const opaque = e => (parts(getComputedStyle(e).backgroundColor)[3] ?? 1) === 1;
    let least = [99, ''];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; node = texts.nextNode();) {
        if (!node.data.trim()) continue;
        let behind = node.parentElement;
        while (!opaque(behind)) behind = behind.parentElement;
        const [a, b] = [light(getComputedStyle(node.parentElement).color),
                        light(getComputedStyle(behind).backgroundColor)].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < least[0]) least = [(a + 0.05) / (b + 0.05), node.data];
    }
    return least; })()"""

TABLE = """[...document.querySelectorAll('#%s tr')]
    .map(row => [...row.querySelectorAll('data')].map(data => [data.value, data.textContent]))"""


@unittest.skipUnless(chromium.PATH, "no Chromium is installed")
class InBrowser(ProgramTest):
    """Pages of small runs, and of one that has much of everything, in one browser."""

    @classmethod
    def setUpClass(cls):
        cls.browser = chromium.Chromium()
        cls.addClassCleanup(cls.browser.close)

    def open(self, data, *arguments):
        result = self.succeed("train", "--data", data, "--out", "out", *arguments)
        if ABSENT in result.out:
            self.skipTest("the program is built without cairo")
        self.browser.errors.clear()
        self.browser.open(self.path("out", "report.html"))

    def open_usual(self):
        self.open(self.make_data(), "--epochs", 3, "--validation", 100)

    def open_large(self):
        """Much of everything: epochs, classes, layers, letters without a place to break a line."""
        self.open(self.make_data("data" * 50, classes=256, train=2560, test=512), "--epochs", 70,
                  "--network", "dense:9,relu," * 40 + "dense:256", "--lr", 0.001)

    def check_views(self):
        for width, scheme in VIEWS:
            with self.subTest(width=width, scheme=scheme):
                self.browser.show(width, scheme)
                self.assertEqual(width, self.browser.evaluate("innerWidth"))
                self.assertLessEqual(
                    self.browser.evaluate("document.documentElement.scrollWidth"), width)
                self.assertEqual([], self.browser.evaluate(STICKING_OUT))
                self.assertEqual([], self.browser.evaluate(CUT))
                for image in self.browser.evaluate(IMAGES):
                    self.assertTrue(image["complete"] and image["inside"], image)
                    self.assertGreater(min(image["size"] + image["shown"]), 20)
                least, where = self.browser.evaluate(CONTRAST)
                self.assertGreaterEqual(least, READABLE, where)
        self.assertEqual([], self.browser.errors)

    def test_everything_has_its_place(self):
        self.open_usual()
        self.assertEqual(5, self.browser.evaluate("document.images.length"))
        self.check_views()

    def test_much_has_its_place(self):
        self.open_large()
        self.check_views()
        heights = self.browser.evaluate(
            "[...document.querySelectorAll('.scroll')].map(e => e.clientHeight)")
        self.assertLess(max(heights), 800)

    def test_dark_and_light_differ(self):
        self.open_usual()
        colours = []
        for scheme in ("light", "dark"):
            self.browser.show(800, scheme)
            colours.append(self.browser.evaluate("getComputedStyle(document.body).backgroundColor"))
        self.assertEqual("rgb(255, 255, 255)", colours[0])
        self.assertNotEqual(*colours)

    def test_tables_hold_the_numbers_of_the_files(self):
        self.open_usual()
        keys = self.browser.evaluate(
            "[...document.querySelectorAll('#epoch-table th[data-key]')].map(th => th.dataset.key)")
        rows = self.browser.evaluate(TABLE % "epoch-table")[1:]
        self.assertEqual([[epoch[key] for key in keys] for epoch in self.metrics()],
                         [[float(value) for value, _ in row] for row in rows])
        for row in rows:  # what is read is that number, too, rounded
            for key, (value, text) in zip(keys, row):
                shown, number = float(text.replace(",", "")), float(value)
                factor = 100 if key.endswith("accuracy") else 1
                self.assertAlmostEqual(factor * number, shown, delta=0.05 * factor * number, msg=key)
        for key, value in flat(self.summary()).items():
            told = self.browser.evaluate(f"document.querySelector('[data-key=\"{key}\"]').value")
            self.assertEqual(value, type(value)(told), key)

    def test_keyboard_reaches_all_that_scrolls(self):
        self.open_large()
        self.browser.show(400)
        reached = set()
        for _ in range(25):
            self.browser.press("Tab")
            reached.add(self.browser.evaluate(
                "document.activeElement.getAttribute('aria-label') || document.activeElement.id"))
        self.assertLessEqual({"Table of epochs", "Table of classes", "loss-full"}, reached)
        self.browser.evaluate("document.querySelector('[aria-label*=epochs]').focus()")
        for _ in range(3):
            self.browser.press("ArrowRight")
        self.assertGreater(self.browser.evaluate("""new Promise(done => setTimeout(() =>
            done(document.querySelector('[aria-label*=epochs]').scrollLeft), 1000))"""), 0)

    def test_pictures_can_be_seen_at_full_size(self):
        self.open_usual()
        self.browser.show(400)
        self.browser.evaluate("document.querySelectorAll('input').forEach(box => box.click())")
        for image in self.browser.evaluate(IMAGES):
            self.assertEqual(image["size"], image["shown"])
        self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), 400)

    def test_screen_readers_get_names_and_order(self):
        self.open_usual()
        self.browser.show(400)
        nodes = [node for node in self.browser.command("Accessibility.getFullAXTree")["nodes"]
                 if not node["ignored"]]
        named = {role: [node.get("name", {}).get("value", "") for node in nodes
                        if node["role"]["value"] == role]
                 for role in ("image", "region", "navigation", "main", "checkbox", "table")}
        self.assertEqual((5, 1, 1, 2), tuple(len(named[role]) for role in
                                             ("image", "main", "navigation", "table")))
        for role in ("image", "region", "checkbox", "table"):
            self.assertTrue(all(named[role]), named)
            self.assertEqual(len(named[role]), len(set(named[role])), named[role])
        levels = self.browser.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
        self.assertEqual([1], levels[:1])
        for before, level in zip(levels, levels[1:]):
            self.assertIn(level, range(2, before + 2))

    def test_can_be_printed(self):
        self.open_usual()
        self.browser.show(1600, "dark")
        self.assertEqual(b"%PDF-", self.browser.print()[:5])
        self.browser.command("Emulation.setEmulatedMedia", media="print")
        self.addCleanup(self.browser.command, "Emulation.setEmulatedMedia", media="")
        self.assertEqual([[255, 255, 255]], self.browser.evaluate(
            "[getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)]"))
        for table in self.browser.evaluate("""[...document.querySelectorAll('.scroll')]
                .map(e => [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth])"""):
            self.assertEqual([0, 0], table)


if __name__ == "__main__":
    unittest.main()
