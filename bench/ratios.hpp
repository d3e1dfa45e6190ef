#pragma once
// A main for benchmarks that compare: every row is measured interleaved with its peers, and a table
// of medians and ratios follows the usual report.
//
// A benchmark is named "<row>/<who>"; "tenon" is ours, every other name a peer. The ratio is
// peer's time over ours: above 1 we are faster. Counters of a benchmark are amounts of one iteration;
// --json=FILE writes them and the times (records.hpp).

#include "records.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace tenon::bench {

class RatioReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
      const std::string& name = run.run_name.function_name;
      const auto slash = name.rfind('/');
      if (slash == std::string::npos) continue;
      const std::string row = name.substr(0, slash);
      if (std::find(rows_.begin(), rows_.end(), row) == rows_.end()) rows_.push_back(row);
      // Rows of several threads ask for the time that passes.
      const bool is_real = run.run_name.time_type == "real_time";
      times_[row][name.substr(slash + 1)].push_back(is_real ? run.GetAdjustedRealTime()
                                                            : run.GetAdjustedCPUTime());
      for (const auto& [counter, value] : run.counters)
        counters_[row][name.substr(slash + 1)][counter] = value;
    }
  }

  void Finalize() override {
    // Interleaving reports the rows in any order; our own time puts the small ones first.
    std::sort(rows_.begin(), rows_.end(), [&](const std::string& x, const std::string& y) {
      return median(times_[x]["tenon"]) < median(times_[y]["tenon"]);
    });
    std::printf("\n%-34s %12s  %s\n", "row (medians, ns)", "tenon", "peer: ns (peer / tenon)");
    for (const std::string& row : rows_) {
      auto& by_name = times_[row];
      const double ours = median(by_name["tenon"]);
      if (ours == 0) continue;  // a filter left ours out
      std::printf("%-34s %12.1f ", row.c_str(), ours);
      for (auto& [who, times] : by_name)
        if (who != "tenon")
          std::printf(" %s: %.1f (%.3f)", who.c_str(), median(times), median(times) / ours);
      std::printf("\n");
    }
  }

  [[nodiscard]] std::vector<Record> records() {
    std::vector<Record> records;
    for (const std::string& row : rows_) {
      Record& record = records.emplace_back(Record{row, {}});
      for (const auto& [who, times] : times_[row]) {
        if (times.empty()) continue;  // a filter left it out
        Measured& measured =
            record.contenders.emplace_back(Measured{who, times, counters_[row][who]});
        for (double& time : measured.seconds) time *= 1e-9;
      }
    }
    return records;
  }

 private:
  static double median(std::vector<double>& times) {
    if (times.empty()) return 0;
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }

  std::vector<std::string> rows_;
  std::map<std::string, std::map<std::string, std::vector<double>>> times_;  // ns
  std::map<std::string, std::map<std::string, std::map<std::string, double>>> counters_;
};

inline int run(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  const std::string json = take_option(arguments, "--json=");
  std::string repetitions = "--benchmark_repetitions=9";
  std::string interleaving = "--benchmark_enable_random_interleaving=true";
  std::string minimum = "--benchmark_min_time=0.02";
  arguments.insert(arguments.begin() + 1,
                   {repetitions.data(), interleaving.data(), minimum.data()});
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
  RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  write_json(json, reporter.records());
  return 0;
}

}  // namespace tenon::bench
