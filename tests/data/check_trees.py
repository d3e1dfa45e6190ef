#!/usr/bin/env python3
"""Compares the expressions that tests/random_trees.hpp wrote with NumPy.

usage: check_trees.py <file>

Operands are converted to double and the line of Python is evaluated: |x - numpy| <= bound (1 + |numpy|) must
hold for every element of both results. Exit code 77 where NumPy is not installed.
"""
import json
import sys

try:
    import numpy as np
except ImportError:
    sys.exit(77)


def softmax(x, axis):
    e = np.exp(x - np.max(x, axis, keepdims=True))
    return e / np.sum(e, axis, keepdims=True)


def log_softmax(x, axis):
    y = x - np.max(x, axis, keepdims=True)
    return y - np.log(np.sum(np.exp(y), axis, keepdims=True))


NAMES = {"np": np, "softmax": softmax, "log_softmax": log_softmax}


def values(file, dtype, shape):
    count = int(np.prod(shape))
    data = file.read(count * dtype.itemsize)
    return np.frombuffer(data, dtype).astype(np.float64).reshape(shape)


def main():
    checked, wrong = 0, 0
    with open(sys.argv[1], "rb") as file:
        for line in iter(file.readline, b""):
            record = json.loads(line)
            dtype = np.dtype(record["type"])
            names = dict(NAMES)
            for i, shape in enumerate(record["operands"]):
                names[f"x{i}"] = values(file, dtype, shape)
            results = [values(file, dtype, record["result"]) for _ in range(2)]
            expected = eval(record["text"], names)
            if expected.shape != results[0].shape:
                raise SystemExit(f"{record}: NumPy's shape is {expected.shape}")
            checked += 1
            for name, result in zip(("fused", "unfused"), results):
                difference = np.abs(result - expected) / (1 + np.abs(expected))
                if not np.all(difference <= record["bound"]):
                    wrong += 1
                    print(f"{name}: {np.nanmax(difference):.3g} in {record}")
    print(f"{checked} expressions compared with NumPy {np.__version__}, {wrong} differ")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
