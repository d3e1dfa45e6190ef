// The fuzz target of tests/fuzz on its seeds, and on each of them changed at random, without libFuzzer.

#include "catch.hpp"

#include "../fuzz/lifetimes_csv.cpp"

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

TEST_CASE("Tables that are no tables are refused, whatever they hold", "[plan]") {
  std::vector<std::string> seeds;
  for (const auto& entry :
       std::filesystem::directory_iterator(TENON_TEST_DATA "/../fuzz/lifetimes_csv")) {
    std::ifstream file(entry.path(), std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  REQUIRE(seeds.size() >= 9);
  std::minstd_rand random(1);
  const auto run = [](const std::string& text) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  for (const std::string& seed : seeds) {
    run(seed);
    for (int round = 0; round < 300; ++round) {
      std::string text = seed;
      for (std::size_t changes = 1 + random() % 4; changes > 0 && !text.empty(); --changes) {
        const std::size_t at = random() % text.size();
        switch (random() % 3) {
          case 0:
            text[at] = static_cast<char>(random());
            break;
          case 1:
            text.erase(at, 1 + random() % 5);
            break;
          default:
            text.insert(at, text, random() % text.size(), 1 + random() % 9);
        }
      }
      run(text);
    }
  }
  SUCCEED("nothing aborted");
}
