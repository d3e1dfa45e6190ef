#!/usr/bin/env python3
"""Memory errors are reported by the tool, and what is no error is not.

Usage: run.py <word in a report> <program> [tool...]
The program lists its cases as "name error" or "name clean" and runs the one it is told.
Exit code 77 where the tool is not there.
"""

import shutil
import subprocess
import sys


def main():
    word, program, *tool = sys.argv[1:]
    if tool and shutil.which(tool[0]) is None:
        print(f"SKIPPED: {tool[0]} is not installed; on Debian: apt-get install {tool[0]}")
        sys.exit(77)
    cases = subprocess.run([program], check=True, capture_output=True, text=True).stdout.split("\n")
    failures = []
    for line in filter(None, cases):
        name, expected = line.split()
        run = subprocess.run([*tool, program, name], capture_output=True, text=True)
        reported = run.returncode != 0 and word in run.stderr
        good = reported if expected == "error" else run.returncode == 0
        print(f"{'ok  ' if good else 'FAIL'} {name}: exit {run.returncode}, expected {expected}")
        if not good:
            failures.append(f"== {name}\n{run.stderr[-2000:]}")
    if len(cases) < 2:
        failures.append("the program lists no case")
    if failures:
        sys.exit("\n".join(failures))


main()
