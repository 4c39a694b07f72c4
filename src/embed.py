"""Writes a text file as a C array: embed.py TEXT SOURCE NAME. Meson runs it for texts that the program writes from."""
import sys


def main():
    text, source, name = sys.argv[1:]
    with open(text, "rb") as file:
        numbers = [str(byte) for byte in file.read()] + ["0"]
    lines = [", ".join(numbers[i:i + 20]) for i in range(0, len(numbers), 20)]
    with open(source, "w", encoding="ascii") as file:
        file.write(f"extern const char {name}[];\n"
                   f"const char {name}[] = {{\n    " + ",\n    ".join(lines) + "};\n")


if __name__ == "__main__":
    main()
