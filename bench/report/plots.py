"""The report's figures, by matplotlib: a roofline, and rates or times over size."""

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, LogLocator

from report import limits
from report.sections import SECTIONS, display

# Colours that the colour-blind tell apart (Okabe and Ito); no two contenders of one figure share one.
OURS = "#d55e00"
PALETTE = ["#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7a5195", "#8c6d31", "#4d4d4d"]
COLOURS = {
    "tenon": OURS, "eigen": PALETTE[0], "openblas": PALETTE[1], "libxsmm": PALETTE[2], "onednn": PALETTE[3],
    "blis": PALETTE[4], "aocl": PALETTE[5], "blaze": PALETTE[6], "eigen5": PALETTE[7], "hand": "#999999",
    "fastor": "#000000", "eigen_lazy": "#9ecae1",
    "xtensor": PALETTE[2], "armadillo": PALETTE[3],
    "glibc": PALETTE[0], "mimalloc": PALETTE[1], "jemalloc": PALETTE[2], "tcmalloc": PALETTE[3],
    "pmr_unsync": PALETTE[4], "pmr_sync": PALETTE[5], "boost_pool": PALETTE[6], "freelist": "#999999",
}
LIMIT = "#555555"

STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "tenon",  # text as text, the same file from the same results
    "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": "#e4e4e4", "grid.linewidth": 0.8, "axes.axisbelow": True, "legend.frameon": False,
}


def figure(title, x_label, y_label):
    picture, axes = pyplot.subplots(figsize=(8.4, 4.6), layout="constrained")
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return picture, axes


def save(picture, path):
    picture.savefig(path, metadata={"Date": None})
    pyplot.close(picture)


def legend_beside(axes):
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))


def as_size(value, _):
    for unit, bytes_in_unit in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= bytes_in_unit:
            return f"{value / bytes_in_unit:.0f} {unit}"
    return f"{value:.0f} B"


def ticks(axes, values, text):
    """Ticks at powers of four or ten between the values, each with its text."""
    base = 4 if text is as_size else 10 if max(values) > 1e5 else 2
    axes.set_xscale("log", base=base)
    axes.xaxis.set_major_locator(LogLocator(base=base, numticks=20))
    axes.xaxis.set_major_formatter(FuncFormatter(text))
    axes.xaxis.set_minor_locator(LogLocator(base=base, subs=[]))


def contenders(rows):
    """Everybody with a colour, ours last so that it is drawn on top."""
    present = {who for row in rows for who in row.contenders}
    return [who for who in COLOURS if who in present and who != "tenon"] + ["tenon"]


def draw_lines(axes, section, rows, value):
    """A line for each contender of value(row, who) over the number in the row's name."""
    for who in contenders(rows):
        points = [(section.x(row), value(row, who)) for row in rows if who in row.contenders]
        style = {"linewidth": 2.2, "zorder": 3} if who == "tenon" else {"linewidth": 1.2}
        axes.plot(*zip(*points), marker="o", markersize=3, color=COLOURS[who], label=display(who), **style)


def rate(counter):
    return lambda row, who: row.rate(counter, who)


def plot_products(section, rows, results, path):
    picture, axes = figure(section.title, "n", "GFLOP/s")
    draw_lines(axes, section, rows, rate("flops"))
    peaks = limits.rates(results.rows, "fma", "flops")
    peak = peaks.get("f64" if "64" in section.key else "f32")
    if peak:
        axes.axhline(peak, color=LIMIT, linestyle="--", linewidth=1, label="peak")
    ticks(axes, [section.x(row) for row in rows], lambda value, _: f"{value:.0f}")
    axes.set_ylim(bottom=0)
    legend_beside(axes)
    save(picture, path)


def plot_streams(section, rows, results, path):
    picture, axes = figure(section.title, "n", "GB/s")
    draw_lines(axes, section, rows, rate("bytes"))
    footprints = limits.read_bandwidth(results.rows)
    bytes_each = rows[0].ours.counters["bytes"] / section.x(rows[0])
    if footprints:
        axes.plot([size / bytes_each for size in footprints], footprints.values(), color=LIMIT, linestyle="--",
                  linewidth=1, label="reading alone")
    ticks(axes, [section.x(row) for row in rows], lambda value, _: f"{value:,.0f}")
    axes.set_ylim(bottom=0)
    legend_beside(axes)
    save(picture, path)


def plot_allocators(section, rows, _, path):
    picture, axes = figure(section.title, "size of the block", "ns for each block")
    draw_lines(axes, section, rows, lambda row, who: row.contenders[who].ns)
    ticks(axes, [section.x(row) for row in rows], as_size)
    axes.set_yscale("log")
    legend_beside(axes)
    save(picture, path)


def roofs(results):
    """Read bandwidth of each cache, at half its size, and of memory, at the largest footprint."""
    bandwidth = limits.read_bandwidth(results.rows)
    if not bandwidth:
        return {}
    levels = {}
    for level, size in results.machine["caches"].items():
        within = [footprint for footprint in bandwidth if footprint <= size // 2]
        if within:
            levels[level] = bandwidth[max(within)]
    levels["memory"] = bandwidth[max(bandwidth)]
    return levels


# Sections in the roofline: marker and label.
ROOFLINE = {"matmul-f32": ("o", "A·B"), "skinny": ("s", "A·B, skinny"), "into": ("^", "a * b + c")}


def plot_points(axes, results):
    """Points of ours and of the best peers; returns the operations per byte."""
    intensities = []
    for section in SECTIONS:
        rows = [row for row in section.rows(results.rows) if row.peers()]
        if section.key not in ROOFLINE or not rows:
            continue
        marker, label = ROOFLINE[section.key]
        x = [row.ours.counters["flops"] / row.ours.counters["bytes"] for row in rows]
        best = [row.rate("flops", row.best_peer()) for row in rows]
        axes.plot(x, best, marker, markersize=6, markerfacecolor="none", color=PALETTE[0], label=f"{label}: best peer")
        axes.plot(x, [row.rate("flops") for row in rows], marker, markersize=3.5, color=OURS, label=f"{label}: Tenon")
        intensities += x
    return intensities


def plot_roofline(results, path):
    """Operations a second over operations a byte, ours and the best peer's, below what the machine can do."""
    picture, axes = figure("Roofline, float, one core", "operations per byte, every operand counted once", "GFLOP/s")
    intensities = plot_points(axes, results)
    left, right = min(intensities) / 8, max(intensities) * 2
    peak = limits.rates(results.rows, "fma", "flops")["f32"]
    for level, bandwidth in roofs(results).items():
        corner = peak / bandwidth
        axes.plot([left, corner], [left * bandwidth, peak], color=LIMIT, linewidth=1)
        axes.text(left * 1.1, left * bandwidth * 1.3, f"{level}, {bandwidth:.0f} GB/s", fontsize=8, color=LIMIT,
                  rotation=35, rotation_mode="anchor")
    axes.axhline(peak, color=LIMIT, linewidth=1)
    axes.text(right, peak * 1.1, f"peak, {peak:.0f} GFLOP/s", fontsize=8, color=LIMIT, ha="right")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=10)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(left, right)
    axes.legend(loc="lower right")
    save(picture, path)


FIGURES = {
    "matmul-f32": plot_products, "matmul-f64": plot_products, "static32": plot_products, "static64": plot_products,
    "into": plot_streams, "pair": plot_allocators, "live": plot_allocators,
}


def write_all(results, folder):
    """Writes every figure that the results have rows for; file names by section, and "roofline"."""
    written = {}
    with pyplot.rc_context(STYLE):
        for section in SECTIONS:
            rows = section.rows(results.rows)
            if section.key in FIGURES and len(rows) > 1:
                written[section.key] = f"{section.key}.svg"
                FIGURES[section.key](section, rows, results, folder / written[section.key])
        if ROOFLINE.keys() & written.keys() and limits.rates(results.rows, "fma", "flops"):
            written["roofline"] = "roofline.svg"
            plot_roofline(results, folder / written["roofline"])
    return written
