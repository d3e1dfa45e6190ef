// Built for the baseline of its processor family: prints the instruction set that was chosen, after it has compared
// what the table's functions give with plain loops.

#include "filters.hpp"

#include "table.hpp"

#include <tenon/simd/vectors.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

namespace tn = tenon;

int main() {
  try {
    const Filters& table = filters();
    std::vector<float> x(1003), y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
    const auto n = static_cast<tn::index_t>(x.size());
    table.affine_relu(x.data(), 2.0F, -0.5F, y.data(), n);
    double expected = 0, found = table.energy(y.data(), n), worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double value = std::max(0.0, 2.0 * static_cast<double>(x[i]) - 0.5);
      worst = std::max(worst, std::abs(value - static_cast<double>(y[i])));
      expected += value * value;
    }
    bool caught = false;
    try {
      table.raise();
    } catch (const tn::ShapeError& error) {
      caught = std::string(error.message()) == "filters: 3 taps";
    }
    const bool refused =
        std::string(table.refusal()) == "filters: baba" && repeated("ab", 2) == "baba";
    std::printf("%s, %d lanes (program: %s, %d lanes)\n", tn::name(filters_isa()),
                table.lanes(), tn::name(tn::build_isa), tn::simd::native_lanes<float>);
    return worst < 1e-6 && std::abs(found - expected) < 1e-3 && caught && refused ? 0 : 1;
  } catch (const tn::ContractError& error) {
    std::printf("%s\n", error.message());
    return 2;
  }
}
