#!/usr/bin/env python3
"""The layer guard finds each kind of violation in a small tree, and nothing in a good one."""
import pathlib
import tempfile
import unittest

import layers

GOOD = {
    "include/tenon/tenon.hpp": "#include <tenon/eval/eval.hpp>\n",
    "include/tenon/core/a.hpp": "#include <vector>\n",
    "include/tenon/core/b.hpp": "#include <tenon/core/a.hpp>\n#include <boost/hana/tuple.hpp>\n",
    "include/tenon/simd/pack.hpp": "#include <xsimd/xsimd.hpp>\n  #  include <immintrin.h>\n",
    "include/tenon/memory/pool.hpp": "#include <tenon/core/b.hpp>\n",
    "include/tenon/tensor/tensor.hpp": "#include <tenon/memory/pool.hpp>\n",
    "include/tenon/eval/eval.hpp": "#include <tenon/tensor/tensor.hpp>\n// #include <xsimd/x.hpp>\n",
}


def problems(**changes):
    """The guard's findings in the good tree with files added or replaced (path__to__file=text)."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for name, text in {**GOOD, **changes}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return layers.problems(root)


class LayersTest(unittest.TestCase):
    def assert_found(self, sentence, **changes):
        self.assertEqual(problems(**changes), [sentence])

    def test_good_tree(self):
        self.assertEqual(problems(), [])

    def test_upwards(self):
        self.assert_found(
            "tenon/core/c.hpp includes tenon/memory/pool.hpp, upwards: memory lies above core",
            **{"include/tenon/core/c.hpp": "#include <tenon/memory/pool.hpp>\n"})

    def test_sideways(self):
        self.assert_found(
            "tenon/memory/c.hpp includes tenon/simd/pack.hpp, "
            "sideways: memory and simd share a row",
            **{"include/tenon/memory/c.hpp": "#include <tenon/simd/pack.hpp>\n"})

    def test_umbrella(self):
        self.assert_found(
            "tenon/eval/c.hpp includes tenon/memory.hpp, an umbrella header; include what is used",
            **{"include/tenon/memory.hpp": "#include <tenon/memory/pool.hpp>\n",
               "include/tenon/eval/c.hpp": "#include <tenon/memory.hpp>\n"})

    def test_cycle(self):
        self.assert_found(
            "include cycle: tenon/core/a.hpp -> tenon/core/b.hpp -> tenon/core/a.hpp",
            **{"include/tenon/core/a.hpp": "#include <tenon/core/b.hpp>\n"})

    def test_xsimd_outside_simd(self):
        self.assert_found(
            "tenon/eval/c.hpp includes xsimd/xsimd.hpp, which belongs into simd/ alone",
            **{"include/tenon/eval/c.hpp": "#include <xsimd/xsimd.hpp>\n"})

    def test_intrinsics_outside_simd(self):
        for header in ("immintrin.h", "x86intrin.h", "arm_neon.h"):
            self.assert_found(
                f"tenon/kernels/c.hpp includes {header}, which belongs into simd/ alone",
                **{"include/tenon/kernels/c.hpp": f"#include <{header}>\n"})

    def test_intrinsics_in_an_umbrella(self):
        self.assert_found(
            "tenon/fast.hpp includes immintrin.h, which belongs into simd/ alone",
            **{"include/tenon/fast.hpp": "#include <immintrin.h>\n"})

    def test_whole_hana(self):
        self.assert_found(
            "tenon/core/c.hpp includes boost/hana.hpp, all of Hana; "
            "include its fine-grained headers",
            **{"include/tenon/core/c.hpp": "# include <boost/hana.hpp>\n"})

    def test_unknown_layer(self):
        self.assert_found(
            "tenon/util/c.hpp: 'util' is no layer",
            **{"include/tenon/util/c.hpp": "#include <vector>\n"})

    def test_missing_header(self):
        self.assert_found(
            "tenon/core/c.hpp includes tenon/core/gone.hpp, which does not exist",
            **{"include/tenon/core/c.hpp": "#include <tenon/core/gone.hpp>\n"})

    def test_quotes(self):
        self.assert_found(
            "tenon/core/c.hpp includes a.hpp, in quotes; write <tenon/...>",
            **{"include/tenon/core/c.hpp": '#include "a.hpp"\n'})

    def test_compiled_sources(self):
        self.assert_found(
            "tenon/memory/global.cpp includes tenon/eval/eval.hpp, upwards: eval lies above memory",
            **{"src/memory/global.cpp": "#include <tenon/eval/eval.hpp>\n"})

    def test_empty_tree(self):
        with tempfile.TemporaryDirectory() as directory:
            self.assertNotEqual(layers.problems(pathlib.Path(directory)), [])


if __name__ == "__main__":
    unittest.main()
