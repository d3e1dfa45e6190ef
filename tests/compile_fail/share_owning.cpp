// expect: share(x) copies its expression to every use, and this one owns a tensor
#include <tenon/tenon.hpp>

auto right(tenon::TensorView<float, tenon::Shape<3>> x) {
  const auto h = tenon::share(x + 1.0F);
  return h * h;
}

#ifdef TENON_SHOULD_FAIL
auto wrong(tenon::Tensor<float, tenon::Shape<3>> x) { return tenon::share(std::move(x) + 1.0F); }
#endif
