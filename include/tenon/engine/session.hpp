#pragma once
// Session: the memory in which a model runs.

#include <tenon/engine/any_view.hpp>
#include <tenon/engine/model.hpp>

#include <tenon/memory/page_resource.hpp>

#include <cstddef>
#include <memory_resource>
#include <span>

namespace tenon {

class ThreadTeam;

namespace detail {
struct SessionStep;
}

//   Session session(model, &pool);
//   session.bind(inputs, outputs);  // checks
//   session.run();                  // noexcept, no allocation; again and again
//
// Thread rules: one session is used by one thread at a time; sessions of one model are independent.
class Session {
 public:
  // Takes model.session_bytes() at once, and nothing later. `team` serves the threads that the model was made
  // for; null where that is 1.
  // Contract: model, resource and team outlive the session.
  // Errors: ContractError for a team that is too small; what the resource raises.
  explicit Session(const Model& model, std::pmr::memory_resource* resource = system_resource(),
                   ThreadTeam* team = nullptr);
  Session(const Session&) = delete;  // steps know where their tensors lie
  Session& operator=(const Session&) = delete;
  ~Session();

  // Sets the tensors that run() reads and stores, in the order of the graph.
  // Errors: ContractError for another number of them, or an output that shares bytes with an input or another
  // output; ShapeError or DTypeError for another type, with both. Nothing is changed then. No allocation.
  void bind(std::span<const ConstAnyView> inputs, std::span<const AnyView> outputs);

  // Runs the model on what was bound. Contract: bind has been called. No allocation.
  void run() noexcept;
  // The same for tensors whose types are known to be right: checked builds assert it. No allocation.
  // Contract: as many as the model has, of its types, and no output shares bytes with another tensor.
  void run(std::span<const ConstAnyView> inputs, std::span<const AnyView> outputs) noexcept;
  void run(std::span<const void* const> inputs, std::span<void* const> outputs) noexcept;

  [[nodiscard]] const Model& model() const noexcept { return *model_; }
  // The workspace, for tests: model().workspace_bytes().
  [[nodiscard]] std::span<std::byte> workspace() noexcept;

 private:
  template <class Inputs, class Outputs>
  void set(const Inputs& input, const Outputs& output) noexcept;
  void require_types(std::span<const ConstAnyView> inputs, std::span<const AnyView> outputs) const;

  const Model* model_;
  std::pmr::memory_resource* resource_;
  std::byte* block_;
  detail::SessionStep* steps_ = nullptr;
  const void** inputs_ = nullptr;  // of all steps
  void** outputs_ = nullptr;
};

}  // namespace tenon
