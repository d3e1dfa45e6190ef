#pragma once
// The subcommands of `tenon`. Each writes its answer to `out` and gives the program's exit code; what goes
// wrong is thrown, before anything is written.

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

namespace tenon::tools {

namespace exit_code {
inline constexpr int success = 0;
inline constexpr int failure =
    1;  // a file that is broken, missing or not to be written; an unknown process
inline constexpr int usage = 2;          // a command line that is not understood
inline constexpr int over_capacity = 3;  // no packing within the capacity was found
}  // namespace exit_code

struct InfoOptions {
  std::string file;
  bool json = false;
};
int info(const InfoOptions& options, std::ostream& out);

struct PlanOptions {
  std::string file;
  bool fast = false;   // no search
  bool exact = false;  // the least packing, even where another one keeps the capacity
  std::optional<std::size_t> capacity_bytes;
  std::size_t alignment = 1;
  std::optional<std::uint64_t> most_steps;  // of each search
  std::string offsets_file;                 // none where empty
  bool json = false;
};
// Writes the offsets as well, unless they exceed the capacity; then one line says so on `problems`.
int plan(const PlanOptions& options, std::ostream& out, std::ostream& problems);

struct ReportOptions {
  std::optional<int> pid;  // this process where there is none
  bool json = false;
};
int report(const ReportOptions& options, std::ostream& out);

}  // namespace tenon::tools
