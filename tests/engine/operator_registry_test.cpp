// Operators by name.

#include "naive_tensors.hpp"

#include "heap_trap.hpp"
#include "memory/upstream.hpp"

#include <thread>

namespace tn = tenon;
using namespace tenon::test;

namespace {

// y = factor · x, with a count of those alive.
class Scale final : public tn::Operator {
 public:
  explicit Scale(float factor, int* alive = nullptr) : factor_(factor), alive_(alive) { count(1); }
  Scale(const Scale& other) : Operator(other), factor_(other.factor_), alive_(other.alive_) {
    count(1);
  }
  ~Scale() override { count(-1); }

  void infer(std::span<const tn::TensorType> inputs, const tn::Attributes&,
             std::span<tn::TensorType> outputs) const override {
    if (inputs.size() != 1 || inputs[0].dtype() != tn::DType::float32)
      tn::detail::raise<tn::DTypeError>("Scale", "it takes one tensor of float32");
    outputs[0] = inputs[0];
  }
  [[nodiscard]] tn::KernelPtr compile(std::span<const tn::TensorType> inputs, const tn::Attributes&,
                                      const tn::KernelOptions& options) const override {
    struct Run final : tn::Kernel {
      Run(tn::index_t n, float by) : size(n), factor(by) {}
      [[nodiscard]] bool in_place(int) const noexcept override { return true; }
      void run(const tn::KernelCall& call) const noexcept override {
        const auto* x = static_cast<const float*>(call.inputs[0]);
        auto* y = static_cast<float*>(call.outputs[0]);
        for (tn::index_t i = 0; i < size; ++i) y[i] = factor * x[i];
      }
      tn::index_t size;
      float factor;
    };
    return tn::make_kernel<Run>(options.resource, inputs[0].size(), factor_);
  }

 private:
  void count(int by) const {
    if (alive_ != nullptr) *alive_ += by;
  }
  float factor_;
  int* alive_;
};

}  // namespace

TEST_CASE("an operator of one's own is found by its name and dies with the registry", "[engine]") {
  int alive = 0;
  Upstream memory;
  {
    const std::size_t before = tn::OperatorRegistry::built_in().size();
    tn::OperatorRegistry registry(&memory);
    registry.add("Double", Scale(2, &alive));
    const Scale half(0.5F, &alive);
    registry.add("Half", &half);
    CHECK(alive == 2);
    CHECK(memory.requests == 2);
    CHECK(registry.size() == before + 2);
    CHECK(registry.find("Half") == &half);
    CHECK(registry.find("Double") != nullptr);
    CHECK(registry.find("double") == nullptr);
    CHECK(registry.find("MatMul") == tn::OperatorRegistry::built_in().find("MatMul"));
    CHECK(tn::OperatorRegistry::built_in().find("Half") == nullptr);
  }
  CHECK(alive == 0);
}

TEST_CASE("a name is given once", "[engine]") {
  int alive = 0;
  Upstream memory;
  tn::OperatorRegistry registry(&memory);
  registry.add("Mine", Scale(2, &alive));
  CHECK(message_of<tn::ContractError>([&] { registry.add("Mine", Scale(3, &alive)); }) ==
        "OperatorRegistry: there is an operator Mine already");
  CHECK_THROWS_AS(registry.add("MatMul", Scale(3)), tn::ContractError);
  CHECK_THROWS_AS(registry.add("", Scale(3)), tn::ContractError);
  CHECK(alive == 1);
  CHECK(memory.requests == 1);
}

TEST_CASE("an operator that finds no memory is not there, and nothing is lost", "[engine]") {
  Upstream memory;
  tn::OperatorRegistry registry(&memory);
  memory.fail_at(0);
  CHECK_THROWS_AS(registry.add("Mine", Scale(2)), std::bad_alloc);
  CHECK(registry.find("Mine") == nullptr);
  registry.add("Mine", Scale(2));
  CHECK(registry.find("Mine") != nullptr);
}

TEST_CASE("an unknown name is answered with the closest one", "[engine]") {
  const auto message = [](std::string_view name) {
    return message_of<tn::ContractError>(
        [&] { static_cast<void>(tn::OperatorRegistry::built_in().at(name)); });
  };
  const std::string among = " among " + std::to_string(tn::OperatorRegistry::built_in().size()) +
                            "; the closest name is ";
  CHECK(message("Matmul") == "OperatorRegistry: there is no operator Matmul" + among + "MatMul");
  CHECK(message("GEMMM") == "OperatorRegistry: there is no operator GEMMM" + among + "Gemm");
  CHECK(message(std::string(200, 'x')).size() < 320);
  const tn::OperatorRegistry empty(std::pmr::new_delete_resource(), nullptr);
  CHECK(message_of<tn::ContractError>([&] { static_cast<void>(empty.at("x")); }) ==
        "OperatorRegistry: there is no operator x among 0");
}

TEST_CASE("finding allocates nothing, and the built-in operators neither", "[engine]") {
  tn::support::HeapTrap trap;
  const auto* op = tn::OperatorRegistry::built_in().find("MatMul");
  const auto* none = tn::OperatorRegistry::built_in().find("None");
  const auto calls = trap.stop();
  CHECK(op != nullptr);
  CHECK(none == nullptr);
  CHECK(calls == 0);
}

TEST_CASE("names are found while others are added", "[engine][threads]") {
  tn::OperatorRegistry registry(std::pmr::new_delete_resource());
  std::atomic<int> found{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string name = "op" + std::to_string(t) + "_" + std::to_string(i);
        registry.add(name, Scale(static_cast<float>(i)));
        for (int other = 0; other < 4; ++other)
          if (registry.find("op" + std::to_string(other) + "_" + std::to_string(i)) != nullptr)
            ++found;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(found >= 200);
  CHECK(registry.size() == tn::OperatorRegistry::built_in().size() + 200);
}

TEST_CASE("an engine runs an operator of its user's, in place where the kernel says so",
          "[engine]") {
  tn::InferenceEngine engine;
  engine.register_operator("Double", Scale(2));
  auto x = engine.get_tensor({3}, tn::DType::float32);
  x.copy_from<float>({1, 2, 3});
  engine.execute_operator("Double", {x}, {x});
  CHECK(as_doubles<float>(x) == std::vector<double>{2, 4, 6});
}
