// Packings from elsewhere: tables that are constants, and what is wrong with others.

#include "catch.hpp"

#include <tenon/expr/operators.hpp>
#include <tenon/plan/lifetimes_csv.hpp>
#include <tenon/plan/planned.hpp>

#include <exception>
#include <sstream>
#include <string>

namespace tn = tenon;
using tn::index_t;

namespace {

// Two rows that live together, and one that may lie anywhere.
constexpr auto table = tn::read_lifetimes<8>(
    "id,lower,upper,size,offset\n"
    "0,0,2,64,0\n"
    "1,1,3,256,64\n"
    "2,3,4,128,0\n");
static_assert(table.buffers().size() == 3);
static_assert(table.buffers()[1] == tn::Lifetime{1, 3, 256} && table.offsets()[1] == 64);
static_assert(!tn::validate_packing(table.buffers(), table.offsets(), 320));
static_assert(tn::validate_packing(table.buffers(), table.offsets(), 319).kind ==
              tn::PackingFault::Kind::beyond_capacity);
static_assert(tn::read_lifetimes<2>("lower,upper,size\r\n0,1,8\r\n\r\n1,2,8").offsets().empty());

template <index_t... E>
auto leaf() {
  return tn::TensorView<const float, tn::Shape<E...>>(nullptr, {});
}
auto rows() {  // two stored rows of 200 B, each read by the last stage; nothing is packed
  return leaf<40, 50>() * tn::exp(leaf<50>()) + tn::exp(leaf<50>());
}
using Rows = decltype(rows());
constexpr auto slots = tn::slot_table(tn::plan_of<Rows>);
static_assert(slots.lifetimes().size() == 2);

std::string solved(std::size_t first, std::size_t second) {
  std::ostringstream out;
  const std::size_t offsets[] = {first, second};
  tn::write_lifetimes(out, slots.lifetimes(), offsets);
  return out.str();
}

std::string message(const std::string& text) {
  try {
    (void)tn::planned<Rows>(text);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("A table of too many rows is refused", "[plan]") {
  CHECK_THROWS_AS(tn::read_lifetimes<1>("lower,upper,size\n0,1,8\n1,2,8\n"), tn::FormatError);
  CHECK_THROWS_AS(tn::read_lifetimes<0>("lower,upper,size\n0,1,8\n"), tn::FormatError);
  CHECK(tn::read_lifetimes<0>("lower,upper,size\n").buffers().empty());
}

TEST_CASE("A plan takes the offsets of a table", "[plan]") {
  const auto mine = tn::planned<Rows>(solved(512, 0));
  const auto moved = tn::slot_table(mine.plan());
  REQUIRE(moved.offsets().size() == 2);
  CHECK(moved.offsets()[0] == 512);
  CHECK(moved.offsets()[1] == 0);
  CHECK(mine.plan().workspace_bytes == 712);
  CHECK(mine.plan().peak_bytes == mine.plan().result_bytes + 712);
  CHECK(mine.plan().workspace_bytes_if_aliased == 768 + mine.plan().result_bytes);
  CHECK(tn::planned(rows(), solved(0, 256)).plan().workspace_bytes ==
        tn::plan_of<Rows>.workspace_bytes);
}

TEST_CASE("What is wrong with a table is said with its numbers", "[plan]") {
  CHECK(message(solved(0, 256)).empty());
  CHECK(message(solved(0, 64))
            .find("buffers 0 and 1 are in use at the same time and share bytes: "
                  "they lie at 0 and 64") != std::string::npos);
  CHECK(message(solved(0, 300)).find("buffer 1 lies at offset 300, not at a multiple of 64") !=
        std::string::npos);
  CHECK(message("lower,upper,size,offset\n0,1,64,0\n").find("has 1 buffers, the plan 2") !=
        std::string::npos);
  std::string other = solved(0, 256);
  other.replace(other.find("200"), 3, "208");
  CHECK(message(other).find("buffer 0 of the table has 208 B") != std::string::npos);
  std::ostringstream unsolved;
  tn::write_lifetimes(unsolved, slots.lifetimes());
  CHECK(message(unsolved.str()).find("no column 'offset'") != std::string::npos);
  CHECK(message("").find("empty") != std::string::npos);
}
