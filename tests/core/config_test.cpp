#include <tenon/core/config.hpp>

#include "catch.hpp"

#include <string>
#include <string_view>
#include <type_traits>

using namespace tenon;

#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)

static_assert(std::is_same_v<index_t, std::ptrdiff_t>);
static_assert(max_rank == 8 && workspace_alignment == 64);
static_assert(checked_build == (TENON_CHECKED != 0));

namespace tenon::inline TENON_MODE {
struct in_mode {};
}  // namespace tenon::inline TENON_MODE

TEST_CASE("the mode names the instruction set and whether the build is checked") {
  constexpr std::string_view mode = TEXT_OF(TENON_MODE);
  constexpr std::string_view isa = TEXT_OF(TENON_ISA);
  CHECK(mode == (checked_build ? std::string(isa) + "_checked" : std::string(isa)));
  CHECK((isa == "sse2" || isa == "avx2" || isa == "avx512" || isa == "neon"));
  constexpr std::string_view names[] = {"sse2", "avx2", "avx512", "neon"};
  CHECK(isa == names[static_cast<int>(build_isa)]);
  STATIC_REQUIRE(std::is_same_v<tenon::in_mode, tenon::TENON_MODE::in_mode>);
}

TEST_CASE("the instruction set is the one that the compiler was given") {
#if defined(__aarch64__)
  CHECK(build_isa == Isa::neon);
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
  CHECK(build_isa == Isa::avx512);
#elif defined(__AVX2__) && defined(__FMA__)
  CHECK(build_isa == Isa::avx2);
#else
  CHECK(build_isa == Isa::sse2);
#endif
}
