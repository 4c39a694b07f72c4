"""Writes the variants of glyphs.svg as glyphs.inc: embed_glyphs.py SVG INC. Meson runs it."""
import re
import sys
import xml.etree.ElementTree

SVG = "{http://www.w3.org/2000/svg}"


def kinds_of(path, corners):
    """One letter per point, as mb_point_kind has them: "|" where a stroke starts, "v" a corner."""
    starts = [command == "M" for command in re.findall(r"(M?)-?\d+,-?\d+", path)]
    return "-" + "".join("|" if start else "v" if i in corners else "-"
                         for i, start in enumerate(starts[1:], 1))


def variant(group):
    paths = [path.get("d") for path in group.iter(SVG + "path")]
    corners = [int(i) for i in group.get("data-corners", "").split(",") if i]
    kinds = kinds_of(paths[0], corners)
    if any(kinds_of(path, corners) != kinds for path in paths):
        sys.exit(f"{group.get('id')}: all paths must have as many points and strokes")
    examples = ["{{" + re.sub("M", "", path).replace(" ", "}, {") + "}}" for path in paths]
    return (f'MB_VARIANT({group.get("id")}, {group.get("data-digit")}, {group.get("data-weight")}, '
            f'"{kinds}",\n    ' + ",\n    ".join(examples) + ")\n")


def main():
    svg, inc = sys.argv[1:]
    groups = xml.etree.ElementTree.parse(svg).iter(SVG + "g")
    with open(inc, "w", encoding="ascii") as file:
        file.writelines(variant(group) for group in groups)


if __name__ == "__main__":
    main()
