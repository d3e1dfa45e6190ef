// A network learns to read handwritten digits. Its weights lie in an arena; what a batch needs comes
// from a pool that is cleared after it, and from the second batch on nothing asks the heap.

#include "data.hpp"
#include "network.hpp"
#include "plan.hpp"
#include "terminal.hpp"

#include "heap_trap.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <random>

namespace digits {
namespace {

constexpr int epochs = 40;
constexpr std::uint64_t seed = 1998;
constexpr auto batch_count = static_cast<float>(training_count / batch_size);

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

void print_task() {
  std::printf(
      "\nTenon reads handwritten digits\n\n"
      "  data      1,797 images of 8×8 pixels: 1,440 to learn from, 357 held out (seed %d)\n"
      "  network   64-128-10, relu, softmax; cross-entropy, gradient descent with momentum\n"
      "  memory    weights in an Arena; each batch of 32 in a PoolAllocator, then pool.clear()\n\n",
      static_cast<int>(seed));
}

void print_plan() {
  std::printf("The plan of one batch: constants, known before the program runs\n\n%s\n",
              "                                          result B  workspace B");
  for (const plan::Row& row : plan::rows) {
    int columns = 0;  // ᵀ and · are one column but several bytes
    for (const char* c = row.expression; *c != '\0'; ++c) columns += (*c & 0xC0) != 0x80 ? 1 : 0;
    std::printf("  %s%*s%10s%13s\n", row.expression, 38 - columns, "",
                Grouped(row.result_bytes).text, Grouped(row.workspace_bytes).text);
  }
  std::printf("\n");
}

struct Training {
  double seconds;
  std::size_t heap_calls;
};

Training train(Network& net, const Digits& digits, std::mt19937_64& random, tn::Arena& arena,
               tn::PoolAllocator& pool) {
  std::printf("Training\n\n");
  auto order = tn::arange<tn::index_t>(bound<training_count>, arena);
  const ProgressBar bar(epochs);
  std::optional<tn::support::HeapTrap> trap;
  const Stopwatch watch;
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    shuffle(order.span(), random);
    float loss = 0;
    for (auto rest = order.span(); !rest.empty(); rest = rest.subspan(batch_size)) {
      const Batch batch = gather(digits, rest.first(batch_size), pool);
      loss += train_on(batch.images, batch.targets, net, pool);
      pool.clear();               // every buffer back in the pool, for the next batch
      if (!trap) trap.emplace();  // the first batch has filled the pool
    }
    bar.show(epoch, loss / batch_count);
  }
  return {watch.seconds(), trap->stop()};
}

double inference_seconds_per_digit(const auto& images, const Network& net,
                                   tn::PoolAllocator& pool) {
  const Stopwatch watch;
  int rounds = 0;
  for (; watch.seconds() < 0.2; ++rounds) {
    const auto read = tn::eval(read_digits(images, net), pool);
    pool.clear();
  }
  return watch.seconds() / (rounds * static_cast<double>(images.extent(0)));
}

void print_pool(const tn::PoolStats& stats) {
  std::printf("  pool: %s allocations, %.3f %% from the pool; it took %s B from the system\n",
              Grouped(stats.allocations).text, 100 * stats.hit_rate(),
              Grouped(stats.owned_bytes).text);
}

// The first few digits of which `read` is not the label.
void draw_misread(const auto& images, const auto& labels, const auto& read) {
  std::array<tn::index_t, 4> misread{};
  std::size_t count = 0;
  for (tn::index_t i = 0; i < labels.size() && count < misread.size(); ++i)
    if (read(i) != labels(i)) misread[count++] = i;

  std::printf("\nMisread\n\n");
  for (tn::index_t y = 0; y < 8; ++y) {
    for (std::size_t k = 0; k < count; ++k) {
      std::printf("  ");
      draw_row(tn::slice(images, misread[k], tn::range(8 * y, 8 * y + 8)));
    }
    std::printf("\n");
  }
  for (std::size_t k = 0; k < count; ++k)
    std::printf("  a %d read as %d%5s", static_cast<int>(labels(misread[k])),
                static_cast<int>(read(misread[k])), "");
  std::printf("\n");
}

void run() {
  tn::Arena arena;         // lives as long as the network
  tn::PoolAllocator pool;  // one batch's results and temporaries
  std::mt19937_64 random(seed);
  const Digits digits = load_digits(TENON_EXAMPLE_DATA "/digits.csv", random, arena);
  Network net = make_network(random, arena);

  print_task();
  print_plan();
  const Training training = train(net, digits, random, arena, pool);
  const tn::PoolStats pool_stats = pool.stats();

  const auto images = tn::slice(digits.images.view(), held_out);
  const auto labels = tn::slice(digits.labels.view(), held_out);
  const auto read = tn::eval(read_digits(images, net), arena);
  const auto right = tn::eval(tn::sum(read == labels), arena).item();

  std::printf("\nResult\n\n  held-out accuracy: %.2f %% (%d of %d)\n",
              100 * static_cast<double>(right) / static_cast<double>(labels.size()),
              static_cast<int>(right), static_cast<int>(labels.size()));
  std::printf("  training: %s digits/s, shuffling and printing included\n",
              Grouped(static_cast<double>(epochs * training_count) / training.seconds).text);
  std::printf("  inference: %s digits/s\n",
              Grouped(1 / inference_seconds_per_digit(images, net, pool)).text);
  std::printf("  heap calls: %zu, from the second batch to the end of training\n",
              training.heap_calls);
  std::printf("  peak workspace: %s B, a constant of the plan\n",
              Grouped(plan::peak_workspace_bytes).text);
  print_pool(pool_stats);
  draw_misread(images, labels, read);
}

}  // namespace
}  // namespace digits

int main() try {
  digits::use_own_stdout_buffer();
  digits::run();
} catch (const std::exception& error) {
  std::fprintf(stderr, "digits: %s\n", error.what());
  return EXIT_FAILURE;
}
