"""The report as Markdown: machine, limits, where we are behind, every row of every section."""

from report import limits, sections
from report.results import geometric_mean, is_peer
from report.sections import display

# Below this we call a row behind: differences smaller than the noise of a run mean nothing.
BEHIND = 0.98
FAR_BEHIND = 0.93


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def number(value, digits=1):
    return "" if value is None else f"{value:,.{digits}f}"


def time(ns, unit):
    if unit == "s":
        return f"{1e-9 * ns:.2f}"
    return f"{ns:,.1f}" if ns < 1000 else f"{ns:,.0f}"


def ratio_title(section, rows):
    """The heading of the ratio: what it is to is said in it."""
    return "ratio to the best of those measured" if section.missing(rows) else "ratio to the best peer"


def missing_note(section, rows):
    names = ", ".join(map(display, section.missing(rows)))
    if not names:
        return []
    return ["", f"Not in this run: {names}. So there is no ratio to the best of the field here."]


def section_table(section, rows, bandwidth):
    """Every row: time, rate, shares of the limits, ratio to the best peer, each contender's time and ratio."""
    names = dict.fromkeys(who for row in rows for who in row.contenders if who not in ("tenon", "peak"))
    others = sorted(names, key=lambda who: not is_peer(who))
    has_peers = any(row.peers() for row in rows)
    has_peak = any(row.share_of_peak() for row in rows)
    rate = {"flops": "GFLOP/s", "bytes": "GB/s"}.get(section.counter)
    has_bandwidth = bandwidth and section.moves_memory
    has_memory = any("workspace_bytes" in row.ours.counters for row in rows)

    head = ["row", section.unit] + [rate] * bool(rate) + ["share of the peak"] * has_peak
    head += ["share of the bandwidth"] * bool(has_bandwidth)
    if has_peers:
        head += [ratio_title(section, rows), "best"]
    if has_memory:
        head += ["peak, B", "workspace, B"]
    head += [f"{display(who)}: {section.unit} (ratio)" for who in others]

    lines = []
    for row in rows:
        cells = [row.name, time(row.ours.ns, section.unit)]
        if rate:
            cells.append(number(row.rate(section.counter)))
        if has_peak:
            cells.append(number(row.share_of_peak(), 2))
        if has_bandwidth:
            cells.append(number(limits.share_of_bandwidth(row, bandwidth), 2))
        if has_peers:
            cells += [number(row.best_ratio(), 3), display(row.best_peer())]
        if has_memory:
            cells += [number(row.ours.counters.get(c), 0) for c in ("peak_bytes", "workspace_bytes")]
        for who in others:
            c = row.contenders.get(who)
            cells.append(f"{time(c.ns, section.unit)} ({row.ratio(who):.2f})" if c else "")
        lines.append(cells)
    return table(head, lines)


def summary(chosen):
    """One line for each section with peers: how its ratios lie."""
    lines = []
    for section, rows in chosen:
        ratios = sorted(row.best_ratio() for row in rows if row.peers())
        if not ratios:
            continue
        at_least = sum(r >= BEHIND for r in ratios) / len(ratios)
        far_below = sum(r < FAR_BEHIND for r in ratios) / len(ratios)
        lines.append([section.title, str(len(ratios)), f"{geometric_mean(ratios):.3f}",
                      f"{ratios[len(ratios) // 2]:.3f}", f"{100 * at_least:.0f} %", f"{100 * far_below:.0f} %",
                      f"{ratios[0]:.3f}", ", ".join(map(display, section.missing(rows))) or "none"])
    head = ["section", "rows", "geometric mean", "median", f"{BEHIND} and more", f"below {FAR_BEHIND}", "worst",
            "peers missing from the run"]
    return table(head, lines)


def behind(chosen, contenders):
    """The rows where the fastest of contenders(row) beats us, section by section, worst first."""
    lines = []
    for section, rows in chosen:
        slow = []
        for row in rows:
            who = row.fastest(contenders(row))
            if who and row.ratio(who) < BEHIND:
                slow.append((row.ratio(who), f"{row.name} ({row.ratio(who):.3f}, {display(who)})"))
        if slow:
            names = ", ".join(text for _, text in sorted(slow))
            lines.append([section.title, f"{len(slow)} of {len(rows)}", names])
    return table(["section", "rows", "behind (ratio, whom)"], lines) if lines else ["None."]


def machine_table(results):
    machine, run = results.machine, results.run
    caches = ", ".join(f"{level} {size >> 10:,} KiB" for level, size in machine["caches"].items())
    versions = {display(who): version for who, version in results.peers.items()}
    pairs = [
        ("date", run["date"]),
        ("commit", run["commit"]),
        ("processor", f"{machine['processor']}, {machine['processors']} of them; pinned to number {machine['core']}"),
        ("data caches", caches),
        ("governor", machine["governor"]),
        ("huge pages", machine["huge pages"]),
        ("system", machine["system"]),
        ("load at the start", f"{machine['load at the start']:.2f}"),
        ("compiler", machine["compiler"]),
        ("flags", f"`{machine['flags']}`, instruction set `{machine['instruction set']}`"),
        ("libraries", ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())),
        ("peers", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    return table(["", ""], pairs)


def limits_tables(rows):
    """The peaks, and a line for each footprint."""
    lines = []
    for kind, rate in limits.rates(rows, "fma", "flops").items():
        lines += [f"Peak of multiply-adds, {kind}: {rate:.1f} GFLOP/s.", ""]
    read, write, stream = (limits.rates(rows, kind, "bytes") for kind in ("read", "write", "stream"))
    cells = [[size, *(number(kind.get(size)) for kind in (read, write, stream))] for size in read]
    return lines + table(["footprint", "read, GB/s", "written, GB/s", "past the caches, GB/s"], cells)


def figure(plots, key, text):
    return ["", f"![{text}]({plots[key]})"] if key in plots else []


def report(results, plots, plots_missing=""):
    """The whole text. plots: file names by key; plots_missing: why there are none."""
    chosen = [(section, section.rows(results.rows)) for section in sections.SECTIONS]
    chosen = [(section, rows) for section, rows in chosen if rows]
    bandwidth = limits.read_bandwidth(results.rows)
    others = sections.rest(results.rows)
    if others:
        chosen += [(sections.Section("rest", "Other rows", "", "", ""), others)]

    lines = ["# Measurements", ""]
    lines += ["Written by `bench/run`" + (" `--quick`: a look, with few repetitions; not figures to quote."
                                          if results.run["quick"] else ".")]
    lines += ["Medians; the contenders of a row are measured in turn. A ratio is the peer's time over ours: above 1 "
              "we are faster. Only ratios within one run mean something.", ""]
    lines += machine_table(results)
    if results.run["failed"]:
        lines += ["", f"Failed, so that their rows are missing: {', '.join(results.run['failed'])}."]
    if plots_missing:
        lines += ["", f"No plots: {plots_missing}."]
    lines += ["", "## Summary", "", *summary(chosen)]
    lines += ["", "## Where we are behind", "",
              f"Every row whose ratio to the best of the peers measured is below {BEHIND}:", "",
              *behind(chosen, lambda row: row.peers()), "",
              "Likewise beside baselines, which are code for one purpose (one expression, one size of blocks) or "
              "the same expression evaluated by us in another way:", "", *behind(chosen, lambda row: row.baselines())]
    lines += ["", "## Limits of the machine", "", *limits_tables(results.rows)]
    lines += ["", "A share of the bandwidth is a row's bytes a second over those of reading alone at the nearest "
              "footprint; rows that also write may exceed it, because caches load and store at once."]
    lines += figure(plots, "roofline", "Roofline: matrix products and a * b + c, ours and the best peers'")
    for section, rows in chosen:
        lines += ["", f"## {section.title}", ""]
        lines += [section.text] if section.text else []
        lines += missing_note(section, rows)
        lines += figure(plots, section.key, section.title)
        lines += ["", *section_table(section, rows, bandwidth)]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"
