#pragma once
// From a recorded run to the block sizes of a pool that serves it with the least waste.

#include <tenon/memory/buffer_life.hpp>
#include <tenon/memory/event_log.hpp>
#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/resource.hpp>
#include <tenon/memory/size_classes.hpp>

#include <tenon/core/checked.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <span>
#include <vector>

namespace tenon {

// What a pool that keeps its blocks takes for a recorded run.
struct PoolWaste {
  std::size_t requested_bytes;  // the most that was alive at once, as requested: no pool takes less
  std::size_t reserved_bytes;   // sum over classes of block size * most blocks alive at once
  std::uint64_t served_bytes;   // of all requests
  std::uint64_t padding_bytes;  // unused at the end of the blocks that served them

  // The part of the memory that held nothing when most was alive, 0 … 1.
  [[nodiscard]] double waste() const noexcept {
    return reserved_bytes > 0
               ? 1 - static_cast<double>(requested_bytes) / static_cast<double>(reserved_bytes)
               : 0.0;
  }
  // The unused part of a block, mean over all requests weighted by size, 0 … 1.
  [[nodiscard]] double padding() const noexcept {
    const auto blocks = static_cast<double>(served_bytes + padding_bytes);
    return blocks > 0 ? static_cast<double>(padding_bytes) / blocks : 0.0;
  }
};

enum class SizeClassGoal : unsigned char {
  reserved,  // least PoolWaste::reserved_bytes: memory that a pool takes and keeps
  padding    // least PoolWaste::padding_bytes: few bytes touched, whatever is kept
};

struct LearnOptions {
  std::size_t max_classes = 16;  // 1 … SizeClasses::max_count
  SizeClassGoal goal = SizeClassGoal::reserved;
};

namespace detail {

// The most blocks alive at once, while blocks are added: a count for each event, and, so that long
// lives cost little, one for each 512 events that a life covers whole.
// Cost of add: O(512 + events / 512). A tree with O(log events) steps took 10 times as long for
// 100,000 buffers: the steps miss the cache, these loops are vectors.
class PeakCounter {
 public:
  PeakCounter(std::size_t events, std::pmr::memory_resource* memory)
      : counts_(align_up(events, span), memory),
        whole_(counts_.size() / span, memory),
        highest_(counts_.size() / span, memory) {}

  void clear() noexcept {
    std::fill(counts_.begin(), counts_.end(), 0U);
    std::fill(whole_.begin(), whole_.end(), 0U);
    std::fill(highest_.begin(), highest_.end(), 0U);
    peak_ = 0;
  }

  // A block alive after each of the events [first, last).
  void add(std::size_t first, std::size_t last) noexcept {
    const std::size_t first_whole = (first + span - 1) / span, last_whole = last / span;
    if (first_whole >= last_whole) {
      const std::size_t middle = std::min(first_whole * span, last);
      add_part(first, middle);
      add_part(middle, last);
      return;
    }
    add_part(first, first_whole * span);
    for (std::size_t b = first_whole; b < last_whole; ++b) {
      ++whole_[b];
      peak_ = std::max(peak_, ++highest_[b]);
    }
    add_part(last_whole * span, last);
  }

  [[nodiscard]] std::size_t peak() const noexcept { return peak_; }

 private:
  static constexpr std::size_t span = 512;

  // Contract: all within one span.
  void add_part(std::size_t first, std::size_t last) noexcept {
    if (first >= last) return;
    std::uint32_t highest = 0;
    for (std::size_t t = first; t < last; ++t) highest = std::max(highest, ++counts_[t]);
    const std::size_t b = first / span;
    highest_[b] = std::max(highest_[b], highest + whole_[b]);
    peak_ = std::max(peak_, highest_[b]);
  }

  std::pmr::vector<std::uint32_t> counts_;
  std::pmr::vector<std::uint32_t> whole_;
  std::pmr::vector<std::uint32_t> highest_;  // of counts_ in the span, plus whole_
  std::uint32_t peak_ = 0;
};

// Buffers that classes serve, ascending by size. Over-aligned blocks live in rows of their own.
[[nodiscard]] inline std::pmr::vector<BufferLife> pooled_lives(std::span<const MemoryEvent> events,
                                                               std::pmr::memory_resource* memory) {
  auto lives = buffer_lives(events, memory);
  std::erase_if(lives, [](const BufferLife& life) {
    return (std::size_t{1} << life.alignment_bits) > block_alignment;
  });
  std::sort(lives.begin(), lives.end(),
            [](const BufferLife& a, const BufferLife& b) { return a.bytes < b.bytes; });
  return lives;
}

// Lives of one candidate size: indices [first, last) into the lives, and the largest of them.
struct SizeGroup {
  std::size_t first;
  std::size_t last;
  std::size_t bytes;  // a multiple of 64
};

// At most `max_count` groups. Exact sizes where there are few; otherwise sizes that agree in their
// leading bits form a group, so that no group straddles a power of two.
[[nodiscard]] inline std::pmr::vector<SizeGroup> group_sizes(std::span<const BufferLife> lives,
                                                             std::size_t max_count,
                                                             std::pmr::memory_resource* memory) {
  std::pmr::vector<SizeGroup> groups(memory);
  for (int kept_bits = 64; kept_bits >= 0; --kept_bits) {
    groups.clear();
    std::size_t key_before = 0;
    for (std::size_t i = 0; i < lives.size(); ++i) {
      const std::size_t bytes = align_up(lives[i].bytes, block_alignment);
      const auto width = static_cast<int>(std::bit_width(bytes - 1));
      const std::size_t step = width > kept_bits ? std::size_t{1} << (width - kept_bits) : 1;
      const std::size_t key = align_up(bytes, step);
      if (groups.empty() || key != key_before) groups.push_back({i, i, 0});
      groups.back().last = i + 1;
      groups.back().bytes = bytes;
      key_before = key;
    }
    if (groups.size() <= max_count) break;
  }
  return groups;
}

class ClassLearner {
 public:
  static constexpr std::size_t max_groups = 256;

  ClassLearner(std::span<const MemoryEvent> events, const LearnOptions& options,
               std::pmr::memory_resource* memory)
      : options_(options),
        lives_(pooled_lives(events, memory)),
        groups_(group_sizes(lives_, max_groups, memory)),
        cells_(groups_.size() * groups_.size(), memory),
        memory_(memory) {
    if (groups_.empty()) return;
    PeakCounter alive(events.size(), memory);
    for (std::size_t j = 0; j < groups_.size(); ++j) {
      alive.clear();
      std::uint64_t padding = 0;
      for (std::size_t i = j + 1; i-- > 0;) {
        for (std::size_t k = groups_[i].first; k < groups_[i].last; ++k) {
          alive.add(lives_[k].first, lives_[k].last);
          padding += groups_[j].bytes - lives_[k].bytes;
        }
        const std::uint64_t reserved = std::uint64_t{groups_[j].bytes} * alive.peak();
        cell(i, j) = {options.goal == SizeClassGoal::reserved ? reserved : padding, alive.peak()};
      }
    }
  }

  // best[c][j]: the least cost of groups 0 … j in c + 1 classes; from[c][j]: where the last begins.
  [[nodiscard]] SizeClasses solve() const {
    SizeClasses classes;
    const std::size_t n = groups_.size();
    if (n == 0) return classes;
    const std::size_t most =
        std::clamp<std::size_t>(options_.max_classes, 1, std::min(n, SizeClasses::max_count));
    constexpr auto never = std::numeric_limits<std::uint64_t>::max();
    std::pmr::vector<std::uint64_t> best(most * n, never, memory_);
    std::pmr::vector<std::size_t> from(most * n, 0, memory_);
    for (std::size_t j = 0; j < n; ++j) best[j] = cell(0, j).cost;
    for (std::size_t c = 1; c < most; ++c) {
      for (std::size_t j = c; j < n; ++j) {
        for (std::size_t i = c; i <= j; ++i) {
          const std::uint64_t cost = best[(c - 1) * n + i - 1] + cell(i, j).cost;
          if (cost >= best[c * n + j]) continue;
          best[c * n + j] = cost;
          from[c * n + j] = i;
        }
      }
    }
    std::size_t c = 0;  // the fewest classes with the least cost
    for (std::size_t more = 1; more < most; ++more)
      if (best[more * n + n - 1] < best[c * n + n - 1]) c = more;
    for (std::size_t j = n;;) {
      const std::size_t i = from[c * n + j - 1];
      classes.insert({groups_[j - 1].bytes, cell(i, j - 1).count});
      if (c-- == 0) return classes;
      j = i;
    }
  }

 private:
  struct Cell {
    std::uint64_t cost;  // of groups i … j in one class
    std::size_t count;   // blocks that it needs
  };
  [[nodiscard]] Cell& cell(std::size_t i, std::size_t j) { return cells_[i * groups_.size() + j]; }
  [[nodiscard]] const Cell& cell(std::size_t i, std::size_t j) const {
    return cells_[i * groups_.size() + j];
  }

  LearnOptions options_;
  std::pmr::vector<BufferLife> lives_;
  std::pmr::vector<SizeGroup> groups_;
  std::pmr::vector<Cell> cells_;
  std::pmr::memory_resource* memory_;
};

}  // namespace detail

// The block sizes, at most options.max_classes, that cost a pool least for a recorded run, and how
// many blocks of each it needs: with s_1 < … < s_n the requested sizes (rounded up to 64) and
// classes (i, j] of neighbouring sizes, minimises over all partitions
//   reserved:  sum over classes of s_j * most blocks of sizes s_(i+1) … s_j alive at once
//   padding:   sum over requests of s_j - requested
// exactly, by dynamic programming over (classes, sizes); among equals, the fewest classes. Above 256
// distinct sizes, sizes that agree in their leading bits are taken together. A pool made from the
// result serves the same run without asking upstream again, and `reserved` is what it takes.
// With as many classes as powers of two would use it never takes more than they do.
// Requests of 0 bytes or of more than 64-byte alignment are left out. An empty log gives no classes.
// Errors: what `memory` throws. Allocations: from `memory`. Cost: each buffer is counted n / 2 times
// over the events of its life, n <= 256 sizes: 10,000 buffers of 100 sizes take 45 ms, 100,000 of
// 256 sizes 0.9 s (Zen 4, -O2).
[[nodiscard]] inline SizeClasses learn_size_classes(
    std::span<const MemoryEvent> events, const LearnOptions& options = {},
    std::pmr::memory_resource* memory = system_resource()) {
  return detail::ClassLearner(events, options, memory).solve();
}

// What a pool with these classes takes for a recorded run. Requests above all classes are served by
// blocks of their exact size. Leaves out what learn_size_classes leaves out.
// Errors: what `memory` throws. Allocations: from `memory`. Cost: O(buffers * log buffers + events *
// classes used).
[[nodiscard]] inline PoolWaste pool_waste(std::span<const MemoryEvent> events,
                                          const SizeClasses& classes,
                                          std::pmr::memory_resource* memory = system_resource()) {
  const auto lives = detail::pooled_lives(events, memory);
  PoolWaste result{};
  detail::PeakCounter alive(events.size(), memory);
  for (std::size_t first = 0, last = 0; first < lives.size(); first = last) {
    const std::size_t block_bytes = classes.footprint(lives[first].bytes);
    alive.clear();
    for (; last < lives.size() && classes.footprint(lives[last].bytes) == block_bytes; ++last) {
      alive.add(lives[last].first, lives[last].last);
      result.served_bytes += lives[last].bytes;
      result.padding_bytes += block_bytes - lives[last].bytes;
    }
    result.reserved_bytes += block_bytes * alive.peak();
  }
  std::pmr::vector<std::int64_t> steps(events.size() + 1, 0, memory);
  for (const BufferLife& life : lives) {
    steps[life.first] += static_cast<std::int64_t>(life.bytes);
    steps[life.last] -= static_cast<std::int64_t>(life.bytes);
  }
  std::int64_t live = 0, peak = 0;
  for (const std::int64_t step : steps) peak = std::max(peak, live += step);
  result.requested_bytes = static_cast<std::size_t>(peak);
  return result;
}

}  // namespace tenon
