// Three training steps of examples/digits, drawn: weights in the persistent side of a DualArena, all
// that a step needs in its temporary side, and every request of both in one log.
//
//   timeline [picture.svg]      docs/timeline.svg is such a picture

#include "digits/network.hpp"

#include <tenon/memory.hpp>
#include <tenon/tenon.hpp>

#include <fstream>
#include <iostream>
#include <optional>
#include <random>

namespace tn = tenon;

namespace {

template <class S>
digits::Parameter<S> parameter(S shape, std::mt19937_64& random, tn::TrackingAllocator& memory) {
  return {tn::random_normal<float>(shape, random, memory), tn::zeros<float>(shape, memory)};
}

// One training step, as digits::train_on, each part a phase of the log.
void step(digits::Network& net, std::mt19937_64& random, tn::TrackingAllocator& memory,
          tn::EventLog& log) {
  using namespace digits;
  std::optional<tn::EventLog::Phase> phase(std::in_place, log, "batch");
  const auto x = tn::random_uniform<float>(tn::shape<batch_size, pixels>(), random, memory);
  const auto target = tn::zeros<float>(tn::shape<batch_size, classes>(), memory);
  phase.emplace(log, "forwards");
  const auto h = tn::eval(hidden(x, net), memory);
  const auto z = tn::eval(scores(h, net), memory);
  phase.emplace(log, "backwards");
  const auto dz = tn::eval(scores_gradient(z, target), memory);
  const auto dh = tn::eval(hidden_gradient(dz, h, net), memory);
  phase.emplace(log, "update");
  descend(net.w2, weight_gradient(h, dz), memory);
  descend(net.b2, bias_gradient(dz), memory);
  descend(net.w1, weight_gradient(x, dh), memory);
  descend(net.b1, bias_gradient(dh), memory);
  phase.emplace(log, "freed");
}

}  // namespace

int main(int argc, char** argv) {
  using namespace digits;
  tn::Arena log_memory;
  tn::EventLog log(&log_memory);
  tn::DualArena arena(78'000, 100'000);
  tn::TrackingAllocator weights(&arena.persistent(), {.log = &log, .name = "weights"});
  tn::TrackingAllocator temp(&arena.temp(), {.log = &log});
  {
    std::mt19937_64 random(1998);
    Network net{parameter(tn::shape<pixels, hidden_units>(), random, weights),
                parameter(tn::shape<hidden_units>(), random, weights),
                parameter(tn::shape<hidden_units, classes>(), random, weights),
                parameter(tn::shape<classes>(), random, weights)};
    for (int i = 0; i < 3; ++i) {
      step(net, random, temp, log);
      arena.clear_temp();
    }
    const auto phase = log.phase("end");
    std::cout << "weights: " << weights.stats().live_bytes << " B in " << weights.stats().live_count
              << " buffers\n"
              << "temporary: at most " << temp.stats().peak_bytes << " B, now "
              << temp.stats().live_bytes << " B\n\n";
  }
  const auto first_step = log.events().subspan(8, 16);
  tn::print_timeline(std::cout, first_step, {.times = false});

  if (argc > 1) {
    std::ofstream picture(argv[1]);
    tn::timeline_svg(picture, log,
                     {.title = "Three training steps of examples/digits", .height = 640});
  }
}
