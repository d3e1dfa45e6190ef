#!/usr/bin/env python3
"""Checks one negative test: it compiles as it stands and fails, with its sentences, when told to.

usage: compile_fail.py <gcc|clang> <source> <compiler> <flags...>

The source begins with comment lines that say what the compiler must print under
-DTENON_SHOULD_FAIL; each must be found:
    // expect: fixed text                 on every compiler
    // expect-gcc: fixed text             on one of them
    // expect-clang: /regular expression/
Only diagnostics count: source lines that a compiler quotes are switched off.
"""
import os
import pathlib
import re
import subprocess
import sys

EXPECT = re.compile(r"^// expect(?:-(gcc|clang))?: (.+?)\s*$", re.MULTILINE)
NO_QUOTED_SOURCE = {"gcc": "-fno-diagnostics-show-caret", "clang": "-fno-caret-diagnostics"}


def expectations(text, family):
    return [(wanted[1:-1] if len(wanted) > 2 and wanted[0] == wanted[-1] == "/"
             else re.escape(wanted))
            for only, wanted in EXPECT.findall(text) if only in ("", family)]


def compile_source(command):
    result = subprocess.run(command, env={**os.environ, "LC_ALL": "C"}, stderr=subprocess.PIPE,
                            stdout=subprocess.DEVNULL, text=True, errors="replace", check=False)
    return result.returncode, result.stderr


def problems(family, source, compiler, flags):
    """Why the negative test fails, as sentences; empty where it passes."""
    wanted = expectations(pathlib.Path(source).read_text(encoding="utf-8"), family)
    if not wanted:
        return [f"{source} has no '// expect: ' line for {family}"]
    command = [compiler, *flags, "-std=c++20", "-fsyntax-only", NO_QUOTED_SOURCE[family],
               str(source)]
    status, printed = compile_source(command)
    if status != 0 or printed:
        return [f"{source} does not compile cleanly as it stands:\n{printed}"]
    status, printed = compile_source([*command, "-DTENON_SHOULD_FAIL"])
    if status == 0:
        return [f"{source} compiles although TENON_SHOULD_FAIL is defined"]
    return [f"{source} fails without saying /{pattern}/; it says:\n{printed}"
            for pattern in wanted if not re.search(pattern, printed)]


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    broken = problems(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
    print("\n".join(broken))
    sys.exit(1 if broken else 0)
