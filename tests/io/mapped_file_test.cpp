#include <tenon/io/mapped_file.hpp>

#include "files.hpp"

#include <utility>

namespace tn = tenon;
using files::TemporaryPath;

TEST_CASE("a mapped file has the bytes of the file, and keeps its address when moved", "[io]") {
  const TemporaryPath path("mapped");
  files::write(path, "twelve bytes");
  tn::MappedFile file(path);
  const auto* start = file.bytes().data();
  REQUIRE(file.bytes().size() == 12);
  REQUIRE(static_cast<char>(file.bytes()[11]) == 's');

  tn::MappedFile moved = std::move(file);
  REQUIRE(moved.bytes().data() == start);
  REQUIRE(file.bytes().empty());
  file = std::move(moved);
  REQUIRE(file.bytes().data() == start);
}

TEST_CASE("an empty file maps to no bytes", "[io]") {
  const TemporaryPath path("empty");
  files::write(path, "");
  REQUIRE(tn::MappedFile(path).bytes().empty());
}

TEST_CASE("what cannot be mapped is a FileError with the path and the reason", "[io]") {
  const auto missing = files::message_of<tn::FileError>([] { tn::MappedFile("/nowhere/weights"); });
  REQUIRE(missing == "MappedFile: '/nowhere/weights': No such file or directory");
  const auto folder = files::message_of<tn::FileError>([] { tn::MappedFile("/"); });
  REQUIRE(folder == "MappedFile: '/': not a regular file");
}
