#pragma once
// Silero VAD (16 kHz) written as Tenon expressions. A function here computes nothing: it returns what is
// to be computed, and its type knows every byte that this will take.
//
// Time runs along rows: (places, channels). A convolution is then a product of its windows, neighbours side by
// side, with weights that were turned when they were loaded: four rows times many columns fill all lanes.

#include <tenon/io.hpp>
#include <tenon/tenon.hpp>

namespace vad {

namespace tn = tenon;
using namespace tn::literals;

inline constexpr tn::index_t sample_rate = 16'000;
inline constexpr tn::index_t chunk = 512;   // 32 ms
inline constexpr tn::index_t context = 64;  // samples of the chunk before, heard again
inline constexpr tn::index_t units = 128;   // of the LSTM

template <tn::index_t... E>
using Tensor = tn::Tensor<float, tn::Shape<E...>>;
template <tn::index_t... E>
using Mapped = tn::TensorView<const float, tn::Shape<E...>>;

// Weights as products' right sides, copied once into the arena: (Out, In, Taps) in the file -> (Taps · In, Out).
template <tn::index_t Out, tn::index_t In, tn::index_t Taps>
Tensor<Taps * In, Out> turned(const Mapped<Out, In, Taps>& weights, tn::Arena& arena) {
  return tn::eval(tn::reshape(tn::permute<2, 1, 0>(weights), tn::shape<Taps * In, Out>()), arena);
}
template <tn::index_t Out, tn::index_t In>
Tensor<In, Out> turned(const Mapped<Out, In>& weights, tn::Arena& arena) {
  return tn::eval(tn::transpose(weights), arena);
}

// The other weights are views of the file.
struct Weights {
  Weights(const tn::Safetensors& file, tn::Arena& arena)
      : stft(turned(file.view<float, tn::Shape<258, 1, 256>>("stft_conv.weight"), arena)),
        w1(turned(file.view<float, tn::Shape<128, 129, 3>>("conv1.weight"), arena)),
        w2(turned(file.view<float, tn::Shape<64, 128, 3>>("conv2.weight"), arena)),
        w3(turned(file.view<float, tn::Shape<64, 64, 3>>("conv3.weight"), arena)),
        w4(turned(file.view<float, tn::Shape<128, 64, 3>>("conv4.weight"), arena)),
        w_input(turned(file.view<float, tn::Shape<512, units>>("lstm_cell.weight_ih"), arena)),
        w_hidden(turned(file.view<float, tn::Shape<512, units>>("lstm_cell.weight_hh"), arena)),
        b1(file.view<float, tn::Shape<128>>("conv1.bias")),
        b2(file.view<float, tn::Shape<64>>("conv2.bias")),
        b3(file.view<float, tn::Shape<64>>("conv3.bias")),
        b4(file.view<float, tn::Shape<128>>("conv4.bias")),
        b_input(file.view<float, tn::Shape<512>>("lstm_cell.bias_ih")),
        b_hidden(file.view<float, tn::Shape<512>>("lstm_cell.bias_hh")),
        w_out(file.view<float, tn::Shape<1, units, 1>>("final_conv.weight")),
        b_out(file.view<float, tn::Shape<1>>("final_conv.bias")) {}

  Tensor<256, 258> stft;
  Tensor<3 * 129, 128> w1;
  Tensor<3 * 128, 64> w2;
  Tensor<3 * 64, 64> w3;
  Tensor<3 * 64, 128> w4;
  Tensor<units, 512> w_input, w_hidden;
  Mapped<128> b1;
  Mapped<64> b2, b3;
  Mapped<128> b4;
  Mapped<512> b_input, b_hidden;
  Mapped<1, units, 1> w_out;
  Mapped<1> b_out;
};

// A range that is a type, so that a slice has a static shape.
template <tn::index_t Start, tn::index_t Stop, tn::index_t Step = 1>
inline constexpr auto range = tn::range(std::integral_constant<tn::index_t, Start>{},
                                        std::integral_constant<tn::index_t, Stop>{},
                                        std::integral_constant<tn::index_t, Step>{});

// (576) -> (4, 256): frames that start 128 samples apart. The last one hears the end again, mirrored.
auto frames(const auto& audio) {
  auto mirrored = tn::concat<0>(audio, tn::flip<0>(tn::slice(audio, range<511, 575>)));
  return tn::let(tn::reshape(mirrored, tn::shape<5, 128>()), [](auto hops) {
    return tn::concat<1>(tn::slice(hops, range<0, 4>), tn::slice(hops, range<1, 5>));
  });
}

// (576) -> (4, 129): loudness of 129 frequencies at 4 times.
auto spectrum(const auto& audio, const Weights& w) {
  return tn::let(tn::matmul(frames(audio), w.stft), [](auto s) {
    return tn::sqrt(tn::square(tn::slice(s, tn::full_extent, range<0, 129>)) +
                    tn::square(tn::slice(s, tn::full_extent, range<129, 258>)));
  });
}

// (L, C) -> (L / Stride, 3 · C): each place between its neighbours, zeros at the ends.
template <int Stride, class X>
auto windows(const X& x) {
  return tn::let(tn::pad<0>(x, 1_c, 1_c), [](auto p) {
    constexpr tn::index_t last = (tn::shape_t<X>{}.extent(0) - 1) / Stride * Stride;
    return tn::concat<1>(tn::slice(p, range<0, last + 1, Stride>),
                         tn::slice(p, range<1, last + 2, Stride>),
                         tn::slice(p, range<2, last + 3, Stride>));
  });
}

template <int Stride>
auto layer(const auto& x, const auto& w, const auto& b) {
  return tn::relu(tn::matmul(windows<Stride>(x), w) + b);
}

// (576) -> (128): what the chunk sounds like.
auto encoder(const auto& audio, const Weights& w) {
  auto h1 = layer<1>(spectrum(audio, w), w.w1, w.b1);  // (4, 128)
  auto h2 = layer<2>(h1, w.w2, w.b2);                  // (2, 64)
  auto h3 = layer<2>(h2, w.w3, w.b3);                  // (1, 64)
  return tn::squeeze<0>(layer<1>(h3, w.w4, w.b4));
}

// (128) -> (512): what goes into the LSTM's gates.
auto gates(const auto& heard, const auto& hidden, const Weights& w) {
  return tn::matmul(heard, w.w_input) + w.b_input + (tn::matmul(hidden, w.w_hidden) + w.b_hidden);
}

// (512), (128) -> (128): what the LSTM remembers from now on.
auto remember(const auto& gate, const auto& cell) {
  auto input = tn::sigmoid(tn::slice(gate, range<0, 128>));
  auto forget = tn::sigmoid(tn::slice(gate, range<128, 256>));
  auto candidate = tn::tanh(tn::slice(gate, range<256, 384>));
  return forget * cell + input * candidate;
}

// (128) -> (1): the probability of speech.
auto decoder(const auto& hidden, const Weights& w) {
  return tn::sigmoid(tn::sum(tn::reshape(w.w_out, tn::shape<units>()) * tn::relu(hidden)) +
                     w.b_out);
}

// One chunk: the probability of speech, and the state (hidden, cell) for the next one.
auto step(const auto& audio, const auto& hidden, const auto& cell, const Weights& w) {
  return tn::let(encoder(audio, w), [&](auto heard) {
    return tn::let(gates(heard, hidden, w), [&](auto gate) {
      return tn::let(remember(gate, cell), [&](auto next_cell) {
        auto output = tn::sigmoid(tn::slice(gate, range<384, 512>));
        return tn::let(output * tn::tanh(next_cell), [&](auto next_hidden) {
          return tn::tie(decoder(next_hidden, w), next_hidden, next_cell);
        });
      });
    });
  });
}

}  // namespace vad
