// Memory resources beside general allocators: pairs, many live blocks, random sizes, two threads.
//   taskset -c 1 bench_memory --benchmark_filter=-threads     one thread, pinned
//   bench_memory --benchmark_filter=threads                   two threads
//   bench_memory --rss                                        resident memory after the workload
// "tenon" is PoolAllocator by its own type in the rows of pairs and live blocks, Arena in the rows
// "bump", MemoryPool in those of threads. All times are per block.

#include "allocators.hpp"
#include "memory_rss.hpp"
#include "ratios.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace tenon::bench;
using tenon::Arena;
using tenon::BufferPool;
using tenon::MemoryPool;
using tenon::PoolAllocator;

struct Size {
  const char* name;
  std::size_t bytes;
};
constexpr Size sizes[] = {{"64 B", 64},
                          {"1 KiB", std::size_t{1} << 10},
                          {"4 KiB", std::size_t{4} << 10},
                          {"64 KiB", std::size_t{64} << 10},
                          {"256 KiB", std::size_t{256} << 10},
                          {"4 MiB", std::size_t{4} << 20},
                          {"64 MiB", std::size_t{64} << 20}};

// 10,000 blocks, or as many as 512 MiB hold.
std::size_t live_count(std::size_t bytes) {
  return std::min<std::size_t>(10'000, (std::size_t{512} << 20) / bytes);
}

std::string joined(std::string first, const char* second) {
  first += second;
  return first;
}

template <class Make>
void add(const std::string& row, const char* who, Make make,
         void (*body)(benchmark::State&, decltype(make())&, std::size_t), std::size_t bytes) {
  benchmark::RegisterBenchmark(joined(joined(row, "/"), who).c_str(), [=](benchmark::State& state) {
    auto subject = make();
    body(state, subject, bytes);
  });
}

// One block taken and given back, by each thread where there are several. Nobody touches it: the cost
// of the calls alone.
template <class Subject>
void pair(benchmark::State& state, Subject& subject, std::size_t bytes) {
  subject.deallocate(subject.allocate(bytes), bytes);
  for (auto _ : state) {
    void* block = subject.allocate(bytes);
    benchmark::DoNotOptimize(block);
    subject.deallocate(block, bytes);
  }
}

// Many blocks taken, eight bytes written into each, and all given back in the order of issue.
template <class Subject>
void live(benchmark::State& state, Subject& subject, std::size_t bytes) {
  const std::size_t count = live_count(bytes);
  std::vector<void*> blocks(count);
  const auto round = [&] {
    for (void*& block : blocks) {
      block = subject.allocate(bytes);
      std::memcpy(block, &bytes, sizeof bytes);
    }
    for (void* block : blocks) subject.deallocate(block, bytes);
  };
  round();
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(count))) round();
}

// The same, given back all at once.
template <class Subject>
void frame(benchmark::State& state, Subject& subject, std::size_t bytes) {
  const std::size_t count = live_count(bytes);
  const auto round = [&] {
    for (std::size_t i = 0; i < count; ++i) {
      void* block = subject.allocate(bytes);
      benchmark::DoNotOptimize(block);
    }
    subject.clear();
  };
  round();
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(count))) round();
}

// 1,000 live blocks of 64 B to 64 KiB (evenly in the logarithm); a random one is replaced at a time.
template <class Subject>
void churn(benchmark::State& state, Subject& subject, std::size_t) {
  struct Block {
    void* data;
    std::size_t bytes;
  };
  std::mt19937 random(1);
  std::uniform_real_distribution<double> exponent(6, 16);
  std::vector<std::size_t> wanted(1 << 14);
  std::vector<std::size_t> places(1 << 14);
  for (auto& bytes : wanted) bytes = static_cast<std::size_t>(std::exp2(exponent(random)));
  for (auto& place : places) place = random() % 1000;
  std::vector<Block> blocks(1000);
  for (std::size_t i = 0; i < blocks.size(); ++i)
    blocks[i] = {subject.allocate(wanted[i]), wanted[i]};
  std::size_t step = 0;
  const auto replace = [&] {
    Block& block = blocks[places[step]];
    subject.deallocate(block.data, block.bytes);
    block = {subject.allocate(wanted[step]), wanted[step]};
    std::memcpy(block.data, &block.bytes, sizeof block.bytes);
    step = (step + 1) & ((1 << 14) - 1);
  };
  for (int i = 0; i < 1 << 14; ++i) replace();
  for (auto _ : state) replace();
  for (const Block& block : blocks) subject.deallocate(block.data, block.bytes);
}

// One thread takes blocks, another gives them back; 256 lie between them at most.
template <class Subject>
void pass(benchmark::State& state, Subject& subject, std::size_t bytes) {
  constexpr std::size_t places = 256;
  struct alignas(64) Place {
    std::atomic<void*> block{nullptr};
  };
  static Place ring[places];
  std::atomic<bool> ends{false};
  std::jthread consumer([&] {
    for (std::size_t i = 0;; i = (i + 1) % places) {
      void* block = nullptr;
      while ((block = ring[i].block.load(std::memory_order_acquire)) == nullptr) {
        if (ends.load(std::memory_order_relaxed)) return;
        std::this_thread::yield();  // the other one may wait for this processor
      }
      ring[i].block.store(nullptr, std::memory_order_release);
      subject.deallocate(block, bytes);
    }
  });
  std::size_t i = 0;
  for (auto _ : state) {
    void* block = subject.allocate(bytes);
    std::memcpy(block, &bytes, sizeof bytes);
    while (ring[i].block.load(std::memory_order_acquire) != nullptr) std::this_thread::yield();
    ring[i].block.store(block, std::memory_order_release);
    i = (i + 1) % places;
  }
  for (Place& place : ring)
    while (place.block.load(std::memory_order_acquire) != nullptr) std::this_thread::yield();
  ends = true;
}

// Calls f(name, make) for everybody that serves several threads, ours aside.
template <class F>
void for_each_peer(const F& f) {
  f("glibc", [] { return General::glibc(); });
  static const auto mimalloc = General::load("libmimalloc.so.2", "mi_malloc", "mi_free");
  static const auto jemalloc = General::load("libjemalloc.so.2", "malloc", "free");
  static const auto tcmalloc = General::load("libtcmalloc_minimal.so.4", "tc_malloc", "tc_free");
  if (mimalloc) f("mimalloc", [] { return *mimalloc; });
  if (jemalloc) f("jemalloc", [] { return *jemalloc; });
  if (tcmalloc) f("tcmalloc", [] { return *tcmalloc; });
  f("pmr_sync", [] { return Direct<std::pmr::synchronized_pool_resource>(); });
}

template <class F>
void for_each(const F& f) {
  f("tenon", [] { return Direct<PoolAllocator>(); });
  f("tenon_pmr", [] { return Virtual<PoolAllocator>(); });
  f("tenon_checked", [] { return Checked<PoolAllocator>(); });
  f("buffer_pool", [] { return Direct<BufferPool>(); });
  f("freelist", [] { return FreeList(); });
  f("pmr_unsync", [] { return Direct<std::pmr::unsynchronized_pool_resource>(); });
  for_each_peer(f);
}

template <class F>
void for_each_shared(const F& f) {
  f("tenon", [] { return Direct<MemoryPool>(); });
  f("tenon_checked", [] { return Checked<MemoryPool>(); });
  for_each_peer(f);
}

// MemoryPool: pairs by one thread, pairs by two, and blocks passed from one to the other.
void add_rows_of_memory_pool() {
  for (const Size& size : sizes) {
    for_each_shared([&](const char* who, auto make) {
      add(joined("pool pair ", size.name), who, make, pair<decltype(make())>, size.bytes);
    });
  }
  for (const Size& size : {sizes[1], sizes[3], sizes[4]}) {
    for_each_shared([&](const char* who, auto make) {
      using Subject = decltype(make());
      const auto shared = std::shared_ptr<Subject>(new Subject(make()));
      const std::size_t bytes = size.bytes;
      const auto name = [&](const char* what) {
        return joined(joined(joined(what, size.name), "/"), who);
      };
      benchmark::RegisterBenchmark(
          name("threads, pair ").c_str(),
          [shared, bytes](benchmark::State& state) { pair(state, *shared, bytes); })
          ->Threads(2)
          ->UseRealTime();
      benchmark::RegisterBenchmark(name("threads, pass ").c_str(), [shared, bytes](
                                                                       benchmark::State& state) {
        pass(state, *shared, bytes);
      })->UseRealTime();
    });
  }
}

// PoolAllocator alone, every bucket of it: the pair costs the same everywhere.
void add_rows_of_buckets() {
  for (std::size_t bucket = 0; bucket < BufferPool::bucket_count; ++bucket)
    add(
        joined("bucket ", std::to_string(bucket).c_str()), "tenon",
        [] { return Direct<PoolAllocator>(); }, pair<Direct<PoolAllocator>>,
        BufferPool::bucket_bytes(bucket));
}

void add_rows() {
  add_rows_of_buckets();
  for (const Size& size : sizes) {
    const std::string name = joined("pair ", size.name);
    for_each([&](const char* who, auto make) {
      add(name, who, make, pair<decltype(make())>, size.bytes);
    });
    add(name, "boost_pool", [size] { return OneSize(size.bytes); }, pair<OneSize>, size.bytes);
  }
  for (const Size& size : sizes) {
    const std::string name =
        joined(joined(std::to_string(live_count(size.bytes)), " live, "), size.name);
    for_each([&](const char* who, auto make) {
      add(name, who, make, live<decltype(make())>, size.bytes);
    });
    add(name, "boost_pool", [size] { return OneSize(size.bytes); }, live<OneSize>, size.bytes);
  }
  for_each([&](const char* who, auto make) {
    add("random 64 B-64 KiB", who, make, churn<decltype(make())>, 0);
  });
  const auto bump = [](const char* who, auto make) {
    for (const Size& size : {sizes[0], sizes[1], sizes[3]})
      add(joined("bump ", size.name), who, make, frame<decltype(make())>, size.bytes);
  };
  bump("tenon", [] { return Direct<Arena>(); });
  bump("raw", [] { return RawBump(); });
  bump("pool_clear", [] { return Direct<PoolAllocator>(); });
  bump("pmr_monotonic", [] { return Monotonic(); });
  add_rows_of_memory_pool();
}

void print_resident_table() {
  print_resident_heading();
  print_resident("memory_pool", [] { return Direct<MemoryPool>(); });
  for_each([](const char* who, auto make) { print_resident(who, make); });
}

}  // namespace

int main(int argc, char** argv) {
  reserve_thread_local_data(argv);
  if (argc == 2 && std::strcmp(argv[1], "--rss") == 0) {
    print_resident_table();
    return 0;
  }
  add_rows();
  return run(argc, argv);
}
