#pragma once
// What packs really load and store, counted by where it lies. Before the first include of the file:
//   #define TENON_WATCHED 1

#include <tenon/core/config.hpp>
#include <tenon/simd/watch.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

static_assert(TENON_WATCHED == 1);

namespace counted {

// Bytes of packs, partial ones with the lanes that they have. `kept`: the last byte of the piece was
// loaded after it had been stored.
struct Traffic {
  std::size_t loaded = 0, stored = 0;
  bool last_stored = false, kept = false;
};

namespace detail {

struct Piece {
  const std::byte* begin;
  std::size_t bytes;
  Traffic traffic;

  // The bytes of [p, p + count) that lie in this piece; sets `last` where its last one is among them.
  std::size_t overlap(const void* p, std::size_t count, bool& last) const {
    const auto* const from = std::max(static_cast<const std::byte*>(p), begin);
    const auto* const end = begin + bytes;
    const auto* const to = std::min(static_cast<const std::byte*>(p) + count, end);
    if (from >= to) return 0;
    last = to == end;
    return static_cast<std::size_t>(to - from);
  }
};
inline std::vector<Piece>* pieces = nullptr;

inline void loaded(const void* p, std::size_t bytes) {
  for (Piece& piece : *pieces) {
    bool last = false;
    piece.traffic.loaded += piece.overlap(p, bytes, last);
    if (last && piece.traffic.last_stored) piece.traffic.kept = true;
  }
}
inline void stored(const void* p, std::size_t bytes) {
  for (Piece& piece : *pieces) {
    bool last = false;
    piece.traffic.stored += piece.overlap(p, bytes, last);
    if (last) piece.traffic.last_stored = true;
  }
}

}  // namespace detail

// What f() loads from and stores to each of the pieces. Stack and registers are nobody's piece.
template <class F>
std::vector<Traffic> traffic(std::initializer_list<std::span<const std::byte>> memory, const F& f) {
  std::vector<detail::Piece> pieces;
  for (const auto& bytes : memory) pieces.push_back({bytes.data(), bytes.size(), {}});
  detail::pieces = &pieces;
  tenon::simd::watch = {detail::loaded, detail::stored};
  f();
  tenon::simd::watch = {};
  std::vector<Traffic> all;
  for (const auto& piece : pieces) all.push_back(piece.traffic);
  return all;
}

}  // namespace counted
