// Tables of lifetimes: what is written is read again, and whatever else is read either works or is
// refused with line and byte.

#include "catch.hpp"

#include <tenon/plan/lifetimes_csv.hpp>

#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace tn = tenon;

namespace {

tn::LifetimeTable read(std::string_view text) {
  return tn::read_lifetimes(text, std::pmr::new_delete_resource());
}

const std::vector<tn::Lifetime> two{{0, 3, 64}, {2, 9, 4096}};

}  // namespace

TEST_CASE("a table is read as it was written", "[plan][csv]") {
  std::ostringstream plain, solved;
  tn::write_lifetimes(plain, two);
  CHECK(plain.str() == "id,lower,upper,size\n0,0,3,64\n1,2,9,4096\n");
  const auto table = read(plain.str());
  CHECK(std::vector(table.buffers.begin(), table.buffers.end()) == two);
  CHECK(table.offsets.empty());

  const std::vector<std::size_t> offsets{4096, 0};
  tn::write_lifetimes(solved, two, offsets);
  CHECK(solved.str() == "id,lower,upper,size,offset\n0,0,3,64,4096\n1,2,9,4096,0\n");
  const auto again = read(solved.str());
  CHECK(std::vector(again.buffers.begin(), again.buffers.end()) == two);
  CHECK(std::vector(again.offsets.begin(), again.offsets.end()) == offsets);
}

TEST_CASE("columns may stand in any order, lines end in any way", "[plan][csv]") {
  const auto table = read("size,name,upper,lower\r\n64,a,3,0\r\n\r\n4096,b,9,2");
  CHECK(std::vector(table.buffers.begin(), table.buffers.end()) == two);
  CHECK(read("id,lower,upper,size\n").buffers.empty());
}

TEST_CASE("what is no table is refused with line and byte", "[plan][csv]") {
  CHECK_THROWS_WITH(read(""), "lifetimes: the text is empty (byte 0)");
  CHECK_THROWS_WITH(read("id,lower,upper\n"),
                    "lifetimes: the first line has no column 'size' (byte 0)");
  CHECK_THROWS_WITH(read("lower,upper,size\n0,1\n"),
                    "lifetimes: line 2 (byte 17) has 2 fields, the first line 3");
  CHECK_THROWS_WITH(read("lower,upper,size\n0,1,64\n0,x,64\n"),
                    "lifetimes: line 3 (byte 26): upper is 'x', not a number up to "
                    "9223372036854775807");
  CHECK_THROWS_WITH(read("lower,upper,size\n0,1,-64\n"),
                    "lifetimes: line 2 (byte 21): size is '-64', not a number up to "
                    "9223372036854775807");
  CHECK_THROWS_WITH(read("lower,upper,size\n4,4,64\n"),
                    "lifetimes: line 2 (byte 17): lower 4 is not below upper 4");
  CHECK_THROWS_WITH(read("lower,upper,size\n0,1,9223372036854775807\n0,1,1\n"),
                    "lifetimes: the sizes add up to more than an address can count");
  CHECK_THROWS_AS(read("lower,upper,size\n0,1,18446744073709551616\n"), tn::FormatError);
}

TEST_CASE("damaged tables are read or refused, never more", "[plan][csv]") {
  std::minstd_rand random(3);
  const std::string good = "id,lower,upper,size,offset\n0,0,3,64,4096\n1,2,9,4096,0\n2,1,5,8,64\n";
  const std::string_view letters = "0123456789,\n\r-x \0\xff";
  int read_count = 0, refused_count = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = good;
    for (auto edits = 1 + random() % 4; edits > 0 && !text.empty(); --edits) {
      const std::size_t at = random() % text.size();
      const char letter = letters[random() % letters.size()];
      switch (random() % 4) {
        case 0:
          text[at] = letter;
          break;
        case 1:
          text.erase(at, 1 + random() % 5);
          break;
        case 2:
          text.insert(at, 1 + random() % 3, letter);
          break;
        default:
          text.resize(at);
      }
    }
    try {
      const auto table = read(text);
      for (const auto& b : table.buffers) REQUIRE(b.lower < b.upper);
      REQUIRE((table.offsets.empty() || table.offsets.size() == table.buffers.size()));
      ++read_count;
    } catch (const tn::FormatError&) {
      ++refused_count;
    }
  }
  CHECK(read_count > 1000);
  CHECK(refused_count > 1000);
}
