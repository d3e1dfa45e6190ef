#include "model_compiler.hpp"

#include "row_product.hpp"

#include <tenon/core/checked.hpp>
#include <tenon/core/error.hpp>
#include <tenon/plan/exact_packing.hpp>
#include <tenon/plan/graph_order.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace tenon::detail {

namespace {

class CopyKernel final : public Kernel {
 public:
  explicit CopyKernel(std::size_t bytes) noexcept : bytes_(bytes) {}
  void run(const KernelCall& call) const noexcept override {
    if (bytes_ > 0) std::memcpy(call.outputs[0], call.inputs[0], bytes_);
  }

 private:
  std::size_t bytes_;
};

void add_once(std::pmr::vector<int>& list, int value) {
  if (std::ranges::find(list, value) == list.end()) list.push_back(value);
}

std::size_t padded(std::size_t bytes) noexcept { return align_up(bytes, workspace_alignment); }

}  // namespace

ModelCompiler::ModelCompiler(ModelPlan& plan, const Graph& graph)
    : plan_(plan),
      graph_(graph),
      values_(resource()),
      nodes_(resource()),
      made_nodes_(resource()),
      stages_(resource()),
      fold_kernels_(resource()),
      order_(resource()),
      buffers_(resource()),
      buffer_of_(resource()),
      stage_workspace_(resource()) {}

void ModelCompiler::compile() {
  take_graph();
  mark_alive();
  transpose_weights();
  mark_folded();
  find_row_products();
  find_groups();
  make_stages();
  order_stages();
  assign_buffers();
  pack();
  require_budget();
  fold();
  finish();
}

// ---- the graph ----

void ModelCompiler::take_graph() {
  if (graph_.outputs().empty())
    raise<ContractError>("Model", "the graph of %zu nodes has no output", graph_.node_count());
  values_.reserve(graph_.values().size() + graph_.outputs().size());
  for (const GraphValue& v : graph_.values()) {
    values_.push_back({.type = v.type,
                       .name = v.name,
                       .constant = v.constant,
                       .is_constant = v.is_constant,
                       .input = v.input,
                       .producer = v.producer,
                       .readers = std::pmr::vector<int>(resource())});
    if (v.input >= 0) plan_.inputs.push_back({std::pmr::string(v.name, resource()), v.type});
  }
  for (const GraphNode& node : graph_.nodes()) nodes_.emplace_back().source = &node;
  for (const int o : graph_.outputs())
    plan_.outputs.push_back(
        {std::pmr::string(values_[at(o)].name, resource()), values_[at(o)].type});
}

// A node lives where an output needs it. Readers follow from those that live.
void ModelCompiler::mark_alive() {
  for (const int o : graph_.outputs())
    if (values_[at(o)].producer >= 0) nodes_[at(values_[at(o)].producer)].is_alive = true;
  for (std::size_t n = nodes_.size(); n-- > 0;) {
    if (!nodes_[n].is_alive) continue;
    for (const int v : nodes_[n].source->inputs)
      if (values_[at(v)].producer >= 0) nodes_[at(values_[at(v)].producer)].is_alive = true;
  }
}

// Weights that a Gemm of one row reads transposed are transposed once: then the row streams them.
void ModelCompiler::transpose_weights() {
  for (std::size_t n = 0, count = nodes_.size(); n < count; ++n) {
    const GraphNode& gemm = *nodes_[n].source;
    if (!nodes_[n].is_alive || !is_built_in(*gemm.op, "Gemm") ||
        gemm.attributes.integer("transB", 0) == 0 || !values_[at(gemm.inputs[1])].is_constant ||
        values_[at(gemm.outputs[0])].type.extent(0) != 1)
      continue;
    const int weights = transposed(gemm.inputs[1]);
    GraphNode& made =
        made_nodes_.emplace_back(GraphNode{gemm.op,
                                           std::pmr::string(gemm.op_name, resource()),
                                           std::pmr::vector<int>(gemm.inputs, resource()),
                                           std::pmr::vector<int>(gemm.outputs, resource()),
                                           {{"alpha", gemm.attributes.number("alpha", 1)},
                                            {"beta", gemm.attributes.number("beta", 1)},
                                            {"transA", gemm.attributes.integer("transA", 0)}}});
    made.inputs[1] = weights;
    nodes_[n].source = &made;
  }
}

// The value of a node that transposes these weights.
int ModelCompiler::transposed(int weights) {
  for (const GraphNode& made : made_nodes_)
    if (made.op_name == "Transpose" && made.inputs[0] == weights) return made.outputs[0];
  const TensorType type = values_[at(weights)].type;
  const int result = static_cast<int>(values_.size());
  made_nodes_.push_back({OperatorRegistry::built_in().find("Transpose"),
                         std::pmr::string("Transpose", resource()),
                         std::pmr::vector<int>({weights}, resource()),
                         std::pmr::vector<int>({result}, resource()),
                         {}});
  Node& node = nodes_.emplace_back();
  node.source = &made_nodes_.back();
  node.is_alive = true;
  values_.push_back({.type = TensorType(type.dtype(), {type.extent(1), type.extent(0)}),
                     .name = values_[at(weights)].name,
                     .producer = static_cast<int>(nodes_.size()) - 1,
                     .readers = std::pmr::vector<int>(resource())});
  return result;
}

void ModelCompiler::mark_folded() {
  fold_kernels_.resize(nodes_.size());
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    const GraphNode& source = *nodes_[n].source;
    if (!nodes_[n].is_alive) continue;
    nodes_[n].is_folded =
        std::ranges::all_of(source.inputs, [&](int v) { return values_[at(v)].is_constant; });
    if (!nodes_[n].is_folded) {
      for (const int v : source.inputs) add_once(values_[at(v)].readers, static_cast<int>(n));
      continue;
    }
    Vector<TensorType> types(resource());
    for (const int v : source.inputs) types.push_back(values_[at(v)].type);
    fold_kernels_[n] = source.op->compile(types, source.attributes, {resource(), 1});
    for (const int v : source.outputs) values_[at(v)].is_constant = values_[at(v)].is_folded = true;
  }
  for (const int o : graph_.outputs())  // the first time that a value is an output
    if (Value& v = values_[at(o)]; v.moves() && v.output < 0)
      v.output =
          static_cast<int>(std::ranges::find(graph_.outputs(), o) - graph_.outputs().begin());
}

// ---- programs ----

Elementwise ModelCompiler::elementwise_of(int node) const noexcept {
  const GraphNode& source = *nodes_[at(node)].source;
  return source.op->elementwise(source.attributes);
}

bool ModelCompiler::can_fuse(int node) const noexcept {
  const Node& n = nodes_[at(node)];
  if (!plan_.options.fuse || !n.is_alive || n.is_folded || n.group >= 0) return false;
  const int count = operand_count(elementwise_of(node).code);
  if (count == 0 || n.source->inputs.size() != at(count) || n.source->outputs.size() != 1)
    return false;
  const DType dtype = values_[at(n.source->outputs[0])].type.dtype();
  return std::ranges::all_of(n.source->inputs,
                             [&](int v) { return values_[at(v)].type.dtype() == dtype; });
}

void ModelCompiler::find_row_products() {
  for (int n = 0; n < static_cast<int>(nodes_.size()); ++n) {
    Node& node = nodes_[at(n)];
    if (!plan_.options.fuse || !node.is_alive || node.is_folded) continue;
    Vector<TensorType> types(resource());
    for (const int v : node.source->inputs) types.push_back(values_[at(v)].type);
    node.row = make_row_product(*node.source->op, types, node.source->attributes, resource());
    if (node.row != nullptr) append_to_row(n);
  }
}

// Operators of one operand that alone read what the one before stores.
void ModelCompiler::append_to_row(int node) {
  auto& kernel = static_cast<RowProductKernel&>(*nodes_[at(node)].row);
  int& result = nodes_[at(node)].result;
  result = nodes_[at(node)].source->outputs[0];
  while (values_[at(result)].output < 0 && values_[at(result)].readers.size() == 1) {
    const int reader = values_[at(result)].readers[0];
    const Elementwise operation = elementwise_of(reader);
    if (!can_fuse(reader) || operand_count(operation.code) != 1) return;
    kernel.append(operation);
    nodes_[at(reader)].is_alive = false;
    result = nodes_[at(reader)].source->outputs[0];
    values_[at(result)].producer = node;
  }
}

void ModelCompiler::find_groups() {
  for (int n = static_cast<int>(nodes_.size()); n-- > 0;)
    if (can_fuse(n)) grow_group(group_count_++, n);
}

// The root and whatever leads to it and may join, until nothing more does.
void ModelCompiler::grow_group(int group, int root) {
  nodes_[at(root)].group = group;
  const DType dtype = values_[at(nodes_[at(root)].source->outputs[0])].type.dtype();
  for (bool grows = true; grows;) {
    grows = false;
    for (int n = root; n >= 0; --n) {
      if (nodes_[at(n)].group != group) continue;
      for (const int v : nodes_[at(n)].source->inputs) {
        const int producer = values_[at(v)].producer;
        if (producer < 0 || values_[at(v)].type.dtype() != dtype || !can_fuse(producer) ||
            !may_absorb(group, producer))
          continue;
        nodes_[at(producer)].group = group;
        grows = true;
      }
    }
  }
}

// A value that others read too is stored beside the result, unless they lead back into the program.
bool ModelCompiler::may_absorb(int group, int node) const {
  const Value& value = values_[at(nodes_[at(node)].source->outputs[0])];
  return std::ranges::none_of(value.readers, [&](int reader) {
    return nodes_[at(reader)].group != group && reaches(reader, group);
  });
}

// Whether the program reads, directly or not, what the node computes. A program is entered and left as a whole.
bool ModelCompiler::reaches(int node, int group) const {
  Vector<bool> seen(nodes_.size(), false, resource());
  Vector<int> left(resource());
  const auto visit = [&](int n) {
    if (!seen[at(n)]) left.push_back(n);
    seen[at(n)] = true;
  };
  visit(node);
  while (!left.empty()) {
    const int n = left.back();
    left.pop_back();
    const int own = nodes_[at(n)].group;
    if (own == group) return true;
    for (std::size_t other = 0; own >= 0 && other < nodes_.size(); ++other)
      if (nodes_[other].group == own) visit(static_cast<int>(other));
    for (const int v : nodes_[at(n)].source->outputs)
      for (const int reader : values_[at(v)].readers) visit(reader);
  }
  return false;
}

// ---- stages ----

void ModelCompiler::make_stages() {
  Vector<int> group_size(at(group_count_), 0, resource());
  for (const Node& n : nodes_)
    if (n.group >= 0) ++group_size[at(n.group)];
  for (int n = 0; n < static_cast<int>(nodes_.size()); ++n) {
    const Node& node = nodes_[at(n)];
    if (!node.is_alive || node.is_folded) continue;
    if (node.group < 0 || group_size[at(node.group)] == 1) {
      add_node_stage(n);
    } else if (group_size[at(node.group)] > 1) {
      add_group_stage(node.group);
      group_size[at(node.group)] = 0;  // made
    }
  }
  add_copies();
  link_stages();
  sort_stages();
}

ModelCompiler::Stage& ModelCompiler::add_stage() {
  stages_.push_back({.kernel = {},
                     .label = std::pmr::string(resource()),
                     .inputs = std::pmr::vector<int>(resource()),
                     .outputs = std::pmr::vector<int>(resource())});
  return stages_.back();
}

void ModelCompiler::add_node_stage(int node) {
  const GraphNode& source = *nodes_[at(node)].source;
  Stage& stage = add_stage();
  stage.label = source.op_name;
  stage.inputs = source.inputs;
  stage.outputs = source.outputs;
  if (nodes_[at(node)].row != nullptr) return finish_row(node, stage);
  Vector<TensorType> types(resource());
  for (const int v : source.inputs) types.push_back(values_[at(v)].type);
  stage.kernel = source.op->compile(types, source.attributes, {resource(), plan_.options.threads});
}

void ModelCompiler::finish_row(int node, Stage& stage) {
  stage.kernel = std::move(nodes_[at(node)].row);
  for (int& v = stage.outputs[0]; v != nodes_[at(node)].result;) {
    const GraphNode& appended = *nodes_[at(values_[at(v)].readers[0])].source;
    stage.label += ' ';
    stage.label += appended.op_name;
    v = appended.outputs[0];
  }
}

void ModelCompiler::add_group_stage(int group) {
  Stage& stage = add_stage();
  stage.is_program = true;
  Vector<int> members(resource()), stored(resource());
  for (int n = 0; n < static_cast<int>(nodes_.size()); ++n)
    if (nodes_[at(n)].group == group) members.push_back(n);
  const auto member_of = [&](int value) {  // -1: a leaf
    const auto found = std::ranges::find(members, values_[at(value)].producer);
    return found == members.end() ? -1 : static_cast<int>(found - members.begin());
  };
  for (const int n : members)
    for (const int v : nodes_[at(n)].source->inputs)
      if (member_of(v) < 0) add_once(stage.inputs, v);
  Vector<TensorType> leaves(resource());
  for (const int v : stage.inputs) leaves.push_back(values_[at(v)].type);

  Vector<TileNode> tiles(resource());
  for (std::size_t m = 0; m < members.size(); ++m) {
    const GraphNode& source = *nodes_[at(members[m])].source;
    TileNode& tile = tiles.emplace_back();
    tile.operation = elementwise_of(members[m]);
    for (std::size_t i = 0; i < 2; ++i) {
      const int v = source.inputs[std::min(i, source.inputs.size() - 1)];
      const int member = member_of(v);
      tile.operands[i] =
          member >= 0 ? static_cast<int>(leaves.size()) + member
                      : static_cast<int>(std::ranges::find(stage.inputs, v) - stage.inputs.begin());
    }
    const Value& result = values_[at(source.outputs[0])];
    if (result.output >= 0 || std::ranges::any_of(result.readers, [&](int reader) {
          return nodes_[at(reader)].group != group;
        })) {
      stored.push_back(static_cast<int>(m));
      stage.outputs.push_back(source.outputs[0]);
    }
    if (m > 0) stage.label += ' ';
    stage.label += source.op_name;
  }
  KernelPtr kernel =
      make_kernel<TileKernel>(resource(), TileGraph{leaves, tiles, stored}, resource());
  stage.bytes_moved = static_cast<const TileKernel&>(*kernel).program().bytes_moved();
  stage.kernel = std::move(kernel);
}

// Outputs that are inputs, constants or another output have to be copied there.
void ModelCompiler::add_copies() {
  for (std::size_t o = 0; o < graph_.outputs().size(); ++o)
    if (values_[at(graph_.outputs()[o])].output != static_cast<int>(o))
      add_copy(graph_.outputs()[o], static_cast<int>(o));
}

void ModelCompiler::add_copy(int from, int output) {
  Stage& stage = add_stage();
  stage.label = "Copy";
  stage.inputs.push_back(from);
  stage.outputs.push_back(static_cast<int>(values_.size()));
  stage.kernel = make_kernel<CopyKernel>(resource(), values_[at(from)].type.bytes());
  values_.push_back({.type = values_[at(from)].type,
                     .name = values_[at(from)].name,
                     .output = output,
                     .readers = std::pmr::vector<int>(resource())});
}

// From here on producers and readers are stages.
void ModelCompiler::link_stages() {
  for (Value& v : values_) {
    v.producer = -1;
    v.readers.clear();
  }
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    for (const int v : stages_[s].inputs) add_once(values_[at(v)].readers, static_cast<int>(s));
    for (const int v : stages_[s].outputs) values_[at(v)].producer = static_cast<int>(s);
  }
}

// A program stands where its first node stood; what it reads may come later. Stages that can run, run in order.
void ModelCompiler::sort_stages() {
  Vector<int> sorted(resource());
  Vector<bool> is_done(stages_.size(), false, resource());
  while (sorted.size() < stages_.size())
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      const auto is_ready = [&](int v) {
        return values_[at(v)].producer < 0 || is_done[at(values_[at(v)].producer)];
      };
      if (is_done[s] || !std::ranges::all_of(stages_[s].inputs, is_ready)) continue;
      is_done[s] = true;
      sorted.push_back(static_cast<int>(s));
    }
  Vector<Stage> stages(resource());
  stages.reserve(stages_.size());
  for (const int s : sorted) stages.push_back(std::move(stages_[at(s)]));
  stages_ = std::move(stages);
  link_stages();
}

// ---- order and places ----

// The output may lie where that input does, as far as kernel, type and other readers are concerned.
bool ModelCompiler::may_take_place(const Stage& stage, std::size_t input) const noexcept {
  const int v = stage.inputs[input];
  const Value& value = values_[at(v)];
  if (!value.moves() || value.output >= 0 ||
      value.type.bytes() != values_[at(stage.outputs[0])].type.bytes())
    return false;
  for (std::size_t i = 0; i < stage.inputs.size(); ++i)
    if (stage.inputs[i] == v && !stage.kernel->in_place(static_cast<int>(i))) return false;
  return true;
}

void ModelCompiler::order_stages() {
  Vector<std::size_t> value_bytes(values_.size(), 0, resource());  // in the workspace
  for (std::size_t v = 0; v < values_.size(); ++v)
    if (values_[v].moves() && values_[v].output < 0)
      value_bytes[v] = padded(values_[v].type.bytes());
  for (std::size_t s = 0; s < stages_.size(); ++s) order_.push_back(static_cast<int>(s));
  order_by_search(value_bytes);
}

void ModelCompiler::order_by_search(std::span<const std::size_t> value_bytes) {
  constexpr std::size_t most_stages = 128, most_reads = 512, most_steps = 100'000;
  using Search = GraphOrder<most_stages, most_reads>;
  Vector<StageNeed> needs(resource());
  Vector<StageRead> reads(resource());
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    const Stage& stage = stages_[s];
    StageNeed& need = needs.emplace_back();
    need.scratch = padded(stage.kernel->workspace_bytes());
    for (const int v : stage.outputs) need.value += value_bytes[at(v)];
    for (std::size_t i = 0; i < stage.inputs.size(); ++i) {
      const int producer = values_[at(stage.inputs[i])].producer;
      const auto is_pair = [&](const StageRead& r) {
        return r.reader == static_cast<short>(s) && r.value == static_cast<short>(producer);
      };
      if (producer < 0 || std::ranges::any_of(reads, is_pair)) continue;
      reads.push_back({static_cast<short>(s), static_cast<short>(producer),
                       stages_[at(producer)].outputs.size() == 1 && may_take_place(stage, i)});
    }
  }
  if (stages_.size() > most_stages || reads.size() > most_reads) return order_by_greed(value_bytes);
  Vector<Search> search(resource());
  search.emplace_back(needs, reads, most_steps);
  std::copy_n(search.front().order().begin(), order_.size(), order_.begin());
}

// Of the stages that can run, the one that leaves the fewest bytes alive.
void ModelCompiler::order_by_greed(std::span<const std::size_t> value_bytes) {
  Vector<std::size_t> unread(values_.size(), 0, resource()), missing(stages_.size(), 0, resource());
  for (std::size_t v = 0; v < values_.size(); ++v) {
    unread[v] = values_[v].readers.size();
    if (values_[v].producer < 0) continue;
    for (const int reader : values_[v].readers) ++missing[at(reader)];
  }
  Vector<bool> is_done(stages_.size(), false, resource());
  for (int& next : order_) {
    index_t least = 0;
    next = -1;
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      if (is_done[s] || missing[s] != 0) continue;
      index_t change = 0;
      for (const int v : stages_[s].outputs) change += static_cast<index_t>(value_bytes[at(v)]);
      for (const int v : stages_[s].inputs)
        if (unread[at(v)] == 1) change -= static_cast<index_t>(value_bytes[at(v)]);
      if (next >= 0 && change >= least) continue;
      least = change;
      next = static_cast<int>(s);
    }
    is_done[at(next)] = true;
    for (const int v : stages_[at(next)].outputs)
      for (const int reader : values_[at(v)].readers) --missing[at(reader)];
    for (std::size_t i = 0; i < stages_[at(next)].inputs.size(); ++i) {
      const auto& inputs = stages_[at(next)].inputs;
      if (std::find(inputs.begin(), inputs.begin() + static_cast<index_t>(i), inputs[i]) ==
          inputs.begin() + static_cast<index_t>(i))
        --unread[at(inputs[i])];
    }
  }
}

void ModelCompiler::assign_buffers() {
  Vector<index_t> position(stages_.size(), 0, resource());
  for (std::size_t p = 0; p < order_.size(); ++p) position[at(order_[p])] = static_cast<index_t>(p);
  const auto last_read = [&](int v) {
    index_t last = position[at(values_[at(v)].producer)];
    for (const int reader : values_[at(v)].readers) last = std::max(last, position[at(reader)]);
    return last;
  };
  buffer_of_.assign(values_.size(), -1);
  for (const int s : order_) {
    const Stage& stage = stages_[at(s)];
    const index_t now = position[at(s)];
    for (std::size_t o = 0; o < stage.outputs.size(); ++o) {
      const int v = stage.outputs[o];
      const Value& value = values_[at(v)];
      int& buffer = buffer_of_[at(v)];
      for (std::size_t i = 0; o == 0 && buffer < 0 && i < stage.inputs.size(); ++i)
        if (may_take_place(stage, i) && last_read(stage.inputs[i]) == now)
          buffer = buffer_of_[at(stage.inputs[i])];
      if (buffer < 0) {
        buffer = static_cast<int>(buffers_.size());
        buffers_.push_back({.bytes = padded(value.type.bytes()), .lower = now, .name = v});
      }
      buffers_[at(buffer)].upper = last_read(v) + 1;
      if (value.output >= 0) buffers_[at(buffer)].output = value.output;
    }
  }
  for (const int s : order_) {  // in steps' order
    const index_t now = position[at(s)];
    stage_workspace_.push_back(buffers_.size());
    buffers_.push_back({.bytes = padded(stages_[at(s)].kernel->workspace_bytes()),
                        .lower = now,
                        .upper = now + 1});
  }
}

void ModelCompiler::pack() {
  constexpr std::uint64_t most_nodes = 200'000;  // some hundredths of a second
  Vector<Lifetime> lives(resource());
  Vector<std::size_t> packed(resource()), offsets(resource());
  for (std::size_t b = 0; b < buffers_.size(); ++b) {
    const Buffer& buffer = buffers_[b];
    if (buffer.output >= 0 || buffer.bytes == 0) continue;
    lives.push_back({buffer.lower, buffer.upper, buffer.bytes});
    packed.push_back(b);
  }
  offsets.resize(lives.size());
  plan_.workspace_bytes = pack_least(lives, offsets, resource(), most_nodes).height;
  plan_.lower_bound_bytes = max_live_bytes(lives);
  for (std::size_t i = 0; i < packed.size(); ++i) {
    Buffer& buffer = buffers_[packed[i]];
    buffer.offset = offsets[i];
    const bool is_tensor = buffer.name >= 0;
    plan_.slots.push_back(
        {std::pmr::string(is_tensor ? values_[at(buffer.name)].name : "workspace", resource()),
         buffer.lower, buffer.upper, buffer.bytes, buffer.offset});
  }
}

// ---- constants ----

std::size_t ModelCompiler::fold_peak_bytes() const noexcept {
  std::size_t bytes = 0, workspace = 0;
  for (const Value& v : values_)
    if (v.is_folded) bytes += v.type.bytes();
  for (const KernelPtr& kernel : fold_kernels_)
    if (kernel != nullptr) workspace = std::max(workspace, kernel->workspace_bytes());
  return bytes + workspace;
}

void ModelCompiler::require_budget() const {
  std::size_t weights = 0;
  for (const Value& v : values_)
    if (v.is_folded && !v.readers.empty()) weights += v.type.bytes();
  const std::size_t running = weights + plan_.workspace_bytes,
                    most = plan_.options.max_memory_bytes;
  const std::size_t needed = std::max(running, fold_peak_bytes());
  if (needed > most)
    raise<BudgetError>(
        "Model",
        "needs %zu B (weights that it computes %zu B, workspace of a session %zu B, while "
        "loading %zu B), limit %zu B, missing %zu B",
        needed, weights, plan_.workspace_bytes, fold_peak_bytes(), most, needed - most);
}

void ModelCompiler::fold() {
  Vector<OwnedBytes> folded(resource());
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    if (fold_kernels_[n] == nullptr) continue;
    const GraphNode& source = *nodes_[n].source;
    std::array<const void*, Operator::max_inputs> inputs{};
    std::array<void*, Operator::max_outputs> outputs{};
    for (std::size_t i = 0; i < source.inputs.size(); ++i)
      inputs[i] = values_[at(source.inputs[i])].constant;
    for (std::size_t o = 0; o < source.outputs.size(); ++o) {
      Value& value = values_[at(source.outputs[o])];
      value.weight = static_cast<int>(folded.size());
      folded.emplace_back(value.type.bytes(), resource());
      value.constant = outputs[o] = folded.back().data();
    }
    const OwnedBytes workspace(fold_kernels_[n]->workspace_bytes(), resource());
    fold_kernels_[n]->run({std::span(inputs).first(source.inputs.size()),
                           std::span(outputs).first(source.outputs.size()), workspace.data(),
                           nullptr});
  }
  for (const Value& v : values_)
    if (v.is_folded && !v.readers.empty()) {
      plan_.weights_bytes += v.type.bytes();
      plan_.weights.push_back(std::move(folded[at(v.weight)]));
    }
}

// ---- steps ----

TensorPlace ModelCompiler::place_of(int v) const noexcept {
  using Home = TensorPlace::Home;
  const Value& value = values_[at(v)];
  if (value.is_constant) return {Home::constant, 0, value.constant};
  if (value.input >= 0) return {Home::input, at(value.input), nullptr};
  const Buffer& buffer = buffers_[at(buffer_of_[at(v)])];
  if (buffer.output >= 0) return {Home::output, at(buffer.output), nullptr};
  return {Home::workspace, buffer.offset, nullptr};
}

void ModelCompiler::finish() {
  for (std::size_t p = 0; p < order_.size(); ++p) {
    Stage& stage = stages_[at(order_[p])];
    PlanStep& step = plan_.steps.emplace_back(PlanStep{
        std::move(stage.kernel), std::move(stage.label),
        std::pmr::string(values_[at(stage.outputs[0])].name, resource()),
        std::pmr::vector<TensorPlace>(resource()), std::pmr::vector<TensorPlace>(resource())});
    for (const int v : stage.inputs) step.inputs.push_back(place_of(v));
    for (const int v : stage.outputs) step.outputs.push_back(place_of(v));
    step.workspace_offset = buffers_[stage_workspace_[p]].offset;
    step.workspace_bytes = buffers_[stage_workspace_[p]].bytes;
    step.bytes_moved = stage.bytes_moved;
    step.is_program = stage.is_program;
  }
  add_patches();
}

void ModelCompiler::add_patches() {
  using Home = TensorPlace::Home;
  for (const PlanStep& step : plan_.steps) {
    for (const TensorPlace& place : step.inputs) {
      if (place.home == Home::input) plan_.inputs_read.push_back({plan_.step_inputs, place.index});
      if (place.home == Home::output)
        plan_.outputs_read.push_back({plan_.step_inputs, place.index});
      ++plan_.step_inputs;
    }
    for (const TensorPlace& place : step.outputs) {
      if (place.home == Home::output)
        plan_.outputs_stored.push_back({plan_.step_outputs, place.index});
      ++plan_.step_outputs;
    }
  }
}

}  // namespace tenon::detail
