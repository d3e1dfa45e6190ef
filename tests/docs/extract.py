#!/usr/bin/env python3
"""Turns the code of a Markdown page into one C++ source, so that no page shows code that is wrong.

usage: extract.py <page.md> <output.cpp> <function>

Every ```cpp block becomes a function body, run in order by `void <function>()`; after
"using namespace tenon::literals" and with <tenon/tenon.hpp> as `tn`. In a block,
  - #include lines move to the top of the source;
  - assert(...) is checked in every build.
A block that says ```cpp global stands outside of functions (types, functors); it also serves the
blocks below it. An HTML comment "<!-- given: code -->" before a block is what the reader is to
imagine around it: it is put in front of the block. Blocks of other languages, and ```c++, stay text.
"""
import pathlib
import re
import sys

BLOCK = re.compile(r"(?:<!-- given:\s*(?P<given>.*?)-->\s*)?^```cpp(?P<kind>[^\n]*)\n(?P<code>.*?)^```$",
                   re.MULTILINE | re.DOTALL)


def source_of(text, page, function):
    includes, pieces, calls = ["#include <tenon/memory.hpp>", "#include <tenon/tenon.hpp>"], [], []
    for match in BLOCK.finditer(text):
        kind = match["kind"].strip()
        if kind not in ("", "global"):
            sys.exit(f"{page}: a block says ```cpp {kind}; only ```cpp and ```cpp global are known")
        lines = []
        for line in match["code"].splitlines():
            (includes if line.startswith("#include") else lines).append(line)
        line_number = text.count("\n", 0, match.start("code")) + 1
        code = "\n".join([*(match["given"] or "").strip().splitlines(),
                          f'#line {line_number} "{page}"', *lines])
        if kind == "global":
            pieces.append(code)
        else:
            name = f"block_{line_number}"
            pieces.append(f"static void {name}() {{\n{code}\n}}")
            calls.append(f"  {name}();")
    prelude = ["#undef NDEBUG", "#include <cassert>", "namespace tn = tenon;",
               "using namespace tenon::literals;"]
    unique = list(dict.fromkeys(includes))
    return "\n".join([*unique, *prelude, "namespace {", *pieces, "}  // namespace",
                      f"void {function}();", f"void {function}() {{", *calls, "}", ""])


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    page = pathlib.Path(sys.argv[1])
    pathlib.Path(sys.argv[2]).write_text(
        source_of(page.read_text(encoding="utf-8"), page.name, sys.argv[3]), encoding="utf-8")
