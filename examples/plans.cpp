// The plans of three networks, as text and as pictures: a perceptron of three layers, an attention head,
// and a gated unit whose value is shared.
//
//   plans                   prints the plans
//   plans <folder>          writes the pictures of docs/plans.md there, and graphs for dot
//   plans --check <folder>  ends with 1 unless the pictures are there already, with 77 on another instruction
//                           set than AVX-512: panels are cut for each

#include <tenon/plan/explain_dot.hpp>
#include <tenon/plan/explain_svg.hpp>
#include <tenon/tenon.hpp>

#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

namespace tn = tenon;

namespace {

// An operand whose memory nobody reads here.
template <tn::index_t... E>
auto input() {
  return tn::TensorView<const float, tn::Shape<E...>>(nullptr, {});
}

// Three layers for a batch of 64.
auto perceptron() {
  const auto x = input<64, 784>();
  const auto h1 = tn::relu(tn::matmul(x, input<784, 512>()) + input<512>());
  const auto h2 = tn::relu(tn::matmul(h1, input<512, 256>()) + input<256>());
  return tn::matmul(h2, input<256, 10>()) + input<10>();
}

// softmax(q·kᵀ / √d)·v for 256 positions.
auto attention() {
  const auto q = input<256, 64>(), k = input<256, 64>(), v = input<256, 64>();
  return tn::matmul(tn::softmax<-1>(tn::matmul(q, tn::transpose(k)) * 0.125F), v);
}

// h·U gated by sigmoid(h·G), where h = relu(x·W) is computed once.
auto gated_unit() {
  return tn::let(tn::relu(tn::matmul(input<32, 256>(), input<256, 512>())), [](auto h) {
    return tn::matmul(h, input<512, 256>()) * tn::sigmoid(tn::matmul(h, input<512, 256>()));
  });
}

class Pictures {
 public:
  Pictures(std::string folder, bool compares) : folder_(std::move(folder)), compares_(compares) {}

  template <tn::Expression E>
  void show(const char* name, const char* title, const E& e) {
    if (folder_.empty()) {
      std::cout << title << "\n\n" << tn::explain(e) << '\n';
      return;
    }
    std::ostringstream svg, dot;
    svg << tn::explain_svg(e, {.title = title});
    dot << tn::explain_dot(e);
    keep(std::string(name) + ".svg", svg.str());
    if (!compares_) keep(std::string(name) + ".dot", dot.str());
  }
  [[nodiscard]] int differing() const { return differing_; }

 private:
  void keep(const std::string& file, const std::string& text) {
    const std::string path = folder_ + "/" + file;
    if (!compares_) {
      std::ofstream(path) << text;
      return;
    }
    std::ostringstream there;
    there << std::ifstream(path).rdbuf();
    if (there.str() == text) return;
    std::cout << path << " is not what the plan is now: run `plans <folder>`\n";
    ++differing_;
  }

  std::string folder_;
  bool compares_;
  int differing_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const bool compares = argc > 1 && std::string(argv[1]) == "--check";
  if (compares && tn::build_isa != tn::Isa::avx512) return 77;
  Pictures pictures(argc > 1 ? argv[argc - 1] : "", compares);
  pictures.show("plan_mlp", "A perceptron of three layers, batch 64", perceptron());
  pictures.show("plan_attention", "An attention head, 256 positions", attention());
  pictures.show("plan_gated", "A gated unit with a shared value", gated_unit());
  return pictures.differing() == 0 ? 0 : 1;
}
