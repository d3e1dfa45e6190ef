// Files that are right: read in place, written, and read again.

#include <tenon/io/safetensors.hpp>

#include "files.hpp"

#include <tenon/tensor/compare.hpp>
#include <tenon/tensor/static_tensor.hpp>

#include <memory_resource>

namespace tn = tenon;
using files::TemporaryPath;

// Made by huggingface's safetensors 0.8 with NumPy:
//   save_file({"weight": arange(6, dtype=float32).reshape(2, 3) / 2, "bias": array([1.5, -2.5]),
//     "steps": array(7, dtype=int64), "mask": array([True, False, True]), "half": array([1, 2],
//     dtype=float16), "empty": zeros((0, 4), int16), "größe": array([255], dtype=uint8)},
//     "small.safetensors", metadata={"format": "np", "note": '"quoted"'})
TEST_CASE("a file of the reference implementation is read in place", "[io]") {
  const tn::Safetensors file(TENON_TEST_DATA "/small.safetensors");
  REQUIRE(file.tensors().size() == 7);
  REQUIRE(file.tensors()[0].name == "bias");
  REQUIRE(tn::array_equal(file.view<float, tn::Shape<2, 3>>("weight"),
                          tn::StaticTensor<float, 2, 3>{0, 0.5F, 1, 1.5F, 2, 2.5F}));
  REQUIRE(tn::array_equal(file.view<double, tn::Shape<tn::dyn>>("bias"),
                          tn::StaticTensor<double, 2>{1.5, -2.5}));
  REQUIRE(file.view<std::int64_t, tn::Shape<>>("steps").item() == 7);
  REQUIRE(tn::array_equal(file.view<bool, tn::Shape<3>>("mask"),
                          tn::StaticTensor<bool, 3>{true, false, true}));
  REQUIRE(file.view<std::int16_t, tn::Shape<0, 4>>("empty").size() == 0);
  REQUIRE(file.view<std::uint8_t, tn::Shape<1>>("größe").item() == 255);

  const tn::StoredTensor& half = file.at("half");
  REQUIRE(std::string_view(half.type) == "F16");
  REQUIRE(half.bytes.size() == 4);
  REQUIRE(file.view<tn::half, tn::Shape<2>>("half").size() == 2);
  REQUIRE_THROWS_AS((file.view<float, tn::Shape<2>>("half")), tn::DTypeError);

  REQUIRE(file.metadata().size() == 2);
  REQUIRE(file.metadata()[1].key == "note");
  REQUIRE(file.metadata()[1].value == "\"quoted\"");
}

TEST_CASE("a name that the file lacks is a FileError", "[io]") {
  const tn::Safetensors file(TENON_TEST_DATA "/small.safetensors");
  REQUIRE(file.find("gain") == nullptr);
  REQUIRE(files::message_of<tn::FileError>([&] {
            static_cast<void>(file.view<float, tn::Shape<2>>("gain"));
          }) == "safetensors: no tensor 'gain' among the 7 of the file");
}

TEST_CASE("moving a file keeps its views", "[io]") {
  tn::Safetensors file(TENON_TEST_DATA "/small.safetensors");
  const auto weight = file.view<float, tn::Shape<2, 3>>("weight");
  const tn::Safetensors moved = std::move(file);
  REQUIRE(weight(1, 2) == 2.5F);
  REQUIRE(moved.view<float, tn::Shape<2, 3>>("weight").data() == weight.data());
}

TEST_CASE("what is written is read again, aligned for its type", "[io]") {
  const TemporaryPath path("written.safetensors");
  const tn::StaticTensor<bool, 3> mask{true, false, true};
  const tn::StaticTensor<float, 2, 2> w{1, 2, 3, 4};
  const tn::StaticTensor<double, 1> scale{0.5};
  const tn::StaticTensor<std::int32_t, 0, 5> none{};
  const tn::StaticTensor<tn::bfloat16, 2> brain{tn::bfloat16(0.5F), tn::bfloat16(-3)};
  const std::array<std::string_view, 2> metadata[] = {{"licence", "MIT"}, {"by", "a \"tenon\"\n"}};
  tn::save_safetensors(path, {{"mask", mask}, {"w", w}, {"scale", scale}, {"ni\u00f1o", none}, {"brain", brain}},
                       metadata);

  const tn::Safetensors file(path);
  REQUIRE(file.tensors().size() == 5);
  REQUIRE(tn::array_equal(file.view<tn::bfloat16, tn::Shape<2>>("brain"), brain));
  REQUIRE(tn::array_equal(file.view<bool, tn::Shape<3>>("mask"), mask));
  REQUIRE(tn::array_equal(file.view<float, tn::Shape<2, 2>>("w"), w));
  REQUIRE(tn::array_equal(file.view<double, tn::Shape<1>>("scale"), scale));
  REQUIRE(file.at("scale").offset % 64 == 0);
  REQUIRE(file.view<std::int32_t, tn::Shape<0, 5>>("ni\u00f1o").size() == 0);
  REQUIRE(file.metadata()[0].key == "by");
  REQUIRE(file.metadata()[0].value == "a \"tenon\"\n");
}

TEST_CASE("a file without tensors is written and read", "[io]") {
  const TemporaryPath path("none.safetensors");
  tn::save_safetensors(path, {});
  REQUIRE(tn::Safetensors(path).tensors().empty());
}

TEST_CASE("who has mapped a file keeps it when it is written anew", "[io]") {
  const TemporaryPath path("twice.safetensors");
  const tn::StaticTensor<float, 1> before{1}, after{2};
  tn::save_safetensors(path, {{"x", before}});
  const tn::Safetensors file(path);
  tn::save_safetensors(path, {{"x", after}});
  REQUIRE(file.view<float, tn::Shape<1>>("x").item() == 1);
  REQUIRE(tn::Safetensors(path).tensors().size() == 1);
}

TEST_CASE("what cannot be written is refused and leaves no file", "[io]") {
  const tn::StaticTensor<float, 1> x{1};
  const TemporaryPath path("refused.safetensors");
  REQUIRE(files::message_of<tn::ContractError>([&] {
            tn::save_safetensors(path, {{"x", x}, {"x", x}});
          }) == "save_safetensors: the name 'x' comes twice");
  REQUIRE_THROWS_AS(tn::save_safetensors(path, {{"__metadata__", x}}), tn::ContractError);
  REQUIRE_THROWS_AS(tn::save_safetensors(path, {{"\xff", x}}), tn::ContractError);
  REQUIRE(files::read(path).empty());
  REQUIRE(files::message_of<tn::FileError>([&] {
            tn::save_safetensors("/nowhere/x", {{"x", x}});
          }) == "save_safetensors: '/nowhere/x': No such file or directory");
}

TEST_CASE("the list of tensors comes from the resource that is given", "[io]") {
  std::byte buffer[8192];
  std::pmr::monotonic_buffer_resource only(buffer, sizeof buffer, std::pmr::null_memory_resource());
  const tn::Safetensors file(TENON_TEST_DATA "/small.safetensors", &only);
  const auto* at = reinterpret_cast<const std::byte*>(file.tensors().data());
  REQUIRE(buffer <= at);
  REQUIRE(at < buffer + sizeof buffer);
}
