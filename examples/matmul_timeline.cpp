// Every allocation of a matrix product as it happens: two operands and the result. The plan says beforehand
// what workspace it takes: none, where operands are as small as these.
//
//   matmul_timeline [picture.svg]

#include <tenon/memory.hpp>
#include <tenon/tenon.hpp>

#include <cstddef>
#include <fstream>
#include <iostream>
#include <optional>

namespace tn = tenon;

int main(int argc, char** argv) {
  tn::Arena log_memory;
  tn::EventLog log(&log_memory);
  tn::PoolAllocator pool;
  tn::TrackingAllocator memory(&pool, {.log = &log});  // forwards to the pool, and writes it down
  std::size_t shown = 0;
  const auto show = [&] {
    tn::print_timeline(std::cout, log.events().subspan(shown),
                       {.times = false, .full_bar_bytes = 512});
    shown = log.events().size();
  };

  {
    std::optional<tn::EventLog::Phase> phase(std::in_place, log, "a (2, 3)");
    const auto a = tn::from({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, tn::shape<2, 3>(), memory);
    phase.emplace(log, "b (3, 2)");
    const auto b = tn::from({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, tn::shape<3, 2>(), memory);
    show();

    const auto product = tn::matmul(a, b);  // an expression: nothing is computed or allocated yet
    std::cout << "planned: result " << tn::plan(product).result_bytes << " B, workspace "
              << tn::plan(product).workspace_bytes << " B\n";
    phase.emplace(log, "eval");
    const auto c = tn::eval(product, memory);
    show();
    std::cout << "c =\n" << c << "\n";
    phase.emplace(log, "end of scope");
  }
  show();

  if (argc > 1) {
    std::ofstream picture(argv[1]);
    tn::timeline_svg(picture, log, {.title = "A matrix product, and its memory"});
  }
}
