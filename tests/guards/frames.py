#!/usr/bin/env python3
"""No stack frame of evaluation exceeds 4 KiB, whatever the number of operations.

Usage: frames.py <source> <compiler> <flags...>
"""

import pathlib
import subprocess
import sys
import tempfile

LIMIT = 4096
FOLDERS = ("core", "eval", "plan", "kernels", "simd")


def frames_of(usage):
    """(bytes, function) of each line of a .su file that stands in one of the library's folders."""
    for line in usage.splitlines():
        place, size, _ = line.rsplit("\t", 2)
        path = place.split(":", 1)[0]
        if any(f"include/tenon/{folder}/" in path for folder in FOLDERS):
            yield int(size), place


def main():
    source, compiler, *flags = sys.argv[1:]
    # Sanitizers, coverage and unoptimised code have larger frames of their own.
    flags = [f for f in flags
             if not f.startswith(("-fsanitize", "--coverage", "-fprofile", "-O", "-g"))]
    with tempfile.TemporaryDirectory() as folder:
        result = pathlib.Path(folder) / "frames.o"
        subprocess.run([compiler, *flags, "-O2", "-fstack-usage", "-c", source, "-o", result], check=True)
        frames = list(frames_of(result.with_suffix(".su").read_text()))
    if len(frames) < 20 or max(frames)[0] < 512:
        sys.exit("frames: the guard does not see the frames of evaluation")
    bad = [f"{size} B: {place[:300]}" for size, place in sorted(frames, reverse=True) if size > LIMIT]
    print(f"frames: {len(frames)} functions, the largest frame has {max(frames)[0]} B")
    if bad:
        sys.exit("frames: larger than 4 KiB:\n  " + "\n  ".join(bad))


if __name__ == "__main__":
    main()
