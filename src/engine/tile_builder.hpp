#pragma once
// TileProgram::Builder: sections, places and tiles of a program.

#include "tile_program.hpp"

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>

#include <memory_resource>
#include <vector>

namespace tenon::detail {

class TileProgram::Builder {
 public:
  Builder(TileProgram& program, const TileGraph& graph, std::pmr::memory_resource* resource);
  void build();

 private:
  // A shape without its leading extents of 1.
  struct Extents {
    int rank = 0;
    std::array<index_t, max_rank> extents{};
    friend bool operator==(const Extents&, const Extents&) = default;
    [[nodiscard]] index_t size() const noexcept;
  };
  // What the nodes of a section read that is no node of it, or is stored by it.
  struct Operand {
    int value = 0;                            // leaf, or leaf count + node
    std::array<index_t, max_rank> strides{};  // elements, of the loops
    bool is_stored = false;
    short place = -1;
  };

  [[nodiscard]] static Extents extents_of(const TensorType& type) noexcept;
  [[nodiscard]] int leaf_count() const noexcept { return static_cast<int>(graph_.leaves.size()); }
  [[nodiscard]] const TensorType& type(int value) const noexcept;
  [[nodiscard]] const TileNode& node(int value) const noexcept;
  [[nodiscard]] bool is_here(int value) const noexcept;  // a node of the section that is being made
  [[nodiscard]] int output_of(int value) const noexcept;

  void infer_types();
  void find_section_results();
  void count_bytes();
  void find_in_place();

  void build_section(const Extents& shape);
  void find_operands();
  void add_operand(int value, bool is_stored);
  void merge_loops();
  void choose_loops();
  void assign_places();
  [[nodiscard]] short add_place(const Operand& operand);
  [[nodiscard]] Operand& operand(int value) noexcept;
  void emit_instructions();
  void emit(int value);
  [[nodiscard]] bool is_dense(const Operand& operand) const noexcept;
  [[nodiscard]] bool is_scalar(const Operand& operand) const noexcept;
  [[nodiscard]] int new_register();
  void place_registers();

  TileProgram& program_;
  const TileGraph& graph_;
  std::pmr::vector<TensorType> types_;  // of nodes
  std::pmr::vector<std::size_t>
      results_;                       // of nodes: offset in the workspace, where a section reads it
  std::pmr::vector<bool> is_result_;  // of nodes
  std::size_t results_bytes_ = 0;
  std::size_t registers_bytes_ = 0;
  std::size_t most_places_ = 0;

  // of the section that is being made
  Extents shape_;
  Section section_;
  int loops_ = 0;  // of all of its elements
  std::array<index_t, max_rank> extents_{};
  std::pmr::vector<Operand> operands_;
  std::pmr::vector<int> register_of_;       // of nodes; -1: none
  std::pmr::vector<int> reads_left_;        // of nodes, in this section
  std::pmr::vector<short> register_place_;  // of registers
  std::pmr::vector<bool> is_free_;          // of registers
};

}  // namespace tenon::detail
