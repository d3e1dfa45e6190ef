// Any bytes as a .npy file: refused with a message, or read, and then right. For libFuzzer; see
// lifetimes_csv.cpp, with what this needs beside it:
// needs: src/io/*.cpp -lz

#include "refusal.hpp"

#include <tenon/io/npy.hpp>

#include <cstdint>

namespace {

namespace tn = tenon;

void check(std::span<const std::byte> bytes) {
  const tn::Npy file{bytes};
  const tn::StoredTensor& t = file.tensor();
  require(t.offset + t.bytes.size() == bytes.size());
  if (t.dtype != tn::DType::float32 || t.rank != 2) return;
  const auto view = file.view<float, tn::Shape<tn::dyn, tn::dyn>, tn::dyn_strides>();
  volatile float sum = 0;
  for (tn::index_t i = 0; i < view.extent(0); ++i)
    for (tn::index_t j = 0; j < view.extent(1); ++j) sum = sum + view(i, j);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  may_refuse([&] { check(std::as_bytes(std::span(data, size))); });
  return 0;
}
