#pragma once
// TileProgram: elementwise operators of any number, compiled for an interpreter that runs each of them over a
// tile, some hundred elements that stay in the first cache, before the next tile is begun.
//
// Nodes of one shape are a section. In its loops, leaves of that shape are read where they lie and the outputs
// are written where they belong; what is in between lives in tiles of the workspace (registers). A leaf that is
// stretched is a scalar along the rows, goes along with them, or, where rows are short, is spread into a
// tile first. A section of a smaller shape than another that reads it runs before it, into the workspace: no
// element of any node is computed twice.

#include "kernels/kernel_table.hpp"

#include <tenon/engine/operator.hpp>
#include <tenon/engine/tensor_type.hpp>

#include <array>
#include <cstddef>
#include <memory_resource>
#include <span>
#include <vector>

namespace tenon::detail {

// A node: an operation on leaves (0 <= i < leaf count) and on nodes before it (leaf count + index).
struct TileNode {
  Elementwise operation;
  std::array<int, 2> operands{};  // an operation of one operand has it twice
};

struct TileGraph {
  std::span<const TensorType> leaves;
  std::span<const TileNode> nodes;  // operands before their readers
  std::span<const int> outputs;     // nodes, each once
};

// The type of a result. Errors: ShapeError, DTypeError.
[[nodiscard]] TensorType elementwise_type(const char* name, ElementwiseCode code,
                                          std::span<const TensorType> operands);

// Immutable. Memory of its own from `resource`.
class TileProgram {
 public:
  // Contract: the types fit: elementwise_type accepts them. Errors: what the resource raises.
  TileProgram(const TileGraph& graph, std::pmr::memory_resource* resource);

  [[nodiscard]] std::size_t workspace_bytes() const noexcept { return workspace_bytes_; }
  [[nodiscard]] std::size_t instruction_count() const noexcept { return instructions_.size(); }
  [[nodiscard]] std::size_t section_count() const noexcept { return sections_.size(); }
  // Bytes of the elements that it reads and writes, each counted once: leaves, outputs, and results of sections
  // that others read, which are written and read.
  [[nodiscard]] std::size_t bytes_moved() const noexcept { return bytes_moved_; }
  [[nodiscard]] bool in_place(int leaf) const noexcept {
    return in_place_[static_cast<std::size_t>(leaf)];
  }
  // Inputs are the leaves. No allocation.
  void run(const KernelCall& call) const noexcept;

 private:
  enum class Home : unsigned char { input, output, workspace };

  // Something that instructions read or write: where it begins, and how it moves from row to row.
  struct Place {
    Home home = Home::workspace;
    int index = 0;                          // of the input or output
    std::size_t offset = 0;                 // in the workspace
    index_t step = 0;                       // bytes an element of the row
    std::array<index_t, max_rank> jumps{};  // bytes from the end of a row, where loop d goes on
  };
  struct Instruction {
    TileFunction function = nullptr;
    short to = 0, a = 0, b = 0;  // places of the section
    std::array<double, 2> parameters{};
  };
  // A stretched leaf that is spread into a tile: what the tile begins with, and the strides of the leaf.
  struct Spread {
    short from = 0, to = 0;                   // places
    std::array<index_t, max_rank> strides{};  // bytes, of the loops
  };
  struct Section {
    std::size_t first_place = 0, place_count = 0, moving_count = 0;  // those that move come first
    std::size_t first_instruction = 0, instruction_count = 0;
    std::size_t first_spread = 0, spread_count = 0;
    int loops = 0;  // around the row
    std::array<index_t, max_rank> extents{};
    index_t row = 0;
    index_t tile = 0;
    int element_bytes = 0;
    int spread_loops = 0;  // of the row, where leaves are spread
    std::array<index_t, max_rank> spread_extents{};
  };
  class Builder;

  // What the pointers of a section take of the workspace.
  [[nodiscard]] static std::size_t table_bytes(std::size_t places) noexcept;
  void run_section(const Section& section, const KernelCall& call) const noexcept;
  void run_row(const Section& section, const std::byte** at) const noexcept;
  void spread(const Section& section, const std::byte** at, index_t first,
              index_t n) const noexcept;

  std::pmr::vector<Section> sections_;
  std::pmr::vector<Place> places_;
  std::pmr::vector<Instruction> instructions_;
  std::pmr::vector<Spread> spreads_;
  std::pmr::vector<bool> in_place_;
  std::size_t workspace_bytes_ = 0;
  std::size_t bytes_moved_ = 0;
};

// A kernel that is one program.
class TileKernel final : public Kernel {
 public:
  TileKernel(const TileGraph& graph, std::pmr::memory_resource* resource)
      : program_(graph, resource) {}
  [[nodiscard]] const TileProgram& program() const noexcept { return program_; }
  [[nodiscard]] std::size_t workspace_bytes() const noexcept override {
    return program_.workspace_bytes();
  }
  [[nodiscard]] bool in_place(int input) const noexcept override {
    return program_.in_place(input);
  }
  void run(const KernelCall& call) const noexcept override { program_.run(call); }

 private:
  TileProgram program_;
};

}  // namespace tenon::detail
