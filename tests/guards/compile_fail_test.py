#!/usr/bin/env python3
"""The compile-fail harness refuses every negative test that proves nothing.

usage: compile_fail_test.py <gcc|clang> <compiler> [unittest arguments]
"""
import pathlib
import sys
import tempfile
import unittest

import compile_fail

FAMILY, COMPILER = sys.argv[1:3]


def problems(text):
    with tempfile.TemporaryDirectory() as directory:
        source = pathlib.Path(directory) / "case.cpp"
        source.write_text(text)
        return compile_fail.problems(FAMILY, source, COMPILER, ["-Wall", "-Wextra", "-Werror"])


TEMPLATE = """template <int N> int checked() {
  static_assert(N > 0, "N must be (positive).");
  return N;
}
#ifdef TENON_SHOULD_FAIL
int value = checked<0>();
#endif
"""


class CompileFailTest(unittest.TestCase):
    def assert_refused(self, sentence, text):
        found = problems(text)
        self.assertEqual(len(found), 1, found)
        self.assertIn(sentence, found[0])

    def test_good_case(self):
        self.assertEqual(problems("// expect: N must be (positive).\n" + TEMPLATE), [])

    def test_regular_expression(self):
        self.assertEqual(problems("// expect: /must be .positive.\\.$|positive/\n" + TEMPLATE), [])

    def test_other_compiler_only(self):
        other = "clang" if FAMILY == "gcc" else "gcc"
        lines = f"// expect: positive\n// expect-{other}: never said\n"
        self.assertEqual(problems(lines + TEMPLATE), [])

    def test_nothing_expected(self):
        self.assert_refused("has no '// expect: ' line", TEMPLATE)

    def test_broken_as_it_stands(self):
        self.assert_refused("does not compile cleanly", "// expect: x\nint f() { return y; }\n")

    def test_warning_as_it_stands(self):
        self.assert_refused("does not compile cleanly", "// expect: x\nint f(int x) { }\n")

    def test_compiles_when_it_should_not(self):
        self.assert_refused("compiles although", "// expect: x\nint x = 0;\n")

    def test_fails_for_another_reason(self):
        self.assert_refused("fails without saying",
                            "// expect: N must be (positive).\n"
                            "#ifdef TENON_SHOULD_FAIL\nint value = unknown;\n#endif\n")

    def test_every_sentence_counts(self):
        self.assert_refused("/never\\ said/",
                            "// expect: positive\n// expect: never said\n" + TEMPLATE)

    def test_quoted_source_does_not_count(self):
        self.assert_refused("fails without saying",
                            "// expect: the sentence\n"
                            "#ifdef TENON_SHOULD_FAIL\nint value = unknown;  // the sentence\n"
                            "#endif\n")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
