#!/usr/bin/env python3
"""The command `tenon` as a user runs it: text, JSON, exit codes, and what goes to which stream.

usage: command_test.py <tenon> <version> <folder of planner tables, or nothing there>
"""
import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

TENON, VERSION, PLANNER = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
TABLE = "id,lower,upper,size\na,0,2,64\nb,2,4,128\nc,1,3,256\n"


def npy(descr, shape, data, fortran=False):
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("latin-1") + data


def safetensors(header, data, length=None):
    text = json.dumps(header) if isinstance(header, dict) else header
    text += " " * (-len(text) % 8)
    return struct.pack("<Q", len(text) if length is None else length) + text.encode() + data


def npz(members, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return file.getvalue()


WEIGHTS = {
    "__metadata__": {"format": "pt", "title": "a\x1b[31mred"},
    "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "tiny": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [24, 28]},
    "scalar": {"dtype": "I64", "shape": [], "data_offsets": [28, 36]},
}


class Command(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def run_command(self, *arguments):
        """Exit code, standard output, standard error."""
        done = subprocess.run([TENON, *map(str, arguments)], capture_output=True, timeout=300,
                              stdin=subprocess.DEVNULL, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def text(self, *arguments, code=0):
        """Standard output, where nothing goes to standard error."""
        got, out, error = self.run_command(*arguments)
        self.assertEqual((got, error), (code, ""))
        return out

    def json(self, *arguments):
        out = self.text(*arguments, "--json")
        self.assertEqual(out.count("\n"), 1)
        return json.loads(out)

    def fails(self, code, message, *arguments):
        got, out, error = self.run_command(*arguments)
        self.assertEqual((got, out), (code, ""))
        self.assertTrue(error.startswith("tenon: "), error)
        self.assertIn(message, error)

    def rows(self, out):
        return [line.split() for line in out.splitlines()]


class CommandLine(Command):
    def test_version_and_help(self):
        self.assertEqual(self.text("--version"), f"tenon {VERSION}\n")
        for arguments in (["--help"], ["info", "--help"], ["plan", "--help"], ["report", "-h"]):
            out = self.text(*arguments)
            self.assertIn("Exit codes:", out)
        self.assertIn("--capacity BYTES", self.text("plan", "--help"))

    def test_usage_errors(self):
        for arguments in ([], ["paint"], ["info"], ["info", "a", "b"], ["--what"], ["plan"],
                          ["plan", "a", "--fast", "--exact"], ["plan", "a", "--capacity", "much"],
                          ["plan", "a", "--capacity", "-1"], ["plan", "a", "--alignment", "0"],
                          ["plan", "a", "--alignment"], ["plan", "a", "--steps", "-3"],
                          ["plan", "a", "--capacity", "99999999999GiB"],
                          ["report", "--pid", "x"], ["report", "now"]):
            with self.subTest(arguments):
                self.fails(2, "See tenon --help.", *arguments)

    def test_output_that_nobody_takes(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([TENON, "report"], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (1, b"tenon: cannot write to standard output\n"))


class Page(Command):
    """What docs/command.md shows is what the command says."""

    def shown(self, call):
        page = (pathlib.Path(__file__).parents[2] / "docs/command.md").read_text()
        return page.split(f"```\n$ tenon {call}\n")[1].split("```")[0]

    def said(self, *arguments):
        done = subprocess.run([TENON, *arguments], cwd=self.folder, capture_output=True, check=True)
        return done.stdout.decode()

    def test_info(self):
        self.write("layer.safetensors",
                   safetensors({**WEIGHTS, "__metadata__": {"format": "pt"}}, bytes(36)))
        self.assertEqual(self.said("info", "layer.safetensors"), self.shown("info layer.safetensors"))

    def test_plan(self):
        self.write("buffers.csv", "id,lower,upper,size\n0,0,2,65536\n1,2,4,131072\n2,1,3,262144\n")
        call = "plan buffers.csv --capacity 512KiB"
        self.assertEqual(self.said(*call.split()), self.shown(call))

    def test_report(self):
        titles = [line.split("  ")[1] for line in self.text("report").splitlines()[2:-1]]
        shown = [line.split("  ")[1] for line in self.shown("report --pid 4242").splitlines()[2:]]
        self.assertEqual(shown, titles)


class Info(Command):
    def test_safetensors(self):
        path = self.write("weights.safetensors", safetensors(WEIGHTS, bytes(36)))
        out = self.text("info", path)
        size = path.stat().st_size
        self.assertTrue(out.startswith(f"{path}: safetensors, {size} B ({size} B)\n"), out)
        start = size - 36
        rows = self.rows(out)
        self.assertIn(["format", "pt"], rows)
        self.assertIn("title   a?[31mred", out)
        self.assertNotIn("\x1b", out)
        self.assertIn(["w", "F32", "float32", "(2,", "3)", "24", "B", "24", str(start), "16"], rows)
        self.assertIn(["scalar", "I64", "int64", "()", "8", "B", "8", str(start + 28), "4",
                       "unaligned"], rows)
        self.assertIn(["all", "3", "11", "36", "B", "36"], rows)
        self.assertIn("Tenon has no element type for F8_E4M3.", out)
        header = next(line for line in out.splitlines() if line.startswith("  name"))
        w = next(line for line in out.splitlines() if line.startswith("  w "))
        self.assertEqual(header.index("shape"), w.index("("))
        self.assertEqual(header.index("alignment") + len("alignment"), len(w))

    def test_safetensors_as_json(self):
        path = self.write("weights.safetensors", safetensors(WEIGHTS, bytes(36)))
        found = self.json("info", path)
        self.assertEqual(list(found), ["file", "format", "file_bytes", "metadata", "tensors",
                                       "totals", "unsupported_types"])
        start = path.stat().st_size - 36
        self.assertEqual(found["file"], str(path))
        self.assertEqual(found["metadata"], WEIGHTS["__metadata__"])
        self.assertEqual([t["name"] for t in found["tensors"]], ["scalar", "tiny", "w"])
        self.assertEqual(found["tensors"][2], {
            "name": "w", "type": "F32", "dtype": "float32", "shape": [2, 3], "elements": 6,
            "bytes": 24, "stored_bytes": 24, "offset": start, "alignment": 16, "order": "row_major",
            "compressed": False, "in_place": True})
        scalar, tiny, _ = found["tensors"]
        self.assertEqual((scalar["shape"], scalar["elements"], scalar["in_place"]), ([], 1, False))
        self.assertEqual((tiny["dtype"], tiny["in_place"]), (None, False))
        self.assertEqual(found["totals"], {"tensors": 3, "elements": 11, "bytes": 36})
        self.assertEqual(found["unsupported_types"], ["F8_E4M3"])

    def test_names_that_are_long_or_foreign(self):
        names = ["x" * 121, "größe\u009b2J", "\u007f", "y" * 120]
        header = {name: {"dtype": "U8", "shape": [1], "data_offsets": [i, i + 1]}
                  for i, name in enumerate(names)}
        path = self.write("names.safetensors", safetensors(header, bytes(4)))
        self.assertEqual(sorted(t["name"] for t in self.json("info", path)["tensors"]), sorted(names))
        lines = [line for line in self.text("info", path).splitlines() if " uint8 " in line][:4]
        self.assertEqual(sorted(line.split()[0] for line in lines),
                         sorted(["x" * 120 + "...", "größe?2J", "?", "y" * 120]))
        self.assertEqual(len({line.index("U8") for line in lines}), 1)

    def test_npy(self):
        path = self.write("a.npy", npy("<f8", (2, 3), bytes(48), fortran=True))
        self.assertIn("column-major", self.text("info", path))
        (array,) = self.json("info", path)["tensors"]
        self.assertEqual((array["type"], array["dtype"], array["shape"], array["order"]),
                         ("<f8", "float64", [2, 3], "column_major"))
        self.assertEqual((array["offset"], array["alignment"]), (128, 128))

    def test_npz(self):
        stored = npz({"b.npy": npy("<f4", (4,), bytes(16)), "note.txt": b"not an array"})
        found = self.json("info", self.write("stored.npz", stored))
        self.assertEqual([t["name"] for t in found["tensors"]], ["b"])
        packed = npz({"z.npy": npy("<c16", (1000,), bytes(16000)),
                      "none.npy": npy("<f4", (0, 1 << 40, 1 << 20), b"")}, zipfile.ZIP_DEFLATED)
        path = self.write("packed.npz", packed)
        self.assertIn("compressed", self.text("info", path))
        none, z = self.json("info", path)["tensors"]
        self.assertEqual((none["elements"], none["bytes"]), (0, 0))
        self.assertEqual((z["compressed"], z["in_place"], z["elements"], z["bytes"]),
                         (True, False, 1000, 16000))
        self.assertLess(z["stored_bytes"], 200)
        self.assertEqual(found["unsupported_types"], [])

    def test_content_goes_before_the_name(self):
        path = self.write("really.npy", safetensors(WEIGHTS, bytes(36)))
        self.assertEqual(self.json("info", path)["format"], "safetensors")
        self.assertEqual(self.json("info", self.write("x", npz({})))["format"], "npz")
        self.assertEqual(self.json("info", self.write("y", npy("|u1", (3,), b"abc")))["format"], "npy")
        self.assertEqual(self.json("info", self.write("z", safetensors({}, b"")))["tensors"], [])

    def test_broken_files_say_where(self):
        whole = safetensors(WEIGHTS, bytes(36))
        overlap = {"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
                   "b": {"dtype": "U8", "shape": [4], "data_offsets": [2, 6]}}
        long_name = "n" * 3000
        for name, content, message in (
                ("empty.safetensors", b"", "the file has 0 B, less than the length of a header (byte 0)"),
                ("cut.safetensors", whole[:-1], "reaches beyond the end of the file (byte "),
                ("lie.safetensors", safetensors({}, b"", length=1 << 40), "beyond the limit"),
                ("lie", safetensors({}, b"", length=90_000_000), "of which the file has 8 B (byte 0)"),
                ("overlap.safetensors", safetensors(overlap, bytes(6)), "overlaps the tensor before it"),
                ("deep.safetensors", safetensors('{"a":' * 5000, b""), "(byte "),
                ("name.safetensors", safetensors({long_name: {}}, b""), "(byte "),
                ("cut.npy", npy("<f4", (2, 3), bytes(23)),
                 "the shape needs 24 B behind the header, the file has 23 B (byte 128)"),
                ("huge.npy", npy("<f4", (1 << 40, 1 << 40), b""), "(byte "),
                ("pickle.npy", npy("|O", (1,), b"cos\nsystem\n"), "(byte "),
                ("cut.npz", npz({"a.npy": npy("<f4", (1,), bytes(4))})[:-5], "(byte "),
                ("text.npz", b"PK is not enough", "(byte "),
                ("text.txt", b"hello", "neither content nor name"),
                ("empty", b"", "neither content nor name")):
            path = self.write(name, content)
            for option in ([], ["--json"]):
                with self.subTest(name, option=option):
                    self.fails(1, message, "info", path, *option)
                    self.fails(1, f"tenon: {path}: ", "info", path, *option)

    def test_every_cut_of_a_file_is_refused(self):
        for name, whole in (("a.safetensors", safetensors(WEIGHTS, bytes(36))),
                            ("a.npy", npy("<f4", (2, 3), bytes(24))),
                            ("a.npz", npz({"a.npy": npy("<f4", (1,), bytes(4))}))):
            for length in range(0, len(whole), 7):
                with self.subTest(name, length=length):
                    self.fails(1, "(byte ", "info", self.write(name, whole[:length]))

    def test_files_that_are_none(self):
        self.fails(1, f"'{self.folder}/none.npy': No such file", "info", self.folder / "none.npy")
        self.fails(1, "not a regular file", "info", self.folder)


class Plan(Command):
    def check_offsets(self, rows, bytes_):
        """rows of (lower, upper, size, offset)"""
        for i, (lower, upper, size, offset) in enumerate(rows):
            self.assertLessEqual(offset + size, bytes_)
            for other in rows[:i]:
                if lower < other[1] and other[0] < upper:
                    self.assertTrue(offset >= other[3] + other[2] or other[3] >= offset + size)

    def test_text(self):
        out = self.text("plan", self.write("t.csv", TABLE))
        self.assertIn("t.csv: 3 buffers, 448 B (448 B) side by side\n", out)
        rows = self.rows(out)
        self.assertIn(["packed", "384", "B", "384", "B", "proven", "least"], rows)
        self.assertIn(["max-live", "bound", "384", "B", "384", "B"], rows)
        self.assertIn(["ratio", "1.0000"], rows)
        self.assertIn(["steps", "of", "search", "0"], rows)

    def test_json_and_offsets(self):
        table, solved = self.write("t.csv", TABLE), self.folder / "solved.csv"
        found = self.json("plan", table, "--offsets", solved, "--capacity", "1KiB")
        self.assertEqual(list(found), ["file", "solver", "alignment", "buffers", "sum_bytes", "bytes",
                                       "max_live_bytes", "proven_bytes", "ratio", "proven_least",
                                       "steps", "capacity_bytes", "fits", "offsets"])
        self.assertEqual((found["bytes"], found["max_live_bytes"], found["proven_bytes"]), (384,) * 3)
        self.assertEqual((found["capacity_bytes"], found["fits"]), (1024, True))
        lines = solved.read_text().splitlines()
        self.assertEqual(lines[0], "id,lower,upper,size,offset")
        self.assertEqual([line[0] for line in lines[1:]], ["a", "b", "c"])
        rows = [tuple(map(int, line.split(",")[1:])) for line in lines[1:]]
        self.assertEqual([row[:3] for row in rows], [(0, 2, 64), (2, 4, 128), (1, 3, 256)])
        self.assertEqual([row[3] for row in rows], found["offsets"])
        self.check_offsets(rows, 384)
        # What it wrote it reads and writes again, in place of what it read too.
        self.text("plan", solved, "--offsets", self.folder / "again.csv")
        self.assertEqual((self.folder / "again.csv").read_text(), solved.read_text())
        self.text("plan", table, "--offsets", table)
        self.assertEqual(table.read_text(), solved.read_text())

    def test_other_columns_stay(self):
        table, solved = self.write("t.csv", "size,offset,who,lower,upper\r\n64,9,x y,0,2\r\n\r\n32,,,1,2"), \
            self.folder / "solved.csv"
        code, out, _ = self.run_command("plan", table)
        self.assertEqual((code, out), (1, ""))  # an offset that is no number
        table.write_bytes(table.read_bytes().replace(b",,,", b",7,,"))
        self.text("plan", table, "--offsets", solved)
        self.assertEqual(solved.read_text(), "size,offset,who,lower,upper\n64,0,x y,0,2\n32,64,,1,2\n")

    def test_the_search_finds_what_the_fast_solver_does_not(self):
        path = self.write("t.csv", "lower,upper,size\n4,6,3\n7,9,5\n1,5,4\n0,2,5\n2,9,4\n0,6,1\n")
        fast = self.json("plan", path, "--fast")
        self.assertEqual((fast["solver"], fast["steps"], fast["bytes"], fast["proven_least"]),
                         ("fast", 0, 13, False))
        self.assertIn("not proven least", self.text("plan", path, "--fast"))
        for options in ([], ["--exact"], ["--capacity", 12], ["--capacity", 13, "--exact"]):
            found = self.json("plan", path, *options)
            self.assertEqual((found["solver"], found["bytes"], found["proven_least"]),
                             ("exact", 12, True))
            self.assertGreater(found["steps"], 0)
        enough = self.json("plan", path, "--capacity", 13)
        self.assertEqual((enough["bytes"], enough["steps"], enough["fits"]), (13, 0, True))

    def test_the_least_may_be_more_than_what_is_alive(self):
        path = self.write("t.csv", "lower,upper,size\n3,7,1\n2,6,3\n4,7,2\n6,9,2\n0,2,4\n0,4,3\n"
                                   "7,8,3\n6,9,2\n")
        found = self.json("plan", path)
        self.assertEqual((found["bytes"], found["max_live_bytes"], found["proven_bytes"]), (8, 7, 8))
        self.assertTrue(found["proven_least"])
        self.assertIn(["proven", "bound", "8", "B", "8", "B"], self.rows(self.text("plan", path)))
        for options in ([], ["--exact"]):
            code, out, error = self.run_command("plan", path, "--capacity", 7, "--json", *options)
            self.assertEqual((code, json.loads(out)["proven_bytes"]), (3, 8))
            self.assertIn("8 B exceed the capacity of 7 B by 1 B; no packing keeps it, proven", error)

    def test_alignment(self):
        path = self.write("t.csv", TABLE.replace("256", "250"))
        found = self.json("plan", path, "--alignment", 48)
        self.assertTrue(all(offset % 48 == 0 for offset in found["offsets"]))
        self.assertEqual(found["bytes"], 288 + 144)
        self.assertEqual(found["sum_bytes"], 96 + 144 + 288)
        self.assertIn("alignment", self.text("plan", path, "--alignment", 48))

    def test_capacity(self):
        table, solved = self.write("t.csv", TABLE), self.folder / "solved.csv"
        self.assertIn("kept", self.text("plan", table, "--capacity", 384))
        for option in ([], ["--json"]):
            code, out, error = self.run_command("plan", table, "--capacity", 383, "--offsets", solved,
                                                *option)
            self.assertEqual(code, 3)
            self.assertEqual(error, "tenon: plan: 384 B exceed the capacity of 383 B by 1 B; "
                                    "no packing keeps it, proven\n")
            self.assertIn("384", out)
        self.assertEqual((json.loads(out)["fits"], json.loads(out)["capacity_bytes"]), (False, 383))
        self.assertFalse(solved.exists())

    def test_no_buffers(self):
        found = self.json("plan", self.write("none.csv", "lower,upper,size\n"))
        self.assertEqual((found["buffers"], found["bytes"], found["ratio"], found["proven_least"]),
                         (0, 0, 1.0, True))

    def test_broken_tables_say_where(self):
        for content, message in (
                ("", "lifetimes: the text is empty (byte 0)"),
                ("id,lower,upper\n", "the first line has no column 'size' (byte 0)"),
                (TABLE + "d,5,4,3\n", "line 5 (byte 49): lower 5 is not below upper 4"),
                (TABLE + "d,5,6,-3\n", "size is '-3', not a number"),
                (TABLE + "d,5\n", "line 5 (byte 49) has 2 fields"),
                ("lower,upper,size\n0,1,9223372036854775807\n0,1,1\n", "more than an address can count")):
            with self.subTest(message):
                path = self.write("t.csv", content)
                self.fails(1, message, "plan", path)
                self.fails(1, f"tenon: {path}: ", "plan", path, "--json")
        path = self.write("t.csv", "lower,upper,size\n0,1,9223372036854775000\n0,1,1\n")
        self.fails(1, "plan: sizes at multiples of 4096 add up to more than", "plan", path,
                   "--alignment", 4096)
        rows = "0,1,1\n" * 32768
        self.fails(1, "32768 buffers; at most 32767", "plan",
                   self.write("t.csv", "lower,upper,size\n" + rows))

    def test_offsets_that_cannot_be_written(self):
        table = self.write("t.csv", TABLE)
        self.fails(1, f"plan: cannot write '{self.folder}/none/o.csv': No such file", "plan", table,
                   "--offsets", self.folder / "none/o.csv")

    def test_minimalloc(self):
        if not PLANNER.is_dir():
            self.skipTest("no planner data beside the checkout")
        tables = sorted(PLANNER.glob("*.csv"))
        self.assertGreaterEqual(len(tables), 7)
        for table in tables:
            capacity = int(table.name.split(".")[1])
            with self.subTest(table.name):
                found = self.json("plan", table, "--fast")
                self.assertLessEqual(found["max_live_bytes"], capacity)
                self.assertLess(found["ratio"], 1.4)
                rows = [tuple(map(int, line.split(",")[1:4])) + (offset,) for line, offset in
                        zip(table.read_text().splitlines()[1:], found["offsets"], strict=True)]
                self.check_offsets(rows, found["bytes"])
        found = self.json("plan", PLANNER / "C.1048576.csv", "--steps", 10000)
        self.assertTrue(found["proven_least"])
        self.assertEqual(found["bytes"], found["max_live_bytes"])
        self.assertGreater(found["steps"], 0)
        found = self.json("plan", PLANNER / "D.1048576.csv", "--capacity", "1MiB")
        self.assertEqual((found["fits"], found["proven_least"]), (True, False))
        code, out, error = self.run_command("plan", PLANNER / "D.1048576.csv", "--steps", 100,
                                            "--capacity", 1048576)
        self.assertEqual(code, 3)
        self.assertIn("whether another packing keeps it is not known", error)
        self.assertIn("not proven least", out)


class Report(Command):
    KEYS = ["pid", "virtual_bytes", "resident_bytes", "peak_resident_bytes", "huge_page_bytes",
            "swapped_bytes", "stack_bytes", "data_bytes", "heap_bytes", "heap_used_bytes"]

    def test_own(self):
        out = self.text("report")
        self.assertRegex(out, r"(?m)^process \d+$")
        for title in ("virtual", "resident", "peak resident", "swapped", "stack", "heap, used"):
            self.assertRegex(out, rf"(?m)^  {title} +[\d.]+ (B|[KMGT]iB) +[\d,]+$")
        found = self.json("report")
        self.assertEqual(list(found), self.KEYS)
        self.assertGreater(found["virtual_bytes"], found["resident_bytes"])
        self.assertGreater(found["resident_bytes"], 0)
        self.assertIsInstance(found["heap_used_bytes"], int)  # 0 under sanitizers: another malloc

    def test_of_another_process(self):
        ballast = bytearray(b"x" * (64 << 20))
        found = self.json("report", "--pid", os.getpid())
        self.assertEqual((list(found), found["pid"]), (self.KEYS, os.getpid()))
        self.assertGreater(found["resident_bytes"], len(ballast))
        self.assertIsNone(found["heap_used_bytes"])
        out = self.text("report", "--pid", os.getpid())
        self.assertIn(f"process {os.getpid()}\n", out)
        self.assertNotIn("heap, used", out)

    def test_unknown_processes(self):
        self.fails(1, "memory_report: no process 2000000000", "report", "--pid", 2000000000)
        self.fails(1, "memory_report: no process 0", "report", "--pid", "0", "--json")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
