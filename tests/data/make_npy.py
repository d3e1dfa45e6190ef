#!/usr/bin/env python3
"""Writes the arrays in tests/data/npy with NumPy (made with 1.24). usage: make_npy.py <folder>"""
import pathlib
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
six = np.arange(6, dtype=np.float32).reshape(2, 3) / 2
arrays = {
    "rows": six,
    "fortran": np.asfortranarray(six.astype(np.float64)),
    "scalar": np.array(-7, np.int64),
    "empty": np.zeros((0, 4), np.uint16),
    "mask": np.array([True, False, True]),
    "half": np.array([1, 2], np.float16),
    "big_endian": six.astype(">f4"),
    "objects": np.array([{}, None], dtype=object),
    "structured": np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]),
}
for name, array in arrays.items():
    np.save(folder / f"{name}.npy", array)
with open(folder / "version_2.npy", "wb") as file:
    np.lib.format.write_array(file, six, version=(2, 0))
kept = {name: arrays[name] for name in ("rows", "fortran", "scalar", "empty", "mask")}
kept["ramp"] = np.arange(5000, dtype=np.int32)
np.savez(folder / "stored.npz", **kept)
np.savez_compressed(folder / "compressed.npz", **kept)
