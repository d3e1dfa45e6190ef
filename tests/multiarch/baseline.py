#!/usr/bin/env python3
"""Checks a static library with kernels for several instruction sets.

usage: baseline.py OBJDUMP NM LIBRARY

Of its members, those of one instruction set (their one global function is tenon_<table>_<isa>) show nothing but that
function; all others have no instruction of AVX, which would end a program on a processor without it. Ends with 1 and
the lines that break this, or where a library has no member of either kind.
"""

import re
import subprocess
import sys

ENTRY = re.compile(r"tenon_\w+_(sse2|avx2|avx512|neon)$")
AVX = re.compile(r"%[yz]mm|%xmm(1[6-9]|2\d|3[01])|%k[0-7]|\tv[a-z]")


def members(output):
    """Lines of each member of what objdump or nm print of an archive, by name."""
    found, name = {}, None
    for line in output.splitlines():
        start = re.match(r"^(\S+?):(\s+file format .*)?$", line)
        if start and not line.startswith(" "):
            name = start.group(1)
            found[name] = []
        elif name is not None:
            found[name].append(line)
    return found


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def faults(symbols, code):
    """What is wrong, and how many members are of one instruction set, and how many of none."""
    wrong, kernels, others = [], 0, 0
    for name, lines in symbols.items():
        defined = [line.split()[-1] for line in lines if line.strip()]
        if any(ENTRY.search(symbol) for symbol in defined):
            kernels += 1
            wrong += [f"{name}: {symbol} is seen outside" for symbol in defined if not ENTRY.search(symbol)]
        else:
            others += 1
            wrong += [f"{name}:{line}" for line in code.get(name, []) if AVX.search(line)][:5]
    return wrong, kernels, others


def main():
    objdump, nm, library = sys.argv[1:]
    symbols = members(run(nm, "--defined-only", "--extern-only", library))
    code = members(run(objdump, "--disassemble", "--no-show-raw-insn", library))
    wrong, kernels, others = faults(symbols, code)
    print(f"{library}: {kernels} objects of one instruction set, {others} of none, {len(wrong)} faults")
    print("\n".join(wrong))
    return 1 if wrong or not kernels or not others else 0


if __name__ == "__main__":
    sys.exit(main())
