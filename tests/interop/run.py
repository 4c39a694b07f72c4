"""Runs a test of this folder with MNIST_BLAS_PYTHON, which must have the packages, or else with this Python; if it
lacks them, the test is skipped."""
import os
import subprocess
import sys

SKIPPED = 77  # exit code for Meson
HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    module, *packages = sys.argv[1:]
    python = os.environ.get("MNIST_BLAS_PYTHON")
    imports = "; ".join(f"import {package}" for package in packages)
    tried = subprocess.run([python or sys.executable, "-c", imports], capture_output=True, text=True,
                           check=False)
    if tried.returncode != 0:
        print(f"skipping: {tried.stderr.strip().splitlines()[-1]}; MNIST_BLAS_PYTHON may name a "
              "Python with the packages of tests/interop/requirements.txt")
        return 1 if python else SKIPPED
    os.chdir(HERE)
    command = [python or sys.executable, os.path.join(HERE, "../cli/run.py"), module]
    return subprocess.run(command, check=False).returncode


sys.exit(main())
