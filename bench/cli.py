"""What the scripts of bench/ have in common: options, and the way they end."""

import argparse
import pathlib
import signal
import sys

from contenders import Failure


def count_from_1(text):
    value = int(text) if text.isascii() and text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' must be an integer from 1")
    return value


def counts_from_1(text):
    return [count_from_1(part) for part in text.split(",")]


class Parser(argparse.ArgumentParser):
    def error(self, message):  # one line, as mnist_blas prints
        self.exit(2, f"{self.prog}: {message}\n")

    def add_build_and_data(self):
        here = pathlib.Path(__file__).resolve().parent
        self.add_argument("--build", type=pathlib.Path, default=here.parent / "build", metavar="DIR",
                          help="build folder with mnist_blas and bench/ [%(default)s]")
        self.add_argument("--data", metavar="DIR", help="folder with the four IDX files [as for mnist_blas]")


def run_main(name, run, given):
    """Runs run(given); returns the exit code. A Failure is one line on stderr."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        run(given)
    except Failure as failure:
        sys.stdout.flush()
        print(f"{name}: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0
