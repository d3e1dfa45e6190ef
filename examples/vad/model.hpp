#pragma once
// Silero VAD (16 kHz) written as Tenon expressions. A function here computes nothing: it returns what is
// to be computed, and its type knows every byte that this will take.

#include <tenon/io.hpp>
#include <tenon/tenon.hpp>

namespace vad {

namespace tn = tenon;
using namespace tn::literals;

inline constexpr tn::index_t sample_rate = 16'000;
inline constexpr tn::index_t chunk = 512;   // 32 ms
inline constexpr tn::index_t context = 64;  // samples of the chunk before, seen again
inline constexpr tn::index_t units = 128;   // of the LSTM

template <tn::index_t... E>
using Weight = tn::TensorView<const float, tn::Shape<E...>>;
template <tn::index_t... E>
using Turned = tn::Tensor<float, tn::Shape<E...>>;

// The weights, where they lie in the file; those of the LSTM turned once, so that its products read them
// row by row.
struct Weights {
  Weights(const tn::Safetensors& file, tn::Arena& arena)
      : stft(file.view<float, tn::Shape<258, 1, 256>>("stft_conv.weight")),
        w1(file.view<float, tn::Shape<128, 129, 3>>("conv1.weight")),
        b1(file.view<float, tn::Shape<128>>("conv1.bias")),
        w2(file.view<float, tn::Shape<64, 128, 3>>("conv2.weight")),
        b2(file.view<float, tn::Shape<64>>("conv2.bias")),
        w3(file.view<float, tn::Shape<64, 64, 3>>("conv3.weight")),
        b3(file.view<float, tn::Shape<64>>("conv3.bias")),
        w4(file.view<float, tn::Shape<128, 64, 3>>("conv4.weight")),
        b4(file.view<float, tn::Shape<128>>("conv4.bias")),
        w_input(turned(file.view<float, tn::Shape<512, 128>>("lstm_cell.weight_ih"), arena)),
        w_hidden(turned(file.view<float, tn::Shape<512, 128>>("lstm_cell.weight_hh"), arena)),
        b_input(file.view<float, tn::Shape<512>>("lstm_cell.bias_ih")),
        b_hidden(file.view<float, tn::Shape<512>>("lstm_cell.bias_hh")),
        w_out(file.view<float, tn::Shape<1, 128, 1>>("final_conv.weight")),
        b_out(file.view<float, tn::Shape<1>>("final_conv.bias")) {}

  static Turned<128, 512> turned(const Weight<512, 128>& w, tn::Arena& arena) {
    return tn::eval(tn::transpose(w), arena);
  }

  Weight<258, 1, 256> stft;
  Weight<128, 129, 3> w1;
  Weight<128> b1;
  Weight<64, 128, 3> w2;
  Weight<64> b2;
  Weight<64, 64, 3> w3;
  Weight<64> b3;
  Weight<128, 64, 3> w4;
  Weight<128> b4;
  Turned<128, 512> w_input, w_hidden;
  Weight<512> b_input, b_hidden;
  Weight<1, 128, 1> w_out;
  Weight<1> b_out;
};

// (576) -> (640): the end again, mirrored at the last sample.
auto reflect(const auto& audio) {
  return tn::concat<0>(audio, tn::flip<0>(tn::slice(audio, tn::range(511_c, 575_c))));
}

// (576) -> (129, 4): loudness of 129 frequencies at 4 times.
auto spectrum(const auto& audio, const Weights& w) {
  auto stft = tn::let(reflect(audio), [&](auto padded) {
    return tn::conv1d<tn::Conv1d{.stride = 128}>(tn::unsqueeze<0>(padded), w.stft);
  });
  return tn::let(stft, [](auto s) {
    return tn::sqrt(tn::square(tn::slice(s, tn::range(0_c, 129_c))) +
                    tn::square(tn::slice(s, tn::range(129_c, 258_c))));
  });
}

template <int Stride>
auto layer(auto&& x, const auto& w, const auto& b) {
  return tn::relu(tn::conv1d<tn::Conv1d{.stride = Stride, .padding = 1}>(x, w) +
                  tn::unsqueeze<1>(b));
}

// (576) -> (128): what the chunk sounds like.
auto encoder(const auto& audio, const Weights& w) {
  return tn::squeeze<-1>(
      layer<1>(layer<2>(layer<2>(layer<1>(spectrum(audio, w), w.w1, w.b1), w.w2, w.b2), w.w3, w.b3),
               w.w4, w.b4));
}

// (128) -> (512): what goes into the LSTM's gates.
auto gates(const auto& heard, const auto& hidden, const Weights& w) {
  return tn::matmul(heard, w.w_input) + w.b_input + (tn::matmul(hidden, w.w_hidden) + w.b_hidden);
}

// (512), (128) -> (128): what the LSTM remembers from now on.
auto remember(const auto& gate, const auto& cell) {
  auto input = tn::sigmoid(tn::slice(gate, tn::range(0_c, 128_c)));
  auto forget = tn::sigmoid(tn::slice(gate, tn::range(128_c, 256_c)));
  auto candidate = tn::tanh(tn::slice(gate, tn::range(256_c, 384_c)));
  return forget * cell + input * candidate;
}

// (128) -> (1): the probability of speech.
auto decoder(const auto& hidden, const Weights& w) {
  return tn::sigmoid(tn::sum(tn::reshape(w.w_out, tn::shape<128>()) * tn::relu(hidden)) + w.b_out);
}

// One chunk: the probability of speech, and the state (hidden, cell) for the next one.
auto step(const auto& audio, const auto& hidden, const auto& cell, const Weights& w) {
  return tn::let(encoder(audio, w), [&](auto heard) {
    return tn::let(gates(heard, hidden, w), [&](auto gate) {
      return tn::let(remember(gate, cell), [&](auto next_cell) {
        auto output = tn::sigmoid(tn::slice(gate, tn::range(384_c, 512_c)));
        return tn::let(output * tn::tanh(next_cell), [&](auto next_hidden) {
          return tn::tie(decoder(next_hidden, w), next_hidden, next_cell);
        });
      });
    });
  });
}

}  // namespace vad
