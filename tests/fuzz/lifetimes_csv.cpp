// Any bytes as a table of lifetimes: refused with a message, or read, and then right. For libFuzzer:
//   clang++-19 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Iinclude
//     tests/fuzz/lifetimes_csv.cpp -o fuzz_lifetimes_csv
//   fuzz_lifetimes_csv -max_len=4096 -max_total_time=60 <folder for what it finds> tests/fuzz/lifetimes_csv

#include <tenon/expr/operators.hpp>
#include <tenon/plan/lifetimes_csv.hpp>
#include <tenon/plan/planned.hpp>

#include <cstdint>
#include <cstdlib>
#include <sstream>

namespace {

namespace tn = tenon;

void require(bool holds) {
  if (!holds) std::abort();
}

// What is read has the promised properties, and is the same when written and read again.
void check_table(std::string_view text) {
  std::pmr::memory_resource* const heap = std::pmr::new_delete_resource();
  const tn::LifetimeTable table = tn::read_lifetimes(text, heap);
  require(table.offsets.empty() || table.offsets.size() == table.buffers.size());
  std::size_t sum = 0;
  for (const tn::Lifetime& b : table.buffers) {
    require(0 <= b.lower && b.lower < b.upper);
    sum += b.bytes;
  }
  const std::size_t live = tn::max_live_bytes(table.buffers);
  require(live <= sum);
  if (!table.offsets.empty()) {
    const std::size_t height = tn::packing_height(table.buffers, table.offsets);
    if (!tn::validate_packing(table.buffers, table.offsets, height)) require(live <= height);
  }
  std::ostringstream out;
  tn::write_lifetimes(out, table.buffers, table.offsets);
  const tn::LifetimeTable again = tn::read_lifetimes(out.str(), heap);
  require(again.buffers == table.buffers && again.offsets == table.offsets);
}

// A plan of two rows with the offsets of the table.
void check_planned(std::string_view text) {
  using Row = tn::TensorView<const float, tn::Shape<50>>;
  using Matrix = tn::TensorView<const float, tn::Shape<40, 50>>;
  using E = decltype(std::declval<Matrix>() * tn::exp(std::declval<Row>()) +
                     tn::exp(std::declval<Row>()));
  const auto planned = tn::planned<E>(text);
  const auto slots = tn::slot_table(planned.plan());
  require(
      !tn::validate_packing(slots.lifetimes(), slots.offsets(), planned.plan().workspace_bytes));
}

template <class F>
void may_refuse(const F& f) {
  try {
    f();
  } catch (const tn::FormatError& e) {
    require(*e.what() != '\0');
  } catch (const tn::ContractError& e) {
    require(*e.what() != '\0');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  may_refuse([&] { check_table(text); });
  may_refuse([&] { check_planned(text); });
  may_refuse([&] { static_cast<void>(tn::read_lifetimes<4>(text)); });
  return 0;
}
