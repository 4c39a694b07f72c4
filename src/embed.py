"""Writes text files, one after the other, as a C array: embed.py SOURCE NAME TEXT... Meson runs it for texts that the
program writes from.

A line {{> FILE}} of a text stands for the content of FILE, in the text's folder."""
import os
import re
import sys


def read(path):
    with open(path, "rb") as file:
        text = file.read()
    return re.sub(rb"^\{\{> (\S+)\}\}\n", lambda line: read(os.path.join(os.path.dirname(path), line[1].decode())),
                  text, flags=re.MULTILINE)


def main():
    source, name, *texts = sys.argv[1:]
    numbers = [str(byte) for text in texts for byte in read(text)] + ["0"]
    lines = [", ".join(numbers[i:i + 20]) for i in range(0, len(numbers), 20)]
    with open(source, "w", encoding="ascii") as file:
        file.write(f"extern const char {name}[];\n"
                   f"const char {name}[] = {{\n    " + ",\n    ".join(lines) + "};\n")


if __name__ == "__main__":
    main()
