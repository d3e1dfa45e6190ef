// A tensor has one owner: clone(resource) copies.
// expect-gcc: use of deleted function
// expect-clang: deleted constructor

#include <tenon/tensor/tensor.hpp>

#include <utility>

using Matrix = tenon::Tensor<float, tenon::Shape<2, 3>>;

Matrix move_on(Matrix& tensor) { return std::move(tensor); }

#ifdef TENON_SHOULD_FAIL
Matrix copy(const Matrix& tensor) { return tensor; }
#endif
