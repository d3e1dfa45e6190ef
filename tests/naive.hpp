#pragma once
// What tests of kernels, plans and evaluation share: random values, memory with sentinels, a resource
// that keeps a record, and comparison of bits.

#include <tenon/core/config.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <new>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

namespace naive {

using tenon::index_t;

template <class T>
[[nodiscard]] bool same_bits(T x, T y) {
  return std::memcmp(&x, &y, sizeof(T)) == 0;
}

// The same number: any NaN equals any NaN, 0 equals -0.
template <class T>
[[nodiscard]] bool same_value(T x, T y) {
  return x == y || (x != x && y != y);
}

// x and y differ by at most `relative` of the greater, or `absolute`.
[[nodiscard]] inline bool close(double x, double y, double relative, double absolute = 0) {
  if (x == y || (x != x && y != y)) return true;
  return std::fabs(x - y) <= absolute + relative * std::max(std::fabs(x), std::fabs(y));
}

// Values with many mantissa bits for floating point, small ones for integers.
template <class T>
[[nodiscard]] std::vector<T> values(std::size_t n, unsigned seed) {
  std::minstd_rand random(seed + 1);
  std::vector<T> all(n);
  for (auto&& x : all) {
    if constexpr (std::is_same_v<T, bool>)
      x = random() % 3 == 0;
    else if constexpr (std::is_floating_point_v<T>)
      x = static_cast<T>(static_cast<int>(random() % 20001) - 10000) / T{3947};
    else
      x = static_cast<T>(random() % 100);
  }
  return all;
}

// n elements `offset` elements away from alignment, sentinels around them.
template <class T>
class Fenced {
 public:
  Fenced(index_t n, int offset)
      : memory_((static_cast<std::size_t>(n) + 2 * fence) * sizeof(T) +
                    static_cast<std::size_t>(offset) * sizeof(T) + 64,
                sentinel),
        count_(static_cast<std::size_t>(n)) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    first_ = memory_.data() + (64 - address % 64) % 64 +
             (fence + static_cast<std::size_t>(offset)) * sizeof(T);
  }
  [[nodiscard]] T* data() { return reinterpret_cast<T*>(first_); }
  void fill(const std::vector<T>& from) {
    for (std::size_t i = 0; i < count_; ++i) data()[i] = from[i];
  }
  [[nodiscard]] bool fences_whole() const {
    for (const std::byte* p = memory_.data(); p != first_; ++p)
      if (*p != sentinel) return false;
    const std::byte* const end = memory_.data() + memory_.size();
    for (const std::byte* p = first_ + count_ * sizeof(T); p != end; ++p)
      if (*p != sentinel) return false;
    return true;
  }

 private:
  static constexpr std::byte sentinel{0xA5};
  static constexpr std::size_t fence = 16;
  std::vector<std::byte> memory_;
  std::byte* first_ = nullptr;
  std::size_t count_;
};

// A resource that records every request, fills blocks with sentinels, sees writes behind a block and
// fails at a chosen request.
class Recorder final : public std::pmr::memory_resource {
 public:
  struct Request {
    std::size_t bytes, alignment;
    bool last_byte_written = false;  // known once the block was given back
  };

  std::vector<Request> requests;
  std::size_t live = 0;
  bool overrun = false;
  std::size_t fail_at = static_cast<std::size_t>(-1);

 private:
  static constexpr std::byte sentinel{0xA5};
  static constexpr std::size_t fence = 128;

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (requests.size() == fail_at) throw std::bad_alloc();
    requests.push_back({bytes, alignment});
    // A multiple of 64 and of no more, so that stricter assumptions would fail.
    auto* p = static_cast<std::byte*>(::operator new(bytes + 2 * fence, std::align_val_t(128)));
    std::memset(p, static_cast<int>(sentinel), bytes + 2 * fence);
    ++live;
    blocks_.push_back({p + 64, bytes, requests.size() - 1});
    return p + 64;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t) override {
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      if (blocks_[b].p != block) continue;
      auto* p = blocks_[b].p;
      if (bytes != blocks_[b].bytes) overrun = true;
      if (bytes > 0) requests[blocks_[b].request].last_byte_written = p[bytes - 1] != sentinel;
      for (std::size_t i = 0; i < 64; ++i)
        if (p[bytes + i] != sentinel || p[-1 - static_cast<index_t>(i)] != sentinel) overrun = true;
      ::operator delete(p - 64, std::align_val_t(128));
      --live;
      blocks_.erase(blocks_.begin() + static_cast<index_t>(b));
      return;
    }
    overrun = true;
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  struct Block {
    std::byte* p;
    std::size_t bytes, request;
  };
  std::vector<Block> blocks_;
};

// Calls f(index) for every index of the extents, in row-major order.
template <class F>
void for_each_index(const std::vector<index_t>& extents, const F& f) {
  for (index_t e : extents)
    if (e == 0) return;
  std::vector<index_t> at(extents.size(), 0);
  for (;;) {
    f(at);
    std::size_t d = extents.size();
    for (; d > 0; --d) {
      if (++at[d - 1] < extents[d - 1]) break;
      at[d - 1] = 0;
    }
    if (d == 0) return;
  }
}

// Each operation rounded once: the compiler can contract nothing through a volatile.
template <class T>
[[nodiscard]] T multiply_then_add(T a, T b, T c) {
  volatile T product = a * b;
  volatile T sum = product + c;
  return sum;
}

}  // namespace naive
