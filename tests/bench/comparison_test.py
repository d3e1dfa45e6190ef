"""bench/compare: what counts as slower, what is named, and how the program ends."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

from report import comparison
from report.results import Contender, Results, Row

COMPARE = pathlib.Path(comparison.__file__).parent.parent / "compare"
MACHINE = {"processor": "P", "compiler": "g++", "flags": "-O3", "instruction set": "native"}


def row(name, **ns):
    return Row("matmul", name, {who: Contender(time, 0.0, {}) for who, time in ns.items()})


def results(*rows, quick=False, **machine):
    run = {"commit": "c0ffee", "date": "today", "quick": quick}
    return Results(run, {**MACHINE, **machine}, {}, list(rows))


class CompareTest(unittest.TestCase):
    def factors(self, old, new, **options):
        changes, _, _ = comparison.compare(results(*old), results(*new), **options)
        return [(c.name, round(c.factor, 3)) for c in changes]

    def test_time_alone(self):
        self.assertEqual(self.factors([row("a", tenon=100.0)], [row("a", tenon=110.0)]), [("matmul: a", 1.1)])

    def test_a_slower_machine_is_no_regression(self):
        old = [row("a", tenon=100.0, eigen=200.0, blis=300.0, hand=50.0)]
        new = [row("a", tenon=120.0, eigen=240.0, blis=360.0, hand=90.0)]
        self.assertEqual(self.factors(old, new), [("matmul: a", 1.0)])
        self.assertEqual(self.factors(old, new, is_absolute=True), [("matmul: a", 1.2)])

    def test_only_common_peers_count(self):
        old = [row("a", tenon=100.0, eigen=200.0)]
        new = [row("a", tenon=100.0, blis=10.0)]
        self.assertEqual(self.factors(old, new), [("matmul: a", 1.0)])

    def test_limits_and_our_other_forms_do_not_count(self):
        old = [row("a", tenon=100.0, peak=10.0, tenon_pmr=50.0, stages=100.0)]
        new = [row("a", tenon=100.0, peak=20.0, tenon_pmr=70.0, stages=110.0)]
        self.assertEqual(self.factors(old, new), [("matmul: a", 1.0)])

    def test_the_worst_comes_first(self):
        old = [row("a", tenon=100.0), row("b", tenon=100.0)]
        new = [row("a", tenon=90.0), row("b", tenon=130.0)]
        self.assertEqual(self.factors(old, new), [("matmul: b", 1.3), ("matmul: a", 0.9)])

    def test_rows_of_one_only(self):
        _, gone, added = comparison.compare(results(row("a", tenon=1.0)), results(row("b", tenon=1.0)))
        self.assertEqual((gone, added), (["matmul: a"], ["matmul: b"]))

    def test_differences(self):
        old, new = results(), results(compiler="clang", quick=True)
        self.assertEqual(comparison.differences(old, new),
                         ["different compiler: g++; clang", "new is quick: few repetitions"])


class ToleranceTest(unittest.TestCase):
    def test_forms(self):
        self.assertAlmostEqual(comparison.tolerance("5%"), 0.05)
        self.assertAlmostEqual(comparison.tolerance("0.07"), 0.07)

    def test_nonsense(self):
        for text in ("", "five", "-1%", "5%%"):
            with self.assertRaises(ValueError):
                comparison.tolerance(text)


class ProgramTest(unittest.TestCase):
    def run_program(self, old, new, *options):
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder) / name for name in ("old.json", "new.json")]
            for path, written in zip(paths, (old, new)):
                written.save(path)
            done = subprocess.run([sys.executable, "-B", COMPARE, *paths, *options], capture_output=True, text=True,
                                  check=False)
        return done.returncode, done.stdout

    def test_slower(self):
        code, text = self.run_program(results(row("f32 17", tenon=100.0)), results(row("f32 17", tenon=106.0)))
        self.assertEqual(code, 1)
        self.assertRegex(text, r"Slower .*\n  matmul: f32 17 .* \+6\.0 % ")

    def test_within_the_tolerance(self):
        old, new = results(row("f32 17", tenon=100.0)), results(row("f32 17", tenon=106.0))
        self.assertEqual(self.run_program(old, new, "--tolerance", "10%")[0], 0)

    def test_faster(self):
        code, text = self.run_program(results(row("a", tenon=100.0)), results(row("a", tenon=50.0)))
        self.assertEqual(code, 0)
        self.assertIn("0 slower and 1 faster", text)

    def test_nothing_in_common(self):
        self.assertEqual(self.run_program(results(row("a", tenon=1.0)), results(row("b", tenon=1.0)))[0], 2)


if __name__ == "__main__":
    unittest.main()
