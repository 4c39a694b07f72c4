"""The report page in a browser: headless Chromium, if one is installed."""
import html
import json
import os
import subprocess
import unittest

import support
from chromium import CHROMIUM
from support import ProgramTest
from test_report import ABSENT

WIDTHS = (320, 400, 760, 1600)
READABLE = 4.5  # contrast that WCAG's level AA asks of text
DARK, PRINT = "@media screen and (prefers-color-scheme: dark)", "@media print"

# Shows each page in a frame of its width, and replaces itself by what `look` finds there.
HARNESS = """<!DOCTYPE html><meta charset="utf-8"><script>
const look = (window, document) => {
    const all = [...document.body.querySelectorAll('*')], style = e => window.getComputedStyle(e);
    const list = (selector, what) => [...document.querySelectorAll(selector)].map(what);
    const named = e => e.tagName + ' ' + e.textContent.slice(0, 40);
    const pictures = () => list('img', image => {
        const box = image.getBoundingClientRect();
        return {natural: [image.naturalWidth, image.naturalHeight], shown: [box.width, box.height],
                inside: image.complete && box.left >= 0 && box.right <= window.innerWidth}; });
    // the lowest contrast of a text with its background (WCAG 2.2, "relative luminance")
    const parts = colour => colour.match(/[0-9.]+/g).map(Number);
    const light = colour => parts(colour).slice(0, 3)
        .map(c => c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    let contrast = [99, ''];
    const texts = document.createTreeWalker(document.body, window.NodeFilter.SHOW_TEXT);
    for (let node; node = texts.nextNode();) {
        if (!node.data.trim()) continue;
        let backdrop = node.parentElement;
        while ((parts(style(backdrop).backgroundColor)[3] ?? 1) !== 1) backdrop = backdrop.parentElement;
        const [a, b] = [light(style(node.parentElement).color), light(style(backdrop).backgroundColor)]
            .sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < contrast[0]) contrast = [(a + 0.05) / (b + 0.05), node.data];
    }
    const found = {
        width: window.innerWidth, contrast, background: style(document.body).backgroundColor,
        overflow: document.documentElement.scrollWidth > window.innerWidth,
        outside: all.filter(e => !e.closest('.scroll table, .unseen')).filter(e => {
            const box = e.getBoundingClientRect();
            return box.width && (box.left < 0 || box.right > window.innerWidth + 0.5); }).map(named),
        // text that does not fit into its element and cannot be scrolled to
        cut: all.filter(e => !e.matches('.unseen') && e.clientWidth &&
            (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1) &&
            ['hidden', 'clip'].includes(style(e).overflowX)).map(named),
        pictures: pictures(),
        frames: list('.scroll', e => [e.clientHeight, e.scrollHeight - e.clientHeight,
                                      e.scrollWidth - e.clientWidth, style(e).overflowX]),
        unreachable: list('.scroll, a, input', e => e).filter(e => {
            e.focus(); return style(e).display != 'none' && document.activeElement !== e; }).map(named),
        names: {image: list('img', e => e.alt), checkbox: list('input', e => e.labels[0].textContent),
                table: list('table', e => e.caption.textContent),
                region: [...list('[role=region]', e => e.ariaLabel), ...list('section', e =>
                    document.getElementById(e.getAttribute('aria-labelledby')).textContent)],
                main: list('main', () => 'main'), navigation: list('nav', e => e.ariaLabel)},
        headings: list('h1,h2,h3,h4,h5,h6', h => +h.tagName[1]),
    };
    list('input', box => box.click());
    found.full = pictures();
    found.full_overflow = document.documentElement.scrollWidth > window.innerWidth;
    return found;
};
const pages = PAGES;
onload = () => {
    const found = [...document.querySelectorAll('iframe')]
        .map(frame => look(frame.contentWindow, frame.contentDocument));
    document.documentElement.textContent = JSON.stringify(found);
};
</script><body><script>
for (const [width, page] of pages) { // they are loaded before the window is
    const frame = document.createElement('iframe');
    frame.width = width; frame.height = 900; frame.style.border = 0; frame.srcdoc = page;
    document.body.append(frame);
}
</script></body>"""


@unittest.skipUnless(CHROMIUM, "no Chromium is installed")
class BrowserTest(ProgramTest):
    """A test of pages."""

    def browse(self, path, *options):
        """Runs Chromium, which must report no error; returns its output."""
        arguments = ["--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                     "--enable-logging=stderr",
                     f"--user-data-dir={self.path('profile')}"]
        arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
        done = subprocess.run([CHROMIUM, *arguments, *options, f"file://{path}"], check=True,
                              capture_output=True, text=True, timeout=support.HANG,
                              env={**os.environ, "HOME": self.folder})
        self.assertEqual([], [line for line in done.stderr.splitlines() if ":CONSOLE" in line])
        return done.stdout

    def look(self, page):
        """The results of `look`: light and dark at each width, then as printed."""
        self.assertIn(DARK, page)
        self.assertIn(PRINT, page)
        pages = [(width, text) for width in WIDTHS for text in (page, page.replace(DARK, "@media all"))]
        pages.append((1600, page.replace(PRINT, "@media all")))
        text = json.dumps(pages).replace("</", "<\\/")
        support.write_bytes(self.path("harness.html"), HARNESS.replace("PAGES", text).encode())
        dumped = self.browse(self.path("harness.html"), "--dump-dom")
        return json.loads(html.unescape(dumped[dumped.index("["):dumped.rindex("]") + 1]))

    def check_view(self, found, width):
        self.assertEqual((width, False, [], [], []), (found["width"], found["overflow"], found["outside"],
                                                      found["cut"], found["unreachable"]))
        for picture in found["pictures"]:
            self.assertTrue(picture["inside"], picture)
            self.assertGreater(min(picture["natural"] + picture["shown"]), 20)
        self.assertGreaterEqual(found["contrast"][0], READABLE, found["contrast"])
        self.assertTrue(all(frame[3] == "auto" for frame in found["frames"]))
        if width <= 760:  # the checkboxes show pictures at full size
            self.assertTrue(all(one["natural"] == one["shown"] for one in found["full"]))
        self.assertFalse(found["full_overflow"])


class InBrowser(BrowserTest):
    def train(self, data, *arguments):
        result = self.succeed("train", "--data", data, "--out", "out", *arguments)
        if ABSENT in result.out:
            self.skipTest("the program is built without cairo")
        return support.read_bytes(self.path("out", "report.html")).decode()

    def check_page(self, page, height):
        *views, printed = self.look(page)
        for i, found in enumerate(views):
            with self.subTest(width=WIDTHS[i // 2], dark=i % 2 == 1):
                self.check_view(found, WIDTHS[i // 2])
                self.assertLess(max(frame[0] for frame in found["frames"]), height)
                self.assertEqual(found["background"] == "rgb(255, 255, 255)", i % 2 == 0)
        self.assertEqual("rgb(255, 255, 255)", printed["background"])
        self.assertEqual([[0, 0]] * 2, [frame[1:3] for frame in printed["frames"]])
        return views[0]

    def test_usual_run(self):
        page = self.train(self.make_data(), "--epochs", 3, "--validation", 100)
        found = self.check_page(page, 800)
        names = found["names"]
        self.assertEqual((6, 6, 2, 7, 1, 1), tuple(len(names[role]) for role in (
            "image", "checkbox", "table", "region", "main", "navigation")))
        for role in names:
            self.assertTrue(all(names[role]), names)
            self.assertEqual(len(names[role]), len(set(names[role])), role)
        self.assertEqual([1], found["headings"][:1])
        for before, level in zip(found["headings"], found["headings"][1:]):
            self.assertIn(level, range(2, before + 2))

    def test_large_run(self):
        """Many epochs, classes and layers, and long words that lines cannot break in."""
        page = self.train(self.make_data("data" * 50, classes=256, train=2560, test=512), "--epochs", 70,
                          "--network", "dense:9,relu," * 40 + "dense:256", "--lr", 0.001)
        self.check_page(page, 800)

    def test_can_be_printed(self):
        self.train(self.make_data(), "--epochs", 1)
        self.browse(self.path("out", "report.html"), f"--print-to-pdf={self.path('page.pdf')}")
        self.assertEqual(b"%PDF-", support.read_bytes(self.path("page.pdf"))[:5])
