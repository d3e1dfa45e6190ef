#pragma once
// Hashes of names and of types of tensors, for the tables of the engine.

#include <tenon/engine/tensor_type.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tenon::detail {

// Mixes `value` into `hash`: multiply and fold, as in wyhash.
[[nodiscard]] inline std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept {
  const unsigned __int128 product =
      static_cast<unsigned __int128>(hash ^ value) * 0x9E3779B97F4A7C15U;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

[[nodiscard]] inline std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 0x2545F4914F6CDD1DU ^ text.size();
  for (const char c : text) hash = mix(hash, static_cast<unsigned char>(c));
  return hash;
}

[[nodiscard]] inline std::uint64_t hash_of(const TensorType& type) noexcept {
  std::uint64_t hash = mix(static_cast<std::uint64_t>(type.dtype()) + 1,
                           static_cast<std::uint64_t>(type.rank()) + 0x51);
  for (const index_t extent : type.shape()) hash = mix(hash, static_cast<std::uint64_t>(extent));
  return hash;
}

}  // namespace tenon::detail
