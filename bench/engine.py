#!/usr/bin/env python3
"""Graphs in Tenon's engine beside ONNX Runtime, one thread each, in turn.

usage: engine.py <program bench_engine> [rounds]

Needs onnx, onnxruntime and numpy from PyPI. Inputs and outputs of ONNX Runtime are bound once, so that a call
allocates nothing for them. What a call costs in Python is measured on a graph that does nothing, and taken off in
a column of its own.
"""
import json
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import onnx
import onnxruntime

FLOAT = onnx.TensorProto.FLOAT
node, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info


def session_of(nodes, constants, inputs, output, shape):
    graph = onnx.helper.make_graph(
        nodes, "graph", [info(name, FLOAT, shape) for name in inputs], [info(output, FLOAT, shape)],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 15)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def dense():
    """The four layers of bench/engine.cpp."""
    random, nodes, constants, last = numpy.random.default_rng(1), [], {}, "x"
    for i in range(4):
        constants[f"w{i}"] = random.uniform(-0.125, 0.125, (64, 64)).astype(numpy.float32)
        constants[f"b{i}"] = random.uniform(-0.125, 0.125, 64).astype(numpy.float32)
        nodes.append(node("Gemm", [last, f"w{i}", f"b{i}"], [f"h{i}"]))
        last = f"h{i}"
        if i < 3:
            nodes.append(node("Relu", [last], [f"r{i}"]))
            last = f"r{i}"
    return session_of(nodes, constants, ["x"], last, [1, 64])


def chain(n):
    """Its twenty operators."""
    nodes, last = [], "x"
    for _ in range(4):
        for op, other in [("Add", "y"), ("Mul", "z"), ("Relu", None), ("Sub", "x"), ("Sigmoid", None)]:
            to = f"v{len(nodes)}"
            nodes.append(node(op, [last] + ([other] if other else []), [to]))
            last = to
    return session_of(nodes, {}, ["x", "y", "z"], last, [n])


def nothing(n):
    return session_of([node("Identity", ["x"], ["y"])], {}, ["x"], "y", [n])


def seconds_of(session):
    """Median of a call with bound inputs and outputs."""
    binding, kept = session.io_binding(), []
    for i, tensor in enumerate(session.get_inputs()):
        values = numpy.random.default_rng(i).uniform(-0.125, 0.125, tensor.shape).astype(numpy.float32)
        kept.append(onnxruntime.OrtValue.ortvalue_from_numpy(values))
        binding.bind_ortvalue_input(tensor.name, kept[-1])
    output = session.get_outputs()[0]
    kept.append(onnxruntime.OrtValue.ortvalue_from_numpy(numpy.empty(output.shape, numpy.float32)))
    binding.bind_ortvalue_output(output.name, kept[-1])
    times, until = [], time.perf_counter() + 0.3
    while len(times) < 20 or time.perf_counter() < until:
        start = time.perf_counter()
        session.run_with_iobinding(binding)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def tenon_seconds(program, row):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run([program, row, f"--json={file.name}"], check=True, stdout=subprocess.DEVNULL)
        contenders = json.load(file)["rows"][0]["contenders"]
    return {c["who"]: statistics.median(c["seconds"]) for c in contenders}


def main():
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    graphs = [("dense, 4 layers of 64", dense(), nothing(64)), ("20 operators, 1000", chain(1000), nothing(1000)),
              ("20 operators, 1000000", chain(10**6), nothing(1))]
    print(f"{'row (medians, µs)':24} {'tenon':>9} {'expression':>11} {'ONNX Runtime ' + onnxruntime.__version__:>22} "
          f"{'its call':>9} {'ratio':>7} {'without its call':>17}")
    for row, runtime, empty in graphs:
        ours, theirs, call = [], [], []
        for _ in range(rounds):
            ours.append(tenon_seconds(program, row))
            theirs.append(seconds_of(runtime))
            call.append(seconds_of(empty))
        mine, expression = (1e6 * statistics.median(o[who] for o in ours) for who in ("tenon", "expression"))
        other, overhead = 1e6 * statistics.median(theirs), 1e6 * statistics.median(call)
        print(f"{row:24} {mine:9.2f} {expression:11.2f} {other:22.2f} {overhead:9.2f} {other / mine:7.1f} "
              f"{(other - overhead) / mine:17.1f}", flush=True)


if __name__ == "__main__":
    main()
