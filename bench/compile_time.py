#!/usr/bin/env python3
"""What expressions cost to compile: Tenon beside Eigen and xtensor, in seconds and MiB.

usage: compile_time.py [--compiler g++] [--repeat 5] [--flags "-O2 -march=native -DNDEBUG"] [--json FILE]

Twenty different expressions of ten nodes (five operands, five operations among + - * min max), each in a
function of its own, over dynamic vectors of float, written the way each library wants it. Rows:
  include        the library's header alone
  header         with it a precompiled header: what is left of parsing
  matmul         one product of dynamic matrices
  expressions    the twenty functions
  precompiled    the same after a precompiled header
User time of the compiler, medians of interleaved runs; peak memory is the compiler's resident set. --json writes
the times in the form of the other benchmarks (records.hpp).
"""

import argparse
import json
import os
import random
import shlex
import statistics
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COUNT = 20

LIBRARIES = {
    "tenon": {
        "flags": [f"-I{ROOT / 'include'}"],
        "include": "#include <tenon/tenon.hpp>",
        "vector": "tenon::Tensor<float, tenon::Shape<tenon::dyn>>",
        "assign": "tenon::eval_into(r, {});",
        "min": "tenon::minimum({}, {})",
        "max": "tenon::maximum({}, {})",
        "matrix": "tenon::Tensor<float, tenon::Shape<tenon::dyn, tenon::dyn>>",
        "matmul": "tenon::PoolAllocator p; "
                  "tenon::eval_into(tenon::noalias(r), tenon::matmul(a, b), tenon::scratch(p));",
    },
    "eigen": {
        "flags": ["-isystem", "/usr/include/eigen3"],
        "include": "#include <Eigen/Dense>",
        "vector": "Eigen::ArrayXf",
        "assign": "r = {};",
        "min": "({}).min({})",
        "max": "({}).max({})",
        "matrix": "Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>",
        "matmul": "r.noalias() = a * b;",
    },
    "xtensor": {
        "flags": ["-DXTENSOR_USE_XSIMD"],
        "include": "#include <xtensor/xmath.hpp>\n#include <xtensor/xtensor.hpp>\n#include <xtensor/xnoalias.hpp>",
        "vector": "xt::xtensor<float, 1>",
        "assign": "xt::noalias(r) = {};",
        "min": "xt::minimum({}, {})",
        "max": "xt::maximum({}, {})",
    },
    "xsimd alone": {"flags": [], "include": "#include <xsimd/xsimd.hpp>"},
}


def expression(seed, library):
    """The seed-th expression as text: a random tree of five operations over a, b, c, d, e."""
    dice = random.Random(seed)
    parts = list("abcde") + [dice.choice("abcde")]
    dice.shuffle(parts)
    while len(parts) > 1:
        i = dice.randrange(len(parts) - 1)
        operation = dice.choice(["+", "-", "*", "min", "max"])
        left, right = parts[i], parts[i + 1]
        text = library[operation].format(left, right) if operation in library else f"({left} {operation} {right})"
        parts[i : i + 2] = [text]
    return parts[0]


def functions(library):
    lines = []
    for seed in range(COUNT):
        arguments = ", ".join(f"const V& {name}" for name in "abcde")
        body = library["assign"].format(expression(seed, library))
        lines.append(f"void f{seed}(V& r, {arguments}) {{ {body} }}")
    return f"using V = {library['vector']};\n" + "\n".join(lines) + "\n"


def product(library):
    return f"using M = {library['matrix']};\nvoid product(M& r, const M& a, const M& b) {{ {library['matmul']} }}\n"


def run(command):
    """User seconds and peak MiB of one compiler run."""
    child = os.fork()
    if child == 0:
        os.execvp(command[0], command)
    _, status, usage = os.wait4(child, 0)
    if status != 0:
        raise SystemExit(f"failed: {shlex.join(command)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def is_installed(base, library):
    text = library["include"].encode() + b"\n"
    command = [*base, *library["flags"], "-fsyntax-only", "-x", "c++", "-"]
    return subprocess.run(command, input=text, capture_output=True, check=False).returncode == 0


def write_json(path, libraries, times, memory):
    rows = []
    for row in dict.fromkeys(row for _, row in times):
        contenders = [
            {"who": name, "seconds": times[name, row], "counters": {"compiler_bytes": memory[name, row] * 2**20}}
            for name in libraries if (name, row) in times
        ]
        rows.append({"row": row, "contenders": contenders})
    Path(path).write_text(json.dumps({"rows": rows}))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--compiler", default="g++")
    options.add_argument("--repeat", type=int, default=5)
    options.add_argument("--flags", default="-O2 -march=native -DNDEBUG")
    options.add_argument("--json")
    options = options.parse_args()
    base = [options.compiler, "-std=c++20", *shlex.split(options.flags)]

    libraries = {name: library for name, library in LIBRARIES.items() if is_installed(base, library)}
    for name in LIBRARIES.keys() - libraries.keys():
        print(f"left out: {name} is not installed")

    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        jobs = {}
        for name, library in libraries.items():
            stem = work / name.replace(" ", "_")
            header, plain = stem.with_suffix(".hpp"), stem.with_suffix(".cpp")
            header.write_text(library["include"] + "\n")
            plain.write_text(library["include"] + "\n")
            flags = [*base, *library["flags"], "-c", "-o", os.devnull]
            jobs[name, "include"] = [*flags, str(plain)]
            if "vector" not in library:
                continue
            if "matmul" in library:
                matmul = work / f"{stem.name}_matmul.cpp"
                matmul.write_text(library["include"] + "\n" + product(library))
                jobs[name, "matmul"] = [*flags, str(matmul)]
            body = work / f"{stem.name}_body.cpp"
            body.write_text(library["include"] + "\n" + functions(library))
            jobs[name, "expressions"] = [*flags, str(body)]
            late = work / f"{stem.name}_late.cpp"
            late.write_text(functions(library))
            compiled = header.with_suffix(".hpp.gch" if "clang" not in options.compiler else ".hpp.pch")
            run([*base, *library["flags"], "-x", "c++-header", str(header), "-o", str(compiled)])
            use = ["-include", str(header)] if "clang" not in options.compiler else ["-include-pch", str(compiled)]
            empty = work / "empty.cpp"
            empty.write_text("")
            jobs[name, "header"] = [*flags, *use, str(empty)]
            jobs[name, "precompiled"] = [*flags, *use, str(late)]
        times = {job: [] for job in jobs}
        memory = {}
        for _ in range(options.repeat):
            for job, command in jobs.items():
                seconds, mebibytes = run(command)
                times[job].append(seconds)
                memory[job] = max(memory.get(job, 0), mebibytes)

    print(f"{options.compiler} {options.flags}, {COUNT} expressions of 10 nodes; user s (peak MiB)")
    print("| | include | matmul | expressions | precompiled: header | precompiled: expressions |")
    print("|---|---|---|---|---|---|")
    for name in libraries:
        cells = []
        for row in ("include", "matmul", "expressions", "header", "precompiled"):
            job = (name, row)
            cells.append(f"{statistics.median(times[job]):.2f} ({memory[job]:.0f})" if job in times else "")
        print(f"| {name} | " + " | ".join(cells) + " |")
    for row in ("matmul", "expressions", "precompiled") if "eigen" in libraries else ():
        ours, eigen = (statistics.median(times[name, row]) for name in ("tenon", "eigen"))
        print(f"{row}: {ours / eigen:.2f} x Eigen")
    if options.json:
        write_json(options.json, libraries, times, memory)


if __name__ == "__main__":
    main()
