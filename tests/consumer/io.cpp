// A user's program of the file layer: a tensor written, mapped and used where it lies.

#include <tenon/io.hpp>
#include <tenon/tenon.hpp>

#include <cstdio>

namespace tn = tenon;

int main() {
  tn::StaticTensor<float, 2, 2> w{1, 2, 3, 4};
  tn::save_safetensors("consumer.safetensors", {{"w", w}});
  const tn::Safetensors file("consumer.safetensors");
  const auto sum = tn::eval(tn::sum(file.view<float, tn::Shape<2, 2>>("w")));
  std::printf("tenon::io: %g\n", static_cast<double>(sum.item()));
  return sum.item() == 10 ? 0 : 1;
}
