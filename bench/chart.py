"""Bar chart of a comparison as SVG: a bar per contender, with its range, grouped by batch size."""

from xml.sax.saxutils import escape

from contenders import NETWORKS

WIDTH, LEFT, RIGHT, BAR, GAP = 820, 190, 150, 22, 10
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 700; font-size: 17px; }
  .soft { fill: #57606a; }
  .value { text-anchor: start; font-variant-numeric: tabular-nums; }
  .name { text-anchor: end; }
  .paper { fill: #ffffff; }
  .ours { fill: #00639c; }
  .peer { fill: #9db4c4; }
  .range { stroke: #1f2328; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e9edf1; }
    .soft { fill: #a4afba; }
    .paper { fill: #14181d; }
    .ours { fill: #6db9ee; }
    .peer { fill: #4d5f6d; }
    .range { stroke: #e9edf1; }
  }
"""


def text(x, y, what, kind):
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(what)}</text>'


def bar(y, name, row, scale):
    """One contender: a bar up to the median, a line from minimum to maximum."""
    speed, middle = row["samples_per_second"], y + BAR / 2
    left, right = LEFT + speed["min"] * scale, LEFT + speed["max"] * scale
    threads = f'{row["threads"]} thread' + ("s" if row["threads"] > 1 else "")
    threads += f', {row["layout"]}' if row["layout"] else ""
    times = f', {row["ratio"]["median"]:.2f} x' if "ratio" in row else ""
    return [
        text(LEFT - 10, middle + 4.5, name, "name"),
        f'<rect x="{LEFT}" y="{y}" width="{speed["median"] * scale:.1f}" height="{BAR}" rx="2" '
        f'class="{"peer" if "ratio" in row else "ours"}"><title>{escape(row["version"])}, {threads}</title></rect>',
        f'<path d="M{left:.1f} {middle}H{right:.1f}M{left:.1f} {middle - 4}v8M{right:.1f} {middle - 4}v8" '
        'class="range"/>',
        text(round(right) + 8, middle + 4.5, f'{speed["median"]:,.0f}{times}', "value"),
    ]


def chart(machine, given, results):
    """The SVG text. `given`: the options of compare; `results`: those of compare_at."""
    fastest = max(row["samples_per_second"]["max"] for result in results
                  for row in result["contenders"].values())
    scale = (WIDTH - LEFT - RIGHT) / fastest
    parts, y = [], 84
    for result in results:
        rate = max(result["sgemm_gflops"].values(), key=lambda rates: rates["median"])["median"]
        parts.append(text(20, y, f'batch size {result["batch_size"]} (big SGEMM: {rate:.0f} GFLOP/s)', "soft"))
        y += 14
        for name, row in result["contenders"].items():
            parts += bar(y, name, row, scale)
            y += BAR + GAP
        y += 24
    cores = machine["cores_allowed"]
    title = f"Training {NETWORKS[given.network]} with {given.optimizer}: samples per second"
    images = f'; first {given.samples:,} training images' if given.samples else ""
    note = (f'{machine["cpu"]}, {cores} core{"s" if cores > 1 else ""}{images}; median, minimum and maximum; '
            "speed of mnist_blas relative to the peer")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" '
        f'role="img" aria-label="{escape(title)}">', f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{y}" class="paper"/>', text(20, 32, title, "title"),
        text(20, 54, note, "soft"), *parts, "</svg>", ""])
