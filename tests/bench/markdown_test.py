"""The report: sections and their order, missing peers said, rows behind collected, no row left out."""
import pathlib
import unittest

from report import markdown, sections, suite
from report.results import Contender, Results, Row

MACHINE = {
    "processor": "P", "processors": 2, "caches": {"L1": 32768}, "governor": "not readable", "huge pages": "madvise",
    "system": "Linux", "load at the start": 0.1, "core": 1, "compiler": "g++ 12", "flags": "-O3",
    "instruction set": "native", "libraries": {"libc6": "2.36"},
}


def row(program, name, counters=None, **ns):
    return Row(program, name, {who: Contender(time, 0.0, counters or {}) for who, time in ns.items()})


def report(*rows, quick=False, failed=()):
    run = {"date": "today", "commit": "c0ffee", "quick": quick, "failed": list(failed)}
    return markdown.report(Results(run, MACHINE, {"eigen": "3.4.0-4"}, list(rows)), {})


class SectionsTest(unittest.TestCase):
    def test_rows_are_ordered_by_number(self):
        (section,) = [s for s in sections.SECTIONS if s.key == "matmul-f32"]
        rows = [row("matmul", name, tenon=1.0) for name in ("f32 17", "f32 2", "f32 A' 8", "f32 epilogue 8")]
        self.assertEqual([r.name for r in section.rows(rows)], ["f32 2", "f32 17"])

    def test_rows_are_ordered_by_size(self):
        (section,) = [s for s in sections.SECTIONS if s.key == "pair"]
        rows = [row("memory", f"pair {size}", tenon=1.0) for size in ("64 KiB", "4 MiB", "64 B")]
        self.assertEqual([section.x(r) for r in section.rows(rows)], [64, 64 << 10, 4 << 20])

    def test_another_program_is_another_section(self):
        self.assertEqual(sections.rest([row("elementwise", "f32 17", tenon=1.0)])[0].name, "f32 17")
        self.assertEqual(sections.rest([row("matmul", "f32 17", tenon=1.0), row("limits", "fma f32", limit=1.0)]), [])


class ReportTest(unittest.TestCase):
    def test_missing_peers_are_said(self):
        text = report(row("matmul", "f32 16", tenon=100.0, eigen=150.0))
        self.assertIn("Not in this run: Eigen 5, OpenBLAS, BLIS, AOCL-BLIS, libxsmm, Blaze, oneDNN.", text)
        self.assertIn("ratio to the best of those measured", text)
        self.assertNotIn("ratio to the best peer |", text)

    def test_whole_field(self):
        peers = {"eigen": 150.0, "eigen5": 130.0, "blaze": 140.0, "xtensor": 160.0, "armadillo": 170.0}
        text = report(row("elementwise", "into n=7", tenon=100.0, **peers))
        self.assertIn("ratio to the best peer", text)
        self.assertNotIn("Not in this run", text)

    def test_rows_behind_are_collected(self):
        text = report(row("matmul", "f32 16", tenon=100.0, eigen=150.0),
                      row("matmul", "f32 17", tenon=100.0, eigen=95.0),
                      row("matmul", "f32 20", tenon=100.0, eigen=60.0),
                      row("elementwise", "into n=7", tenon=4.0, eigen=8.0, hand=2.0))
        self.assertIn("| Matrix products, float | 2 of 3 "
                      "| f32 20 (0.600, Eigen 3.4), f32 17 (0.950, Eigen 3.4) |", text)
        self.assertIn("| 1 of 1 | into n=7 (0.500, hand-written loop) |", text)

    def test_nothing_behind(self):
        self.assertIn("\nNone.\n", report(row("matmul", "f32 16", tenon=100.0, eigen=150.0)))

    def test_rate_and_share_of_the_peak(self):
        text = report(row("matmul", "f32 16", {"flops": 8192}, tenon=100.0, peak=70.0))
        self.assertIn("| f32 16 | 100.0 | 81.9 | 0.70 |", text)

    def test_unknown_rows_stand_at_the_end(self):
        self.assertIn("## Other rows\n\n| row | ns |\n|---|---|\n| new | 7.0 |",
                      report(row("memory", "new", tenon=7.0)))

    def test_limits(self):
        text = report(row("limits", "fma f32", {"flops": 1e7}, limit=1e5),
                      row("limits", "read 16 KiB", {"bytes": 16384}, limit=163.84),
                      row("limits", "write 16 KiB", {"bytes": 16384}, limit=163.84),
                      row("limits", "stream 16 KiB", {"bytes": 16384}, limit=1638.4))
        self.assertIn("f32: 100.0 GFLOP/s", text)
        self.assertIn("| 16 KiB | 100.0 | 100.0 | 10.0 |", text)

    def test_seconds(self):
        text = report(row("compile_time", "matmul", tenon=1.5e9, eigen=3e9))
        self.assertIn("| row | s | ratio to the best of those measured | best | Eigen 3.4: s (ratio) |", text)
        self.assertIn("| matmul | 1.50 | 2.000 | Eigen 3.4 | 3.00 (2.00) |", text)

    def test_failed_programs_are_said(self):
        self.assertIn("their rows are missing: memory.", report(failed=["memory"]))
        self.assertNotIn("Failed", report())

    def test_share_of_the_bandwidth(self):
        text = report(row("limits", "read 16 KiB", {"bytes": 16384}, limit=163.84),
                      row("limits", "read 1 MiB", {"bytes": 1 << 20}, limit=20971.52),
                      row("elementwise", "into n=1000", {"bytes": 16000}, tenon=200.0),
                      row("elementwise", "into n=100000", {"bytes": 1600000}, tenon=40000.0))
        self.assertIn("| into n=1000 | 200.0 | 80.0 | 0.80 |", text)
        self.assertIn("| into n=100000 | 40,000 | 40.0 | 0.80 |", text)

    def test_a_quick_run_says_so(self):
        self.assertIn("not figures to quote", report(quick=True))


class SuiteTest(unittest.TestCase):
    def test_limits_always_run(self):
        self.assertEqual([step.program for step in suite.steps(["elementwise"])], ["limits", "elementwise"])

    def test_all_parts(self):
        self.assertEqual({step.program for step in suite.steps([])},
                         {"limits", "matmul", "matmul_static", "elementwise", "fusion", "programs", "windows",
                          "memory", "compile_time"})

    def test_unknown_part(self):
        with self.assertRaisesRegex(ValueError, "no such part: conv"):
            suite.steps(["conv", "matmul"])

    def test_given_peers(self):
        self.assertEqual(suite.given_peers(["eigen5=/", "aocl=/dev/null"]),
                         {"eigen5": pathlib.Path("/"), "aocl": pathlib.Path("/dev/null")})
        for wrong in ("eigen5", "eigen5=", "eigen9=/", "blaze=/no/such/folder"):
            with self.assertRaises(ValueError):
                suite.given_peers([wrong])

    def test_threads_are_not_pinned(self):
        pinned, free = (suite.command(step, pathlib.Path("b"), "f.json", 1, quick=False)
                        for step in suite.PARTS["memory"])
        self.assertEqual(pinned, ["taskset", "-c", "1", "b/bench/bench_memory", "--benchmark_filter=-threads",
                                  "--json=f.json"])
        self.assertEqual(free[0], "b/bench/bench_memory")

    def test_scripts(self):
        (step,) = suite.PARTS["compile"]
        line = suite.command(step, pathlib.Path("b"), "f.json", 1, quick=True)
        self.assertTrue(pathlib.Path(line[4]).exists())
        self.assertEqual(line[5:], ["--repeat=1", "--json=f.json"])


if __name__ == "__main__":
    unittest.main()
