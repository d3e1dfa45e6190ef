"""Which rows stand in which table of the report, and which peers belong beside them."""

import re
from dataclasses import dataclass

NAMES = {
    "tenon": "Tenon", "eigen": "Eigen 3.4", "eigen_lazy": "Eigen 3.4 lazy", "eigen5": "Eigen 5", "openblas": "OpenBLAS",
    "openblas_gemv": "OpenBLAS gemv", "openblas+loop": "OpenBLAS and a loop", "blis": "BLIS", "aocl": "AOCL-BLIS",
    "onednn": "oneDNN", "onednn_blocked": "oneDNN blocked", "libxsmm": "libxsmm", "blaze": "Blaze", "fastor": "Fastor",
    "xtensor": "xtensor", "armadillo": "Armadillo", "hand": "hand-written loop", "loops": "plain loops",
    "freelist": "free list", "raw": "moving a pointer", "boost_pool": "boost::pool of one size",
    "pmr_unsync": "pmr unsync.", "pmr_sync": "pmr sync.", "pmr_monotonic": "pmr monotonic",
    "stages": "stage by stage",
}

MATMUL_PEERS = ("eigen", "eigen5", "openblas", "blis", "aocl", "libxsmm", "blaze")
ELEMENTWISE_PEERS = ("eigen", "eigen5", "blaze", "xtensor", "armadillo")
ALLOCATORS = ("glibc", "mimalloc", "jemalloc", "tcmalloc", "pmr_unsync", "pmr_sync")
SHARED_ALLOCATORS = ("glibc", "mimalloc", "jemalloc", "tcmalloc", "pmr_sync")


@dataclass(frozen=True)
class Section:
    """A table: the rows of `program` whose names match `pattern` as a whole, and what it says.

    A group `x` of the pattern is the number or size that orders the rows. `field` names the peers of this
    kind of row; without all of them there is no ratio to the best of the field.
    """

    key: str
    title: str
    text: str
    program: str
    pattern: str
    field: tuple = ()
    counter: str = ""  # flops or bytes: the rate in the table
    unit: str = "ns"  # or s
    moves_memory: bool = False  # bandwidth may limit it, so that its share stands in the table

    def match(self, row):
        return re.fullmatch(self.pattern, row.name) if row.program == self.program else None

    def rows(self, rows):
        chosen = [row for row in rows if self.match(row)]
        return sorted(chosen, key=self.x) if "?P<x>" in self.pattern else chosen

    def x(self, row):
        """The number in the row's name; sizes in bytes."""
        return amount(self.match(row)["x"])

    def missing(self, rows):
        """The peers of the field that stand in none of the rows."""
        present = {who for row in rows for who in row.contenders}
        return [who for who in self.field if who not in present]


def amount(text):
    """"17" or "64 KiB" as a number."""
    number, _, unit = text.partition(" ")
    return int(number) * {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20}[unit]


def display(who):
    """How a contender is called in the report; nothing for None."""
    return NAMES.get(who, who or "")


SECTIONS = [
    Section("matmul-f32", "Matrix products, float",
            "C = A·B, n × n, shapes known at run time: `eval_into(noalias(c), matmul(a, b), scratch(pool))`, "
            "everything that the statement costs included. Kernels of libxsmm and primitives of oneDNN are made "
            "beforehand.",
            "matmul", r"f32 (?P<x>\d+)", (*MATMUL_PEERS, "onednn"), "flops"),
    Section("matmul-f64", "Matrix products, double", "The same with doubles, which oneDNN 2.6 does not have.",
            "matmul", r"f64 (?P<x>\d+)", MATMUL_PEERS, "flops"),
    Section("static32", "Matrix products of static shape, float",
            "Extents known to the compiler, beside peers that know them too.",
            "matmul_static", r"static32 (?P<x>\d+)", (*MATMUL_PEERS, "onednn", "fastor"), "flops"),
    Section("static64", "Matrix products of static shape, double", "",
            "matmul_static", r"static64 (?P<x>\d+)", (*MATMUL_PEERS, "fastor"), "flops"),
    Section("prep32", "Prepared matrix products, float", "`run()` of a program that `prepare` made.",
            "matmul", r"prep32 (?P<x>\d+)", (*MATMUL_PEERS, "onednn"), "flops"),
    Section("prep64", "Prepared matrix products, double", "",
            "matmul", r"prep64 (?P<x>\d+)", MATMUL_PEERS, "flops"),
    Section("skinny", "Skinny products and vectors, float", "M × K by K × N.",
            "matmul", r"skinny .*", (*MATMUL_PEERS, "onednn"), "flops", moves_memory=True),
    Section("transposed", "Transposed operands, float",
            "A' or B' lies in memory as its transpose. Kernels of libxsmm have no such operands.",
            "matmul", r"f32 [AB]' \d+", ("eigen", "eigen5", "openblas", "blis", "aocl", "blaze", "onednn"),
            "flops"),
    Section("epilogue", "relu(A·B + b) + R, float",
            "One statement; `bare*` is our product alone.",
            "matmul", r"f32 epilogue (?P<x>\d+)", ("eigen", "eigen5", "openblas+loop", "onednn"), "flops"),
    Section("random", "200 random shapes, float", "M, N and K up to 600.",
            "matmul", r"random .*", (*MATMUL_PEERS, "onednn"), "flops"),
    Section("into", "a * b + c into a destination, float",
            "`eval_into(noalias(d), a * b + c)`; three streams in, one out.",
            "elementwise", r"into n=(?P<x>\d+)", ELEMENTWISE_PEERS, "bytes", moves_memory=True),
    Section("eval", "a * b + c with a new result, float",
            "`eval(a * b + c, pool)`; the hand-written loop takes its result from the same warm pool.",
            "elementwise", r"eval n=(?P<x>\d+)", ELEMENTWISE_PEERS, "bytes", moves_memory=True),
    Section("fusion", "Fusion and blocks of rows",
            "The plan as it is, beside every operation by itself (`unfused`) or every stage over all rows before "
            "the next (`stages`). The others are ours too; there is no field.",
            "fusion", r".*", (), "flops"),
    Section("windows", "Convolutions, float",
            "`run()` of a prepared program; oneDNN's primitives are made and its weights laid out beforehand. Its "
            "tensors lie as ours do, or (blocked) in the order that it likes best, as between its own layers.",
            "windows", r"conv.*", ("onednn", "onednn_blocked"), "flops"),
    Section("programs", "Prepared programs", "`run()` beside `eval_into` of the same expression.",
            "programs", r".*"),
    Section("pair", "Allocators: one block taken and given back", "`PoolAllocator`, one thread; ns a pair.",
            "memory", r"pair (?P<x>\d+ \w+)", ALLOCATORS),
    Section("live", "Allocators: many live blocks",
            "Taken, eight bytes written into each, given back in the order of issue; ns a block.",
            "memory", r"\d+ live, (?P<x>\d+ \w+)", ALLOCATORS),
    Section("churn", "Allocators: random sizes and order", "One of 1,000 blocks replaced at a time.",
            "memory", r"random .*", ALLOCATORS),
    Section("bump", "Allocators: all blocks ended at once", "`Arena` with `reset`.",
            "memory", r"bump (?P<x>\d+ \w+)", ("pmr_monotonic",)),
    Section("shared", "Allocators for several threads: a pair by one thread", "`MemoryPool`.",
            "memory", r"pool pair (?P<x>\d+ \w+)", SHARED_ALLOCATORS),
    Section("threads", "Allocators for several threads: two threads",
            "Not pinned; elapsed time. `pass`: one thread takes, the other gives back.",
            "memory", r"threads, .*", SHARED_ALLOCATORS),
    Section("buckets", "Every bucket of the pool", "A pair of `PoolAllocator`, bucket by bucket.",
            "memory", r"bucket (?P<x>\d+)"),
    Section("compile", "Compile time",
            "User time of the compiler: the header alone (`include`), one product (`matmul`), twenty expressions of "
            "ten nodes; after a precompiled header alone (`header`) and with the expressions (`precompiled`).",
            "compile_time", r".*", ("eigen", "xtensor"), unit="s"),
]


def rest(rows):
    """Rows that stand in no section and are no limits."""
    return [row for row in rows
            if row.program != "limits" and not any(section.match(row) for section in SECTIONS)]
