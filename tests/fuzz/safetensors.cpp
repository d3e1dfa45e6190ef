// Any bytes as a .safetensors file: refused with a message, or read, and then right. For libFuzzer; see
// lifetimes_csv.cpp, with what this needs beside it:
// needs: src/io/*.cpp -lz

#include "refusal.hpp"

#include <tenon/io/safetensors.hpp>

#include <cstdint>

namespace {

namespace tn = tenon;

unsigned sum_of(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte b : bytes) sum += std::to_integer<unsigned>(b);
  return sum;
}

// Every element can be read, and the tensors are all that there is behind the header.
void check(std::span<const std::byte> bytes) {
  const tn::Safetensors file{bytes};
  std::size_t total = 0;
  for (const tn::StoredTensor& t : file.tensors()) {
    require(t.offset <= bytes.size() && t.bytes.size() <= bytes.size() - t.offset);
    require(t.bytes.empty() || t.bytes.data() == bytes.data() + t.offset);
    require(file.find(t.name) == &t);
    total += t.bytes.size();
    volatile unsigned sink = sum_of(t.bytes);
    static_cast<void>(sink);
    if (t.dtype == tn::DType::float32 && t.rank == 2) {
      const auto view = tn::view<float, tn::Shape<tn::dyn, tn::dyn>>(t);
      require(static_cast<std::size_t>(view.size()) * sizeof(float) == t.bytes.size());
    }
  }
  require(total <= bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  may_refuse([&] { check(std::as_bytes(std::span(data, size))); });
  return 0;
}
