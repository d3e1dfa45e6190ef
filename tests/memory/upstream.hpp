#pragma once
// An upstream resource for tests: it knows every block, checks every return, and can refuse.

#include "catch.hpp"

#include <cstddef>
#include <cstdlib>
#include <map>
#include <memory_resource>
#include <new>
#include <vector>

namespace tenon::test {

class Upstream final : public std::pmr::memory_resource {
 public:
  ~Upstream() override { CHECK(blocks.empty()); }  // nothing leaks through a resource

  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& [block, known] : blocks) sum += known.bytes;
    return sum;
  }

  // Refuses request number n (0 is the next one), or all from then on.
  void fail_at(std::size_t n, bool onwards = false) {
    countdown = n;
    armed = true;
    keeps_failing = onwards;
  }
  void heal() { armed = false; }

  struct Known {
    std::size_t bytes;
    std::size_t alignment;
  };
  std::map<void*, Known> blocks;
  std::size_t requests = 0;
  std::size_t refused = 0;
  std::size_t last_bytes = 0;

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (armed && countdown-- == 0) {
      ++refused;
      armed = keeps_failing;
      countdown = 0;
      throw std::bad_alloc();
    }
    // No machine has that much; AddressSanitizer would end the program instead of refusing.
    if (bytes > std::size_t{1} << 40) throw std::bad_alloc();
    void* block = std::pmr::new_delete_resource()->allocate(bytes, alignment);
    blocks[block] = {bytes, alignment};
    ++requests;
    last_bytes = bytes;
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    const auto known = blocks.find(block);
    if (known == blocks.end() || known->second.bytes != bytes ||
        known->second.alignment != alignment) {
      FAIL_CHECK("a block went back upstream that was not taken like that");
      return;
    }
    blocks.erase(known);
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::size_t countdown = 0;
  bool armed = false;
  bool keeps_failing = false;
};

}  // namespace tenon::test
