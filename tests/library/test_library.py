"""The library as other projects meet it: installed, found by pkg-config, included from C and C++.

MNIST_BLAS_BUILD names the build folder."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../cli"))
import support  # noqa: E402 (found by the line above)

EXAMPLES = os.path.join(HERE, "../../tools/examples")
BUILD = os.environ.get("MNIST_BLAS_BUILD", os.path.join(HERE, "../../build"))
CC, CXX = os.environ.get("CC", "cc"), os.environ.get("CXX", "c++")
NEEDED = [name for name in ("meson", "pkg-config", CC, CXX, "nm") if shutil.which(name) is None]
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]


def run(*command, **options):
    """What it prints; it must end well, without a word on stderr."""
    done = subprocess.run(command, capture_output=True, check=False, **options)
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stderr.decode()}")
    return done.stdout.decode()


@unittest.skipIf(NEEDED, f"not installed: {', '.join(NEEDED)}")
class Installed(support.ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.mkdtemp(prefix="mnist_blas_library_")
        cls.addClassCleanup(shutil.rmtree, cls.place)
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", cls.place)
        cls.pc, = cls.find("mnist_blas.pc")
        prefix = re.search("^prefix=(.*)$", support.read_bytes(cls.pc).decode(), re.MULTILINE)[1]
        cls.prefix = cls.place + prefix
        cls.library, = [path for path in cls.find("libmnist_blas.so*") if not os.path.islink(path)]

    @classmethod
    def find(cls, name):
        return glob.glob(os.path.join(cls.place, "**", name), recursive=True)

    def flags(self):
        path = os.path.dirname(self.pc) + ":" + os.environ.get("PKG_CONFIG_PATH", "")
        return run("pkg-config", f"--define-variable=prefix={self.prefix}", "--cflags", "--libs",
                   "mnist_blas", env={**os.environ, "PKG_CONFIG_PATH": path}).split()

    def build(self, compiler, source):
        run(compiler, source, *self.flags(), "-Wall", "-Wextra", "-Werror", "-o",
            self.path("program"))

    def run_built(self, *arguments, stdin=b""):
        where = os.path.dirname(self.library)
        return subprocess.run([self.path("program"), *arguments], input=stdin, cwd=self.folder,
                              env=support.clean_environment(self.folder, LD_LIBRARY_PATH=where),
                              capture_output=True, timeout=support.HANG, check=False)

    def test_example_says_what_the_program_says(self):
        data = self.make_data(classes=10, rows=28, columns=28, train=1000, test=50)
        self.train(data)
        self.build(CC, os.path.join(EXAMPLES, "classify.c"))
        images = support.read_bytes(os.path.join(data, support.TEST_IMAGES))
        answer = json.loads(self.succeed("predict", "--json", "out/model.safetensors",
                                         os.path.join(data, support.TEST_IMAGES)).out)
        done = self.run_built("out/model.safetensors", stdin=images[16:])
        self.assertEqual((0, b""), (done.returncode, done.stderr))
        said = [line.split() for line in done.stdout.decode().splitlines()]
        self.assertEqual([each["class"] for each in answer], [int(digit) for digit, _ in said])
        for each, (_, probability) in zip(answer, said, strict=True):
            self.assertAlmostEqual(each["confidence"], float(probability), places=5)

    def test_trained_example_is_classified(self):
        """The two examples together: the stripes that one trains on, the other tells apart."""
        self.build(CC, os.path.join(EXAMPLES, "train.c"))
        done = self.run_built("stripes.safetensors")
        self.assertEqual((0, b""), (done.returncode, done.stderr))
        lines = done.stdout.decode().splitlines()
        self.assertEqual(3, len(lines))
        self.assertRegex(lines[2], r"^epoch 3/3: loss 0\.\d+, test accuracy (100|99\.\d\d)")
        self.build(CC, os.path.join(EXAMPLES, "classify.c"))
        lying = bytes(144 // 2) + bytes([150]) * 36 + bytes(144 // 2 - 36)
        standing = bytes([0, 0, 0, 0, 150, 150, 150, 0, 0, 0, 0, 0]) * 12
        done = self.run_built("stripes.safetensors", stdin=lying + standing)
        self.assertEqual([b"0", b"1"], [line.split()[0] for line in done.stdout.splitlines()])

    def test_example_passes_errors_on(self):
        self.build(CC, os.path.join(EXAMPLES, "classify.c"))
        support.write_bytes(self.path("broken"), b"no model")
        for arguments, words in ((["broken"], b"classify: broken: "), ([], b"classify: usage: ")):
            done = self.run_built(*arguments, stdin=bytes(784))
            self.assertEqual((1, b"", 1), (done.returncode, done.stdout,
                                           len(done.stderr.splitlines())))
            self.assertTrue(done.stderr.startswith(words), done.stderr)

    def test_as_a_subproject_without_the_pc_file_of_openblas_and_with_unity(self):
        os.makedirs(self.path("outer/subprojects"))
        os.makedirs(self.path("pc"))
        os.symlink(os.path.join(HERE, "../.."), self.path("outer/subprojects/mnist_blas"))
        support.write_bytes(self.path("outer/meson.build"), b"""project('outer', 'c')
executable('outer', 'outer.c', dependencies: dependency('mnist_blas', fallback: 'mnist_blas'))
""")
        support.write_bytes(self.path("outer/outer.c"), b"int main(void) { return 0; }\n")
        paths = run("pkg-config", "--variable", "pc_path", "pkg-config").strip().split(":")
        for file in (file for path in reversed(paths) for file in glob.glob(path + "/*.pc")):
            if os.path.basename(file) not in ("openblas.pc", "mnist_blas.pc"):
                shutil.copy(file, self.path("pc"))
        run("meson", "setup", "-Dunity=on", self.path("b"), self.path("outer"),
            env={**os.environ, "PKG_CONFIG_LIBDIR": self.path("pc"), "PKG_CONFIG_PATH": ""})
        rules = support.read_bytes(self.path("b/build.ninja")).decode()
        self.assertTrue(re.search(r"build outer: c_LINKER .*libmnist_blas\.so", rules))
        self.assertTrue(re.search(r"LINK_ARGS = .*openblas", rules))
        self.assertFalse(re.search("mnist_blas_parts-unity|build [^:]*/test_", rules))

    def test_from_cxx(self):
        source = self.path("version.cpp")
        support.write_bytes(source, b"""#include <mnist_blas/mnist_blas.h>
#include <iostream>
int main() { std::cout << mb_version() << mb_training_defaults(MB_OPTIMIZER_ADAM).epochs; }
""")
        self.build(CXX, source)
        self.assertRegex(self.run_built().stdout, rb"^\d+\.\d+\.\d+")

    def headers(self):
        return sorted(self.find("mnist_blas/*.h"))

    def test_headers_compile_alone(self):
        self.assertGreater(len(self.headers()), 7)
        include = "-I" + os.path.dirname(os.path.dirname(self.headers()[0]))
        for header in self.headers():
            with self.subTest(header=os.path.basename(header)):
                run(CC, "-std=c11", *STRICT, include, "-x", "c", header)
                run(CXX, "-std=c++11", *STRICT, include, "-x", "c++", header)

    def test_exports_what_the_headers_declare(self):
        declared = set()
        for header in self.headers():
            text = support.read_bytes(header).decode()
            declared |= set(re.findall(r"^MB_API\s[^;(]*?\b(mb_\w+)\(", text, re.MULTILINE))
            for variables in re.findall(r"^extern MB_API const \w+ ([^;]*);", text, re.MULTILINE):
                declared |= set(re.findall(r"\bmb_\w+", variables))
        exported = run("nm", "-D", "--defined-only", "--format=just-symbols", self.library).split()
        self.assertGreater(len(declared), 20)
        self.assertEqual(sorted(declared), sorted(exported))
