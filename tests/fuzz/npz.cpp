// Any bytes as a .npz file: refused with a message, or read, and then right. For libFuzzer; see
// lifetimes_csv.cpp, with what this needs beside it:
// needs: src/io/*.cpp -lz

#include "refusal.hpp"

#include <tenon/io/npz.hpp>

#include <tenon/memory/arena.hpp>

#include <cstdint>

namespace {

namespace tn = tenon;

// What is loaded has no more bytes than deflate can make of the file.
void check(std::span<const std::byte> bytes) {
  const tn::Npz file{bytes};
  for (const tn::NpzEntry& e : file.entries()) {
    const std::string_view name = e.tensor.name;
    may_refuse([&] {
      tn::Arena arena;
      std::size_t loaded = 0;
      if (e.tensor.dtype == tn::DType::int32 && e.tensor.rank == 1)
        loaded = file.load<std::int32_t, tn::Shape<tn::dyn>>(name, arena).span().size_bytes();
      if (e.tensor.dtype == tn::DType::float32 && e.tensor.rank == 2)
        loaded = file.load<float, tn::Shape<tn::dyn, tn::dyn>>(name, arena).span().size_bytes();
      require(loaded <= 1032 * (bytes.size() + 1));
    });
    may_refuse([&] {
      if (e.tensor.dtype == tn::DType::float32 && e.tensor.rank == 2)
        static_cast<void>(file.view<float, tn::Shape<tn::dyn, tn::dyn>, tn::dyn_strides>(name));
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  may_refuse([&] { check(std::as_bytes(std::span(data, size))); });
  return 0;
}
