// expect: A const temporary tensor cannot be moved into an expression: return it without const, or give it a name.
// A const temporary would have to be read after its end: only what can be moved in may be owned.

#include <tenon/tenon.hpp>

using Vector = tenon::Tensor<float, tenon::Shape<4>>;

Vector make(tenon::PoolAllocator& pool) { return tenon::ones<float>(tenon::shape<4>(), pool); }
#ifdef TENON_SHOULD_FAIL
const Vector make_const(tenon::PoolAllocator& pool) { return make(pool); }
#endif

int main() {
  tenon::PoolAllocator pool;
  auto owned = make(pool) + 1.0F;
#ifdef TENON_SHOULD_FAIL
  auto dangling = make_const(pool) + 1.0F;
#endif
}
