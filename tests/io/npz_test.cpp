// Arrays by name in a zip, written by NumPy, read in place or unpacked.

#include <tenon/io/npz.hpp>

#include "files.hpp"

#include <tenon/tensor/compare.hpp>
#include <tenon/tensor/static_tensor.hpp>

#include <tenon/memory/arena.hpp>

#include <random>

namespace tn = tenon;
using files::message_of;

namespace {

const std::string stored = TENON_TEST_DATA "/npy/stored.npz",
                  compressed = TENON_TEST_DATA "/npy/compressed.npz";
const tn::StaticTensor<float, 2, 3> six{0, 0.5F, 1, 1.5F, 2, 2.5F};

// Opens the bytes and loads every array that has a type here.
void load_all(std::span<const std::byte> bytes) {
  const tn::Npz file{bytes};
  tn::Arena arena;
  for (const tn::NpzEntry& e : file.entries()) {
    const std::string_view name = e.tensor.name;
    if (e.tensor.dtype == tn::DType::int32 && e.tensor.rank == 1)
      static_cast<void>(file.load<std::int32_t, tn::Shape<tn::dyn>>(name, arena));
    if (e.tensor.dtype == tn::DType::float32 && e.tensor.rank == 2)
      static_cast<void>(file.load<float, tn::Shape<tn::dyn, tn::dyn>>(name, arena));
  }
}
std::string refusal(const std::string& file) {
  const files::AlignedBytes bytes(file);
  return message_of<tn::FormatError>([&] { load_all(bytes); });
}
bool refused_for(const std::string& file, const char* why) {
  const std::string text = refusal(file);
  UNSCOPED_INFO(text);
  return text.find(why) != text.npos && text.find("(byte ") != text.npos;
}

// The file with the number at the first place of `mark`, plus `at`, exchanged.
template <class T>
std::string with(std::string file, std::string_view mark, std::size_t at, T number) {
  return file.replace(file.find(mark) + at, sizeof(T), files::bytes_of<T>({number}));
}
constexpr std::string_view local("PK\3\4", 4), member("PK\1\2", 4), end("PK\5\6", 4);

}  // namespace

TEST_CASE("arrays of numpy.savez and savez_compressed are loaded by name", "[io]") {
  for (const std::string& path : {stored, compressed}) {
    CAPTURE(path);
    const tn::Npz file(path);
    REQUIRE(file.entries().size() == 6);
    REQUIRE(file.at("rows").compressed == (path == compressed));
    tn::Arena arena;
    REQUIRE(tn::array_equal(file.load<float, tn::Shape<2, 3>>("rows", arena), six));
    REQUIRE(file.load<std::int64_t, tn::Shape<>>("scalar", arena).item() == -7);
    REQUIRE(file.load<bool, tn::Shape<3>>("mask", arena)(0));
    REQUIRE(file.load<std::uint16_t, tn::Shape<0, 4>>("empty", arena).size() == 0);
    const auto ramp = file.load<std::int32_t, tn::Shape<tn::dyn>>("ramp", arena);
    REQUIRE(ramp.size() == 5000);
    for (std::int32_t i = 0; i < 5000; ++i) REQUIRE(ramp(i) == i);
    REQUIRE_THROWS_AS((file.load<double, tn::Shape<2, 3>>("fortran", arena)), tn::FormatError);
    REQUIRE_THROWS_AS((file.load<double, tn::Shape<2, 3>>("rows", arena)), tn::DTypeError);
    REQUIRE_THROWS_AS((file.load<float, tn::Shape<3, 2>>("rows", arena)), tn::ShapeError);
    REQUIRE(message_of<tn::FileError>([&] { static_cast<void>(file.at("gain")); }) ==
            "npz: no array 'gain' among the 6 of the file");
  }
}

TEST_CASE("a compressed array has no view", "[io]") {
  const tn::Npz file(compressed);
  REQUIRE(message_of<tn::FormatError>([&] {
            static_cast<void>(file.view<float, tn::Shape<2, 3>>("rows"));
          }).find("is compressed: load it") != std::string::npos);
}

TEST_CASE("what is written lies aligned, is read in place and loaded", "[io]") {
  const files::TemporaryPath path("written.npz");
  const tn::StaticTensor<bool, 3> mask{true, false, true};
  const tn::StaticTensor<double> scale{0.5};
  tn::save_npz(path, {{"mask", mask}, {"six", six}, {"a/longer name \u00f1", scale}});
  const tn::Npz file(path);
  REQUIRE(tn::array_equal(file.view<float, tn::Shape<2, 3>>("six"), six));
  REQUIRE(file.at("six").tensor.offset % 64 == 0);
  REQUIRE(file.view<double, tn::Shape<>>("a/longer name \u00f1").item() == 0.5);
  tn::Arena arena;
  REQUIRE(tn::array_equal(file.load<bool, tn::Shape<3>>("mask", arena), mask));
  REQUIRE_THROWS_AS(tn::save_npz(path, {{"x", scale}, {"x", scale}}), tn::ContractError);
  tn::save_npz(path, {});
  REQUIRE(tn::Npz(path).entries().empty());
}

TEST_CASE("flaw: npz: truncated files", "[io]") {
  for (const std::string& path : {stored, compressed}) {
    const std::string whole = files::read(path);
    REQUIRE(refusal(whole) == "nothing was raised");
    for (std::size_t size = 0; size < whole.size(); size += size < whole.size() - 600 ? 97 : 1) {
      CAPTURE(path, size);
      REQUIRE(refusal(whole.substr(0, size)) != "nothing was raised");
    }
  }
}

TEST_CASE("flaw: npz: directories that lie", "[io]") {
  const std::string whole = files::read(compressed);
  REQUIRE(refused_for(with<std::uint32_t>(whole, end, 16, 0xFFFFFF00), "does not end where"));
  REQUIRE(refused_for(with<std::uint32_t>(whole, end, 12, 5), "does not end where"));
  REQUIRE(refused_for(with<std::uint16_t>(whole, end, 10, 7), "has no entry here"));
  REQUIRE(refused_for(with<std::uint16_t>(whole, end, 10, 5), "more than its entries"));
  REQUIRE(refused_for(with<std::uint32_t>(whole, member, 42, 0x7FFFFFFF),
                      "not where the directory says"));
  REQUIRE(refused_for(with<std::uint32_t>(whole, member, 42, 1), "not where the directory says"));
  REQUIRE(refused_for(with<std::uint32_t>(whole, member, 20, 0x7FFFFFFF),
                      "reaches into the directory"));
  REQUIRE(refused_for(with<std::uint16_t>(whole, member, 28, 0xFFFF), "leaves the directory"));
  REQUIRE(refused_for(with<std::uint16_t>(whole, member, 8, 1), "encrypted"));
  REQUIRE(refused_for(with<std::uint16_t>(whole, member, 10, 12), "neither stored nor deflated"));
  REQUIRE(refused_for(with<std::uint8_t>(whole, local, 30, 'X'), "something else of itself"));
}

TEST_CASE("flaw: npz: sizes that the packed bytes cannot make", "[io]") {
  const std::string whole = files::read(compressed);
  REQUIRE(refused_for(with<std::uint32_t>(whole, member, 24, 0x7FFFFFFF),
                      "larger than its packed bytes"));
  REQUIRE(refused_for(with<std::uint32_t>(whole, member, 24, 150), "behind its header"));
  REQUIRE(refused_for(with<std::uint32_t>(files::read(stored), member, 24, 150), "two sizes"));
}

TEST_CASE("flaw: npz: members that lie in each other, and names that come twice", "[io]") {
  const files::TemporaryPath path("two.npz");
  tn::save_npz(path, {{"a", six}, {"b", six}});
  const std::string whole = files::read(path);
  const std::size_t second = whole.rfind(member);
  std::string overlapping = whole;
  overlapping.replace(second + 42, 4, files::bytes_of<std::uint32_t>({0}));
  REQUIRE(refused_for(overlapping, "something else of itself"));  // the name there is a.npy
  overlapping.replace(second + 46, 1, "a");
  REQUIRE(refused_for(overlapping, "a member lies in another one"));
  std::string twice = whole;
  twice.replace(second + 46, 1, "a");
  twice.replace(whole.find("b.npy"), 1, "a");
  REQUIRE(refused_for(twice, "the name 'a.npy' comes twice"));
}

TEST_CASE("flaw: npz: data that is not what its checksum says, or broken", "[io]") {
  const std::string whole = files::read(stored);
  REQUIRE(refused_for(with<std::uint32_t>(whole, member, 16, 0), "another checksum"));
  const std::string packed = files::read(compressed);
  const std::size_t ramp = packed.find("ramp.npy") + 200;
  int refused = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    std::string broken = packed;
    broken[ramp + i * 5] = static_cast<char>(broken[ramp + i * 5] ^ 0x55);
    refused += refusal(broken) != "nothing was raised" ? 1 : 0;
  }
  REQUIRE(refused == 400);
}

TEST_CASE("a zip with changed bytes is refused or read, never more", "[io]") {
  const files::TemporaryPath path("changed.npz");
  tn::save_npz(path, {{"a", six}, {"b", six}});
  const std::string whole = files::read(path);
  std::mt19937 random(8);
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = whole;
    for (int k = 0; k <= i % 3; ++k)
      changed[random() % changed.size()] = static_cast<char>(random());
    REQUIRE(refusal(changed).size() > 0);
  }
}
