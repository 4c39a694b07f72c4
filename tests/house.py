"""The order of the house: who may include whom, what each folder holds, what the tree may hold."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
ORDER = ["core", "machine", "kernels", "data", "synthetic", "picture", "nn", "model", "train", "report"]
TOP = {"meson.build", "meson_options.txt", "README.md", "LICENSE",
       "src", "include", "bench", "tests", "tools"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def sources(folder):
    return sorted(path for path in (ROOT / folder).rglob("*") if path.suffix in (".c", ".h"))


class House(unittest.TestCase):
    def test_src_includes_only_what_comes_before(self):
        seen = 0
        for path in sources("src"):
            room = path.relative_to(ROOT / "src").parts[0]
            if room not in ORDER:
                continue
            for included in INCLUDE.findall(path.read_text()):
                seen += 1
                other = included.split("/")[0]
                self.assertIn(other, ORDER, f"{path} includes {included}")
                self.assertLessEqual(ORDER.index(other), ORDER.index(room),
                                     f"{path} includes {included}")
        self.assertGreater(seen, 50)

    def test_every_folder_of_src_is_in_the_order(self):
        folders = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
        self.assertEqual(folders, set(ORDER))

    def test_public_headers_include_public_headers_only(self):
        for path in sources("include"):
            self.assertEqual(INCLUDE.findall(path.read_text()), [], path)

    def test_only_gemm_multiplies(self):
        callers = [path.name for path in sources("src") if "cblas_s" in path.read_text()]
        self.assertEqual(callers, ["gemm.c"])

    def test_the_library_neither_prints_nor_exits(self):
        forbidden = re.compile(r"\b(printf|puts|perror|exit|abort|assert)\s*\(")
        for path in sources("src"):
            self.assertIsNone(forbidden.search(path.read_text()), path)

    def test_every_folder_says_what_it_is(self):
        for top in ("src", "include", "bench", "tests", "tools"):
            for folder, folders, files in os.walk(ROOT / top):
                folders[:] = [name for name in folders if name not in ("__pycache__", "seeds")]
                if folder != str(ROOT / "src"):
                    self.assertIn("README.md", files, folder)

    def test_top_level(self):
        if shutil.which("git") is None:
            self.skipTest("git is not installed")
        listed = subprocess.run(["git", "-C", ROOT, "ls-files"], capture_output=True, text=True)
        if listed.returncode != 0 or not listed.stdout:
            self.skipTest("not a git checkout")
        tops = {line.split("/")[0] for line in listed.stdout.splitlines()}
        self.assertEqual({name for name in tops if not name.startswith(".")}, TOP)

    def test_files_are_short(self):
        for top in ("src", "include", "bench", "tests", "tools"):
            for path in [*sources(top), *(ROOT / top).rglob("*.py")]:
                with self.subTest(path=path):
                    self.assertLessEqual(len(path.read_text().splitlines()), 410)


if __name__ == "__main__":
    unittest.main()
