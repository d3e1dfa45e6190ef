"""Rows of measurements: times of contenders, ratios to peers, and the JSON file that keeps them."""

import json
import math
import statistics
from dataclasses import dataclass

FORMAT = 1

# Contenders that are no peers: ours in another form, limits of the machine, and baselines, which are code for one
# purpose (one expression, one size of blocks) or the same expression evaluated by us in another way.
OURS = {"tenon", "buffer_pool", "pool_clear"}
LIMITS = {"limit", "peak", "xsimd alone"}
SINGLE_PURPOSE = {"hand", "freelist", "raw", "boost_pool"}
OTHER_WAYS = {"unfused", "stages", "eval_into"}
BASELINES = SINGLE_PURPOSE | OTHER_WAYS


@dataclass(frozen=True)
class Contender:
    """One contender of a row: the median of its times, how far they spread, amounts of one repetition."""

    ns: float
    spread: float  # the middle half of the times over the median
    counters: dict

    @staticmethod
    def from_samples(seconds, counters):
        median = statistics.median(seconds)
        ordered = sorted(seconds)
        quarter = len(ordered) // 4
        return Contender(1e9 * median, (ordered[-1 - quarter] - ordered[quarter]) / median, counters)


@dataclass(frozen=True)
class Row:
    """One row of one program: contenders by name, "tenon" being ours."""

    program: str
    name: str
    contenders: dict

    @property
    def ours(self):
        """Our contender; None in rows of limits."""
        return self.contenders.get("tenon")

    def peers(self):
        return [who for who in self.contenders if is_peer(who)]

    def baselines(self):
        return [who for who in self.contenders if who in BASELINES]

    def not_ours(self):
        """Contenders that no change of Tenon can make slower."""
        return [who for who in self.contenders if is_peer(who) or who in SINGLE_PURPOSE]

    def fastest(self, names):
        """The fastest of the contenders named; None where there is none."""
        return min(names, key=lambda who: self.contenders[who].ns, default=None)

    def best_peer(self):
        return self.fastest(self.peers())

    def ratio(self, who):
        """The time of `who` over ours: above 1 we are faster. None where either is not in the row."""
        if who not in self.contenders or self.ours is None:
            return None
        return self.contenders[who].ns / self.ours.ns

    def best_ratio(self):
        return self.ratio(self.best_peer())

    def rate(self, counter, who="tenon"):
        """10^9 of the counter's units a second; None where nothing was counted."""
        contender = self.contenders.get(who)
        amount = contender.counters.get(counter, 0) if contender else 0
        return amount / contender.ns if amount else None

    def share_of_peak(self):
        """Our share of the peak of multiply-adds; None where the row has none."""
        return self.ratio("peak")


def is_peer(who):
    return who not in OURS | LIMITS | BASELINES and not who.startswith("tenon_") and not who.endswith("*")


def rows_of_program(program, measured):
    """Rows from what a program wrote with --json."""
    return [
        Row(program, row["row"],
            {c["who"]: Contender.from_samples(c["seconds"], c["counters"]) for c in row["contenders"]})
        for row in measured["rows"]
    ]


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(v) for v in values))


@dataclass(frozen=True)
class Results:
    """One run: when and what of (run), where (machine), versions of peers, and the rows."""

    run: dict
    machine: dict
    peers: dict
    rows: list

    def save(self, path):
        rows = [
            {"program": row.program, "row": row.name,
             "contenders": {who: {"ns": round_to(c.ns, 5), "spread": round(c.spread, 4), **c.counters}
                            for who, c in row.contenders.items()}}
            for row in self.rows
        ]
        # A line for each row, so that differences between files can be read.
        lines = ",\n".join("  " + json.dumps(row) for row in rows)
        head = {"format": FORMAT, "run": self.run, "machine": self.machine, "peers": self.peers}
        path.write_text(json.dumps(head, indent=1)[:-2] + ',\n "rows": [\n' + lines + "\n ]\n}\n")

    @staticmethod
    def load(path):
        data = json.loads(path.read_text())
        if data.get("format") != FORMAT:
            raise ValueError(f"{path}: not results of bench/run in format {FORMAT}")
        rows = []
        for row in data["rows"]:
            contenders = {}
            for who, values in row["contenders"].items():
                counters = {name: v for name, v in values.items() if name not in ("ns", "spread")}
                contenders[who] = Contender(values["ns"], values["spread"], counters)
            rows.append(Row(row["program"], row["row"], contenders))
        return Results(data["run"], data["machine"], data["peers"], rows)


def round_to(value, digits):
    return float(f"{value:.{digits}g}")
