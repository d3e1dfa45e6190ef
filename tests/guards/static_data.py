#!/usr/bin/env python3
"""Evaluation keeps no state: an object file full of evaluations defines no mutable static data and
nothing thread-local.

Usage: static_data.py <objdump> <source> <compiler> <flags...>
"""

import pathlib
import subprocess
import sys
import tempfile

# The handler for builds without exceptions is set once, by the user.
ALLOWED = ("tenon::detail::error_handler()::handler",)


def sections_of(objdump, path):
    """Names of symbols in writable or thread-local sections, from objdump -t."""
    out = subprocess.run([objdump, "-t", "-C", path], check=True, capture_output=True, text=True).stdout
    bad = []
    for line in out.splitlines():
        if "\t" not in line:
            continue
        left, right = line.split("\t", 1)
        section = left.split()[-1]
        kind_and_name = right.split(None, 1)
        name = kind_and_name[1].strip() if len(kind_and_name) > 1 else ""
        writable = section.startswith((".data", ".bss", ".tdata", ".tbss", "*COM*"))
        relocated_constant = section.startswith(".data.rel.ro")
        if writable and not relocated_constant and not name.startswith("."):
            name = name.removeprefix(".hidden ")
            if name.split("[")[0] not in ALLOWED and not name.startswith("DW.ref."):
                bad.append(f"{section}: {name}")
    return bad


def main():
    objdump, source, compiler, *flags = sys.argv[1:]
    # Sanitizers and coverage bring counters of their own.
    flags = [f for f in flags if not f.startswith(("-fsanitize", "--coverage", "-fprofile"))]
    with tempfile.TemporaryDirectory() as folder:
        def compile_to(name, text=None):
            path = source
            if text is not None:
                path = str(pathlib.Path(folder) / (name + ".cpp"))
                pathlib.Path(path).write_text(text)
            result = str(pathlib.Path(folder) / (name + ".o"))
            subprocess.run([compiler, *flags, "-O1", "-c", path, "-o", result], check=True)
            return result

        # The guard itself: it has to see each kind of state.
        for text in ("int counter;", "int counter = 3;", "thread_local int counter;",
                     "inline int counter = 1; int* use() { return &counter; }",
                     "inline int& f() { static int counter; return counter; } int& use() { return f(); }"):
            if not sections_of(objdump, compile_to("probe", text)):
                sys.exit(f"static_data: the guard does not see: {text}")
        bad = sections_of(objdump, compile_to("evaluations"))
    if bad:
        sys.exit("static_data: mutable static data in evaluations:\n  " + "\n  ".join(bad))


if __name__ == "__main__":
    main()
