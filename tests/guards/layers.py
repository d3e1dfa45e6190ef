#!/usr/bin/env python3
"""Fails on any include edge outside the layer table of include/tenon/README.md.

usage: layers.py <project root>

A header includes its own layer and lower rows, never its neighbour in a row and never an umbrella
header (<tenon/tenon.hpp>). Within a layer there are no cycles. xsimd and intrinsics stay in simd/;
Boost.Hana comes by its fine-grained headers.
"""
import pathlib
import re
import sys

ROWS = [
    {"core"},
    {"memory", "simd"},
    {"tensor", "kernels"},
    {"expr"},
    {"plan"},
    {"eval"},
    {"engine", "io"},
    {"tools"},
]
ROW_OF = {layer: row for row, layers in enumerate(ROWS) for layer in layers}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
VECTOR_HEADER = re.compile(r"^(xsimd/.*|\w*intrin\.h|arm_\w+\.h)$")


def layer_of(path):
    """The layer of a path such as tenon/core/shape.hpp; None for an umbrella header."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else None


def edge_problem(layer, included, files):
    """Why a file of `layer` (None: umbrella) may not include `included`; None where it may."""
    if included not in files:
        return "which does not exist"
    target = layer_of(included)
    if layer is None:
        return None
    if target is None:
        return "an umbrella header; include what is used"
    if target == layer or ROW_OF[target] < ROW_OF[layer]:
        return None
    if ROW_OF[target] == ROW_OF[layer]:
        return f"sideways: {layer} and {target} share a row"
    return f"upwards: {target} lies above {layer}"


def third_party_problem(layer, included):
    if included == "boost/hana.hpp":
        return "all of Hana; include its fine-grained headers"
    if VECTOR_HEADER.match(included) and layer != "simd":
        return "which belongs into simd/ alone"
    return None


def cycle(edges):
    """One include cycle as a list of files, empty where there is none."""
    done, path = set(), []

    def visit(file):
        if file in path:
            return path[path.index(file):] + [file]
        if file in done:
            return []
        path.append(file)
        for included in edges.get(file, ()):
            found = visit(included)
            if found:
                return found
        path.pop()
        done.add(file)
        return []

    for file in sorted(edges):
        found = visit(file)
        if found:
            return found
    return []


def problems(root):
    """Every violation under root, as sentences."""
    include = root / "include"
    files = {p.relative_to(include).as_posix(): p for p in include.glob("tenon/**/*.hpp")}
    sources = {f"tenon/{p.relative_to(root / 'src').as_posix()}": p
               for p in (root / "src").glob("**/*.[ch]pp")}
    found, edges = [], {}
    for name, path in sorted({**sources, **files}.items()):
        layer = layer_of(name)
        if layer is not None and layer not in ROW_OF:
            found.append(f"{name}: '{layer}' is no layer")
            continue
        for quote, included in INCLUDE.findall(path.read_text(encoding="utf-8")):
            if quote == '"' and name in files:
                problem = "in quotes; write <tenon/...>"
            elif included.startswith("tenon/"):
                problem = edge_problem(layer, included, files)
                if included in files:
                    edges.setdefault(name, []).append(included)
            else:
                problem = third_party_problem(layer, included)
            if problem:
                found.append(f"{name} includes {included}, {problem}")
    loop = cycle(edges)
    if loop:
        found.append("include cycle: " + " -> ".join(loop))
    if not files:
        found.append(f"no headers under {include}/tenon")
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    broken = problems(pathlib.Path(sys.argv[1]))
    for sentence in broken:
        print(sentence)
    sys.exit(1 if broken else 0)
