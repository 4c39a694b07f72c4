"""The source tree: who may include whom, what each folder holds, sizes of files, and words of identifiers."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("src", "include", "bench", "tests", "tools")
ORDER = ["core", "machine", "kernels", "data", "synthetic", "picture", "sources", "nn", "model", "train", "report"]
TOP = {"meson.build", "meson_options.txt", "README.md", "LICENSE", *FOLDERS}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
MAX_LINES = 400

# Private headers that the program may include, and why.
TOOLS_MAY_INCLUDE = {r"picture/\w+\.h": "predict reads and cleans photographs, which is no part of the library"}

# Words that no identifier of the program has between underscores, and those to use instead.
WORDS = {
    "crew": "thread_tuner", "keeper|keeping": "checkpoint", "supply|feed": "data_loader", "tally": "stats",
    "guess|guessed|guesses": "predicted", "healthy": "finite", "site": "layer_context",
    "passing": "per_thread", "placement": "layout", "picks": "sparse_grad",
    "turned": "transposed", "widen|widened": "bytes_to_float", "blend": "ema", "crowded": "oversubscribed",
    "stretched": "epochs_extended", "settle": "apply_defaults, validate",
    "keeps": "saves, workspace", "house": "source_tree", "hand|pen": "handwriting, rasterizer",
    "bones|manner": "skeleton, style", "dots": "nonzeros", "room|rooms": "capacity, scratch", "kept": "saved",
    "most": "max", "(?<!at_)least": "min", "told|noted": "reported, recorded", "stand_aside": "unpin",
    "bundle|bundles": "chunk", "cut": "tiling", "numbers": "elements, values", "planes": "layout",
}


def sources(*folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*")
                  if path.suffix in (".c", ".h", ".inc"))


def identifiers(text):
    """The identifiers of a C file, without those in comments and strings."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
    text = re.sub(r'"(?:\\.|[^"\\\n])*"|^\s*#\s*include.*', " ", text, flags=re.MULTILINE)
    return set(re.findall(r"[A-Za-z_]\w*", text))


class Folders(unittest.TestCase):
    def test_src_includes_only_what_comes_before(self):
        seen = 0
        for path in sources("src"):
            folder = path.relative_to(ROOT / "src").parts[0]
            for included in INCLUDE.findall(path.read_text()) if folder in ORDER else []:
                seen += 1
                other = included.split("/")[0]
                self.assertIn(other, ORDER, f"{path} includes {included}")
                self.assertLessEqual(ORDER.index(other), ORDER.index(folder), f"{path} includes {included}")
        self.assertGreater(seen, 50)

    def test_every_folder_of_src_is_in_the_order(self):
        self.assertEqual({path.name for path in (ROOT / "src").iterdir() if path.is_dir()}, set(ORDER))

    def test_public_headers_include_public_headers_only(self):
        for path in sources("include"):
            self.assertEqual(INCLUDE.findall(path.read_text()), [], path)

    def test_the_program_includes_no_private_headers(self):
        for path in sources("tools"):
            for included in INCLUDE.findall(path.read_text()):
                if "/" in included:
                    self.assertTrue(any(re.fullmatch(allowed, included) for allowed in TOOLS_MAY_INCLUDE),
                                    f"{path} includes {included}")

    def test_only_gemm_multiplies(self):
        callers = [path.name for path in sources("src") if "cblas_s" in path.read_text()]
        self.assertEqual(callers, ["gemm.c"])

    def test_the_library_neither_prints_nor_exits(self):
        forbidden = re.compile(r"\b(printf|puts|perror|exit|abort|assert)\s*\(")
        for path in sources("src"):
            self.assertIsNone(forbidden.search(path.read_text()), path)

    def test_no_types_that_one_c_library_has_to_itself(self):
        for path in sources("src", "include", "tools"):
            self.assertFalse({name for name in identifiers(path.read_text()) if re.fullmatch(r"__\w+_t", name)}, path)

    def test_every_folder_has_a_readme(self):
        for top in FOLDERS:
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


class Texts(unittest.TestCase):
    def test_files_are_short(self):
        for path in [*sources(*FOLDERS), *(path for top in FOLDERS for path in (ROOT / top).rglob("*.py"))]:
            if path.suffix != ".inc":  # tables
                with self.subTest(path=path):
                    self.assertLessEqual(len(path.read_text().splitlines()), MAX_LINES)

    def test_the_readme_is_short(self):
        lines = (ROOT / "README.md").read_text().splitlines()
        self.assertLessEqual(len(lines), 230)
        self.assertEqual([], [line for line in lines if len(line) > 120])
        for path in re.findall(r"\]\(([^)#:]+)\)", "\n".join(lines)):
            self.assertTrue((ROOT / path).exists(), path)

    def test_identifiers_have_the_words_of_the_field(self):
        found = []
        for words, instead in WORDS.items():
            pattern = re.compile(rf"(?:^|_)(?:{words})(?:$|_)", re.IGNORECASE)
            found += [f"{path.relative_to(ROOT)}: {name}: {instead}" for path in sources("src", "include", "tools", "bench")
                      for name in identifiers(path.read_text()) if pattern.search(name)]
        self.assertEqual([], found, "\n".join(found))


if __name__ == "__main__":
    unittest.main()
