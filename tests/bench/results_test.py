"""Rows, ratios and the file of results."""
import pathlib
import tempfile
import unittest

from report.results import Contender, Results, Row, geometric_mean, is_peer, rows_of_program


def row(name="f32 16", program="matmul", **ns):
    return Row(program, name, {who: Contender(time, 0.0, {"flops": 8192}) for who, time in ns.items()})


class RowTest(unittest.TestCase):
    def test_median_and_spread(self):
        measured = {"rows": [{"row": "f32 2", "contenders": [
            {"who": "tenon", "seconds": [4e-9, 1e-9, 2e-9, 9e-9, 3e-9], "counters": {"flops": 16}}]}]}
        (only,) = rows_of_program("matmul", measured)
        self.assertEqual((only.program, only.name), ("matmul", "f32 2"))
        self.assertAlmostEqual(only.ours.ns, 3.0)
        self.assertAlmostEqual(only.ours.spread, (4 - 2) / 3)
        self.assertEqual(only.ours.counters, {"flops": 16})

    def test_ratio_is_to_the_fastest_peer(self):
        subject = row(tenon=100.0, eigen=150.0, libxsmm=80.0)
        self.assertEqual(subject.best_peer(), "libxsmm")
        self.assertAlmostEqual(subject.best_ratio(), 0.8)
        self.assertAlmostEqual(subject.ratio("eigen"), 1.5)

    def test_no_peer_no_ratio(self):
        subject = row(tenon=100.0, peak=50.0, hand=90.0)
        self.assertIsNone(subject.best_peer())
        self.assertIsNone(subject.best_ratio())
        self.assertEqual(subject.baselines(), ["hand"])
        self.assertAlmostEqual(subject.share_of_peak(), 0.5)

    def test_row_without_ours_has_no_ratio(self):
        self.assertIsNone(row(limit=5.0).best_ratio())
        self.assertIsNone(row(eigen=5.0).best_ratio())

    def test_who_is_a_peer(self):
        self.assertTrue(all(map(is_peer, ["eigen", "openblas+loop", "glibc", "pmr_sync"])))
        self.assertFalse(any(map(is_peer, ["tenon", "tenon_pmr", "bare*", "peak", "limit", "hand", "stages"])))

    def test_rate(self):
        self.assertAlmostEqual(row(tenon=100.0).rate("flops"), 81.92)
        self.assertIsNone(row(tenon=100.0).rate("bytes"))
        self.assertIsNone(row(limit=100.0).rate("flops"))

    def test_geometric_mean(self):
        self.assertAlmostEqual(geometric_mean([0.5, 2.0]), 1.0)


class FileTest(unittest.TestCase):
    def test_round_trip(self):
        written = Results({"quick": True}, {"caches": {"L1": 32768}}, {"eigen": "3.4.0-4"},
                          [row(tenon=100.0, eigen=150.0), row("into n=7", "elementwise", tenon=4.5)])
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results.json"
            written.save(path)
            self.assertEqual(Results.load(path), written)

    def test_another_file_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "other.json"
            path.write_text('{"rows": []}')
            with self.assertRaisesRegex(ValueError, "not results of bench/run"):
                Results.load(path)


if __name__ == "__main__":
    unittest.main()
