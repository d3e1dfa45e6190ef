#!/usr/bin/env python3
"""Writes the probability of speech that ONNX Runtime gives for every chunk of a recording.

usage: make_vad_reference.py <model.onnx> <recording.wav> [weights.safetensors]

Needs onnx, onnxruntime, numpy and safetensors from PyPI. vad_probabilities.txt was made with onnxruntime
1.31.1, in ../shared/data/silero, by
  make_vad_reference.py silero_vad_16k_op15.onnx test.wav silero_vad_16k.safetensors > vad_probabilities.txt
The graph is that of the ONNX file. Its own weights are of another training than those of the safetensors
file (apart from the STFT), so these are put in their places; without the third argument the graph keeps
its own. Each chunk of 512 samples is heard behind the last 64 samples of the one before, as by OnnxWrapper
in snakers4/silero-vad.
"""
import sys
import wave

import numpy
import onnx
import onnxruntime
import safetensors.numpy

PLACES = {"stft_conv.weight": "model.stft.forward_basis_buffer",
          **{f"conv{k + 1}.{t}": f"model.encoder.{k}.reparam_conv.{t}"
             for k in range(4) for t in ("weight", "bias")},
          **{f"lstm_cell.{t}": f"model.decoder.rnn.{t}"
             for t in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")},
          **{f"final_conv.{t}": f"model.decoder.decoder.2.{t}" for t in ("weight", "bias")}}

model = onnx.load(sys.argv[1])
if len(sys.argv) > 3:
    weights = {PLACES[name]: array for name, array in safetensors.numpy.load_file(sys.argv[3]).items()}
    for initializer in model.graph.initializer:
        array = weights.pop(initializer.name, None)
        if array is not None:
            assert list(initializer.dims) == list(array.shape)
            initializer.CopyFrom(onnx.numpy_helper.from_array(array, initializer.name))
    assert not weights, weights.keys()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
with wave.open(sys.argv[2]) as recording:
    assert (recording.getframerate(), recording.getnchannels(), recording.getsampwidth()) == (16000, 1, 2)
    samples = numpy.frombuffer(recording.readframes(recording.getnframes()), numpy.int16) / numpy.float32(32768)
samples = numpy.pad(samples, (0, -len(samples) % 512))
state = numpy.zeros((2, 1, 128), numpy.float32)
before = numpy.zeros(64, numpy.float32)
for chunk in samples.reshape(-1, 512):
    heard = numpy.concatenate([before, chunk])[None]
    feed = {"input": heard, "state": state, "sr": numpy.array(16000)}
    probability, state = session.run(None, feed)
    before = chunk[-64:]
    print(f"{probability.item():.8g}")
