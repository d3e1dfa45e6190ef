#pragma once
// ModelCompiler: from a graph to the steps of a model.
//
//   values and nodes as the graph has them → constants folded, dead nodes gone → programs of elementwise nodes
//   → stages with kernels → order → tensors that take another's place → offsets → steps

#include "model_plan.hpp"
#include "tile_program.hpp"

#include <tenon/engine/graph.hpp>

#include <cstddef>
#include <list>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

namespace tenon::detail {

class ModelCompiler {
 public:
  ModelCompiler(ModelPlan& plan, const Graph& graph);
  void compile();

 private:
  template <class T>
  using Vector = std::pmr::vector<T>;

  struct Value {
    TensorType type;
    std::string_view name;
    const void* constant = nullptr;
    bool is_constant = false;
    bool is_folded = false;  // a constant that the model computes
    int input = -1;
    int output = -1;                // number of the output where it is stored
    int producer = -1;              // node; later stage
    int weight = -1;                // of plan_.weights, where folded and kept
    std::pmr::vector<int> readers;  // nodes; later stages; each once
    [[nodiscard]] bool moves() const noexcept { return !is_constant && input < 0; }
  };
  struct Node {
    const GraphNode* source = nullptr;
    bool is_alive = false;
    bool is_folded = false;
    int group = -1;
    KernelPtr row;    // a product of one row
    int result = -1;  // what it stores, where elementwise nodes were appended to it
  };
  // What becomes a step: a node or a program of several.
  struct Stage {
    KernelPtr kernel;
    std::pmr::string label;
    std::pmr::vector<int> inputs, outputs;  // values
    std::size_t bytes_moved = 0;
    bool is_program = false;
  };
  // Bytes that one value has, or several one after the other.
  struct Buffer {
    int output = -1;  // it lies in that output; -1: in the workspace
    std::size_t bytes = 0;
    index_t lower = 0, upper = 0;
    int name = -1;  // a value
    std::size_t offset = 0;
  };

  [[nodiscard]] static std::size_t at(int i) noexcept { return static_cast<std::size_t>(i); }
  [[nodiscard]] std::pmr::memory_resource* resource() const noexcept {
    return plan_.options.resource;
  }

  void take_graph();
  void mark_alive();
  void transpose_weights();
  [[nodiscard]] int transposed(int weights);
  void mark_folded();
  void fold();
  [[nodiscard]] std::size_t fold_peak_bytes() const noexcept;

  [[nodiscard]] Elementwise elementwise_of(int node) const noexcept;
  [[nodiscard]] bool can_fuse(int node) const noexcept;
  void find_row_products();
  void append_to_row(int node);
  void find_groups();
  void grow_group(int group, int root);
  [[nodiscard]] bool may_absorb(int group, int node) const;
  [[nodiscard]] bool reaches(int node, int group) const;
  void make_stages();
  void add_node_stage(int node);
  void finish_row(int node, Stage& stage);
  void add_group_stage(int group);
  void add_copies();
  void add_copy(int from, int output);
  [[nodiscard]] Stage& add_stage();
  void link_stages();
  void sort_stages();

  void order_stages();
  void order_by_search(std::span<const std::size_t> value_bytes);
  void order_by_greed(std::span<const std::size_t> value_bytes);
  [[nodiscard]] bool may_take_place(const Stage& stage, std::size_t input) const noexcept;
  void assign_buffers();
  void pack();
  void require_budget() const;
  void finish();
  [[nodiscard]] TensorPlace place_of(int value) const noexcept;
  void add_patches();

  ModelPlan& plan_;
  const Graph& graph_;
  Vector<Value> values_;
  Vector<Node> nodes_;
  std::pmr::list<GraphNode> made_nodes_;  // beside the graph's
  Vector<Stage> stages_;
  Vector<KernelPtr> fold_kernels_;  // of nodes; null where not folded
  Vector<int> order_;               // stages
  Vector<Buffer> buffers_;
  Vector<int> buffer_of_;                // of values; -1: none
  Vector<std::size_t> stage_workspace_;  // buffers of stages' workspaces
  int group_count_ = 0;
};

}  // namespace tenon::detail
