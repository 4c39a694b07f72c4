"""The picture of bench/ranks_model as SVG: speedup by ranks, a panel per network and batch size, a line per link."""

import math
from xml.sax.saxutils import escape

from chart import STYLE, text

PANEL, PLOT_HEIGHT, GAP, LEFT, TOP = 250, 170, 34, 56, 96
COLORS = ["#00639c", "#b35900", "#2e7d32", "#8e24aa", "#c62828"]


def power(value):
    """log2 of a number from 1."""
    return math.log2(max(value, 1.0))


def line(points, color):
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="{path}" fill="none" stroke="{color}" stroke-width="2"/>'


def panel(x, y, title, curves, most):
    """`curves`: by link, the speedup by ranks; both axes are logarithmic, up to `most` ranks."""
    across, up = PANEL / power(most), PLOT_HEIGHT / power(most)
    bottom = y + PLOT_HEIGHT
    parts = [text(x, y - 8, title, "value"),
             f'<path d="M{x} {y}V{bottom}H{x + PANEL}" fill="none" class="range"/>',
             f'<path d="M{x} {bottom}L{x + PANEL} {y}" fill="none" class="ideal"/>']
    ticks = [1 << bit for bit in range(0, int(power(most)) + 1, 2)]
    for tick in ticks:
        parts.append(text(round(x + power(tick) * across), bottom + 16, str(tick), "middle soft"))
        parts.append(text(x - 6, round(bottom - power(tick) * up) + 4, str(tick), "name soft"))
    for color, curve in zip(COLORS, curves.values()):
        parts.append(line([(x + power(ranks) * across, bottom - power(speedup) * up)
                           for ranks, speedup in sorted(curve.items())], color))
    return parts


def scale_chart(rows, note):
    """`rows`: dicts of network, batch_size, and `speedups` by link and ranks."""
    networks = list(dict.fromkeys(row["network"] for row in rows))
    sizes = sorted({row["batch_size"] for row in rows})
    most = max(ranks for row in rows for curve in row["speedups"].values() for ranks in curve)
    width = LEFT + len(sizes) * (PANEL + LEFT)
    height = TOP + len(networks) * (PLOT_HEIGHT + GAP + 20) + 20
    parts = [text(20, 32, "Predicted speedup by number of ranks", "title"), text(20, 52, note, "soft")]
    x = 20
    for color, name in zip(COLORS, rows[0]["speedups"]):
        parts += [f'<path d="M{x} 70h24" stroke="{color}" stroke-width="3"/>', text(x + 30, 74, name, "value")]
        x += 60 + 8 * len(name)
    for row in rows:
        across, down = sizes.index(row["batch_size"]), networks.index(row["network"])
        parts += panel(LEFT + across * (PANEL + LEFT), TOP + 20 + down * (PLOT_HEIGHT + GAP + 20),
                       f'{row["network"]}, batch size {row["batch_size"]}', row["speedups"], most)
    style = STYLE + ".middle { text-anchor: middle; } .ideal { stroke: #9db4c4; stroke-dasharray: 4 4; }"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape("Predicted speedup by number of ranks")}">', f"<style>{style}</style>",
        f'<rect width="{width}" height="{height}" class="paper"/>', *parts, "</svg>", ""])
