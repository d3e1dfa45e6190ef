#pragma once
// The elementwise operations, each one functor on numbers and packs alike.
//
// Every operation rounds once: nothing here is contracted. `name` is what errors and plans print;
// `weight` is the cost beside an addition, 1 if not given; what weighs more than 8 is costly, and
// the plan never computes it twice. `flops` is what plans count for an element, the weight if not
// given: 1 for what IEEE 754 calls an operation.

#include <tenon/simd/math.hpp>
#include <tenon/simd/pack.hpp>

#include <concepts>

namespace tenon::inline TENON_MODE::functor {

struct Add {
  static constexpr const char* name = "add";
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a + b;
  }
};
struct Subtract {
  static constexpr const char* name = "subtract";
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a - b;
  }
};
struct Multiply {
  static constexpr const char* name = "multiply";
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a * b;
  }
};
struct Divide {
  static constexpr const char* name = "divide";
  static constexpr int weight = 4;
  static constexpr int flops = 1;
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a / b;
  }
};
struct Remainder {
  static constexpr const char* name = "remainder";
  static constexpr int weight = 4;
  static constexpr int flops = 1;
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a % b;
  }
};
struct Negate {
  static constexpr const char* name = "negative";
  TENON_INLINE constexpr auto operator()(const auto& a) const noexcept { return -a; }
};

struct Equal {
  static constexpr const char* name = "equal";
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a == b;
  }
};
struct NotEqual {
  static constexpr const char* name = "not_equal";
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a != b;
  }
};
struct Less {
  static constexpr const char* name = "less";
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a < b;
  }
};
struct LessEqual {
  static constexpr const char* name = "less_equal";
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a <= b;
  }
};
struct Greater {
  static constexpr const char* name = "greater";
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a > b;
  }
};
struct GreaterEqual {
  static constexpr const char* name = "greater_equal";
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a >= b;
  }
};

struct BitAnd {
  static constexpr const char* name = "bitwise_and";
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a & b;
  }
};
struct BitOr {
  static constexpr const char* name = "bitwise_or";
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a | b;
  }
};
struct BitXor {
  static constexpr const char* name = "bitwise_xor";
  TENON_INLINE constexpr auto operator()(const auto& a, const auto& b) const noexcept {
    return a ^ b;
  }
};
struct BitNot {
  static constexpr const char* name = "bitwise_not";
  TENON_INLINE constexpr auto operator()(const auto& a) const noexcept { return ~a; }
};

// Formula: a: what `view = expression` stretches to the view.
struct Assign {
  static constexpr const char* name = "assign";
  static constexpr bool takes_masks = true;
  static constexpr int weight = 0;
  TENON_INLINE constexpr auto operator()(const auto& a) const noexcept { return a; }
};

// Formula: c ? a : b, lane by lane; both a and b are evaluated.
struct Where {
  static constexpr const char* name = "where";
  static constexpr bool takes_masks = true;
  TENON_INLINE auto operator()(const auto& c, const auto& a, const auto& b) const noexcept {
    return simd::select(c, a, b);
  }
};

// Formula: static_cast<U>(a); to bool: a != 0.
template <class U>
struct Cast {
  static constexpr const char* name = "cast";
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::convert<U>(a); }
};

struct Minimum {
  static constexpr const char* name = "minimum";
  TENON_INLINE auto operator()(const auto& a, const auto& b) const noexcept {
    return simd::minimum(a, b);
  }
};
struct Maximum {
  static constexpr const char* name = "maximum";
  TENON_INLINE auto operator()(const auto& a, const auto& b) const noexcept {
    return simd::maximum(a, b);
  }
};
struct Abs {
  static constexpr const char* name = "abs";
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::abs(a); }
};
struct Square {
  static constexpr const char* name = "square";
  TENON_INLINE constexpr auto operator()(const auto& a) const noexcept { return a * a; }
};
struct Relu {
  static constexpr const char* name = "relu";
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::relu(a); }
};
struct Sqrt {
  static constexpr const char* name = "sqrt";
  static constexpr int weight = 6;
  static constexpr int flops = 1;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::sqrt(a); }
};
struct Exp {
  static constexpr const char* name = "exp";
  static constexpr int weight = 20;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::exp(a); }
};
struct Log {
  static constexpr const char* name = "log";
  static constexpr int weight = 20;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::log(a); }
};
struct Tanh {
  static constexpr const char* name = "tanh";
  static constexpr int weight = 25;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::tanh(a); }
};
struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  static constexpr int weight = 25;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::sigmoid(a); }
};
struct Sin {
  static constexpr const char* name = "sin";
  static constexpr int weight = 30;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::sin(a); }
};
struct Cos {
  static constexpr const char* name = "cos";
  static constexpr int weight = 30;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::cos(a); }
};
struct Erf {
  static constexpr const char* name = "erf";
  static constexpr int weight = 60;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::erf(a); }
};
struct Gelu {
  static constexpr const char* name = "gelu";
  static constexpr int weight = 70;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::gelu(a); }
};
struct Silu {
  static constexpr const char* name = "silu";
  static constexpr int weight = 26;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return a * simd::sigmoid(a); }
};
struct Round {
  static constexpr const char* name = "round";
  static constexpr int weight = 4;
  static constexpr int flops = 1;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::round(a); }
};
struct Floor {
  static constexpr const char* name = "floor";
  static constexpr int weight = 4;
  static constexpr int flops = 1;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::floor(a); }
};
struct Ceil {
  static constexpr const char* name = "ceil";
  static constexpr int weight = 4;
  static constexpr int flops = 1;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::ceil(a); }
};
struct Trunc {
  static constexpr const char* name = "trunc";
  static constexpr int weight = 4;
  static constexpr int flops = 1;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::trunc(a); }
};
struct Sign {
  static constexpr const char* name = "sign";
  static constexpr int weight = 4;
  static constexpr int flops = 1;
  TENON_INLINE auto operator()(const auto& a) const noexcept { return simd::sign(a); }
};
struct Pow {
  static constexpr const char* name = "pow";
  static constexpr int weight = 60;
  TENON_INLINE auto operator()(const auto& a, const auto& b) const noexcept {
    return simd::pow(a, b);
  }
};

}  // namespace tenon::inline TENON_MODE::functor
