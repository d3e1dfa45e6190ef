// tenon: what files of tensors hold, how buffers pack, what memory a process has. See docs/command.md.

#include "command.hpp"

#include <tenon/core/error.hpp>

#include <CLI/CLI.hpp>

#include <cstddef>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>

namespace {

namespace tools = tenon::tools;

constexpr const char* exit_codes = R"(Exit codes:
  0  done
  1  a file is broken, missing or not to be written; there is no such process
  2  the command line is not understood
  3  plan: no packing within the capacity was found)";

// CLI11 takes -1 for the largest number.
const CLI::Validator not_negative(
    [](std::string& text) { return text.starts_with('-') ? text + " is negative" : std::string(); },
    "");

void add_json(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "One JSON object in place of text");
}

void add_info(CLI::App& program, tools::InfoOptions& options) {
  CLI::App* command =
      program.add_subcommand("info", "What a .safetensors, .npy or .npz file holds");
  command->add_option("FILE", options.file, "The file")->required();
  add_json(*command, options.json);
}

void add_plan(CLI::App& program, tools::PlanOptions& options) {
  CLI::App* command = program.add_subcommand(
      "plan", "Packs a table of lifetimes: id,lower,upper,size (MiniMalloc)");
  command->add_option("TABLE.csv", options.file, "The table")->required();
  CLI::Option* fast =
      command->add_flag("--fast", options.fast, "The solver of plans alone, without a search");
  command
      ->add_flag("--exact", options.exact,
                 "The least packing, also where another one keeps the capacity")
      ->excludes(fast);
  command
      ->add_option("--capacity", options.capacity_bytes, "The bytes that there are; 64KiB is 65536")
      ->transform(CLI::AsSizeValue(false))
      ->transform(not_negative)
      ->type_name("BYTES");
  command
      ->add_option("--alignment", options.alignment, "Offsets and sizes are multiples of N bytes")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 30))
      ->type_name("N");
  command->add_option("--steps", options.most_steps, "Ends each search after N steps")
      ->transform(not_negative)
      ->type_name("N");
  command->add_option("--offsets", options.offsets_file, "Writes the table with offsets there")
      ->type_name("OUT.csv");
  add_json(*command, options.json);
}

void add_report(CLI::App& program, tools::ReportOptions& options) {
  CLI::App* command =
      program.add_subcommand("report", "The memory of a process: virtual, resident, stack, heap");
  command->add_option("--pid", options.pid, "Of another process than this one")->type_name("PID");
  add_json(*command, options.json);
}

int fail(const std::string& what) {
  std::cerr << "tenon: " << what << '\n';
  return tools::exit_code::failure;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Tenon's command line", "tenon");
  program.set_version_flag("--version", "tenon " TENON_PROJECT_VERSION);
  program.require_subcommand(1);
  program.footer(exit_codes);
  program.failure_message([](const CLI::App*, const CLI::Error& error) {
    return std::string("tenon: ") + error.what() + "\nSee tenon --help.\n";
  });
  tools::InfoOptions info;
  tools::PlanOptions plan;
  tools::ReportOptions report;
  add_info(program, info);
  add_plan(program, plan);
  add_report(program, report);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? tools::exit_code::success : tools::exit_code::usage;
  }

  const bool is_info = program.got_subcommand("info"), is_plan = program.got_subcommand("plan");
  try {
    std::ostringstream answer;  // so that an error leaves standard output empty
    const int code = is_info   ? tools::info(info, answer)
                     : is_plan ? tools::plan(plan, answer, std::cerr)
                               : tools::report(report, answer);
    std::cout << answer.str() << std::flush;
    return std::cout ? code : fail("cannot write to standard output");
  } catch (const tenon::FormatError& error) {
    return fail((is_info ? info.file : plan.file) + ": " + error.message());
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
