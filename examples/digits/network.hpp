#pragma once
// A network 64-128-10 and its gradients, written as Tenon expressions. A function here computes
// nothing: it returns what is to be computed, and its type knows every byte that this will take.

#include <tenon/tenon.hpp>

#include <cmath>
#include <random>

namespace digits {

namespace tn = tenon;

inline constexpr tn::index_t pixels = 64, hidden_units = 128, classes = 10;
inline constexpr tn::index_t batch_size = 32;
inline constexpr float learning_rate = 0.05F, momentum = 0.9F;

// Weights or biases, and how fast they move.
template <class S>
struct Parameter {
  tn::Tensor<float, S> value;
  tn::Tensor<float, S> velocity;
};

struct Network {
  Parameter<tn::Shape<pixels, hidden_units>> w1;
  Parameter<tn::Shape<hidden_units>> b1;
  Parameter<tn::Shape<hidden_units, classes>> w2;
  Parameter<tn::Shape<classes>> b2;
};

// He et al. 2015: normal weights of variance 2 / inputs; biases 0.
template <class S>
Parameter<S> random_parameter(S shape, std::mt19937_64& random, tn::Arena& arena) {
  Parameter<S> p{tn::random_normal<float>(shape, random, arena), tn::zeros<float>(shape, arena)};
  p.value *= std::sqrt(2.0F / static_cast<float>(shape.extent(0)));
  return p;
}

template <class S>
Parameter<S> zero_parameter(S shape, tn::Arena& arena) {
  return {tn::zeros<float>(shape, arena), tn::zeros<float>(shape, arena)};
}

inline Network make_network(std::mt19937_64& random, tn::Arena& arena) {
  return {random_parameter(tn::shape<pixels, hidden_units>(), random, arena),
          zero_parameter(tn::shape<hidden_units>(), arena),
          random_parameter(tn::shape<hidden_units, classes>(), random, arena),
          zero_parameter(tn::shape<classes>(), arena)};
}

// Forwards. B is the number of images, as static as the caller's.

auto hidden(const auto& x, const Network& net) {
  return tn::relu(tn::matmul(x, net.w1.value) + net.b1.value);  // (B, hidden_units)
}

auto scores(const auto& h, const Network& net) {
  return tn::matmul(h, net.w2.value) + net.b2.value;  // (B, classes)
}

auto read_digits(const auto& x, const Network& net) {
  return tn::argmax<-1>(scores(hidden(x, net), net));  // (B)
}

auto cross_entropy(const auto& z, const auto& target) {
  return -tn::sum(target * tn::log_softmax<-1>(z)) / batch_size;
}

// Backwards: the derivatives of cross_entropy.

auto scores_gradient(const auto& z, const auto& target) {
  return (tn::softmax<-1>(z) - target) / batch_size;  // (B, classes)
}

auto hidden_gradient(const auto& dz, const auto& h, const Network& net) {
  return tn::where(h > 0, tn::matmul(dz, tn::transpose(net.w2.value)), 0);  // (B, hidden_units)
}

auto weight_gradient(const auto& inputs, const auto& outputs_gradient) {
  return tn::matmul(tn::transpose(inputs), outputs_gradient);  // (inputs, outputs)
}

auto bias_gradient(const auto& outputs_gradient) {
  return tn::sum<0>(outputs_gradient);  // (outputs)
}

// velocity = momentum · velocity + gradient: the sum is part of the loop that makes the gradient,
// so that the gradient itself is never stored.
template <class S>
auto accelerate(const Parameter<S>& p, const auto& gradient) {
  return momentum * p.velocity + gradient;
}

template <class S>
void descend(Parameter<S>& p, const auto& gradient, auto& pool) {
  tn::eval_into(p.velocity, accelerate(p, gradient), tn::scratch(pool));
  p.value -= learning_rate * p.velocity;
}

// One step of stochastic gradient descent on a batch; returns its loss.
float train_on(const auto& x, const auto& target, Network& net, auto& pool) {
  const auto h = tn::eval(hidden(x, net), pool);
  const auto z = tn::eval(scores(h, net), pool);
  const auto loss = tn::eval(cross_entropy(z, target), pool);
  const auto dz = tn::eval(scores_gradient(z, target), pool);
  const auto dh = tn::eval(hidden_gradient(dz, h, net), pool);

  descend(net.w2, weight_gradient(h, dz), pool);
  descend(net.b2, bias_gradient(dz), pool);
  descend(net.w1, weight_gradient(x, dh), pool);
  descend(net.b1, bias_gradient(dh), pool);
  return loss.item();
}

}  // namespace digits
