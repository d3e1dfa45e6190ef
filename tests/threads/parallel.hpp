#pragma once
// What tests of evaluation on threads share: the comparison with one thread.

#include "catch.hpp"
#include "heap_trap.hpp"
#include "naive.hpp"

#include <tenon/core/thread_team.hpp>
#include <tenon/eval/parallel.hpp>
#include <tenon/tenon.hpp>

#include <deque>

namespace parallel {

namespace tn = tenon;
using naive::index_t;
using naive::Recorder;
using naive::values;

// Runs the parts on the calling thread, the last one first.
struct Backwards {
  int most = 0;  // parts that were asked for at a time
  template <class F>
  void parallel_for(index_t n, F&& f) {
    most = std::max(most, static_cast<int>(n));
    for (index_t i = n; i-- > 0;) f(i);
  }
};

// Operands that live as long as the program.
template <class T, class S>
auto operand(const S& shape, unsigned seed) {
  static std::deque<std::vector<T>> all;
  all.push_back(values<T>(static_cast<std::size_t>(shape.size()), seed));
  if constexpr (std::is_floating_point_v<T>)
    for (T& x : all.back()) x *= T(0.125);
  return tn::view(static_cast<const T*>(all.back().data()), shape);
}
template <class T = float, class... E>
auto some(unsigned seed, E... extents) {
  return operand<T>(tn::shape(extents...), seed);
}
template <class T, index_t... E>
auto fixed(unsigned seed) {
  return operand<T>(tn::Shape<E...>{}, seed);
}

inline tn::ThreadTeam& team(int threads) {
  static tn::ThreadTeam two(2), three(3), seven(7);
  return threads == 2 ? two : threads == 3 ? three : seven;
}

// A part of a region with fewer rows than a block leaves some of the block's bytes alone.
enum class UsesAllBytes { yes, not_in_regions };
enum class Cut { any, none };  // none: the work is too little, or cannot be cut

// Evaluates e by 1, 2, 3 and 7 threads: the bits of the serial evaluation, in exactly the bytes that
// workspace_bytes_for says, without the heap.
template <class E>
std::vector<tn::value_t<E>> check(const E& e, Cut cut = Cut::any,
                                  UsesAllBytes uses_all_bytes = UsesAllBytes::yes) {
  using T = tn::value_t<E>;
  const auto n = static_cast<std::size_t>(e.shape().size());
  std::vector<T> expected(n), got(n);
  tn::PoolAllocator pool;
  tn::eval_into(tn::view(expected.data(), e.shape()), e, tn::scratch(pool));
  const auto same = [&] {
    const bool equal = n == 0 || std::memcmp(got.data(), expected.data(), n * sizeof(T)) == 0;
    std::fill(got.begin(), got.end(), T{});
    return equal;
  };
  const auto dst = tn::view(got.data(), e.shape());
  CHECK(tn::workspace_bytes_for(e, 1) == tn::plan(e).workspace_bytes);
  for (const int threads : {1, 2, 3, 7}) {
    const std::size_t bytes = tn::workspace_bytes_for(e, threads);
    CAPTURE(threads, n, bytes);
    Backwards backwards;
    Recorder record;
    tn::eval_into(dst, e, tn::scratch(record), tn::threads(backwards, threads));
    CHECK(same());
    CHECK_FALSE(record.overrun);
    CHECK(record.requests.size() == (bytes > 0 ? 1U : 0U));
    if (bytes > 0 && record.requests.size() == 1) {
      CHECK(record.requests[0].bytes == bytes);
      if (uses_all_bytes == UsesAllBytes::yes) CHECK(record.requests[0].last_byte_written);
      std::vector<std::byte> memory(bytes + 64);
      void* base = memory.data();
      std::size_t space = memory.size();
      std::align(64, bytes, base, space);
      tn::FixedBufferAllocator less(std::span(static_cast<std::byte*>(base), bytes - 1));
      CHECK_THROWS_AS(tn::eval_into(dst, e, tn::scratch(less), tn::threads(backwards, threads)),
                      tn::OutOfMemory);
    }
    CHECK(backwards.most <= threads);
    if (threads > 1) CHECK((backwards.most > 1) == (cut == Cut::any));
    if (threads == 1) continue;

    auto& with = team(threads);
    tn::eval_into(dst, e, tn::scratch(pool), with);  // warm: every buffer is in the pool
    CHECK(same());
    tenon::support::HeapTrap trap(tenon::support::HeapTrap::Scope::process);
    for (int i = 0; i < 3; ++i) tn::eval_into(dst, e, tn::scratch(pool), with);
    const auto calls = trap.stop();
    CHECK(calls == 0);
    CHECK(same());
  }
  return expected;
}

}  // namespace parallel
