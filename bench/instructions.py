#!/usr/bin/env python3
"""Instructions, loads and stores of four expressions, fused and stage by stage, counted by callgrind.

usage: instructions.py [--compiler g++] [--flags "-O3 -march=x86-64-v3 -DNDEBUG"] [--dynamic]
                       [--scale 1]

The build is for AVX2, because valgrind 3.19 knows no AVX-512. Counted is one eval_into with its workspace
given, planning included; `unfused` is testing::unfused(e), every operation by itself. A load or store is an
instruction that reads or writes memory, of whatever width, panels and row buffers included. --scale divides
the extents, for a quick look; --dynamic has extents known only at run time.
"""

import argparse
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SOURCE = r"""
#include <tenon/expr/unfused.hpp>
#include <tenon/tenon.hpp>

#include <cstdlib>
#include <cstring>

namespace tn = tenon;
using tn::index_t;

static tn::Arena data, scratch;
static int way;  // 0: fused, 1: unfused

// The function that callgrind collects in.
template <class E, class V>
[[gnu::noinline]] void counted(const E& e, const V& destination) {
  tn::eval_into(tn::noalias(destination), e, tn::scratch(scratch));
}

template <class E>
void run(const E& e) {
  auto result = tn::zeros<float>(e.shape(), data);
  if (way == 0)
    counted(e, result.view());
  else
    counted(tn::testing::unfused(e), result.view());
  if (!(result.data()[0] == result.data()[0])) std::abort();
}

template <index_t... N>
auto some() {
#ifdef DYNAMIC
  return tn::full<float>(tn::shape(N...), 0.5F, data);
#else
  return tn::full<float>(tn::shape<N...>(), 0.5F, data);
#endif
}

int main(int, char** argv) {
  way = std::strcmp(argv[2], "unfused") == 0;
  constexpr index_t n = 1'000'000 / SCALE, m = 1024 / SCALE, l = 2048 / SCALE;
  switch (std::atoi(argv[1])) {
    case 0: {
      const auto x = some<n>(), y = some<n>(), z = some<n>();
      run(tn::relu(tn::exp(x) * y + z));
      break;
    }
    case 1: {
      const auto x = some<m, 64>();
      const auto w = some<64, m>();
      const auto r = some<m, m>();
      const auto b = some<m>();
      run(tn::relu(tn::matmul(x, w) + b) + r);
      break;
    }
    case 2: {
      const auto x = some<n>();
      run(tn::sum(tn::square(x)));
      break;
    }
    default: {
      const auto q = some<l, 64>(), k = some<l, 64>(), v = some<l, 64>();
      run(tn::matmul(tn::softmax<-1>(tn::matmul(q, tn::transpose(k)) * 0.125F), v));
    }
  }
}
"""

ROWS = [
    "relu(exp(x) * y + z), n = {n}",
    "relu(matmul(x, w) + b) + r, M = N = {m}, K = 64",
    "sum(square(x)), n = {n}",
    "softmax(matmul(q, transpose(k)) * s)·v, L = {l}, d = 64",
]


def count(program, row, way, folder):
    """Instructions, loads and stores inside counted()."""
    command = ["valgrind", "--tool=callgrind", "--cache-sim=yes", "--toggle-collect=void counted<*",
               f"--callgrind-out-file={folder}/out", str(program), str(row), way]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+) (\d+) (\d+)", done.stderr)
    if done.returncode != 0 or not found or int(found[1]) == 0:
        raise SystemExit(f"{shlex.join(command)}\n{done.stderr}")
    return [int(x) for x in found.groups()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--flags", default="-O3 -march=x86-64-v3 -DNDEBUG")
    parser.add_argument("--dynamic", action="store_true")
    parser.add_argument("--scale", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "counted.cpp", Path(folder) / "counted"
        source.write_text(SOURCE)
        scale = options.scale
        defines = [f"-DSCALE={scale}"] + ["-DDYNAMIC"] * options.dynamic
        subprocess.run([options.compiler, "-std=c++20", *shlex.split(options.flags), *defines,
                        f"-I{ROOT / 'include'}", str(source), "-o", str(program)], check=True)
        extents = {"n": f"{1_000_000 // scale:,}", "m": 1024 // scale, "l": 2048 // scale}
        print("| millions of | instructions | unfused | loads | unfused | stores | unfused |")
        print("|---|---|---|---|---|---|---|")
        for row, text in enumerate(ROWS):
            fused = count(program, row, "fused", folder)
            unfused = count(program, row, "unfused", folder)
            cells = [f"{a / 1e6:.2f} | {b / 1e6:.2f} ({b / a:.2f})" for a, b in zip(fused, unfused)]
            print(f"| {text.format(**extents)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
