"""Commands, options and defaults as --help, the manual page and the completion for bash name them."""
import collections
import os
import re
import subprocess

import support

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
BUILT = os.path.join(os.path.dirname(support.PROGRAM), "tools")
MANUAL = os.path.join(BUILT, "mnist_blas.1")
COMPLETION = os.path.join(BUILT, "mnist_blas")

# `argument` and `default` are None where there is none; `text` is what the option is said to do.
Option = collections.namedtuple("Option", "argument text default")


def read_text(*names):
    with open(os.path.join(ROOT, *names), encoding="utf-8") as file:
        return file.read()


# --- --help ---

def help_commands(text):
    """{command: what follows its name} as the help of the program lists them."""
    return {name: rest.strip() for name, rest in
            re.findall(r"^  mnist_blas \[?([a-z]+)\]?((?: \[?[A-Z.]+\]?)*)  ", text, re.MULTILINE)}


def help_options(text):
    """{name without dashes: Option}"""
    options = {}
    text = text.split("\nExamples:")[0]
    for block in re.split(r"^(?=  (?:-\S, |    )--)", text, flags=re.MULTILINE)[1:]:
        first, *more = block.splitlines()
        name, argument, said = re.match(
            r"  (?:-\S, |    )--([a-z0-9-]+)(?:=([A-Z.]+))?(?: +|$)(.*)", first).groups()
        for line in more:
            if not line.startswith(" " * 12):
                break
            said += " " + line.strip()
        said, default = re.match(r"(.*?)(?: \[([^][]*)\])?$", said.strip()).groups()
        options[name] = Option(argument, said, default)
    return options


def help_examples(text):
    """The command lines of its examples, without the program's name."""
    examples = text.split("\nExamples:\n")[1].split("\n\n")[0]
    return [line.split()[1:] for line in examples.splitlines()]


# --- the manual page ---

def manual_part(macro, name, text):
    """What stands below this heading, up to the next of its kind or above."""
    ends = r"^\.S[hs] " if macro == "Ss" else r"^\.Sh "
    return re.split(ends, text.split(f"\n.{macro} {name}\n")[1], flags=re.MULTILINE)[0]


def manual_options(text, part):
    """{name: Option} of a part of OPTIONS."""
    options = {}
    for item in manual_part("Ss", part, text).split("\n.It ")[1:]:
        head, *lines = item.splitlines()
        name, argument = re.search(r"Fl -([a-z0-9-]+)(?: Ar (\S+))?$", head).groups()
        defaults = [line[len("Default: "):-1] for line in lines if line.startswith("Default: ")]
        said = " ".join(line for line in lines if not line.startswith((".El", "Default: ")))
        options[name] = Option(argument, said, defaults[0] if defaults else None)
    return options


def manual_variables(text):
    heads = re.findall(r"^\.It Ev (.*)$", manual_part("Sh", "ENVIRONMENT", text), re.MULTILINE)
    return {name for head in heads for name in head.split(" , ")}


def manual_places(text):
    """The folders in which data is looked for, in their order."""
    return re.findall(r"^\.It\n\.Pa (\S+)$", manual_part("Sh", "DATA", text), re.MULTILINE)


def manual_examples(text):
    return [line.split()[1:] for line in manual_part("Sh", "EXAMPLES", text).splitlines()
            if line.startswith("mnist_blas")]


# --- completion ---

def complete(folder, *words):
    """What bash proposes in the place of the last of these words, which follow the program's name."""
    script = (f"source '{COMPLETION}'; COMP_WORDS=(mnist_blas \"$@\"); COMP_CWORD=$#; _mnist_blas "
              "mnist_blas \"${!#}\"; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", *words], cwd=folder, text=True,
                          env=support.clean_environment(folder), capture_output=True,
                          timeout=support.HANG, check=True)
    if done.stderr:
        raise ValueError(done.stderr)
    return sorted(line for line in done.stdout.splitlines() if line)
