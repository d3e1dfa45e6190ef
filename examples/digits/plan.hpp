#pragma once
// What each expression of a training step takes: constants, known before the program runs.

#include "network.hpp"

#include <algorithm>
#include <cstddef>

namespace digits::plan {

// The tensor that an expression evaluates to, and an operand of a type, for decltype alone.
template <class E>
using Result = tn::Tensor<tn::value_t<E>, tn::shape_t<E>>;
template <class T>
const T& a();

using Images = tn::Tensor<float, tn::Shape<batch_size, pixels>>;
using Targets = tn::Tensor<float, tn::Shape<batch_size, classes>>;
using Hidden = decltype(hidden(a<Images>(), a<Network>()));
using Scores = decltype(scores(a<Result<Hidden>>(), a<Network>()));
using Loss = decltype(cross_entropy(a<Result<Scores>>(), a<Targets>()));
using DScores = decltype(scores_gradient(a<Result<Scores>>(), a<Targets>()));
using DHidden = decltype(hidden_gradient(a<Result<DScores>>(), a<Result<Hidden>>(), a<Network>()));
template <class Velocity, class X, class DY>
using WeightStep = decltype(accelerate(a<Velocity>(), weight_gradient(a<X>(), a<Result<DY>>())));
template <class Velocity, class DY>
using BiasStep = decltype(accelerate(a<Velocity>(), bias_gradient(a<Result<DY>>())));

struct Row {
  const char* expression;
  std::size_t result_bytes, workspace_bytes;
};

template <class E>
constexpr Row row(const char* expression) {
  return {expression, tn::plan_of<E>.result_bytes, tn::plan_of<E>.workspace_bytes};
}

inline constexpr Row rows[] = {
    row<Hidden>("h = relu(x·W1 + b1)"),
    row<Scores>("z = h·W2 + b2"),
    row<Loss>("loss = -sum(t * log_softmax(z)) / 32"),
    row<DScores>("dz = (softmax(z) - t) / 32"),
    row<DHidden>("dh = where(h > 0, dz·W2ᵀ, 0)"),
    row<WeightStep<decltype(Network::w2), Result<Hidden>, DScores>>("vW2 = 0.9 * vW2 + hᵀ·dz"),
    row<BiasStep<decltype(Network::b2), DScores>>("vb2 = 0.9 * vb2 + sum(dz)"),
    row<WeightStep<decltype(Network::w1), Images, DHidden>>("vW1 = 0.9 * vW1 + xᵀ·dh"),
    row<BiasStep<decltype(Network::b1), DHidden>>("vb1 = 0.9 * vb1 + sum(dh)"),
};

inline constexpr std::size_t peak_workspace_bytes =
    std::ranges::max_element(rows, {}, &Row::workspace_bytes)->workspace_bytes;
static_assert(peak_workspace_bytes <= 32 * 1024, "a training step works in an L1 cache");

}  // namespace digits::plan
