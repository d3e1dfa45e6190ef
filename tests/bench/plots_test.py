"""The figures; skipped where matplotlib is not installed."""
import importlib.util
import pathlib
import tempfile
import unittest

from report.results import Contender, Results, Row


def row(program, name, counters, **ns):
    return Row(program, name, {who: Contender(time, 0.0, counters) for who, time in ns.items()})


RESULTS = Results({}, {"caches": {"L1": 32 << 10, "L2": 1 << 20}}, {}, [
    row("limits", "fma f32", {"flops": 1e7}, limit=1e5),
    row("limits", "read 16 KiB", {"bytes": 16 << 10}, limit=100.0),
    row("limits", "read 512 KiB", {"bytes": 512 << 10}, limit=6400.0),
    row("limits", "read 256 MiB", {"bytes": 256 << 20}, limit=1.28e7),
    row("matmul", "f32 16", {"flops": 8192, "bytes": 3072}, tenon=100.0, eigen=150.0),
    row("matmul", "f32 32", {"flops": 65536, "bytes": 12288}, tenon=700.0, eigen=900.0),
    row("memory", "pair 64 B", {}, tenon=1.4, glibc=8.0),
    row("memory", "pair 64 KiB", {}, tenon=1.4, glibc=15.0),
])


@unittest.skipUnless(importlib.util.find_spec("matplotlib"), "python3-matplotlib is not installed")
class PlotsTest(unittest.TestCase):
    def test_figures_of_the_sections_that_have_rows(self):
        from report import plots
        with tempfile.TemporaryDirectory() as folder:
            written = plots.write_all(RESULTS, pathlib.Path(folder))
            self.assertEqual(written, {"matmul-f32": "matmul-f32.svg", "pair": "pair.svg", "roofline": "roofline.svg"})
            for name in written.values():
                self.assertIn("Tenon", (pathlib.Path(folder) / name).read_text())

    def test_roofs_lie_at_half_of_each_cache(self):
        from report import plots
        self.assertEqual(list(plots.roofs(RESULTS)), ["L1", "L2", "memory"])
        self.assertAlmostEqual(plots.roofs(RESULTS)["L1"], 163.84)
        self.assertAlmostEqual(plots.roofs(RESULTS)["L2"], 81.92)


if __name__ == "__main__":
    unittest.main()
