#include "catch.hpp"

#include <tenon/core/dispatch.hpp>

#include <array>
#include <cstring>
#include <string>

namespace tn = tenon;
using tn::Isa;
using tn::detail::DispatchedTable;

namespace {

const void* no_table() noexcept { return nullptr; }

// One that never runs here.
constexpr Isa foreign = tn::build_isa == Isa::neon ? Isa::avx2 : Isa::neon;
constexpr Isa baseline = tn::build_isa == Isa::neon ? Isa::neon : Isa::sse2;

}  // namespace

TEST_CASE("a processor runs the baseline and what this test was built for") {
  CHECK(tn::runs_here(baseline));
  CHECK(tn::runs_here(tn::build_isa));
  CHECK_FALSE(tn::runs_here(foreign));
  CHECK(std::strcmp(tn::name(Isa::avx512), "avx512") == 0);
}

TEST_CASE("the last table that runs here is chosen, or the one that is asked for") {
  const std::array tables{DispatchedTable{baseline, no_table},
                          DispatchedTable{tn::build_isa, no_table},
                          DispatchedTable{foreign, no_table}};
  CHECK(tn::detail::choose_table("filters", tables, nullptr).isa == tn::build_isa);
  CHECK(tn::detail::choose_table("filters", tables, tn::name(baseline)).isa == baseline);
}

TEST_CASE("an instruction set that is not there is refused by name") {
  const std::array tables{DispatchedTable{baseline, no_table}, DispatchedTable{foreign, no_table}};
  const auto message = [&](const char* wanted) -> std::string {
    try {
      static_cast<void>(tn::detail::choose_table("filters", tables, wanted));
      return "none";
    } catch (const tn::ContractError& error) {
      return error.message();
    }
  };
  CHECK(message("mmx") == "filters: mmx is not among the instruction sets that it has: " +
                              std::string(tn::name(baseline)) + " " + tn::name(foreign) +
                              " (not here)");
  CHECK(message(tn::name(foreign)).starts_with("filters: " + std::string(tn::name(foreign))));
}
