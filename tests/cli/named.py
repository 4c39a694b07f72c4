"""The places that name commands, options and defaults: --help, which is the program's own word, the
manual page, the completion for bash, and README.md."""
import collections
import os
import re
import subprocess

import support

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
MANUAL = os.path.join(ROOT, "tools/mnist_blas.1")
COMPLETION = os.path.join(ROOT, "tools/mnist_blas.bash")

# `argument` and `default` are None where there is none; `text` is what the option is said to do.
Option = collections.namedtuple("Option", "argument text default")


def read_text(*names):
    with open(os.path.join(ROOT, *names), encoding="utf-8") as file:
        return file.read()


# --- --help ---

def help_commands(text):
    """{command: what follows its name} as the help of the program lists them."""
    return {name: rest.strip() for name, rest in
            re.findall(r"^  mnist_blas \[?([a-z]+)\]?((?: [A-Z.]+)*)  ", text, re.MULTILINE)}


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


def manual_commands(text):
    """{command: what follows its name}"""
    return {name: rest.replace("Ar ", "").replace(" ...", "...") for name, rest in
            re.findall(r"^\.It Cm (\S+) ?(.*)$", manual_part("Sh", "COMMANDS", text), re.MULTILINE)}


def manual_options(text, part):
    """{name: Option} of a part of OPTIONS; the default is None where the text only points to DATA."""
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


# --- README.md ---

def readme_tables(text):
    """Lists of rows, each row a list of cells; the head is a table's first row."""
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    rows = [[[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
            for table in tables]
    return [[head, *body] for head, _, *body in rows]


def readme_table(text, head):
    """The rows below the one head that begins so."""
    table, = [rows for rows in readme_tables(text) if rows[0][0] == head]
    return table[1:]


def readme_commands(text):
    return {name: rest.strip() for name, rest in
            (re.fullmatch(r"`mnist_blas \[?([a-z]+)\]?([^`]*)`", row[0]).groups()
             for row in readme_table(text, "command"))}


def cell_options(cell):
    return re.findall(r"`--([a-z0-9-]+)(?: ([A-Z]+))?`", cell)


def readme_options(text, commands):
    """{command: {name: Option}}"""
    options = {command: {} for command in commands}
    for cell, default, said in readme_table(text, "option of train"):
        for name, argument in cell_options(cell):
            default = default.replace("`", "")
            options["train"][name] = Option(argument or None, said,
                                            None if default == "off" and not argument else default)
    for cell, of, said in readme_table(text, "option"):
        for name, argument in cell_options(cell):
            for command in commands if of == "all" else of.split(", "):
                options[command][name] = Option(argument or None, said, None)
    return options


def readme_variables(text):
    return {name for row in readme_table(text, "environment")
            for name in re.findall(r"`([A-Z_]+)`", row[0])}


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
