#pragma once
// Rows of contenders, measured in turn and printed as they come: medians, each peer's time over ours,
// the ratio to the best of them; a summary for each group of rows at the end.
//
//   Rows rows(argc, argv);                      // arguments: parts of names of rows; none: all
//   if (rows.wanted(name)) rows.measure(group, name, {flops, bytes}, {contender("tenon", f), …});
//   rows.finish();
//
// The first contender is ours. One called "peak" is no peer: it says what share of it we reach. One whose
// name ends in '*' is ours as well, and no peer. Options among the arguments: --json=FILE (records.hpp)
// and --samples=N, fewer than the usual 5 to 15 a row.

#include "records.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon::bench {

struct Contender {
  std::string name;
  std::function<void(long)> repeat;
};

template <class F>
[[nodiscard]] Contender contender(std::string name, F f) {
  return {std::move(name), [f](long times) mutable {
            for (; times > 0; --times) {
              f();
              asm volatile("" ::: "memory");
            }
          }};
}

// Every library that counts threads has one. Their runtimes read the environment before main, so the
// program starts once more.
inline void use_one_thread(char** argv) {
  if (const char* set = std::getenv("OMP_NUM_THREADS");
      set != nullptr && std::string_view(set) == "1")
    return;
  for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS"})
    setenv(name, "1", 1);
  execv("/proc/self/exe", argv);
}

// What one repetition of a row does, at least: operations of floating point, bytes read and written.
struct Work {
  double flops = 0, bytes = 0;
};

class Rows {
 public:
  Rows(int argc, char** argv) : wanted_(argv + 1, argv + argc) {
    json_ = take_option(wanted_, "--json=");
    if (const std::string samples = take_option(wanted_, "--samples="); !samples.empty())
      most_samples_ = static_cast<std::size_t>(std::max(1L, std::atol(samples.c_str())));
    std::printf("%-26s %12s %8s %8s %6s  %6s  %s\n", "row (medians)", "ours, ns", "GFLOP/s", "GB/s",
                "peak", "ratio", "best peer; every peer's ns (its time over ours)");
  }

  [[nodiscard]] bool wanted(const std::string& name) const {
    return wanted_.empty() || std::any_of(wanted_.begin(), wanted_.end(), [&](const auto& part) {
             return name.find(part) != std::string::npos;
           });
  }

  void measure(const std::string& group, const std::string& name, Work work,
               const std::vector<Contender>& contenders) {
    std::vector<long> times;
    double slowest = 0;
    for (const Contender& c : contenders) {
      long n = 1;
      double ns = seconds(c, n);
      for (; ns < 2e-5; ns = seconds(c, n)) n *= 4;
      times.push_back(std::max(1L, std::lround(static_cast<double>(n) * 1.5e-4 / ns)));
      slowest = std::max(slowest, ns);
    }
    const std::size_t usual = slowest < 0.002 ? 15 : slowest < 0.02 ? 9 : 5;
    const std::size_t samples = std::min(most_samples_, usual);
    std::vector<std::vector<double>> measured(contenders.size());
    for (std::size_t s = 0; s < samples; ++s)
      for (std::size_t i = 0; i < contenders.size(); ++i) {
        const std::size_t c = (i + s) % contenders.size();
        measured[c].push_back(seconds(contenders[c], times[c]) / static_cast<double>(times[c]));
      }
    Record record{name, {}};
    for (std::size_t c = 0; c < contenders.size(); ++c)
      record.contenders.push_back(
          {contenders[c].name, measured[c], {{"flops", work.flops}, {"bytes", work.bytes}}});
    records_.push_back(std::move(record));
    for (auto& m : measured) std::nth_element(m.begin(), m.begin() + m.size() / 2, m.end());
    print(group, name, work, contenders, measured);
  }

  // Prints geometric means and shares of each group; writes the file of --json.
  void finish() const {
    write_json(json_, records_);
    std::printf("\n%-26s %5s %8s %8s %8s %8s %8s\n", "group", "rows", "geomean", "median", ">=0.98",
                "<0.93", "worst");
    for (const auto& [group, all] : ratios_) {
      auto sorted = all;
      std::sort(sorted.begin(), sorted.end());
      double sum = 0;
      for (const auto& [ratio, name] : sorted) sum += std::log(ratio);
      const auto count = static_cast<double>(sorted.size());
      const auto share = [&](double below) {
        return static_cast<double>(std::count_if(sorted.begin(), sorted.end(),
                                                 [&](const auto& r) { return r.first < below; })) /
               count;
      };
      std::printf("%-26s %5zu %8.3f %8.3f %7.1f%% %7.1f%% %8.3f\n", group.c_str(), sorted.size(),
                  std::exp(sum / count), sorted[sorted.size() / 2].first, 100 * (1 - share(0.98)),
                  100 * share(0.93), sorted.front().first);
      std::printf("  the worst:");
      for (std::size_t i = 0; i < std::min<std::size_t>(10, sorted.size()); ++i)
        std::printf(" %s (%.3f)", sorted[i].second.c_str(), sorted[i].first);
      std::printf("\n");
    }
  }

 private:
  static double seconds(const Contender& c, long times) {
    const auto start = std::chrono::steady_clock::now();
    c.repeat(times);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  void print(const std::string& group, const std::string& name, Work work,
             const std::vector<Contender>& contenders,
             const std::vector<std::vector<double>>& measured) {
    const auto median = [&](std::size_t c) { return measured[c][measured[c].size() / 2]; };
    const double ours = median(0);
    double best = 0, peak = 0;
    std::string best_name = "-", others;
    for (std::size_t c = 1; c < contenders.size(); ++c) {
      const std::string& who = contenders[c].name;
      if (who == "peak") {
        peak = median(c);
        continue;
      }
      char text[96];
      std::snprintf(text, sizeof text, "  %s %.1f (%.2f)", who.c_str(), 1e9 * median(c),
                    median(c) / ours);
      others += text;
      if (who.back() != '*' && (best == 0 || median(c) < best)) {
        best = median(c);
        best_name = who;
      }
    }
    std::printf("%-26s %12.1f %8.1f %8.1f %6.2f  %6.3f  %s;%s\n", name.c_str(), 1e9 * ours,
                1e-9 * work.flops / ours, 1e-9 * work.bytes / ours, peak / ours, best / ours,
                best_name.c_str(), others.c_str());
    std::fflush(stdout);
    if (best > 0) ratios_[group].emplace_back(best / ours, name);
  }

  std::vector<std::string> wanted_;
  std::string json_;
  std::size_t most_samples_ = 15;
  std::vector<Record> records_;
  std::map<std::string, std::vector<std::pair<double, std::string>>> ratios_;
};

}  // namespace tenon::bench
