"""Two results of bench/run: which of our rows became slower, by more than the machine did."""

import re
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One row of both results. `factor` is our new time over the old one, over what those of others became."""

    name: str
    old_ns: float
    new_ns: float
    factor: float
    spread: float  # of our times, the larger of both
    others: int  # how many that are not ours stand in both


def tolerance(text):
    """"5%" or "0.05" as 0.05."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text.strip())
    if not found:
        raise ValueError(f"no tolerance: {text}; for example 5% or 0.05")
    return float(found[1]) / (100 if found[2] else 1)


def drift(old, new):
    """The median of what the times of others in both rows became; 1 where there are none. And their count."""
    common = [who for who in old.not_ours() if who in new.contenders]
    factors = [new.contenders[who].ns / old.contenders[who].ns for who in common]
    return (statistics.median(factors) if factors else 1.0), len(factors)


def change(old, new, is_absolute):
    machine, count = (1.0, 0) if is_absolute else drift(old, new)
    factor = new.ours.ns / old.ours.ns / machine
    return Change(f"{old.program}: {old.name}", old.ours.ns, new.ours.ns, factor,
                  max(old.ours.spread, new.ours.spread), count)


def compare(old, new, is_absolute=False):
    """Changes of the rows in both results, the worst first; names of rows in one of them only."""
    by_key = [{(row.program, row.name): row for row in results.rows if row.ours} for results in (old, new)]
    before, after = by_key
    changes = [change(before[key], after[key], is_absolute) for key in before if key in after]
    changes.sort(key=lambda c: c.factor, reverse=True)
    gone = [": ".join(key) for key in before if key not in after]
    added = [": ".join(key) for key in after if key not in before]
    return changes, gone, added


def differences(old, new):
    """Sentences about what makes two results hard to compare."""
    notes = []
    for what in ("processor", "compiler", "flags", "instruction set"):
        if old.machine[what] != new.machine[what]:
            notes.append(f"different {what}: {old.machine[what]}; {new.machine[what]}")
    notes += [f"{which} is quick: few repetitions"
              for which, results in (("old", old), ("new", new)) if results.run["quick"]]
    notes += [f"{who}: version {old.peers[who]}, then {new.peers[who]}"
              for who in old.peers if who in new.peers and old.peers[who] != new.peers[who]]
    return notes
