#include <tenon/engine/inference_engine.hpp>

#include <tenon/core/config.hpp>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <thread>

namespace tenon {

// One of the engine's contexts, for the time of a call.
class InferenceEngine::Lease {
 public:
  explicit Lease(InferenceEngine& engine) : place_(engine.take_place()) {
    if (place_.context != nullptr) return;
    struct Undo {
      Place* place;
      ~Undo() {
        if (place != nullptr) place->is_busy.store(false, std::memory_order_release);
      }
    } undo{&place_};
    std::pmr::polymorphic_allocator<> allocator(&engine.tracker_);
    place_.context = allocator.new_object<ExecutionContext>(&engine.tracker_, engine.team());
    undo.place = nullptr;
  }
  Lease(const Lease&) = delete;  // one call has the place
  Lease& operator=(const Lease&) = delete;
  ~Lease() { place_.is_busy.store(false, std::memory_order_release); }

  [[nodiscard]] ExecutionContext& context() const noexcept { return *place_.context; }

 private:
  Place& place_;
};

InferenceEngine::InferenceEngine(const EngineConfig& config, std::pmr::memory_resource* upstream)
    : tracker_(upstream, config.max_memory_bytes),
      registry_(&tracker_),
      pool_(&tracker_, config.tensor_pool_size),
      team_(config.thread_count) {}

InferenceEngine::~InferenceEngine() {
  std::pmr::polymorphic_allocator<> allocator(&tracker_);
  for (const Place& place : places_)
    if (place.context != nullptr) allocator.delete_object(place.context);
}

InferenceEngine::Place& InferenceEngine::take_place() noexcept {
  const std::uint64_t thread = std::hash<std::thread::id>{}(std::this_thread::get_id());
  // The upper bits of a product depend on all bits of the identity, which is an address.
  const auto first = static_cast<std::size_t>((thread * 0x9E3779B97F4A7C15U) >> 32U);
  for (std::size_t i = 0;; ++i) {
    Place& place = places_[(first + i) % place_count];
    if (!place.is_busy.load(std::memory_order_relaxed) &&
        !place.is_busy.exchange(true, std::memory_order_acquire))
      return place;
    if (i % place_count == place_count - 1) std::this_thread::yield();
  }
}

const Attributes& InferenceEngine::no_attributes() noexcept {
  static const Attributes none;
  return none;
}

void InferenceEngine::execute_operator(std::string_view name, std::span<const ConstAnyView> inputs,
                                       std::span<const AnyView> outputs,
                                       const Attributes& attributes) {
  const Operator& op = registry_.at(name);
  const Lease lease(*this);
  lease.context().execute(name, op, inputs, outputs, attributes);
}

EngineStats InferenceEngine::stats() const {
  return {tracker_.stats(), pool_.stats(), registry_.size()};
}

EngineReport InferenceEngine::memory_report() const {
  const EngineStats s = stats();
  EngineReport report;
  const int used =
      std::snprintf(report.text, sizeof(report.text),
                    "=== MEMORY STATISTICS ===\n"
                    "Current usage: %zu bytes\n"
                    "Peak usage: %zu bytes\n"
                    "Tensors in pool: %zu\n"
                    "Pool hit rate: %.1f%%\n"
                    "Active operators: %zu\n",
                    s.memory.current_bytes, s.memory.peak_bytes, s.tensor_pool.pooled_count,
                    s.tensor_pool.hit_rate() * 100, s.operator_count);
  if (s.memory.limit_bytes != MemoryTracker::no_limit && used > 0)
    std::snprintf(report.text + used, sizeof(report.text) - static_cast<std::size_t>(used),
                  "Limit: %zu bytes\n", s.memory.limit_bytes);
  return report;
}

}  // namespace tenon
