// What a user's first program needs: the language standard, both dependencies, the installed headers.

#include <tenon/core/shape.hpp>
#include <tenon/core/version.hpp>

#include <boost/hana/basic_tuple.hpp>
#include <xsimd/xsimd.hpp>

#include <cstdio>

static_assert(__cplusplus >= 202002L);

int main() {
  const auto shape = tenon::shape(2, 3);
  const boost::hana::basic_tuple<int, float> operands{1, 2.0F};
  std::printf("Tenon %d.%d.%d: %td elements\n", TENON_VERSION_MAJOR, TENON_VERSION_MINOR,
              TENON_VERSION_PATCH, shape.size());
  return shape.size() == 6 && boost::hana::at_c<0>(operands) == 1 ? 0 : 1;
}
