#!/usr/bin/env python3
"""Latency of a chunk of speech: examples/vad beside ONNX Runtime, one thread each, in turn.

usage: vad.py <program of examples/vad> <folder with silero_vad_16k_op15.onnx, *.safetensors, test.wav> [rounds]

Needs onnx, onnxruntime and numpy from PyPI. Both hear the same chunks of 32 ms with the state of the one
before; each round gives the median over all chunks of the recording, first of one, then of the other. What
the call of ONNX Runtime costs in Python is measured on a graph that does nothing (inputs to outputs), and
taken off in a line of its own.
"""
import re
import statistics
import subprocess
import sys
import time
import wave

import numpy
import onnx
import onnxruntime


def session_of(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def nothing():
    """The inputs and outputs of the model with Identity between them."""
    tensor, float32 = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["input"], ["output"]),
         onnx.helper.make_node("Identity", ["state"], ["stateN"])], "nothing",
        [tensor("input", float32, [1, 576]), tensor("state", float32, [2, 1, 128]),
         tensor("sr", onnx.TensorProto.INT64, [])],
        [tensor("output", float32, [1, 576]), tensor("stateN", float32, [2, 1, 128])])
    opset = [onnx.helper.make_opsetid("", 15)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def median_us(session, chunks):
    state, before, rate = numpy.zeros((2, 1, 128), numpy.float32), numpy.zeros(64, numpy.float32), numpy.array(16000)
    seconds = []
    for chunk in chunks:
        heard = numpy.concatenate([before, chunk])[None]
        start = time.perf_counter()
        _, state = session.run(None, {"input": heard, "state": state, "sr": rate})
        seconds.append(time.perf_counter() - start)
        before = chunk[-64:]
    return 1e6 * statistics.median(seconds)


def tenon_us(program, folder):
    out = subprocess.run([program, f"{folder}/test.wav", "--svg", "/dev/null", "--weights",
                          f"{folder}/silero_vad_16k.safetensors"], capture_output=True, text=True, check=True).stdout
    return float(re.search(r"a chunk of 32 ms: ([0-9.]+) µs", out)[1])


def main():
    program, folder = sys.argv[1], sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 9
    with wave.open(f"{folder}/test.wav") as recording:
        samples = numpy.frombuffer(recording.readframes(recording.getnframes()), numpy.int16) / numpy.float32(32768)
    chunks = samples[:len(samples) // 512 * 512].reshape(-1, 512)
    runtime, empty = session_of(f"{folder}/silero_vad_16k_op15.onnx"), session_of(nothing())
    tenon, ours, call = [], [], []
    for _ in range(rounds):
        tenon.append(tenon_us(program, folder))
        ours.append(median_us(runtime, chunks))
        call.append(median_us(empty, chunks))
    mine, theirs, overhead = (statistics.median(x) for x in (tenon, ours, call))
    print(f"Tenon                              {mine:7.1f} µs a chunk  ({min(tenon):.1f} … {max(tenon):.1f})")
    print(f"ONNX Runtime {onnxruntime.__version__:9}             {theirs:7.1f} µs          ({min(ours):.1f} … {max(ours):.1f})")
    print(f"ONNX Runtime without Python's call {theirs - overhead:7.1f} µs          (the call: {overhead:.1f})")
    print(f"ratio {theirs / mine:.2f}, without Python's call {(theirs - overhead) / mine:.2f}")


if __name__ == "__main__":
    main()
