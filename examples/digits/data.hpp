#pragma once
// The handwritten digits, in a random order that is the same on every machine.

#include "network.hpp"

#include <cstdint>
#include <fstream>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace digits {

inline constexpr tn::index_t digit_count = 1797;
inline constexpr tn::index_t training_count = 1440;  // 45 batches; the others are held out

// A bound that is a type, so that a slice has a static shape.
template <tn::index_t N>
inline constexpr std::integral_constant<tn::index_t, N> bound;
inline constexpr auto held_out = tn::range(bound<training_count>, bound<digit_count>);

struct Digits {
  tn::Tensor<float, tn::Shape<digit_count, pixels>> images;    // 0 paper … 1 ink
  tn::Tensor<float, tn::Shape<digit_count, classes>> targets;  // 1 at the label, else 0
  tn::Tensor<std::int64_t, tn::Shape<digit_count>> labels;
};

// Fisher and Yates. Not std::shuffle, whose order is another one in each standard library.
inline void shuffle(std::span<tn::index_t> order, std::mt19937_64& random) {
  for (std::size_t n = order.size(); n > 1; --n) std::swap(order[n - 1], order[random() % n]);
}

// Reads the lines of the file into shuffled rows.
inline Digits load_digits(const std::string& path, std::mt19937_64& random, tn::Arena& arena) {
  Digits digits{tn::empty<float>(tn::shape<digit_count, pixels>(), arena),
                tn::empty<float>(tn::shape<digit_count, classes>(), arena),
                tn::empty<std::int64_t>(tn::shape<digit_count>(), arena)};
  auto rows = tn::arange<tn::index_t>(bound<digit_count>, arena);
  shuffle(rows.span(), random);

  std::ifstream file(path);
  for (const tn::index_t row : rows.span()) {
    char comma = 0;
    for (tn::index_t p = 0; p < pixels; ++p) file >> digits.images(row, p) >> comma;
    file >> digits.labels(row);
  }
  if (!file) throw std::runtime_error("cannot read " + path);

  digits.images /= 16;
  const auto every_class = tn::arange<std::int64_t>(classes, arena);
  digits.targets.view() = tn::cast<float>(tn::unsqueeze<1>(digits.labels) == every_class);
  return digits;
}

struct Batch {
  tn::Tensor<float, tn::Shape<batch_size, pixels>> images;
  tn::Tensor<float, tn::Shape<batch_size, classes>> targets;
};

inline Batch gather(const Digits& digits, std::span<const tn::index_t> rows,
                    tn::PoolAllocator& pool) {
  Batch batch{tn::empty<float>(tn::shape<batch_size, pixels>(), pool),
              tn::empty<float>(tn::shape<batch_size, classes>(), pool)};
  for (tn::index_t i = 0; const tn::index_t row : rows) {
    tn::slice(batch.images.view(), i) = tn::slice(digits.images.view(), row);
    tn::slice(batch.targets.view(), i) = tn::slice(digits.targets.view(), row);
    ++i;
  }
  return batch;
}

}  // namespace digits
