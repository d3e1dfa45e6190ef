#pragma once
// A property: fused evaluation, evaluation stage by stage, and NumPy agree, on trees that nobody wrote.
//
// The type of a tree grows from a seed while compiling; its extents, which operands are stretched, and
// all values are drawn when it runs, so that each type is thousands of expressions. Each is built twice,
// as an expression and as a line of Python.

#include "catch.hpp"

#include <tenon/expr/unfused.hpp>
#include <tenon/tenon.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace random_trees {

namespace tn = tenon;
using tn::dyn;
using tn::index_t;

// What an expression and NumPy may differ by, relative and absolute: the trees keep values near 1.
template <class T>
inline constexpr double bound = sizeof(T) == 4 ? 1e-5 : 1e-13;

template <class E>
struct Term {
  E e;
  std::string text;
};
template <class E>
Term(E, std::string) -> Term<E>;

// Draws extents and operands, and keeps them.
template <class T>
class Source {
 public:
  using View = tn::TensorView<const T, tn::Shape<dyn, dyn>>;
  using Row = tn::TensorView<const T, tn::Shape<dyn>>;
  struct Operand {
    std::vector<index_t> shape;
    std::vector<T> values;
  };

  explicit Source(unsigned seed) : random_(seed) {
    operands_.reserve(64);  // views of them stay
    for (index_t& n : extents_) n = draw(8) == 0 ? 1 : 1 + draw(24);
  }
  [[nodiscard]] index_t extent(int i) const { return extents_[i]; }
  [[nodiscard]] const std::vector<Operand>& operands() const { return operands_; }

  // An operand of these extents; where it may be stretched, some of them are 1.
  auto matrix(int rows, int columns, bool stretched) {
    const auto some = [&](int i) { return stretched && draw(3) == 0 ? 1 : extents_[i]; };
    const index_t m = some(rows), n = some(columns);
    const Operand& o = add({m, n});
    return Term{View(o.values.data(), tn::shape(m, n)), name()};
  }
  auto row(int columns) {
    const Operand& o = add({extents_[columns]});
    return Term{Row(o.values.data(), tn::shape(extents_[columns])), name()};
  }
  // A matrix inside of a larger one.
  auto inside(int rows, int columns) {
    const index_t m = extents_[rows], n = extents_[columns];
    const Operand& o = add({m + 2, n + 1});
    const View whole(o.values.data(), tn::shape(m + 2, n + 1));
    return Term{tn::slice(whole, tn::range(1, m + 1), tn::range(0, n)), name() + "[1:-1, :-1]"};
  }

 private:
  index_t draw(unsigned choices) { return static_cast<index_t>(random_() % choices); }
  const Operand& add(std::vector<index_t> shape) {
    index_t n = 1;
    for (const index_t e : shape) n *= e;
    std::vector<T> values(static_cast<std::size_t>(n));
    for (T& x : values) x = static_cast<T>(static_cast<int>(random_() % 40001) - 20000) / T{12345};
    return operands_.emplace_back(Operand{std::move(shape), std::move(values)});
  }
  [[nodiscard]] std::string name() const { return "x" + std::to_string(operands_.size() - 1); }

  std::minstd_rand random_;
  index_t extents_[3];
  std::vector<Operand> operands_;
};

// The next number of a sequence (Numerical Recipes), the upper bits of it.
constexpr unsigned next(unsigned state) { return state * 1664525U + 1013904223U; }
constexpr unsigned pick(unsigned state, unsigned choices) { return (state >> 12) % choices; }

// A tree of extents R x C (numbers of the source's three); Whole: none of them stretched.
template <unsigned State, int Depth, int R, int C, bool Whole, class T>
auto grow(Source<T>& from) {
  constexpr unsigned s = next(State), left = next(s ^ 0x9E3779B9U), right = next(left + 77U);
  constexpr int one = Depth - 1, other = pick(right, 2) == 0 ? 0 : Depth - 1;
  if constexpr (Depth <= 0) {
    constexpr unsigned leaf = pick(s, 4);
    if constexpr (leaf == 0) {
      auto x = from.matrix(C, R, false);
      return Term{tn::transpose(x.e), x.text + ".T"};
    } else if constexpr (leaf == 1) {
      return from.inside(R, C);
    } else {
      auto x = from.matrix(R, C, !Whole);
      return Term{x.e * 1.0, x.text};
    }
  } else {
    constexpr unsigned operation = pick(s, 22);
    if constexpr (operation <= 4) {  // of two, of which one may be stretched
      constexpr bool swapped = pick(left, 2) == 1;
      auto a = grow < left, one, R, C, Whole || !swapped > (from);
      auto b = grow < right, other, R, C, Whole && swapped > (from);
      if constexpr (operation == 0)
        return Term{a.e + b.e, "(" + a.text + " + " + b.text + ")"};
      else if constexpr (operation == 1)
        return Term{a.e * b.e, "(" + a.text + " * " + b.text + ")"};
      else if constexpr (operation == 2)
        return Term{a.e - b.e, "(" + a.text + " - " + b.text + ")"};
      else if constexpr (operation == 3)
        return Term{a.e / (tn::abs(b.e) + 1), "(" + a.text + " / (abs(" + b.text + ") + 1))"};
      else
        return Term{tn::maximum(a.e, tn::minimum(b.e, 0.5)),
                    "np.maximum(" + a.text + ", np.minimum(" + b.text + ", 0.5))"};
    } else if constexpr (operation <= 6) {
      constexpr int k = static_cast<int>(pick(right, 3));
      auto a = grow<left, one, R, k, true>(from);
      auto b = grow<right, other, k, C, true>(from);
      return Term{tn::matmul(a.e, b.e) * 0.1, "(" + a.text + " @ " + b.text + " * 0.1)"};
    } else if constexpr (operation == 7) {
      auto a = grow<left, one, R, C, true>(from);
      return Term{tn::softmax<-1>(a.e), "softmax(" + a.text + ", -1)"};
    } else if constexpr (operation == 8) {
      auto a = grow<left, one, R, C, true>(from);
      auto b = grow<right, 0, R, C, false>(from);
      return Term{tn::softmax<0>(a.e) - b.e, "(softmax(" + a.text + ", 0) - " + b.text + ")"};
    } else if constexpr (operation == 9) {
      auto a = grow<left, one, R, C, true>(from);
      return Term{tn::log_softmax<1>(a.e) * 0.5, "(log_softmax(" + a.text + ", 1) * 0.5)"};
    } else if constexpr (operation == 10) {
      auto a = grow<left, one, C, R, true>(from);
      return Term{tn::relu(tn::transpose(a.e)), "np.maximum(" + a.text + ".T, 0)"};
    } else if constexpr (operation == 11) {
      auto a = grow<left, one, R, C, true>(from);
      auto b = grow<right, other, R, C, true>(from);
      return Term{a.e + tn::sum<1>(b.e, tn::keepdims) * 0.1,
                  "(" + a.text + " + np.sum(" + b.text + ", 1, keepdims=True) * 0.1)"};
    } else if constexpr (operation == 12) {
      auto a = grow<left, one, R, C, true>(from);
      auto b = grow<right, other, R, C, true>(from);
      return Term{a.e * tn::mean<0>(b.e), "(" + a.text + " * np.mean(" + b.text + ", 0))"};
    } else if constexpr (operation == 13) {
      auto a = grow<left, one, R, C, true>(from);
      return Term{a.e - tn::max<-1>(a.e, tn::keepdims) * 0.5,
                  "(" + a.text + " - np.max(" + a.text + ", -1, keepdims=True) * 0.5)"};
    } else if constexpr (operation == 14) {
      auto a = grow<left, one, R, C, Whole>(from);
      return Term{tn::exp(tn::tanh(a.e)), "np.exp(np.tanh(" + a.text + "))"};
    } else if constexpr (operation == 15) {
      auto a = grow<left, one, R, C, true>(from);
      auto b = from.row(C);
      return Term{a.e * tn::sigmoid(b.e), "(" + a.text + " / (1 + np.exp(-" + b.text + ")))"};
    } else if constexpr (operation == 16) {
      auto a = grow<left, one, R, C, Whole>(from);
      return Term{tn::let(a.e, [](auto h) { return tn::relu(h) - tn::square(h) * 0.25; }),
                  "(lambda h: np.maximum(h, 0) - h * h * 0.25)(" + a.text + ")"};
    } else if constexpr (operation == 17) {
      auto a = grow<left, one, R, C, true>(from);
      return Term{
          tn::let(a.e,
                  [](auto h) { return tn::matmul(h, tn::matmul(tn::transpose(h), h)) * 0.01 + h; }),
          "(lambda h: h @ (h.T @ h) * 0.01 + h)(" + a.text + ")"};
    } else if constexpr (operation == 18) {
      auto a = grow<left, one, R, C, true>(from);
      return Term{-tn::flip<0>(a.e) + tn::sqrt(tn::abs(a.e) + 0.1),
                  "(-(" + a.text + ")[::-1] + np.sqrt(abs(" + a.text + ") + 0.1))"};
    } else if constexpr (operation == 19) {
      auto a = grow<left, one, R, C, true>(from);
      auto b = grow<right, other, R, C, false>(from);
      auto x = from.matrix(R, C, true), y = from.row(C);
      return Term{tn::where(x.e < y.e, a.e, b.e),
                  "np.where(" + x.text + " < " + y.text + ", " + a.text + ", " + b.text + ")"};
    } else if constexpr (operation == 20) {
      auto a = grow<left, one, R, C, true>(from);
      auto b = grow<right, other, R, C, true>(from);
      auto x = from.row(C);
      return Term{a.e + tn::unsqueeze<1>(tn::matmul(b.e, x.e)) * 0.1,
                  "(" + a.text + " + (" + b.text + " @ " + x.text + ")[:, None] * 0.1)"};
    } else {
      auto a = grow<left, one, C, R, true>(from);
      return Term{tn::reshape(tn::tanh(a.e), tn::shape(from.extent(R), from.extent(C))),
                  "np.tanh(" + a.text + ").reshape(" + std::to_string(from.extent(R)) + ", " +
                      std::to_string(from.extent(C)) + ")"};
    }
  }
}

// The expressions of a run, for tests/data/check_trees.py: a line of JSON each, then the operands and
// the two results as they lie in memory.
class Record {
 public:
  explicit Record(std::string path) : path_(std::move(path)), file_(path_, std::ios::binary) {}
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;
  ~Record() { std::remove(path_.c_str()); }

  template <class T>
  void add(const std::string& text, const Source<T>& from,
           const tn::Tensor<T, tn::Shape<dyn, dyn>>& fused,
           const tn::Tensor<T, tn::Shape<dyn, dyn>>& apart) {
    file_ << "{\"type\": \"f" << sizeof(T) << "\", \"bound\": " << bound<T> << ", \"text\": \""
          << text << "\", \"operands\": [";
    const char* between = "";
    for (const auto& o : from.operands()) {
      file_ << between << "[" << o.shape[0];
      if (o.shape.size() > 1) file_ << ", " << o.shape[1];
      file_ << "]";
      between = ", ";
    }
    file_ << "], \"result\": [" << fused.extent(0) << ", " << fused.extent(1) << "]}\n";
    for (const auto& o : from.operands()) write(o.values.data(), o.values.size());
    write(fused.data(), static_cast<std::size_t>(fused.size()));
    write(apart.data(), static_cast<std::size_t>(apart.size()));
  }

  // NumPy's verdict; true where it agrees with all, or is not installed.
  bool agrees() {
    file_.close();
    const std::string command = "python3 -B " TENON_TEST_DATA "/check_trees.py " + path_;
    const int status = std::system(command.c_str());  // NOLINT: a path of our own
    if (status == 77 << 8) WARN("SKIPPED: NumPy is not installed (python3-numpy)");
    return status == 0 || status == 77 << 8;
  }

 private:
  template <class T>
  void write(const T* p, std::size_t n) {
    file_.write(reinterpret_cast<const char*>(p), static_cast<std::streamsize>(n * sizeof(T)));
  }
  std::string path_;
  std::ofstream file_;
};

// Tree `Seed`, with `count` draws of extents and values.
template <unsigned Seed, int Depth, class T>
void check_tree(int count, Record& record) {
  tn::Arena memory;
  std::size_t differing = 0;
  for (int draw = 0; draw < count; ++draw) {
    memory.reset(tn::retain_capacity);
    Source<T> from(Seed * 1000U + static_cast<unsigned>(draw));
    const auto term = grow<Seed * 2654435761U, Depth, 0, 1, true>(from);
    const auto fused = tn::eval(term.e, memory);
    const auto apart = tn::eval(tn::testing::unfused(term.e), memory);
    for (index_t i = 0; i < fused.size(); ++i) {
      const double x = static_cast<double>(fused.data()[i]),
                   y = static_cast<double>(apart.data()[i]);
      differing += !(std::fabs(x - y) <= bound<T> * (1 + std::fabs(y)));
    }
    record.add(term.text, from, fused, apart);
  }
  INFO("tree " << Seed);
  CHECK(differing == 0);
}

// Trees First … First + Count - 1, each drawn `draws` times. `path`: a file for the record.
template <unsigned First, unsigned Count, int Depth, class T = float>
void check_trees(int draws, const std::string& path) {
  Record record(path);
  [&]<unsigned... I>(std::integer_sequence<unsigned, I...>) {
    (check_tree<First + I, Depth, T>(draws, record), ...);
  }(std::make_integer_sequence<unsigned, Count>{});
  CHECK(record.agrees());
}

}  // namespace random_trees
