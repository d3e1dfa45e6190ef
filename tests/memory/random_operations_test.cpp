// Random operations, found and shrunk by RapidCheck, on every resource beside the reference model.
// The full run: TENON_MODEL_OPERATIONS=1000000 test_memory "[model]" (operations for each resource).

#include "catch.hpp"

#if TENON_TEST_RAPIDCHECK

#include "models.hpp"
#include "reference.hpp"

#include <tenon/memory/resource.hpp>

#include <rapidcheck.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <ostream>
#include <sstream>
#include <vector>

using namespace tenon;
using namespace tenon::test;

namespace {

enum class Kind : unsigned char { allocate, free_any, free_newest, free_oldest, clear };

struct Operation {
  Kind kind;
  std::uint32_t number;  // which block, or what to fill it with
  std::size_t bytes;
  std::size_t alignment;

  friend std::ostream& operator<<(std::ostream& out, const Operation& o) {
    constexpr const char* names[] = {"allocate", "free any", "free newest", "free oldest", "clear"};
    return out << names[static_cast<int>(o.kind)] << " #" << o.number << " " << o.bytes << " B @"
               << o.alignment;
  }
};

std::size_t wanted_operations() {
  const char* text = std::getenv("TENON_MODEL_OPERATIONS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 3000;
}

rc::Gen<Operation> operation() {
  // Bytes evenly in the logarithm, empty blocks among them; alignments 1 ... 4096.
  const auto bytes = rc::gen::mapcat(rc::gen::inRange(0, 15), [](int log2) {
    return rc::gen::inRange<std::size_t>(0, (std::size_t{1} << log2) + 1);
  });
  const auto alignment =
      rc::gen::map(rc::gen::inRange(0, 13), [](int log2) { return std::size_t{1} << log2; });
  const auto kind = rc::gen::weightedElement<Kind>({{55, Kind::allocate},
                                                    {25, Kind::free_any},
                                                    {12, Kind::free_newest},
                                                    {7, Kind::free_oldest},
                                                    {1, Kind::clear}});
  return rc::gen::build<Operation>(
      rc::gen::set(&Operation::kind, kind), rc::gen::set(&Operation::number),
      rc::gen::set(&Operation::bytes, bytes), rc::gen::set(&Operation::alignment, alignment));
}

// What clear() promises: everything is back, and the memory stays.
template <class Model>
void clear(Model& model, Reference& reference) {
  const auto generation = model.resource.generation();
  reference.forget_all();
  model.clear();
  require(model.resource.generation() != generation, "clear left the generation as it was");
  const auto s = model.resource.stats();
  require(s.live_count == 0 && s.live_bytes == 0, "clear left blocks alive");
  if constexpr (requires { s.pooled_bytes == s.owned_bytes; })
    require(s.pooled_bytes == s.owned_bytes, "clear left blocks out of the pool");
}

template <class Model>
void run(const std::vector<Operation>& operations) {
  Model model;
  auto& resource = model.resource;
  Reference reference(checks_frees<Model>);
  for (const Operation& o : operations) {
    if (o.kind == Kind::allocate) {
      void* block = resource.allocate(o.bytes, o.alignment);
      reference.issue(block, {o.bytes, o.alignment, resource.stamp(block),
                              static_cast<unsigned char>(o.number)});
    } else if (o.kind == Kind::clear) {
      clear(model, reference);
    } else if (!reference.live.empty()) {
      auto it = reference.live.begin();
      if (o.kind == Kind::free_any)
        std::advance(it, o.number % reference.live.size());
      else if (o.kind == Kind::free_newest)
        it = std::max_element(reference.live.begin(), reference.live.end(),
                              [](auto& a, auto& b) { return a.second.stamp < b.second.stamp; });
      Reference::check_contents(it);
      resource.deallocate(it->first, it->second.bytes, it->second.alignment);
      reference.forget(it);
    }
    compare(resource, reference);
  }
  check_names(resource, reference);
  clear(model, reference);
  check_names(resource, reference);
}

}  // namespace

TEMPLATE_TEST_CASE("RapidCheck finds no operations that break a resource", "[memory][model]",
                   TENON_MEMORY_MODELS) {
  std::size_t done = 0;
  const std::size_t wanted = wanted_operations();
  const auto operations =
      rc::gen::resize(600, rc::gen::container<std::vector<Operation>>(operation()));
  rc::detail::TestParams params;
  while (done < wanted) {
    ++params.seed;
    params.maxSuccess = 5;
    const auto result = rc::detail::checkTestable(
        [&] {
          const auto list = *operations;
          done += list.size() + 1;
          run<TestType>(list);
        },
        rc::detail::TestMetadata(), params);
    if (!result.template is<rc::detail::SuccessResult>()) {
      std::ostringstream text;
      rc::detail::printResultMessage(result, text);
      FAIL(text.str());
    }
  }
  CHECK(done >= wanted);
}

#else

TEST_CASE("RapidCheck finds no operations that break a resource", "[memory][model]") {
  WARN("SKIPPED: RapidCheck is not installed; on Debian: apt-get install librapidcheck-dev");
}

#endif
