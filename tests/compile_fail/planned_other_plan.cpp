// A constant plan does not take a table of another plan.
// expect: table_is_of_another_plan

#include <tenon/plan/planned.hpp>
#include <tenon/tenon.hpp>

namespace {

using Row = tenon::TensorView<const float, tenon::Shape<50>>;
using Matrix = tenon::TensorView<const float, tenon::Shape<40, 50>>;
using E = decltype(std::declval<Matrix>() * tenon::exp(std::declval<Row>()) +
                   tenon::exp(std::declval<Row>()));

constexpr auto solved = tenon::planned<E>(
    "id,lower,upper,size,offset\n"
#ifdef TENON_SHOULD_FAIL
    "0,0,3,200,0\n");
#else
    "0,0,3,200,256\n1,1,3,200,0\n");
#endif
static_assert(solved.plan().workspace_bytes == 456);

}  // namespace
