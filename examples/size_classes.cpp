// Block sizes learnt from a run. A pool of power-of-two buckets serves any program, and wastes up to
// half of each block; one run of this program, written down, tells which sizes serve it better.

#include "digits/network.hpp"

#include <tenon/memory.hpp>
#include <tenon/tenon.hpp>

#include <cstdio>
#include <deque>
#include <random>
#include <utility>

namespace tn = tenon;

namespace {

// Ten steps of the training of examples/digits: every shape is static.
void train_digits(tn::TrackingAllocator& memory, tn::PoolAllocator& pool) {
  std::mt19937_64 random(1998);
  tn::Arena weights;
  digits::Network net = digits::make_network(random, weights);
  for (int step = 0; step < 10; ++step) {
    const auto x =
        tn::random_uniform<float>(tn::shape<digits::batch_size, digits::pixels>(), random, memory);
    const auto target = tn::zeros<float>(tn::shape<digits::batch_size, digits::classes>(), memory);
    digits::train_on(x, target, net, memory);
    pool.clear();
  }
}

// Sentences of 3 to 60 words through an attention layer; the last eight answers are kept.
void read_sentences(tn::TrackingAllocator& memory, tn::PoolAllocator& pool) {
  std::mt19937_64 random(7);
  tn::Arena weights;
  const auto w = tn::random_normal<float>(tn::shape<48, 96>(), random, weights);
  {
    using Answer = decltype(tn::eval(tn::sum<0>(w), memory));
    std::deque<Answer> answers;
    for (int sentence = 0; sentence < 300; ++sentence) {
      const auto words = static_cast<tn::index_t>(3 + random() % 58);
      const auto x = tn::random_uniform<float>(tn::shape(words, 48), random, memory);
      const auto h = tn::eval(tn::relu(tn::matmul(x, w)), memory);  // (words, 96)
      const auto a = tn::eval(tn::softmax<-1>(tn::matmul(h, tn::transpose(h))), memory);
      answers.push_back(tn::eval(tn::sum<0>(tn::matmul(a, h)), memory));
      if (answers.size() > 8) answers.pop_front();
    }
  }
  pool.clear();
}

// Runs a workload in a pool of power-of-two buckets, written down, and again in a pool of the sizes
// learnt from that.
void compare(const char* name, void (*work)(tn::TrackingAllocator&, tn::PoolAllocator&)) {
  tn::Arena log_memory;
  tn::EventLog log(&log_memory);
  tn::PoolAllocator pool;
  tn::TrackingAllocator memory(&pool, {.log = &log});
  work(memory, pool);

  const tn::SizeClasses classes = tn::learn_size_classes(log);
  tn::PoolAllocator learnt(classes);
  tn::TrackingAllocator again(&learnt);
  work(again, learnt);

  const auto print = [&](const char* what, const tn::PoolAllocator& took,
                         const tn::PoolWaste& said) {
    const std::size_t bytes = took.stats().owned_bytes;
    std::printf("  %-14s %7zu B taken, %s, waste %4.1f %%\n", what, bytes,
                bytes == said.reserved_bytes ? "as foretold" : "NOT as foretold",
                100 * said.waste());
  };
  const tn::PoolWaste before = tn::pool_waste(log, tn::SizeClasses::powers_of_two());
  const tn::PoolWaste after = tn::pool_waste(log, classes);
  std::printf("%s: %llu requests, at most %zu B alive\n", name,
              static_cast<unsigned long long>(memory.stats().allocations), before.requested_bytes);
  print("powers of two", pool, before);
  print("learnt sizes", learnt, after);
  std::printf("  saved: %.1f %%, by", 100 - 100 * static_cast<double>(after.reserved_bytes) /
                                                static_cast<double>(before.reserved_bytes));
  for (const tn::SizeClass& c : classes) std::printf(" %zu x %zu B", c.count, c.bytes);
  std::printf("\n\n");
}

}  // namespace

int main() {
  compare("digits", train_digits);
  compare("sentences", read_sentences);
}
