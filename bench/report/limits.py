"""What bench_limits measured: the peaks of multiply-adds, and bandwidth over the footprint."""

import math

from report.sections import amount


def rates(rows, kind, counter):
    """10^9 of the counter's units a second for the rows "<kind> <text>", by the text."""
    prefix = kind + " "
    return {row.name.removeprefix(prefix): row.rate(counter, "limit")
            for row in rows if row.program == "limits" and row.name.startswith(prefix)}


def read_bandwidth(rows):
    """GB/s of reading by footprint in bytes, ascending."""
    return dict(sorted((amount(text), rate) for text, rate in rates(rows, "read", "bytes").items()))


def share_of_bandwidth(row, bandwidth):
    """Our bytes a second over those of reading alone at the nearest footprint measured; None without either."""
    rate = row.rate("bytes")
    if not rate or not bandwidth:
        return None
    footprint = row.ours.counters["bytes"]
    return rate / bandwidth[min(bandwidth, key=lambda size: abs(math.log(size / footprint)))]
