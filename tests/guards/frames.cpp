// Evaluations of 64 operations in one object file; frames.py reads how large their stack frames are.

#include <tenon/eval/eval.hpp>
#include <tenon/expr/windows.hpp>
#include <tenon/parallel.hpp>

namespace tn = tenon;
using tn::dyn;

using Taps = tn::TensorView<float, tn::Shape<dyn, dyn, dyn>>;
using Matrix = tn::TensorView<float, tn::Shape<dyn, dyn>>;

template <int Operations, class E, class F>
auto repeat(const E& e, const F& f) {
  if constexpr (Operations == 0)
    return e;
  else
    return repeat<Operations - 1>(f(e), f);
}

template <class E>
[[gnu::noinline]] void evaluate(const Matrix& out, const E& e, std::pmr::memory_resource& memory) {
  tn::eval_into(out, e, tn::scratch(memory));
}

template <class E>
[[gnu::noinline]] void evaluate(const Matrix& out, const E& e, std::pmr::memory_resource& memory,
                                tn::ThreadTeam& team) {
  tn::eval_into(out, e, tn::scratch(memory), team);
}

void evaluations(const Matrix& out, const Matrix& a, const Matrix& b,
                 std::pmr::memory_resource& memory) {
  evaluate(out, repeat<64>(a, [](const auto& e) { return tn::softmax<-1>(e); }), memory);
  evaluate(out, repeat<32>(a, [](const auto& e) { return tn::relu(-e); }), memory);
  evaluate(out, repeat<6>(a, [&](const auto& e) { return tn::matmul(tn::relu(e), b) + a; }),
           memory);
  const Taps taps(b.data(), tn::shape(b.extent(0), a.extent(0), 1));
  evaluate(out, repeat<6>(a, [&](const auto& e) { return tn::conv1d(tn::relu(e), taps) + a; }),
           memory);
}

void parallel_evaluations(const Matrix& out, const Matrix& a, const Matrix& b,
                          std::pmr::memory_resource& memory, tn::ThreadTeam& team) {
  evaluate(out, repeat<24>(a, [](const auto& e) { return tn::softmax<-1>(e); }), memory, team);
  evaluate(out, repeat<6>(a, [&](const auto& e) { return tn::matmul(tn::relu(e), b) + a; }), memory,
           team);
}
