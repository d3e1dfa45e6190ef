#include "command.hpp"
#include "json.hpp"
#include "solved_table.hpp"
#include "table.hpp"

#include <tenon/io/mapped_file.hpp>

#include <tenon/plan/exact_packing.hpp>
#include <tenon/plan/lifetimes_csv.hpp>
#include <tenon/plan/packing.hpp>

#include <tenon/memory/budget.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::tools {

namespace {

constexpr std::size_t most_buffers = 32'767;                // the fast solver counts in 16 bits
constexpr std::size_t most_fast_tests = 1'000'000;          // comparisons: some milliseconds
constexpr std::size_t search_bytes = std::size_t{1} << 30;  // working memory of the search

// The problems of the MiniMalloc corpus take up to 154,624 where they are solved at the bound.
constexpr std::uint64_t default_steps = 200'000;

struct Packing {
  std::vector<std::size_t> offsets;
  std::size_t bytes = 0;
  std::size_t max_live_bytes = 0;
  std::size_t proven_bytes = 0;  // no packing is smaller
  std::uint64_t steps = 0;

  [[nodiscard]] bool is_least() const { return bytes == proven_bytes; }
  [[nodiscard]] double ratio() const {
    return max_live_bytes == 0 ? 1.0
                               : static_cast<double>(bytes) / static_cast<double>(max_live_bytes);
  }
};

std::string_view text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

std::pmr::vector<Lifetime> read_buffers(std::string_view text) {
  auto buffers = read_lifetimes(text, std::pmr::new_delete_resource()).buffers;
  if (buffers.size() > most_buffers)
    detail::raise<FormatError>("plan", "%zu buffers; at most %zu are packed", buffers.size(),
                               most_buffers);
  return buffers;
}

// Every size as the least multiple of the alignment, so that sums of sizes are aligned offsets.
std::vector<Lifetime> aligned(std::span<const Lifetime> buffers, std::size_t alignment) {
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<index_t>::max());
  std::vector<Lifetime> result(buffers.begin(), buffers.end());
  std::size_t sum = 0;
  for (Lifetime& life : result) {
    const std::size_t rest = life.bytes % alignment;
    const auto bytes = checked_add(life.bytes, rest == 0 ? 0 : alignment - rest);
    const auto next = bytes ? checked_add(sum, *bytes) : bytes;
    if (!next || *next > most)
      detail::raise<FormatError>("plan", "sizes at multiples of %zu add up to more than %zu B",
                                 alignment, most);
    life.bytes = *bytes;
    sum = *next;
  }
  return result;
}

// The solver of plans, whose times are positions among the beginnings.
void pack_fast(std::span<const Lifetime> buffers, std::span<std::size_t> offsets) {
  std::vector<index_t> begins;
  for (const Lifetime& life : buffers) begins.push_back(life.lower);
  std::ranges::sort(begins);
  const auto begun_before = [&](index_t time) {
    return static_cast<short>(std::ranges::lower_bound(begins, time) - begins.begin());
  };
  std::vector<detail::SlotLife> lives;
  std::vector<std::size_t> bytes;
  for (const Lifetime& life : buffers) {
    lives.push_back({begun_before(life.lower), static_cast<short>(begun_before(life.upper) - 1)});
    bytes.push_back(life.bytes);
  }
  const auto packer = std::make_unique<detail::SlotPacker<most_buffers>>(
      lives, bytes, std::size_t{1}, most_fast_tests);
  for (std::size_t i = 0; i < buffers.size(); ++i) offsets[i] = packer->offset(i);
}

// Looks for a packing within the capacity where there is one, or else for the least.
void search(std::span<const Lifetime> buffers, const PlanOptions& options, Packing& packing) {
  const std::uint64_t most_steps = options.most_steps.value_or(default_steps);
  Budget memory(std::pmr::new_delete_resource(), search_bytes);
  std::vector<std::size_t> offsets(buffers.size());
  std::size_t bytes = packing.bytes;
  if (options.capacity_bytes && !options.exact) {
    const std::size_t capacity = *options.capacity_bytes;
    if (capacity < packing.proven_bytes) return;
    detail::ExactPacker packer(buffers, &memory);
    const PackingAnswer answer = packer.solve(capacity, most_steps, offsets);
    packing.steps = packer.steps();
    if (answer == PackingAnswer::found) bytes = packing_height(buffers, offsets);
    if (answer == PackingAnswer::impossible) packing.proven_bytes = capacity + 1;
  } else {
    const LeastPacking least = pack_least(buffers, offsets, &memory, most_steps);
    packing.proven_bytes = least.lower_bound;
    packing.steps = least.steps;
    bytes = least.height;
  }
  if (bytes >= packing.bytes) return;
  packing.bytes = bytes;
  packing.offsets = std::move(offsets);
}

// The fast solver's packing, and where that is not enough, the search's.
Packing pack(std::span<const Lifetime> buffers, const PlanOptions& options) {
  Packing packing{.offsets = std::vector<std::size_t>(buffers.size())};
  pack_fast(buffers, packing.offsets);
  packing.bytes = packing_height(buffers, packing.offsets);
  packing.max_live_bytes = packing.proven_bytes = max_live_bytes(buffers);
  const bool is_enough =
      options.fast || packing.is_least() ||
      (!options.exact && options.capacity_bytes && packing.bytes <= *options.capacity_bytes);
  if (!is_enough) search(buffers, options, packing);
  return packing;
}

// The answer is not believed either.
void check(std::span<const Lifetime> buffers, const Packing& packing, std::size_t alignment) {
  const PackingFault fault = validate_packing(buffers, packing.offsets, packing.bytes);
  const bool all_aligned = std::ranges::all_of(
      packing.offsets, [&](std::size_t offset) { return offset % alignment == 0; });
  if (fault || !all_aligned || packing.bytes < packing.proven_bytes)
    detail::raise<ContractError>("plan", "the packing is wrong at buffers %zu and %zu", fault.first,
                                 fault.second);
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file)
    detail::raise<FileError>("plan", "cannot write '%.160s': %s", path.c_str(),
                             std::strerror(errno));
}

void print_text(const PlanOptions& options, std::span<const Lifetime> buffers, std::size_t sum,
                const Packing& packing, std::ostream& out) {
  out << printable(options.file) << ": " << grouped(buffers.size()) << " buffers, " << readable(sum)
      << " (" << grouped(sum) << " B) side by side\n\n";
  Table table({{"", false}, {"", true}, {"", true}, {"", false}});
  const auto bytes = [&](const char* what, std::size_t value, const std::string& remark) {
    table.add({what, readable(value), grouped(value) + " B", remark});
  };
  char ratio[32];
  std::snprintf(ratio, sizeof ratio, "%.4f", packing.ratio());
  bytes("packed", packing.bytes, packing.is_least() ? "proven least" : "not proven least");
  bytes("max-live bound", packing.max_live_bytes, "");
  table.add({"ratio", ratio, "", ""});
  if (packing.proven_bytes > packing.max_live_bytes)
    bytes("proven bound", packing.proven_bytes, "");
  if (options.capacity_bytes)
    bytes("capacity", *options.capacity_bytes,
          packing.bytes <= *options.capacity_bytes ? "kept" : "exceeded");
  if (options.alignment > 1) table.add({"alignment", grouped(options.alignment) + " B", "", ""});
  table.add({"steps of search", grouped(packing.steps), "", ""});
  table.print(out);
}

void print_json(const PlanOptions& options, std::span<const Lifetime> buffers, std::size_t sum,
                const Packing& packing, std::ostream& out) {
  const auto capacity = options.capacity_bytes;
  Json json;
  json["file"] = options.file;
  json["solver"] = options.fast ? "fast" : "exact";
  json["alignment"] = options.alignment;
  json["buffers"] = buffers.size();
  json["sum_bytes"] = sum;
  json["bytes"] = packing.bytes;
  json["max_live_bytes"] = packing.max_live_bytes;
  json["proven_bytes"] = packing.proven_bytes;
  json["ratio"] = packing.ratio();
  json["proven_least"] = packing.is_least();
  json["steps"] = packing.steps;
  json["capacity_bytes"] = capacity ? Json(*capacity) : Json();
  json["fits"] = capacity ? Json(packing.bytes <= *capacity) : Json();
  json["offsets"] = packing.offsets;
  print(json, out);
}

}  // namespace

int plan(const PlanOptions& options, std::ostream& out, std::ostream& problems) {
  const MappedFile file(options.file);
  const std::vector<Lifetime> buffers = aligned(read_buffers(text_of(file)), options.alignment);
  const Packing packing = pack(buffers, options);
  check(buffers, packing, options.alignment);
  const bool fits = !options.capacity_bytes || packing.bytes <= *options.capacity_bytes;
  if (fits && !options.offsets_file.empty())
    write_file(options.offsets_file, solved_table(text_of(file), packing.offsets));

  std::size_t sum = 0;
  for (const Lifetime& life : buffers) sum += life.bytes;
  (options.json ? print_json : print_text)(options, buffers, sum, packing, out);
  if (fits) return exit_code::success;
  const std::size_t capacity = *options.capacity_bytes;
  problems << "tenon: plan: " << grouped(packing.bytes) << " B exceed the capacity of "
           << grouped(capacity) << " B by " << grouped(packing.bytes - capacity) << " B; "
           << (packing.proven_bytes > capacity ? "no packing keeps it, proven"
                                               : "whether another packing keeps it is not known")
           << '\n';
  return exit_code::over_capacity;
}

}  // namespace tenon::tools
