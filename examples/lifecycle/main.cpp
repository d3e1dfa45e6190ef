// The life of a model's memory: load, infer, repeat, shut down. Weights lie in one allocator as long as the model
// lives, an inference works in another that is reset after it, and the budget of both is known before the program
// runs: 768 inputs, 10 classes, in double.

#include <tenon/memory.hpp>
#include <tenon/tenon.hpp>

#include <array>
#include <cstddef>
#include <iostream>
#include <memory_resource>
#include <new>
#include <utility>

namespace tn = tenon;

constexpr tn::index_t input_size = 768, output_size = 10;
using Input = tn::TensorView<const double, tn::Shape<input_size>>;
using Weights = tn::Tensor<double, tn::Shape<output_size, input_size>>;
using Output = tn::Tensor<double, tn::Shape<output_size>>;

// A product of ten rows with one vector, written as the sums that it is: they are fused and need no workspace, while
// matmul would copy the vector for its kernels.
auto layer(Input x, const Weights& w, const Output& b) { return tn::sum<1>(w * x) + b; }

// The budget: what stays, and what one inference takes for its intermediate result and the plan's workspace.
using Layer =
    decltype(layer(std::declval<Input>(), std::declval<Weights&>(), std::declval<Output&>()));
constexpr std::size_t persistent_bytes =
    tn::plan_of<Weights>.result_bytes + tn::plan_of<Output>.result_bytes;
constexpr std::size_t scratch_bytes =
    tn::plan_of<Layer>.result_bytes + tn::plan_of<Layer>.workspace_bytes;
static_assert(persistent_bytes == 61'520);
static_assert(scratch_bytes == 80);

// Weights (a row for each class) and biases. Where the biases find no memory, the weights are given back: no line of code says so.
struct Model {
  Weights weights;
  Output bias;

  explicit Model(std::pmr::memory_resource& memory)
      : weights(tn::full(tn::shape<output_size, input_size>(), 0.001, memory)),
        bias(tn::from({0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}, tn::shape<output_size>(),
                      memory)) {}

  // The hidden result is scratch; what the caller gets outlives it.
  [[nodiscard]] Output predict(Input x, tn::Arena& scratch,
                               std::pmr::memory_resource& results) const {
    const auto hidden = tn::eval(layer(x, weights, bias), scratch);
    return hidden.clone(results);
  }
};

// Refuses request number `n`, to see what becomes of the others.
class RefuseOne final : public std::pmr::memory_resource {
 public:
  RefuseOne(std::pmr::memory_resource& upstream, int n) : upstream_(upstream), countdown_(n) {}
  [[nodiscard]] bool has_refused() const { return countdown_ < 0; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (countdown_-- == 0) throw std::bad_alloc();
    return upstream_.allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    upstream_.deallocate(block, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
  std::pmr::memory_resource& upstream_;
  int countdown_;
};

int main() {
  std::cout << "budget: " << persistent_bytes << " B persistent + " << scratch_bytes
            << " B scratch per inference\n";
  static std::array<double, input_size> samples;  // the caller's
  samples.fill(1.0);
  const auto input = tn::view(samples, tn::shape<input_size>());
  tn::TrackingAllocator memory;  // weights, results, and the arena's block: everything

  // Each allocation of load and inference refused in turn: what was there before is there after.
  int refusals = 0;
  for (bool refused = true; refused;) {
    RefuseOne refusing(memory, refusals);
    try {
      tn::Arena scratch(&refusing);
      const Model model(refusing);
      const auto result = model.predict(input, scratch, refusing);
    } catch (const std::bad_alloc&) {
    }
    refused = refusing.has_refused() && memory.stats().live_bytes == 0;
    refusals += refused ? 1 : 0;
  }
  std::cout << "refused in turn: " << refusals << " allocations, " << memory.stats().live_bytes
            << " B left behind\n";

  {
    const Model model(memory);  // 1. load
    std::cout << "loaded: " << memory.stats().live_bytes << " B alive\n";

    tn::Arena scratch(&memory);
    const auto first = model.predict(input, scratch, memory);  // 2. infer
    std::cout << "scratch in use: " << scratch.stats().live_bytes << " B, at most "
              << scratch.stats().peak_bytes << " B\n";

    const auto before = memory.stats().allocations;
    for (int i = 0; i < 1000; ++i) {  // 3. repeat
      scratch.reset();                // keeps its memory
      const auto result = model.predict(input, scratch, memory);
      if (!tn::array_equal(result, first)) return 1;
    }
    std::cout << "1000 more inferences: " << memory.stats().allocations - before
              << " allocations, the results; peak scratch " << scratch.stats().peak_bytes << " B\n"
              << "y = " << first << '\n';
  }  // 4. shut down: in reverse order, all by itself

  const auto end = memory.stats();
  std::cout << "leak check: " << end.live_count << " blocks, " << end.live_bytes << " B alive\n";
  return end.live_bytes == 0 ? 0 : 1;
}
