#pragma once
// Detector: speech, chunk by chunk, in memory that is known when it is compiled.

#include "model.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace vad {

class Detector {
 public:
  Detector(const tn::Safetensors& file, tn::Arena& arena) : weights_(file, arena) {}
  Detector(const Detector&) = delete;  // the program points at the members
  Detector& operator=(const Detector&) = delete;

  // The probability of speech in the next 32 ms. No allocation, no error.
  float operator()(std::span<const float, chunk> samples) noexcept {
    std::ranges::copy(audio_.span().last<context>(), audio_.data());
    std::ranges::copy(samples, audio_.data() + context);
    program_.run();
    return speech_(0);
  }

 private:
  using Audio = tn::StaticTensor<float, context + chunk>;
  using State = tn::StaticTensor<float, units>;
  using Speech = tn::StaticTensor<float, 1>;
  using Step = decltype(step(std::declval<const Audio&>(), std::declval<const State&>(),
                             std::declval<const State&>(), std::declval<const Weights&>()));
  using Memory = tn::Workspace<Step>;
  using Program = decltype(tn::prepare(
      tn::tie(std::declval<Speech&>(), std::declval<State&>(), std::declval<State&>()),
      std::declval<Step>(), std::declval<Memory&>()));

  Weights weights_;
  Audio audio_{};  // the end of the last chunk, then this one
  State hidden_{}, cell_{};
  Speech speech_{};
  Memory workspace_;
  Program program_ = tn::prepare(tn::tie(speech_, hidden_, cell_),
                                 step(audio_, hidden_, cell_, weights_), workspace_);

 public:
  static constexpr std::size_t workspace_bytes = tn::plan_of<Step>.workspace_bytes;
  static constexpr std::size_t state_bytes = sizeof(Audio) + 2 * sizeof(State) + sizeof(Speech);
};

}  // namespace vad
