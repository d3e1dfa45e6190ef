#include "zip.hpp"

#include <tenon/core/error.hpp>

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

namespace tenon::detail {

namespace {

// zlib counts in 32 bits.
constexpr std::size_t most_at_once = std::numeric_limits<uInt>::max();

// zlib reads its input through a pointer that is not const in old versions.
Bytef* input(std::span<const std::byte> bytes) {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
}

}  // namespace

std::uint32_t crc32_of(std::uint32_t before, std::span<const std::byte> bytes) noexcept {
  if (bytes.empty()) return before;  // zlib starts anew where the pointer is null
  return static_cast<std::uint32_t>(::crc32_z(before, input(bytes), bytes.size()));
}

struct Inflater::Stream {
  z_stream zlib{};
  std::span<const std::byte> left;
};

Inflater::Inflater(std::span<const std::byte> packed, std::size_t offset)
    : stream_(new Stream{{}, packed}), offset_(offset) {
  if (::inflateInit2(&stream_->zlib, -MAX_WBITS) == Z_OK) return;
  delete stream_;
  raise<OutOfMemory>("npz", "zlib gets no memory to inflate %zu B", packed.size());
}

Inflater::~Inflater() {
  ::inflateEnd(&stream_->zlib);
  delete stream_;
}

void Inflater::refuse() const {
  raise<FormatError>(
      "npz", "the deflated data is broken, or has another size than the directory says (byte %zu)",
      offset_);
}

bool Inflater::step(std::span<std::byte>& to) {
  z_stream& z = stream_->zlib;
  if (z.avail_in == 0) {
    const auto some = stream_->left.first(std::min(stream_->left.size(), most_at_once));
    stream_->left = stream_->left.subspan(some.size());
    z.next_in = input(some);
    z.avail_in = static_cast<uInt>(some.size());
  }
  const auto room = to.first(std::min(to.size(), most_at_once));
  z.next_out = reinterpret_cast<Bytef*>(room.data());
  z.avail_out = static_cast<uInt>(room.size());
  const uInt before = z.avail_in;
  const int result = ::inflate(&z, Z_NO_FLUSH);
  if (result == Z_MEM_ERROR)
    raise<OutOfMemory>("npz", "zlib gets no memory to inflate (byte %zu)", offset_);
  if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) refuse();
  const std::size_t made = room.size() - z.avail_out;
  if (result != Z_STREAM_END && made == 0 && before == z.avail_in && stream_->left.empty())
    refuse();
  to = to.subspan(made);
  return result == Z_STREAM_END;
}

void Inflater::read(std::span<std::byte> to) {
  while (!to.empty())
    if (step(to) && !to.empty()) refuse();
}

void Inflater::finish() {
  std::byte more[1];
  std::span<std::byte> to(more);
  while (!step(to))
    if (to.empty()) refuse();
  if (to.empty() || stream_->zlib.avail_in > 0 || !stream_->left.empty()) refuse();
}

}  // namespace tenon::detail
