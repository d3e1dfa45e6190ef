// expect: a_view_of_a_temporary_would_dangle

#include <tenon/tensor/tensor.hpp>

#include <memory_resource>

using Matrix = tenon::Tensor<float, tenon::Shape<2, 3>>;
using View = tenon::TensorView<const float, tenon::Shape<2, 3>>;

float first(const Matrix& named) {
  const View view = named;
  return view(0, 0);
}

#ifdef TENON_SHOULD_FAIL
float last(std::pmr::memory_resource* resource) {
  const View view = Matrix({}, resource);
  return view(1, 2);
}
#endif
