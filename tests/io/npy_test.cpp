// Arrays written by NumPy, read in place; and what is no array.

#include <tenon/io/npy.hpp>

#include "files.hpp"

#include <tenon/tensor/compare.hpp>
#include <tenon/tensor/static_tensor.hpp>

#include <random>

namespace tn = tenon;
using files::message_of;

namespace {

std::string data(const char* name) { return std::string(TENON_TEST_DATA "/npy/") + name; }

// An .npy of version 1 around a dictionary.
std::string npy_of(const std::string& dictionary, std::size_t data_bytes = 0) {
  const auto size = static_cast<std::uint16_t>(dictionary.size());
  return "\x93NUMPY" + std::string("\1\0", 2) + files::bytes_of<std::uint16_t>({size}) +
         dictionary + std::string(data_bytes, '\0');
}
std::string array_of(const std::string& type, const std::string& shape,
                     std::size_t data_bytes = 0) {
  return npy_of("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n",
                data_bytes);
}
std::string refusal(const std::string& file) {
  const files::AlignedBytes bytes(file);
  return message_of<tn::FormatError>([&] { tn::Npy{bytes}; });
}
bool refused_for(const std::string& file, const char* why) {
  const std::string text = refusal(file);
  INFO(text);
  return text.find(why) != text.npos && text.find("(byte ") != text.npos;
}

const tn::StaticTensor<float, 2, 3> six{0, 0.5F, 1, 1.5F, 2, 2.5F};

}  // namespace

TEST_CASE("arrays of NumPy are read in place", "[io]") {
  const tn::Npy rows(data("rows.npy"));
  REQUIRE(tn::array_equal(rows.view<float, tn::Shape<2, 3>>(), six));
  const tn::Npy version_2(data("version_2.npy"));
  REQUIRE(tn::array_equal(version_2.view<float, tn::Shape<tn::dyn, tn::dyn>>(), six));
  const tn::Npy scalar(data("scalar.npy"));
  REQUIRE(scalar.view<std::int64_t, tn::Shape<>>().item() == -7);
  const tn::Npy empty(data("empty.npy"));
  REQUIRE(empty.view<std::uint16_t, tn::Shape<0, 4>>().size() == 0);
  const tn::Npy mask(data("mask.npy"));
  REQUIRE(mask.view<bool, tn::Shape<3>>()(2));
  const tn::Npy halves(data("half.npy"));
  REQUIRE(static_cast<float>(halves.view<tn::half, tn::Shape<2>>()(1)) == 2);
}

TEST_CASE("an array in Fortran order is a column-major view, or an error that says so", "[io]") {
  const tn::Npy file(data("fortran.npy"));
  REQUIRE(tn::array_equal(file.view<double, tn::Shape<2, 3>, tn::column_major>(),
                          tn::StaticTensor<double, 2, 3>{0, 0.5, 1, 1.5, 2, 2.5}));
  REQUIRE(file.view<double, tn::Shape<2, 3>, tn::dyn_strides>()(1, 0) == 1.5);
  REQUIRE(message_of<tn::FormatError>([&] {
            static_cast<void>(file.view<double, tn::Shape<2, 3>>());
          }).find("Fortran order") != std::string::npos);
}

TEST_CASE("elements that Tenon cannot have in place are refused", "[io]") {
  const auto refused = [](const char* name) {
    return message_of<tn::FormatError>([&] { tn::Npy{data(name)}; });
  };
  REQUIRE(refused("big_endian.npy") ==
          "npy: elements '>f4' cannot be used in place: they are big-endian (byte 25)");
  REQUIRE(refused("objects.npy") ==
          "npy: elements '|O' cannot be used in place: they are pickled objects (byte 24)");
  REQUIRE(refused("structured.npy") == "npy: the elements are structured (byte 21)");
}

TEST_CASE("what is written is read again", "[io]") {
  const files::TemporaryPath path("written.npy");
  tn::save_npy(path, six);
  const tn::Npy file(path);
  REQUIRE(tn::array_equal(file.view<float, tn::Shape<2, 3>>(), six));
  REQUIRE(file.tensor().offset % 64 == 0);
  tn::save_npy(path, tn::StaticTensor<bool>{true});
  REQUIRE(tn::Npy(path).tensor().rank == 0);
  const tn::StaticTensor<tn::half, 1> half{tn::half(0.5F)};
  tn::save_npy(path, half);
  const tn::Npy halves(path);
  REQUIRE(tn::array_equal(halves.view<tn::half, tn::Shape<1>>(), half));
  REQUIRE_THROWS_AS(tn::save_npy(path, tn::StaticTensor<tn::bfloat16, 1>{}), tn::DTypeError);
}

TEST_CASE("flaw: npy: truncated files, and headers that lie about their length", "[io]") {
  const std::string whole = files::read(data("rows.npy"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    REQUIRE(refusal(whole.substr(0, size)) != "nothing was raised");
  }
  REQUIRE(refused_for(whole + " ", "the shape needs 24 B behind the header, the file has 25 B"));
  std::string longer = whole;
  longer[9] = '\x7f';
  REQUIRE(refused_for(longer, "the header has"));
  std::string version_2 = files::read(data("version_2.npy"));
  version_2[11] = '\x7f';
  REQUIRE(refused_for(version_2, "beyond the limit"));
  std::string version_9 = whole;
  version_9[6] = '\x9';
  REQUIRE(refused_for(version_9, "version 9.0 is unknown"));
}

TEST_CASE("flaw: npy: sizes that wrap around, negative and huge dimensions", "[io]") {
  REQUIRE(
      refused_for(array_of("<f4", "(4611686018427387904,)"), "more bytes than an index can count"));
  REQUIRE(refused_for(array_of("|u1", "(4294967296, 4294967296)"), "more bytes than"));
  REQUIRE(refused_for(array_of("|u1", "(4294967296, 4294967296, 0)"), "more bytes than"));
  REQUIRE(refused_for(array_of("|u1", "(9223372036854775808,)"), "beyond what an index can count"));
  REQUIRE(refused_for(array_of("|u1", "(-1,)", 1), "an extent is negative"));
  REQUIRE(refused_for(array_of("|u1", "(1, 1, 1, 1, 1, 1, 1, 1, 1)", 1), "more than 8 axes"));
  REQUIRE(refused_for(array_of("<f4", "(2,)", 4), "the shape needs 8 B"));
}

TEST_CASE("flaw: npy: dictionaries that NumPy does not write", "[io]") {
  REQUIRE(refusal(array_of("|u1", "(1,)", 1)) == "nothing was raised");
  REQUIRE(refusal(array_of("|u1", "()", 1)) == "nothing was raised");
  for (const char* shape : {"((1,),)", "[1]", "1", "(1", "(1 1)", "(1.0,)", "(0x1,)", "(,)",
                            "(True,)", "__import__('os').system('true')"}) {
    CAPTURE(shape);
    REQUIRE(refusal(array_of("|u1", shape, 1)).find("npy: ") == 0);
  }
  REQUIRE(refused_for(npy_of("{}"), "missing"));
  REQUIRE(refused_for(
      npy_of("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': ()}", 1),
      "comes twice"));
  REQUIRE(refused_for(npy_of("{'descr': '|u1', 'more': 1}"), "unknown"));
  REQUIRE(refused_for(npy_of("{'descr': '|u1"), "no end"));
  REQUIRE(refused_for(npy_of("{'fortran_order': 1}"), "neither True nor False"));
  REQUIRE(refused_for(npy_of("{'descr': '|u1', 'fortran_order': False, 'shape': ()} {}", 1),
                      "more than one"));
  REQUIRE(refused_for(npy_of(std::string(60'000, '(')), "not the dictionary"));
  REQUIRE(refused_for(npy_of("{'shape': " + std::string(60'000, '(')), "no number"));
}

TEST_CASE("an array with a changed byte is refused or read, never more", "[io]") {
  const std::string whole = files::read(data("rows.npy"));
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = whole;
    for (int k = 0; k <= i % 3; ++k)
      changed[random() % changed.size()] = static_cast<char>(random());
    REQUIRE(refusal(changed).size() > 0);
  }
}
