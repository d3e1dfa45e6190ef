#pragma once
// Convolutions by plain loops in double, with the bound of the error that the sum may have.

#include "naive.hpp"

#include <tenon/tenon.hpp>

#include <cmath>
#include <limits>
#include <vector>

namespace naive {

namespace tn = tenon;

// How a window slides along one axis.
struct Sliding {
  index_t stride = 1, before = 0, after = 0, dilation = 1;

  [[nodiscard]] index_t places(index_t n, index_t taps) const {
    return (n + before + after - dilation * (taps - 1) - 1) / stride + 1;
  }
};

// The elements of any view as doubles, in row-major order.
template <class View>
[[nodiscard]] std::vector<double> doubles(const View& x) {
  const auto shape = x.shape().extents();
  const auto strides = x.strides();
  std::vector<double> all;
  for_each_index(std::vector<index_t>(shape.begin(), shape.end()), [&](const auto& index) {
    index_t at = 0;
    for (std::size_t d = 0; d < index.size(); ++d) at += index[d] * strides[d];
    all.push_back(static_cast<double>(x.data()[at]));
  });
  return all;
}

struct Sums {
  std::vector<double> value;
  std::vector<double> magnitude;  // the sum of the absolute values of the terms
  index_t terms = 0;
};

// x (batches, channels, h, w), weights (rows, channels / groups, kh, kw), both in row-major order.
struct Convolution {
  index_t batches, channels, h, w, rows, kh, kw, groups;
  Sliding down, across;

  [[nodiscard]] Sums run(const std::vector<double>& x, const std::vector<double>& weights) const {
    const index_t own = channels / groups, oh = down.places(h, kh), ow = across.places(w, kw);
    Sums out;
    out.terms = own * kh * kw;
    for_each_index({batches, rows, oh, ow}, [&](const auto& o) {
      double sum = 0, magnitude = 0;
      const index_t group = o[1] / (rows / groups);
      for_each_index({own, kh, kw}, [&](const auto& k) {
        const index_t i = o[2] * down.stride + k[1] * down.dilation - down.before;
        const index_t j = o[3] * across.stride + k[2] * across.dilation - across.before;
        if (i < 0 || i >= h || j < 0 || j >= w) return;
        const index_t c = group * own + k[0];
        const double term =
            x[static_cast<std::size_t>(((o[0] * channels + c) * h + i) * w + j)] *
            weights[static_cast<std::size_t>(((o[1] * own + k[0]) * kh + k[1]) * kw + k[2])];
        sum += term;
        magnitude += std::fabs(term);
      });
      out.value.push_back(sum);
      out.magnitude.push_back(magnitude);
    });
    return out;
  }
};

// How many elements of y are further from the sums than n + 2 roundings of unit u may take them:
// (n + 2)·u·(sum of magnitudes), for the terms and operands that were rounded once before.
template <class Y>
[[nodiscard]] int wrong_sums(const Y& y, const Sums& expected) {
  using T = typename Y::value_type;
  const std::vector<double> got = doubles(y.view());
  if (got.size() != expected.value.size()) return -1;
  const double unit =
      std::is_floating_point_v<T> ? static_cast<double>(std::numeric_limits<T>::epsilon()) / 2 : 0;
  int wrong = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double bound =
        static_cast<double>(expected.terms + 2) * unit * expected.magnitude[i] * 1.0001;
    wrong += !(std::fabs(got[i] - expected.value[i]) <= bound);
  }
  return wrong;
}

}  // namespace naive
