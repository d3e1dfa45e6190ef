#pragma once
// The search behind exact packing: whether buffers fit a capacity, and at which offsets.

#include <tenon/plan/lifetimes.hpp>

#include <tenon/core/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <numeric>
#include <span>
#include <vector>

namespace tenon::inline TENON_MODE {

enum class PackingAnswer : unsigned char {
  found,       // the offsets are a packing
  impossible,  // proven: there is none
  undecided    // the search ended at its limit of nodes
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// Depth-first search over canonical packings, after Moffitt, "MiniMalloc: A Lightweight Memory
// Allocator for Hardware-Accelerated Machine Learning" (ASPLOS 2023). Time is cut into sections at
// every begin and end. Buffers are placed in non-decreasing order of their offsets, each at the
// lowest offset that those below it allow. A section's floor is the lowest offset at which anything
// can still come to lie there; where floor plus what is still to be placed exceeds the capacity, the
// branch is given up. Where the buffers placed so far separate the rest in time, the parts are
// solved one by one.
class ExactPacker {
 public:
  ExactPacker(std::span<const Lifetime> buffers, std::pmr::memory_resource* resource)
      : buffers_(buffers),
        begin_(buffers.size(), resource),
        end_(buffers.size(), resource),
        neighbour_start_(buffers.size() + 1, resource),
        neighbours_(resource),
        section_start_(resource),
        section_members_(resource),
        lowest_(buffers.size(), resource),
        offset_(buffers.size(), resource),
        solution_(buffers.size(), resource),
        area_total_(buffers.size(), resource),
        floor_(resource),
        unplaced_(resource),
        crossings_(resource),
        touched_(resource),
        members_(resource),
        orders_(resource),
        lowest_changes_(resource),
        floor_changes_(resource),
        touched_sections_(resource) {
    cut_into_sections(resource);
    find_neighbours();
  }

  // Looks for offsets below `capacity`, at most `most_nodes` search steps long; on success they are
  // in `offsets`, which is otherwise unchanged.
  [[nodiscard]] PackingAnswer solve(std::size_t capacity, std::uint64_t most_nodes,
                                    std::span<std::size_t> offsets) {
    capacity_ = capacity;
    // Three orders take turns, each time with twice the steps: where one is lost, another is quick.
    std::uint64_t turn = std::max<std::uint64_t>(64, 2 * buffers_.size());
    for (std::uint64_t spent = 0; spent < most_nodes; turn *= 2) {
      for (const Order order :
           {Order::width_area_total, Order::total_area_width, Order::total_width_area}) {
        order_by_ = order;
        nodes_ = std::min(turn, most_nodes - spent);
        const std::uint64_t given = nodes_;
        reset();
        const PackingAnswer answer = solve_part(0, section_count(), 0, members_.size());
        spent += given - nodes_;
        steps_ += given - nodes_;
        if (answer == PackingAnswer::found)
          std::copy(solution_.begin(), solution_.end(), offsets.begin());
        if (answer != PackingAnswer::undecided) return answer;
        if (spent >= most_nodes) break;
      }
    }
    return PackingAnswer::undecided;
  }

  // Of all searches so far.
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

 private:
  using Index = std::uint32_t;
  static constexpr std::size_t unplaced = static_cast<std::size_t>(-1);

  enum class Order : unsigned char { width_area_total, total_area_width, total_width_area };

  // A buffer still to be placed: its lowest offset, and its place among the members of the part.
  struct Candidate {
    std::size_t offset;
    Index rank;
    friend bool operator<(const Candidate& a, const Candidate& b) {
      return a.offset != b.offset ? a.offset < b.offset : a.rank < b.rank;
    }
  };
  struct Change {
    Index index;
    std::size_t before;
  };
  // Sections [lower, upper) and the members [first, first + count) that live in them.
  struct Part {
    std::size_t lower, upper;
    std::size_t first, count;
  };

  [[nodiscard]] std::size_t section_count() const { return floor_.size(); }

  void cut_into_sections(std::pmr::memory_resource* resource) {
    std::pmr::vector<index_t> times(resource);
    times.reserve(2 * buffers_.size());
    for (const Lifetime& b : buffers_) {
      times.push_back(b.lower);
      times.push_back(b.upper);
    }
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end()), times.end());
    const auto section_of = [&](index_t t) {
      return static_cast<std::size_t>(std::lower_bound(times.begin(), times.end(), t) -
                                      times.begin());
    };
    const std::size_t sections = times.empty() ? 0 : times.size() - 1;
    floor_.resize(sections);
    unplaced_.resize(sections);
    crossings_.resize(sections);
    touched_.resize(sections);
    section_start_.assign(sections + 1, 0);
    for (std::size_t b = 0; b < buffers_.size(); ++b) {
      begin_[b] = section_of(buffers_[b].lower);
      end_[b] = section_of(buffers_[b].upper);
      for (std::size_t s = begin_[b]; s < end_[b]; ++s) ++section_start_[s + 1];
    }
    for (std::size_t s = 0; s < sections; ++s) section_start_[s + 1] += section_start_[s];
    section_members_.resize(section_start_[sections]);
    std::pmr::vector<std::size_t> next(section_start_.begin(), section_start_.end(), resource);
    for (std::size_t b = 0; b < buffers_.size(); ++b)
      for (std::size_t s = begin_[b]; s < end_[b]; ++s)
        section_members_[next[s]++] = static_cast<Index>(b);
  }

  void find_neighbours() {
    for (std::size_t b = 0; b < buffers_.size(); ++b) {
      for (std::size_t other = 0; other < buffers_.size(); ++other)
        if (other != b && overlap(buffers_[b], buffers_[other]))
          neighbours_.push_back(static_cast<Index>(other));
      neighbour_start_[b + 1] = neighbours_.size();
    }
  }

  void reset() {
    std::fill(lowest_.begin(), lowest_.end(), 0);
    std::fill(offset_.begin(), offset_.end(), unplaced);
    std::fill(floor_.begin(), floor_.end(), 0);
    std::fill(unplaced_.begin(), unplaced_.end(), 0);
    std::fill(crossings_.begin(), crossings_.end(), 0);
    members_.resize(buffers_.size());
    std::iota(members_.begin(), members_.end(), Index{0});
    for (std::size_t b = 0; b < buffers_.size(); ++b)
      for (std::size_t s = begin_[b]; s < end_[b]; ++s) {
        unplaced_[s] += buffers_[b].bytes;
        if (s + 1 < end_[b]) ++crossings_[s];
      }
    orders_.clear();
    lowest_changes_.clear();
    floor_changes_.clear();
  }

  // Splits what is left between sections where no unplaced buffer crosses, and solves the pieces.
  // The members that are considered are [first, first + count).
  PackingAnswer solve_part(std::size_t lower, std::size_t upper, std::size_t first,
                           std::size_t count) {
    const std::size_t top = members_.size();
    PackingAnswer answer = PackingAnswer::found;
    for (std::size_t s = lower; s < upper && answer == PackingAnswer::found;) {
      std::size_t cut = s + 1;
      while (cut < upper && crossings_[cut - 1] > 0) ++cut;
      for (std::size_t m = first; m < first + count; ++m) {
        const Index b = members_[m];
        if (offset_[b] == unplaced && begin_[b] >= s && end_[b] <= cut) members_.push_back(b);
      }
      if (members_.size() > top) answer = solve_piece({s, cut, top, members_.size() - top});
      members_.resize(top);
      s = cut;
    }
    return answer;
  }

  PackingAnswer solve_piece(const Part& part) {
    const auto members = std::span(members_).subspan(part.first, part.count);
    for (const Index b : members) {
      std::size_t most = 0;
      for (std::size_t s = begin_[b]; s < end_[b]; ++s) most = std::max(most, unplaced_[s]);
      area_total_[b] = {static_cast<double>(width(b)) * static_cast<double>(buffers_[b].bytes),
                        most};
    }
    std::sort(members.begin(), members.end(), [&](Index a, Index b) { return before(a, b); });
    const std::size_t mark = orders_.size();
    for (std::size_t rank = 0; rank < part.count; ++rank)
      orders_.push_back({0, static_cast<Index>(rank)});
    const PackingAnswer answer = search(part, mark, {0, 0});
    orders_.resize(mark);
    return answer;
  }

  [[nodiscard]] index_t width(Index b) const { return buffers_[b].upper - buffers_[b].lower; }

  [[nodiscard]] bool before(Index a, Index b) const {
    const auto by_width = width(b) <=> width(a);
    const auto by_area = area_total_[b].area <=> area_total_[a].area;
    const auto by_total = area_total_[b].total <=> area_total_[a].total;
    const auto decide = [&](auto x, auto y, auto z) {
      return x != 0 ? x < 0 : y != 0 ? y < 0 : z != 0 ? z < 0 : a < b;
    };
    switch (order_by_) {
      case Order::width_area_total:
        return decide(by_width, by_area, by_total);
      case Order::total_area_width:
        return decide(by_total, by_area, by_width);
      default:
        return decide(by_total, by_width, by_area);
    }
  }

  // Places one more member of the part, those of orders_ from `from` on being considered, at or
  // above `least` in the canonical order.
  PackingAnswer search(const Part& part, std::size_t from, const Candidate& least) {
    if (nodes_ == 0) return PackingAnswer::undecided;
    --nodes_;
    const std::size_t mark = orders_.size();
    std::size_t lowest_top = unplaced;  // no offset at or above it: it would leave a needless gap
    for (std::size_t i = from; i < mark; ++i) {
      const Index rank = orders_[i].rank;
      const Index b = member(part, rank);
      if (offset_[b] != unplaced) continue;
      orders_.push_back({lowest_[b], rank});
      if (buffers_[b].bytes > 0) lowest_top = std::min(lowest_top, lowest_[b] + buffers_[b].bytes);
    }
    const std::size_t stop = orders_.size();
    std::sort(orders_.begin() + static_cast<std::ptrdiff_t>(mark), orders_.end());
    PackingAnswer answer = stop == mark ? PackingAnswer::found : PackingAnswer::impossible;
    for (std::size_t i = mark; i < stop && answer == PackingAnswer::impossible; ++i) {
      const Candidate next = orders_[i];
      if (next < least) continue;
      if (next.offset >= lowest_top && buffers_[member(part, next.rank)].bytes > 0) continue;
      bool covered = false;
      answer = place(part, mark, next, covered);
      if (!covered) break;  // nothing is left above it: another offset for it changes nothing
    }
    orders_.resize(mark);
    return answer;
  }

  [[nodiscard]] Index member(const Part& part, Index rank) const {
    return members_[part.first + rank];
  }

  // Places a candidate, searches on, and takes it away again.
  PackingAnswer place(const Part& part, std::size_t order, const Candidate& next, bool& covered) {
    const Index b = member(part, next.rank);
    const std::size_t lowest_mark = lowest_changes_.size(), floor_mark = floor_changes_.size();
    offset_[b] = solution_[b] = next.offset;
    covered = raise_neighbours(b);
    bool splits = false;
    for (std::size_t s = begin_[b]; s < end_[b]; ++s) {
      set_floor(s, next.offset + buffers_[b].bytes);
      unplaced_[s] -= buffers_[b].bytes;
      if (s + 1 < end_[b]) splits |= --crossings_[s] == 0;
    }
    raise_floors();
    PackingAnswer answer = PackingAnswer::impossible;
    if (fits(part, next.offset))
      answer = splits ? solve_part(part.lower, part.upper, part.first, part.count)
                      : search(part, order, next);
    for (std::size_t s = begin_[b]; s < end_[b]; ++s) {
      unplaced_[s] += buffers_[b].bytes;
      if (s + 1 < end_[b]) ++crossings_[s];
    }
    undo(floor_changes_, floor_mark, floor_);
    undo(lowest_changes_, lowest_mark, lowest_);
    offset_[b] = unplaced;
    return answer;
  }

  // Lifts the unplaced neighbours of b above it; false if it has none.
  bool raise_neighbours(Index b) {
    const std::size_t top = offset_[b] + buffers_[b].bytes;
    bool any = false;
    touched_sections_.clear();
    ++touch_;
    for (std::size_t k = neighbour_start_[b]; k < neighbour_start_[b + 1]; ++k) {
      const Index other = neighbours_[k];
      if (offset_[other] != unplaced) continue;
      any = true;
      if (lowest_[other] >= top) continue;
      lowest_changes_.push_back({other, lowest_[other]});
      lowest_[other] = top;
      for (std::size_t s = begin_[other]; s < end_[other]; ++s)
        if (touched_[s] != touch_) {
          touched_[s] = touch_;
          touched_sections_.push_back(static_cast<Index>(s));
        }
    }
    return any;
  }

  // A floor is not below the lowest offset of what is unplaced in its section.
  void raise_floors() {
    for (const Index s : touched_sections_) {
      const std::size_t floor = floor_[s];
      std::size_t least = unplaced;
      for (std::size_t k = section_start_[s]; k < section_start_[s + 1] && least > floor; ++k) {
        const Index b = section_members_[k];
        if (offset_[b] == unplaced) least = std::min(least, lowest_[b]);
      }
      if (least != unplaced && floor < least) set_floor(s, least);
    }
  }

  void set_floor(std::size_t s, std::size_t floor) {
    floor_changes_.push_back({static_cast<Index>(s), floor_[s]});
    floor_[s] = floor;
  }

  static void undo(std::pmr::vector<Change>& changes, std::size_t mark,
                   std::pmr::vector<std::size_t>& values) {
    for (; changes.size() > mark; changes.pop_back())
      values[changes.back().index] = changes.back().before;
  }

  // Whether what is left may still fit: nothing will be placed below `offset` any more.
  [[nodiscard]] bool fits(const Part& part, std::size_t offset) const {
    for (std::size_t s = part.lower; s < part.upper; ++s)
      if (std::max(floor_[s], offset) + unplaced_[s] > capacity_ &&
          (unplaced_[s] > 0 || floor_[s] > capacity_))
        return false;
    return true;
  }

  struct AreaTotal {
    double area;
    std::size_t total;
  };

  std::span<const Lifetime> buffers_;
  std::pmr::vector<std::size_t> begin_, end_;  // sections of a buffer, half open
  std::pmr::vector<std::size_t> neighbour_start_;
  std::pmr::vector<Index> neighbours_;
  std::pmr::vector<std::size_t> section_start_;
  std::pmr::vector<Index> section_members_;
  std::pmr::vector<std::size_t> lowest_;    // the lowest offset that a buffer may still have
  std::pmr::vector<std::size_t> offset_;    // of what is placed
  std::pmr::vector<std::size_t> solution_;  // the offset at which a buffer was placed last
  std::pmr::vector<AreaTotal> area_total_;
  std::pmr::vector<std::size_t> floor_;
  std::pmr::vector<std::size_t> unplaced_;   // bytes
  std::pmr::vector<std::size_t> crossings_;  // unplaced buffers in sections s and s + 1
  std::pmr::vector<std::uint64_t> touched_;
  std::pmr::vector<Index> members_;     // a stack of parts
  std::pmr::vector<Candidate> orders_;  // a stack of orders, one for each step of the search
  std::pmr::vector<Change> lowest_changes_, floor_changes_;
  std::pmr::vector<Index> touched_sections_;
  std::uint64_t touch_ = 0;
  std::size_t capacity_ = 0;
  std::uint64_t nodes_ = 0;
  std::uint64_t steps_ = 0;  // of all searches
  Order order_by_ = Order::width_area_total;
};

}  // namespace tenon::detail::inline TENON_MODE
