"""Pictures for predict: a small PNG writer and reader, and transformations of digits."""
import functools
import math
import os
import random
import struct
import zlib

import support

INVERTED = bytes(255 - value for value in range(256))
BELOW = 100  # CLAMPED[value + BELOW] is the value, -BELOW to 600, as a byte
CLAMPED = bytes(min(max(value, 0), 255) for value in range(-BELOW, 601))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, samples, colour=0, depth=8):
    """The bytes of a PNG; `samples` are its packed rows. Colour types: 0 gray, 2 RGB, 4 gray with alpha,
    6 RGB with alpha."""
    stride = len(samples) // height
    rows = b"".join(b"\0" + samples[y * stride:(y + 1) * stride] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) +
            chunk(b"IEND", b""))


def paeth(left, above, corner):
    estimate = left + above - corner
    return min((left, above, corner), key=lambda value: abs(estimate - value))


def unfiltered(kind, line, above, size):
    """A row of a PNG as it was before filter `kind`; a pixel has `size` bytes, and `above` is the row above it."""
    if kind in (0, 2):
        return line if kind == 0 else bytes((value + other) % 256 for value, other in zip(line, above))
    row = bytearray(line)
    for i, value in enumerate(line):
        left, corner = (row[i - size], above[i - size]) if i >= size else (0, 0)
        added = (0, left, above[i], (left + above[i]) // 2, paeth(left, above[i], corner))[kind]
        row[i] = (value + added) % 256
    return bytes(row)


def read_png(data):
    """(width, height, rows of (red, green, blue)) of a PNG of 8 bits and 3 channels."""
    at, packed, width, height = 8, b"", 0, 0
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IHDR":
            width, height, depth, colour, *_, interlaced = struct.unpack_from(">IIBBBBB", data, at + 8)
            if (depth, colour, interlaced) != (8, 2, 0):
                raise ValueError(f"depth {depth}, colour type {colour}, interlaced {interlaced}")
        packed += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    lines, stride, above, rows = zlib.decompress(packed), 1 + 3 * width, bytes(3 * width), []
    for y in range(height):
        above = unfiltered(lines[y * stride], lines[y * stride + 1:(y + 1) * stride], above, 3)
        rows.append(list(zip(above[::3], above[1::3], above[2::3])))
    return width, height, rows


def pgm(width, height, samples):
    return b"P5\n%d %d\n255\n" % (width, height) + samples


def write_folder(folder, splits=(("train", 300, 11), ("test", 100, 12)), make=png, classes=4):
    """The images of support.write_data, as FOLDER/SPLIT/LABEL/NUMBER.png."""
    rows, columns = support.ROWS, support.COLUMNS
    for split, count, seed in splits:
        images, labels = support.made_split(count, classes, rows, columns, 0.0, 0, seed)
        for i, label in enumerate(labels):
            os.makedirs(os.path.join(folder, split, str(label)), exist_ok=True)
            image = images[i * rows * columns:(i + 1) * rows * columns]
            support.write_bytes(os.path.join(folder, split, str(label), f"{i:05}.png"), make(columns, rows, image))


def blocks(pixels, side, factor):
    """A square picture enlarged with nearest-neighbour interpolation."""
    rows = []
    for y in range(side):
        row = b"".join(bytes([value]) * factor for value in pixels[y * side:(y + 1) * side])
        rows.append(row * factor)
    return b"".join(rows)


@functools.lru_cache(maxsize=1024)
def smooth(pixels, side, factor):
    """A square picture enlarged with bilinear interpolation."""
    places = []
    for i in range(side * factor):
        place = min(max((i + 0.5) / factor - 0.5, 0), side - 1)
        low = min(int(place), side - 2)
        places.append((low, place - low))
    wide = []
    for y in range(side):
        row = pixels[y * side:(y + 1) * side]
        wide.append([row[low] + fraction * (row[low + 1] - row[low]) for low, fraction in places])
    rows = []
    for low, fraction in places:
        pairs = zip(wide[low], wide[low + 1])
        rows.append(bytes([int(a + fraction * (b - a) + 0.5) for a, b in pairs]))
    return b"".join(rows)


@functools.lru_cache(maxsize=1024)
def photograph(pixels, side, seed):
    """(width, height, gray values) of a photographed digit: dark on gray paper, lit from one side, darker in
    the corners, with noise, at a random position."""
    rng = random.Random(seed)
    large, size = smooth(pixels, side, 6), side * 6
    width, height = size + rng.randrange(20, 200), size + rng.randrange(20, 200)
    left, top = rng.randrange(width - size), rng.randrange(height - size)
    angle, slope, corner = rng.uniform(0, 2 * math.pi), rng.uniform(0.05, 0.25), rng.uniform(0, 0.2)
    paper, strength = rng.uniform(150, 240), rng.uniform(0.5, 0.9)
    down, across = slope * math.sin(angle), slope * math.cos(angle)
    reflected = [1 - strength * ink / 255 for ink in range(256)]
    light_of_columns = [paper * (across * u - corner * u * u / 2)
                        for u in (2 * x / width - 1 for x in range(width))]
    rows = []
    for y in range(height):
        v = 2 * y / height - 1
        light_of_row = paper * (1 + down * v - corner * v * v / 2)
        ink = bytes(width)
        if top <= y < top + size:
            row = large[(y - top) * size:(y - top + 1) * size]
            ink = bytes(left) + row + bytes(width - left - size)
        noise = rng.randbytes(2 * width)
        rows.append(bytes([CLAMPED[int((light_of_row + light) * reflected[covered] + (one + other - 255) / 20) + BELOW]
                           for light, covered, one, other in zip(light_of_columns, ink, noise, noise[width:])]))
    return width, height, b"".join(rows)


PAPER, INK = 245, 30  # gray values


def grid(across, down, gray):
    """Lines of squared paper; `across` or `down` only: of ruled paper."""
    return lambda u, v, light, _: min(light, gray) if across * 9 * u % 1 < 0.05 or down * 9 * v % 1 < 0.05 else light


def grain(light, fraction):
    """Light of ink that covers rough paper in part."""
    return PAPER - (PAPER - light) * (0.3 + 0.7 * fraction)


class Style:  # pylint: disable=too-few-public-methods
    """How a digit is drawn and photographed. `change(u, v, light, fraction)` is the light at (u, v), 0 to 1 each,
    of paper of gray PAPER with ink of gray INK, and a random fraction. The picture is turned by `angle` degrees.
    Strokes are where the enlarged digit is above `stroke`, or have its gray values. `margins`, left, top, right
    and bottom, are fractions of the digit's image; None: the picture is cropped to the ink."""

    def __init__(self, change=lambda u, v, light, _: light, angle=0, stroke=None, margins=(1 / 6,) * 4, factor=4):
        self.change, self.angle, self.margins, self.factor = change, math.radians(angle), margins, factor
        self.ink = bytes(value if stroke is None else 255 * (value > stroke) for value in range(256))


WIDE = (0.4,) * 4
STYLES = {
    "frame": Style(lambda u, v, light, _: INK if 0.02 < min(u, v, 1 - u, 1 - v) < 0.035 else light),
    "ruled": Style(grid(0, 1, 170)),
    "squared": Style(grid(1, 1, 200)),
    "margin_line": Style(lambda u, v, light, _: min(light, 120) if 0.06 < u < 0.07 else light),
    "on_a_dark_table": Style(lambda u, v, light, _: light if 0.08 < u < 0.95 and v + u / 9 < 0.97 else 70),
    "in_a_shadow": Style(lambda u, v, light, _: light * (0.55 if u + 2 * v < 1.6 else 1)),
    "vignette": Style(lambda u, v, light, _: light * (1 - 1.2 * ((u - 0.5) ** 2 + (v - 0.5) ** 2))),
    "gradient": Style(lambda u, v, light, _: light * (0.4 + 0.6 * u)),
    "glare": Style(lambda u, v, light, _: light * 0.7 + 90 * max(0, 1 - 9 * ((u - 0.8) ** 2 + (v - 0.2) ** 2))),
    "pale": Style(lambda u, v, light, _: 180 + light / 5),
    "noise": Style(lambda u, v, light, fraction: 15 + light * 0.8 + 40 * (fraction - 0.5)),
    "specks": Style(lambda u, v, light, fraction: INK if fraction > 0.998 else light),
    "pen": Style(stroke=110),
    "thin": Style(stroke=160),
    "thick": Style(stroke=30),
    "pencil": Style(lambda u, v, light, fraction: 120 + grain(light, fraction) / 2),
    "chalk": Style(lambda u, v, light, fraction: 270 - grain(light, fraction)),
    "coarse": Style(factor=1),
    "cropped": Style(margins=None),
    "in_a_corner": Style(margins=(1.4, 0.1, 0.1, 1.4)),
    "tilted_left": Style(angle=15),
    "tilted_right": Style(angle=-15),
    "ruled_tilted_left": Style(grid(0, 1, 170), 15),
    "ruled_tilted_right": Style(grid(0, 1, 170), -15),
    "sheet_tilted_left": Style(lambda u, v, light, _: light if 0.15 < min(u, v, 1 - u, 1 - v) else 70, 15, margins=WIDE),
    "sheet_tilted_right": Style(lambda u, v, light, _: light if 0.15 < min(u, v, 1 - u, 1 - v) else 70, -15, margins=WIDE),
}


def margins_of(large, size, style):
    """Pixels that the picture has around the enlarged digit, or beyond its ink: negative."""
    if style.margins is not None:
        return [int(size * margin) for margin in style.margins]
    rows = [y for y in range(size) if max(large[y * size:(y + 1) * size]) > 30]
    columns = [x for x in range(size) if max(large[x::size]) > 30]
    return -columns[0], -rows[0], columns[-1] + 1 - size, rows[-1] + 1 - size


def drawn(pixels, side, style, seed):
    """(width, height, gray values) of a digit drawn on paper in one of the STYLES."""
    rng, style, size = random.Random(seed), STYLES[style], side * STYLES[style].factor
    large = smooth(pixels, side, style.factor).translate(style.ink)
    left, top, right, bottom = margins_of(large, size, style)
    width, height = left + size + right, top + size + bottom
    cosine, sine = math.cos(style.angle), math.sin(style.angle)
    light = [PAPER - (PAPER - INK) * ink / 255 for ink in large]
    change, fraction = style.change, rng.random
    values = []
    for y in range(height):
        if style.angle == 0:
            places = [(x, y) for x in range(width)]
        else:
            p, q = width / 2 - sine * (y - height / 2), height / 2 + cosine * (y - height / 2)
            places = [(p + cosine * x, q + sine * x) for x in (x - width / 2 for x in range(width))]
        for p, q in places:
            column, row = round(p) - left, round(q) - top
            here = light[row * size + column] if 0 <= column < size and 0 <= row < size else PAPER
            values.append(CLAMPED[int(change(p / width, q / height, here, fraction())) + BELOW])
    return width, height, bytes(values)
