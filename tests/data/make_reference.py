#!/usr/bin/env python3
"""Writes reference.csv, the values of NumPy that tests/expr/reference*_test.cpp compare with.

usage: make_reference.py [directory]      (needs numpy; an x86 host, for its 80-bit long double)

One tensor a line: name;dtype;extents;values. Extents and values are separated by blanks, values
are in row-major order. Floats are C hex floats (or small integers), so every bit survives; bool is 0 or 1.

Transcendental functions are computed in the next wider type and rounded once, because NumPy's own
float32 loops are off by up to 4 ulp. Everything else is what NumPy returns for the type itself.
"""
import math
import pathlib
import sys

import numpy as np

np.seterr(all="ignore")
lines = []


def text(value):
    if isinstance(value, (bool, np.bool_)):
        return "1" if value else "0"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    value = float(value)
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    if value.is_integer() and 0 < abs(value) < 1e6:
        return str(int(value))
    mantissa, exponent = value.hex().split("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return mantissa + "p" + exponent


def put(name, array):
    array = np.asarray(array)
    lines.append(";".join([name, array.dtype.name, " ".join(map(str, array.shape)),
                           " ".join(text(v) for v in array.ravel())]))
    return array


def wider(dtype):
    return np.float64 if dtype == np.float32 else np.longdouble


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def special_floats(dtype):
    f = np.finfo(dtype)
    high, low = (88.5, 103.9) if dtype == np.float32 else (709.5, 744.9)
    positive = [0.0, f.smallest_subnormal, f.tiny - f.smallest_subnormal, f.tiny, f.eps, 0.1, 0.5,
                1.0, 1 + f.eps, 1.5, 2.0, 3.0, 10.0, high, low, 1 / f.eps + 1, f.max, np.inf]
    return np.array([np.nan] + [s * v for v in positive for s in (1, -1)], dtype=dtype)


def erf(x):
    return np.array([math.erf(v) for v in x], dtype=x.dtype)


def gelu(x):
    return np.array([-0.0 if v == -math.inf else v / 2 * math.erfc(-v * math.sqrt(0.5)) for v in x])


def floats(tag, dtype):
    """Every operation on every (pair of) special values."""
    x = put(f"{tag}.x", special_floats(dtype))
    a, b = x[:, None], x[None, :]
    put(f"{tag}.add", a + b)
    put(f"{tag}.subtract", a - b)
    put(f"{tag}.multiply", a * b)
    put(f"{tag}.divide", a / b)
    put(f"{tag}.minimum", np.minimum(a, b))
    put(f"{tag}.maximum", np.maximum(a, b))
    for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
        put(f"{tag}.{name}", getattr(np, name)(a, b))
    put(f"{tag}.pow", np.power(a.astype(wider(dtype)), b.astype(wider(dtype))).astype(dtype))
    put(f"{tag}.where", np.where(a > b, a, b))
    put(f"{tag}.negative", -x)
    put(f"{tag}.abs", np.abs(x))
    put(f"{tag}.square", np.square(x))
    put(f"{tag}.relu", np.maximum(x, dtype(0)))
    put(f"{tag}.sqrt", np.sqrt(x))
    put(f"{tag}.as_bool", x.astype(bool))
    # Many ordinary values besides, where the error of an approximation shows.
    rng = np.random.default_rng(20)
    many = put(f"{tag}.many", np.concatenate([x, (rng.standard_normal(150) * 8).astype(dtype),
                                              np.exp(rng.uniform(-60, 60, 50)).astype(dtype)]))
    for name, function in (("exp", np.exp), ("log", np.log), ("tanh", np.tanh),
                           ("sigmoid", sigmoid), ("sin", np.sin), ("cos", np.cos),
                           ("erf", erf)):
        put(f"{tag}.{name}", function(many.astype(wider(dtype))).astype(dtype))
    put(f"{tag}.silu", many * sigmoid(many.astype(wider(dtype))).astype(dtype))
    if dtype is np.float32:  # the C library's erfc is not good enough for more
        put(f"{tag}.gelu", gelu(many.astype(np.float64)).astype(dtype))
    for name in ("floor", "ceil", "trunc", "round", "sign"):
        put(f"{tag}.{name}", getattr(np, name)(many))


def integers(tag, dtype):
    i = np.iinfo(dtype)
    values = [i.min, i.min + 1, 0, 1, 2, 3, 7, 100, i.max - 1, i.max]
    if i.min < 0:
        values += [-1, -2, -3, -7, -100]
    x = put(f"{tag}.x", np.array(values, dtype=dtype))
    a, b = x[:, None], x[None, :]
    put(f"{tag}.add", a + b)
    put(f"{tag}.subtract", a - b)
    put(f"{tag}.multiply", a * b)
    # Tenon's integer division is C's: towards zero, where NumPy has the floor. 0 for x / 0 is NumPy's.
    quotient, rest = np.floor_divide(a, b), np.remainder(a, b)
    put(f"{tag}.divide", np.where((rest != 0) & ((a < 0) != (b < 0)), quotient + dtype(1), quotient))
    put(f"{tag}.remainder", np.fmod(a, b))
    put(f"{tag}.minimum", np.minimum(a, b))
    put(f"{tag}.maximum", np.maximum(a, b))
    put(f"{tag}.less", a < b)
    put(f"{tag}.greater_equal", a >= b)
    put(f"{tag}.equal", a == b)
    put(f"{tag}.and", a & b)
    put(f"{tag}.or", a | b)
    put(f"{tag}.xor", a ^ b)
    put(f"{tag}.not", ~x)
    put(f"{tag}.negative", -x)
    put(f"{tag}.abs", np.abs(x))
    put(f"{tag}.square", np.square(x))
    put(f"{tag}.relu", np.maximum(x, dtype(0)))
    put(f"{tag}.as_float", x.astype(np.float64))
    put(f"{tag}.sum", x.sum())
    put(f"{tag}.max", x.max())
    put(f"{tag}.argmin", x.argmin())


def promotion():
    """The element type of a sum: only dtypes of the array-API table that Tenon promotes."""
    kinds = {"i1": np.int8, "i2": np.int16, "i4": np.int32, "i8": np.int64, "u1": np.uint8,
             "u2": np.uint16, "u4": np.uint32, "u8": np.uint64, "f4": np.float32, "f8": np.float64}
    for a, b in (("i1", "i4"), ("i8", "i2"), ("u1", "u4"), ("u1", "i1"), ("u2", "i1"), ("i4", "u4"),
                 ("u4", "i8"), ("f4", "f8")):
        put(f"promote.{a}.{b}", np.array([100, 3], kinds[a]) + np.array([27, 4], kinds[b]))


def broadcasting():
    small = lambda *shape: np.arange(np.prod(shape)).reshape(shape)
    for tag, dtype in (("f4", np.float32), ("f8", np.float64), ("i4", np.int32)):
        a = put(f"broadcast.{tag}.a", small(2, 3, 4).astype(dtype))
        b = put(f"broadcast.{tag}.b", (10 * small(3, 1) + 1).astype(dtype))
        c = put(f"broadcast.{tag}.c", (small(4) - 2).astype(dtype))
        d = put(f"broadcast.{tag}.d", (small(2, 1, 1) + 5).astype(dtype))
        e = put(f"broadcast.{tag}.e", np.array([3], dtype))
        put(f"broadcast.{tag}.a_b", a + b)
        put(f"broadcast.{tag}.a_c", a * c)
        put(f"broadcast.{tag}.b_c", b - c)
        put(f"broadcast.{tag}.all", (a + b) * c - d)
        put(f"broadcast.{tag}.e_a", e * a)
        put(f"broadcast.{tag}.scalar", 2 * a + 1)
        put(f"broadcast.{tag}.empty", e + np.zeros((2, 0), dtype))


def reductions():
    rng = np.random.default_rng(4)
    for tag, dtype in (("f4", np.float32), ("f8", np.float64), ("i2", np.int16), ("u1", np.uint8)):
        # Small integers: sums and products are exact whatever the order, so bits compare.
        x = put(f"reduce.{tag}.x", rng.integers(0, 5, (3, 5, 7)).astype(dtype))
        axes = {"all": None, "0": 0, "1": 1, "2": 2, "01": (0, 1), "02": (0, 2), "12": (1, 2)}
        for name, axis in axes.items():
            put(f"reduce.{tag}.sum.{name}", x.sum(axis=axis))
            put(f"reduce.{tag}.max.{name}", x.max(axis=axis))
            put(f"reduce.{tag}.min.{name}", x.min(axis=axis))
            mean = x.mean(axis=axis, dtype=dtype if dtype in (np.float32, np.float64) else None)
            put(f"reduce.{tag}.mean.{name}", mean)
        for axis in (0, 1, 2):
            put(f"reduce.{tag}.argmax.{axis}", x.argmax(axis=axis))  # full of ties: the first wins
            put(f"reduce.{tag}.argmin.{axis}", x.argmin(axis=axis))
            put(f"reduce.{tag}.prod.{axis}", x.prod(axis=axis))
        put(f"reduce.{tag}.sum.keep1", x.sum(axis=1, keepdims=True))
        put(f"reduce.{tag}.max.keep02", x.max(axis=(0, 2), keepdims=True))
        put(f"reduce.{tag}.sum.keepall", x.sum(keepdims=True))
        put(f"reduce.{tag}.argmax.all", x.argmax())
        put(f"reduce.{tag}.sum.transposed", x.T.sum(axis=0))
        put(f"reduce.{tag}.argmax.transposed", x.T.argmax(axis=1))
    b = put("reduce.bool.x", rng.integers(0, 2, (4, 19)).astype(bool))
    put("reduce.bool.sum", b.sum(axis=1))
    put("reduce.bool.mean", b.mean(axis=0))
    for tag, dtype in (("f4", np.float32), ("f8", np.float64)):
        x = rng.standard_normal((4, 37)).astype(dtype)
        x[1, 20] = np.nan
        x[2, 3] = np.inf
        x[2, 9] = np.nan
        x[2, 30] = np.nan
        x[3, 5] = -np.inf
        put(f"nan.{tag}.x", x)
        put(f"nan.{tag}.max", x.max(axis=1))
        put(f"nan.{tag}.min", x.min(axis=1))
        put(f"nan.{tag}.max0", x.max(axis=0))
        put(f"nan.{tag}.argmax", x.argmax(axis=1))
        put(f"nan.{tag}.argmin", x.argmin(axis=1))
        put(f"nan.{tag}.argmax0", x.argmax(axis=0))
        put(f"empty.{tag}.sum", np.zeros((3, 0), dtype).sum(axis=1))
        put(f"empty.{tag}.prod", np.zeros((3, 0), dtype).prod(axis=1))
        put(f"empty.{tag}.mean", np.full(3, np.nan, dtype))
        put(f"empty.{tag}.max", np.zeros((3, 0), dtype).max(axis=0))


def softmaxes():
    rng = np.random.default_rng(7)
    for tag, dtype in (("f4", np.float32), ("f8", np.float64)):
        x = put(f"softmax.{tag}.x", (rng.standard_normal((3, 5, 19)) * 6).astype(dtype))
        wide = x.astype(np.longdouble)
        for axis in (0, 1, 2):
            shifted = wide - wide.max(axis=axis, keepdims=True)
            total = np.exp(shifted).sum(axis=axis, keepdims=True)
            put(f"softmax.{tag}.{axis}", (np.exp(shifted) / total).astype(dtype))
            put(f"softmax.{tag}.log.{axis}", (shifted - np.log(total)).astype(dtype))
        f = np.finfo(dtype)
        hard = put(f"softmax.{tag}.hard", np.array(
            [[f.max, 0, 1], [1e4, 1e4, -1e4], [-np.inf, 0, 0], [-np.inf, -np.inf, 3],
             [np.nan, 0, 0], [np.inf, 0, 0], [-np.inf, -np.inf, -np.inf]], dtype))
        shifted = hard - hard.max(axis=1, keepdims=True)
        put(f"softmax.{tag}.hard.1", np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True))


def products():
    rng = np.random.default_rng(9)
    shapes = {"vv": ((6,), (6,)), "vm": ((6,), (6, 5)), "mv": ((5, 6), (6,)), "mm": ((5, 6), (6, 7)),
              "one": ((1, 1), (1, 1)), "wide": ((3, 70), (70, 130)), "tall": ((67, 3), (3, 5)),
              "bm": ((2, 3, 4), (4, 5)), "mb": ((3, 4), (2, 4, 5)), "bb": ((2, 3, 4), (2, 4, 5)),
              "cross": ((2, 1, 3, 4), (5, 4, 2)), "bv": ((2, 3, 4), (4,)), "vb": ((3,), (2, 3, 4)),
              "k0": ((2, 0), (0, 3)), "m0": ((0, 4), (4, 3)), "v0": ((0,), (0,))}
    for tag, dtype in (("f4", np.float32), ("f8", np.float64), ("i4", np.int32)):
        for name, (a, b) in shapes.items():
            # Small integers again: exact in every order of summation.
            x = put(f"matmul.{tag}.{name}.a", rng.integers(-4, 5, a).astype(dtype))
            y = put(f"matmul.{tag}.{name}.b", rng.integers(-4, 5, b).astype(dtype))
            put(f"matmul.{tag}.{name}", np.matmul(x, y))


def views():
    x = put("view.x", np.arange(120, dtype=np.int32).reshape(4, 5, 6))
    v = put("view.v", np.arange(10, dtype=np.float32))
    put("view.transpose", x.T)
    put("view.permute_102", x.transpose(1, 0, 2))
    put("view.permute_201", x.transpose(2, 0, 1))
    put("view.matrix_transpose", np.swapaxes(x, -1, -2))
    put("view.index", x[1])
    put("view.index_negative", x[-1, -2])
    put("view.element", x[1, 2, 3])
    put("view.last_axis", x[:, :, 2])
    put("view.middle", x[1:3, 2, 1:5])
    put("view.newaxis", x[:, np.newaxis, 1:3])
    put("view.reverse_all", x[::-1, ::-1, ::-1])
    ranges = [(2, 7, 1), (-3, 10, 1), (0, -1, 1), (0, 100, 1), (-100, 4, 1), (7, 2, 1), (1, 9, 3),
              (9, 0, -1), (8, 1, -3), (100, -100, -2), (-1, -11, -1), (20, 30, 1), (3, 3, 1)]
    put("view.ranges", np.array(ranges, dtype=np.int64))
    for i, (a, b, s) in enumerate(ranges):
        put(f"view.range.{i}", v[a:b:s])
    put("view.reshape_transposed", x.T.reshape(12, 10))
    put("view.flatten_slice", x[1:3, :, 2].reshape(-1))
    put("view.flip", np.flip(x, 1))


for tag, dtype in (("f4", np.float32), ("f8", np.float64)):
    floats(tag, dtype)
for tag, dtype in (("i1", np.int8), ("i4", np.int32), ("i8", np.int64), ("u1", np.uint8)):
    integers(tag, dtype)
promotion()
broadcasting()
reductions()
softmaxes()
products()
views()

directory = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
(directory / "reference.csv").write_text(
    f"# NumPy {np.__version__}, written by make_reference.py\n" + "\n".join(lines) + "\n")
print(f"NumPy {np.__version__}: {len(lines)} tensors")
