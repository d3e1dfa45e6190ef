// Files that are wrong, one for each class of flaw that loaders of such files were published with.
// Each is a FormatError that names the byte; none reads beyond the file or takes memory for what a
// number claims.

#include <tenon/io/safetensors.hpp>

#include "files.hpp"

#include <cstdint>
#include <random>

namespace tn = tenon;

namespace {

std::string with_length(std::uint64_t length, std::string_view rest) {
  return files::bytes_of<std::uint64_t>({length}).append(rest);
}
std::string file_of(std::string_view header, std::size_t data_bytes = 0) {
  return with_length(header.size(), header) + std::string(data_bytes, '\0');
}
std::string entry(const char* name, const char* dtype, const char* shape, const char* range) {
  return std::string("\"") + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape +
         R"(,"data_offsets":)" + range + "}";
}

std::string refusal(const std::string& file) {
  const files::AlignedBytes bytes(file);
  return files::message_of<tn::FormatError>([&] { tn::Safetensors{bytes}; });
}

// A file of one tensor.
std::string refusal(const char* dtype, const char* shape, const char* range, std::size_t bytes) {
  return refusal(file_of("{" + entry("x", dtype, shape, range) + "}", bytes));
}

}  // namespace

TEST_CASE("the helper makes files that are right", "[io]") {
  REQUIRE(refusal("F32", "[2,2]", "[0,16]", 16) == "nothing was raised");
  REQUIRE(refusal(file_of("{}   ")) == "nothing was raised");
}

TEST_CASE("flaw: truncated files", "[io]") {
  REQUIRE(refusal("") ==
          "safetensors: the file has 0 B, less than the length of a header (byte 0)");
  REQUIRE(refusal("1234567") ==
          "safetensors: the file has 7 B, less than the length of a header (byte 0)");
  const std::string whole = file_of("{" + entry("x", "F32", "[2]", "[0,8]") + "}", 8);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    REQUIRE(refusal(whole.substr(0, size)) != "nothing was raised");
  }
}

TEST_CASE("flaw: a header that lies about its length", "[io]") {
  REQUIRE(refusal(with_length(3, "{}")) ==
          "safetensors: the header has 3 B, of which the file has 2 B (byte 0)");
  REQUIRE(
      refusal(with_length(std::uint64_t{1} << 63, "{}")) ==
      "safetensors: a header of 9223372036854775808 B is beyond the limit of 100000000 B (byte 0)");
  REQUIRE(refusal(with_length(~std::uint64_t{0} - 7, "{}")).find("beyond the limit") !=
          std::string::npos);
  REQUIRE(refusal(with_length(1, "{}")) == "safetensors: the header is no JSON (byte 9)");
  REQUIRE(refusal(with_length(0, "{}")) ==
          "safetensors: the header does not start with '{' (byte 8)");
}

TEST_CASE("flaw: sizes that wrap around", "[io]") {
  const std::string wraps =
      "safetensors: 'x' at [0, 0) has a shape with more bytes than an index can count (byte 14)";
  REQUIRE(refusal("F32", "[4611686018427387904]", "[0,0]", 0) == wraps);
  REQUIRE(refusal("U8", "[4294967296,4294967296]", "[0,0]", 0) == wraps);
  REQUIRE(refusal("U8", "[4294967296,4294967296,0]", "[0,0]", 0) == wraps);
  REQUIRE(refusal("U8", "[1]", "[18446744073709551615,0]", 1) ==
          "safetensors: 'x' at [18446744073709551615, 0) ends before it starts (byte 14)");
}

TEST_CASE("flaw: negative and huge dimensions", "[io]") {
  REQUIRE(refusal("U8", "[-1]", "[0,1]", 1) ==
          "safetensors: a negative number does not belong there (byte 39)");
  REQUIRE(
      refusal("U8", "[9223372036854775808]", "[0,1]", 1).find("beyond what an index can count") !=
      std::string::npos);
  REQUIRE(refusal("U8", "[18446744073709551616]", "[0,1]", 1).find("no 64-bit integer") !=
          std::string::npos);
  REQUIRE(refusal("U8", "[1e3]", "[0,1]", 1).find("no 64-bit integer") != std::string::npos);
  REQUIRE(refusal("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]", 1).find("more than 8 axes") !=
          std::string::npos);
}

TEST_CASE("flaw: offsets that leave the file, or disagree with the shape", "[io]") {
  REQUIRE(refusal("F32", "[2]", "[0,8]", 7) ==
          "safetensors: 'x' at [0, 8) reaches beyond the end of the file (byte 14)");
  REQUIRE(refusal("F32", "[2]", "[8,0]", 8) ==
          "safetensors: 'x' at [8, 0) ends before it starts (byte 14)");
  REQUIRE(refusal("F32", "[3]", "[0,8]", 8) ==
          "safetensors: 'x' at [0, 8) has another size than its shape and dtype (byte 14)");
  REQUIRE(refusal("F32", "[]", "[0,8]", 8).find("another size") != std::string::npos);
  REQUIRE(refusal("F32", "[0]", "[0,8]", 8).find("another size") != std::string::npos);
}

TEST_CASE("flaw: overlapping tensors, holes, and bytes that belong to none", "[io]") {
  const auto two = [](const char* first, const char* second, std::size_t bytes) {
    return refusal(file_of(
        "{" + entry("a", "U8", "[4]", first) + "," + entry("b", "U8", "[4]", second) + "}", bytes));
  };
  REQUIRE(two("[0,4]", "[4,8]", 8) == "nothing was raised");
  REQUIRE(two("[4,8]", "[0,4]", 8) == "nothing was raised");
  REQUIRE(two("[0,4]", "[0,4]", 8).find("'b' at [0, 4) overlaps") != std::string::npos);
  REQUIRE(two("[0,4]", "[3,7]", 7).find("'b' at [3, 7) overlaps") != std::string::npos);
  REQUIRE(two("[0,4]", "[5,9]", 9).find("'b' at [5, 9) leaves a hole") != std::string::npos);
  REQUIRE(two("[0,4]", "[4,8]", 9).find("the tensors end at byte") != std::string::npos);
}

TEST_CASE("flaw: offsets that are not aligned", "[io]") {
  const std::string header =
      "{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("b", "F32", "[1]", "[1,5]") + "}";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  const files::AlignedBytes bytes(file_of(header + padding, 5));
  const tn::Safetensors file{bytes};
  REQUIRE(file.view<std::uint8_t, tn::Shape<1>>("a").item() == 0);
  REQUIRE_THROWS_AS((file.view<float, tn::Shape<1>>("b")), tn::FormatError);
}

TEST_CASE("flaw: deep nesting", "[io]") {
  REQUIRE(refusal(file_of("{\"x\":" + std::string(1'000'000, '[')))
              .find("an array does not belong there (byte 14)") != std::string::npos);
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"dtype\":";
  REQUIRE(refusal(file_of(objects)).find("an object does not belong there (byte 27)") !=
          std::string::npos);
  REQUIRE(refusal("U8", "[[1]]", "[0,1]", 1).find("an array does not belong") != std::string::npos);
}

TEST_CASE("flaw: keys that come twice", "[io]") {
  const std::string x = entry("x", "U8", "[1]", "[0,1]");
  REQUIRE(refusal(file_of("{" + x + "," + entry("x", "U8", "[1]", "[1,2]") + "}", 2))
              .find("the name 'x' comes twice") != std::string::npos);
  REQUIRE(refusal(file_of("{" + x + "," + entry("\\u0078", "U8", "[1]", "[1,2]") + "}", 2))
              .find("the name 'x' comes twice") != std::string::npos);
  REQUIRE(
      refusal(file_of(R"({"x":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1))
          .find("a key comes twice") != std::string::npos);
  REQUIRE(refusal(file_of(R"({"__metadata__":{},"__metadata__":{}})"))
              .find("__metadata__ comes twice") != std::string::npos);
  REQUIRE(refusal(file_of(R"({"__metadata__":{"a":"1","a":"2"}})"))
              .find("'a' comes twice in __metadata__") != std::string::npos);
}

TEST_CASE("flaw: fields that are missing, unknown or of another kind", "[io]") {
  REQUIRE(refusal(file_of(R"({"x":{"dtype":"U8","shape":[1]}})", 1)).find("lacks") !=
          std::string::npos);
  REQUIRE(refusal(file_of(R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1}})", 1))
              .find("nothing else") != std::string::npos);
  REQUIRE(refusal("F33", "[1]", "[0,4]", 4).find("the dtype 'F33' is unknown") !=
          std::string::npos);
  REQUIRE(refusal("U8", "\"1\"", "[0,1]", 1).find("a string does not belong") != std::string::npos);
  REQUIRE(refusal("U8", "[1]", "[0]", 1).find("fewer than two") != std::string::npos);
  REQUIRE(refusal("U8", "[1]", "[0,1,1]", 1).find("more than two") != std::string::npos);
  REQUIRE(refusal("U8", "null", "[0,1]", 1).find("null does not belong") != std::string::npos);
  REQUIRE(refusal("U8", "[true]", "[0,1]", 1).find("a bool does not belong") != std::string::npos);
  REQUIRE(refusal(file_of(R"({"x":3})")).find("a number does not belong") != std::string::npos);
  REQUIRE(refusal(file_of(R"({"__metadata__":{"a":1}})")).find("a number does not belong") !=
          std::string::npos);
  REQUIRE(refusal(file_of("[]")).find("does not start with '{'") != std::string::npos);
}

TEST_CASE("flaw: text that is no JSON, or no UTF-8", "[io]") {
  REQUIRE(refusal(file_of("{} x")).find("no JSON") != std::string::npos);
  REQUIRE(refusal(file_of("{\"\xff\":1}")).find("no JSON") != std::string::npos);
  REQUIRE(refusal(file_of(std::string("{}\0", 3))).find("no JSON") != std::string::npos);
  REQUIRE(refusal(file_of("{// comment\n}")).find("no JSON") != std::string::npos);
}

TEST_CASE("a changed byte anywhere is refused or read, never more", "[io]") {
  const std::string whole = file_of(
      "{" + entry("a", "F32", "[2,1]", "[0,8]") + "," + entry("b", "U8", "[3]", "[8,11]") + "}",
      11);
  std::mt19937 random(6);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = whole;
    for (int k = 0; k <= i % 3; ++k)
      changed[random() % changed.size()] = static_cast<char>(random());
    refused += refusal(changed) != "nothing was raised" ? 1 : 0;
  }
  REQUIRE(refused > 10'000);
}
