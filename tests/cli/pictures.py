"""Pictures for predict: a small PNG writer, and transformations of digits."""
import math
import random
import struct
import zlib

INVERTED = bytes(255 - value for value in range(256))


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


def pgm(width, height, samples):
    return b"P5\n%d %d\n255\n" % (width, height) + samples


def blocks(pixels, side, factor):
    """A square picture enlarged with nearest-neighbour interpolation."""
    rows = []
    for y in range(side):
        row = b"".join(bytes([value]) * factor for value in pixels[y * side:(y + 1) * side])
        rows.append(row * factor)
    return b"".join(rows)


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
    rows = []
    for y in range(height):
        v = 2 * y / height - 1
        ink = bytes(width)
        if top <= y < top + size:
            row = large[(y - top) * size:(y - top + 1) * size]
            ink = bytes(left) + row + bytes(width - left - size)
        noise = rng.randbytes(2 * width)
        values = []
        for x in range(width):
            u = 2 * x / width - 1
            light = paper * (1 + down * v + across * u - corner * (u * u + v * v) / 2)
            value = light * (1 - strength * ink[x] / 255) + (noise[x] + noise[x + width] - 255) / 20
            values.append(min(max(int(value), 0), 255))
        rows.append(bytes(values))
    return width, height, b"".join(rows)


def grid(across, down, gray):
    """Lines of squared paper; `across` or `down` only: of ruled paper."""
    return lambda u, v, light: min(light, gray) if across * 9 * u % 1 < 0.05 or down * 9 * v % 1 < 0.05 else light


# What a style makes of the light at (u, v), 0 to 1 each, of paper of 245 with ink of 30.
STYLES = {
    "frame": lambda u, v, light: 30 if 0.02 < min(u, v, 1 - u, 1 - v) < 0.035 else light,
    "ruled": grid(0, 1, 170),
    "squared": grid(1, 1, 200),
    "on_a_dark_table": lambda u, v, light: light if 0.08 < u < 0.95 and v + u / 9 < 0.97 else 70,
    "in_a_shadow": lambda u, v, light: light * (0.55 if u + 2 * v < 1.6 else 1),
    "vignette": lambda u, v, light: light * (1 - 1.2 * ((u - 0.5) ** 2 + (v - 0.5) ** 2)),
    "gradient": lambda u, v, light: light * (0.4 + 0.6 * u),
    "pale": lambda u, v, light: 180 + light / 5,
}


def drawn(pixels, side, style):
    """(side, side, gray values) of a digit drawn on paper in one of the STYLES."""
    large, size = smooth(pixels, side, 6), side * 6
    margin, change = size // 6, STYLES[style]
    whole = size + 2 * margin
    lights = [245] * (margin * whole)
    for y in range(size):
        lights += [245] * margin + [245 - 215 * ink / 255 for ink in large[y * size:(y + 1) * size]] + [245] * margin
    lights += [245] * (margin * whole)
    return whole, whole, bytes(int(change(i % whole / whole, i // whole / whole, light))
                               for i, light in enumerate(lights))
