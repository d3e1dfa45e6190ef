#!/usr/bin/env python3
"""Runs a tester of netlib's level-3 BLAS on a library that has GEMM alone.

Usage: run.py <xblat3s or xblat3d> <the library>
The tester is told the extents below, and to leave the other routines alone.
"""

import os
import subprocess
import sys
import tempfile

EXTENTS = [0, 1, 2, 3, 5, 9, 17, 35, 63]  # at most nine, of at most 65

INPUT = """'summary.out'      NAME OF SUMMARY OUTPUT FILE
7                  UNIT NUMBER OF SUMMARY FILE
'snapshot.out'     NAME OF SNAPSHOT OUTPUT FILE
-1                 UNIT NUMBER OF SNAPSHOT FILE: NONE
F                  T TO REWIND SNAPSHOT FILE AFTER EACH RECORD
F                  T TO STOP ON FAILURES
T                  T TO TEST ERROR EXITS
16.0               THRESHOLD VALUE OF TEST RATIO
{count}                  NUMBER OF VALUES OF N
{extents} VALUES OF N
3                  NUMBER OF VALUES OF ALPHA
0.0 1.0 0.7        VALUES OF ALPHA
3                  NUMBER OF VALUES OF BETA
0.0 1.0 1.3        VALUES OF BETA
{letter}GEMM  T
{letter}SYMM  F
{letter}TRMM  F
{letter}TRSM  F
{letter}SYRK  F
{letter}SYR2K F
"""


def main():
    tester, library = sys.argv[1:]
    letter = os.path.basename(tester)[-1].upper()
    text = INPUT.format(letter=letter, count=len(EXTENTS), extents=" ".join(map(str, EXTENTS)))
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([tester], input=text, capture_output=True, text=True, cwd=folder,
                             env={**os.environ, "LD_PRELOAD": os.path.abspath(library)})
        with open(os.path.join(folder, "summary.out"), encoding="ascii") as file:
            summary = file.read()
    print(summary)
    print(run.stderr, file=sys.stderr)
    name = f"{letter}GEMM "
    passed = [f"{name} PASSED THE TESTS OF ERROR-EXITS", f"{name} PASSED THE COMPUTATIONAL TESTS"]
    missing = [line for line in passed if line not in summary]
    if "products by Tenon" not in run.stderr:
        missing.append("products by Tenon")
    if run.returncode != 0 or missing or "FAIL" in summary or "SUSPECT" in summary:
        sys.exit(f"exit {run.returncode}; not printed: {missing}")


main()
