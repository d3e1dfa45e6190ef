#include "tile_builder.hpp"

#include <tenon/core/error.hpp>

#include <algorithm>
#include <utility>

namespace tenon::detail {

namespace {

constexpr std::size_t registers_budget = 16 * 1024;  // half of a first cache of 32 KiB
constexpr index_t least_tile = 256, most_tile = 1024;
// Shorter rows are not worth a pass of the interpreter each: leaves are spread instead.
constexpr index_t short_row = 128;

constexpr std::size_t at(int i) noexcept { return static_cast<std::size_t>(i); }

}  // namespace

TensorType elementwise_type(const char* name, ElementwiseCode code,
                            std::span<const TensorType> operands) {
  if (operands.size() != at(operand_count(code)))
    raise<ContractError>(name, "%zu inputs; it takes %d", operands.size(), operand_count(code));
  const DType dtype = operands[0].dtype();
  const bool is_integer = dtype == DType::int32 || dtype == DType::int64;
  if (!(dtype == DType::float32 || dtype == DType::float64 ||
        (is_integer && is_for_integers(code))))
    raise<DTypeError>(name, "has no arithmetic of %s", TensorTypeText(operands[0]).text);
  if (operands.size() == 1) return operands[0];
  const TensorType &a = operands[0], &b = operands[1];
  if (b.dtype() != dtype)
    raise<DTypeError>(name, "%s and %s: cast one of them", TensorTypeText(a).text,
                      TensorTypeText(b).text);
  std::array<index_t, max_rank> extents{};
  const int rank = std::max(a.rank(), b.rank());
  for (int d = 1; d <= rank; ++d) {
    const index_t x = d <= a.rank() ? a.extent(a.rank() - d) : 1;
    const index_t y = d <= b.rank() ? b.extent(b.rank() - d) : 1;
    if (x != y && x != 1 && y != 1)
      raise<ShapeError>(name, "%s and %s: extents %td and %td of axis %d do not fit",
                        TensorTypeText(a).text, TensorTypeText(b).text, x, y, -d);
    extents[at(rank - d)] = x == 1 ? y : x;
  }
  return TensorType(dtype, std::span(extents).first(at(rank)));
}

index_t TileProgram::Builder::Extents::size() const noexcept {
  index_t n = 1;
  for (int d = 0; d < rank; ++d) n *= extents[at(d)];
  return n;
}

TileProgram::Builder::Builder(TileProgram& program, const TileGraph& graph,
                              std::pmr::memory_resource* resource)
    : program_(program),
      graph_(graph),
      types_(resource),
      results_(graph.nodes.size(), resource),
      is_result_(graph.nodes.size(), false, resource),
      operands_(resource),
      register_of_(graph.nodes.size(), resource),
      reads_left_(graph.nodes.size(), resource),
      register_place_(resource),
      is_free_(resource) {}

TileProgram::Builder::Extents TileProgram::Builder::extents_of(const TensorType& type) noexcept {
  int leading = 0;
  while (leading < type.rank() && type.extent(leading) == 1) ++leading;
  Extents result;
  result.rank = type.rank() - leading;
  std::ranges::copy(type.shape().subspan(at(leading)), result.extents.begin());
  return result;
}

const TensorType& TileProgram::Builder::type(int value) const noexcept {
  return value < leaf_count() ? graph_.leaves[at(value)] : types_[at(value - leaf_count())];
}
const TileNode& TileProgram::Builder::node(int value) const noexcept {
  return graph_.nodes[at(value - leaf_count())];
}
bool TileProgram::Builder::is_here(int value) const noexcept {
  return value >= leaf_count() && extents_of(type(value)) == shape_;
}
int TileProgram::Builder::output_of(int value) const noexcept {
  const auto found = std::ranges::find(graph_.outputs, value - leaf_count());
  return found == graph_.outputs.end() ? -1 : static_cast<int>(found - graph_.outputs.begin());
}

void TileProgram::Builder::build() {
  infer_types();
  find_section_results();
  // A section that another reads is stretched by it, so it has fewer elements.
  std::pmr::vector<Extents> shapes(types_.get_allocator());
  for (const TensorType& t : types_)
    if (std::ranges::find(shapes, extents_of(t)) == shapes.end()) shapes.push_back(extents_of(t));
  std::ranges::sort(shapes, {}, [](const Extents& e) { return e.size(); });
  for (const Extents& shape : shapes)
    if (shape.size() > 0) build_section(shape);
  // The workspace: pointers, results of sections, registers. Offsets so far begin after the pointers.
  const std::size_t table = table_bytes(most_places_);
  for (Place& place : program_.places_)
    if (place.home == Home::workspace) place.offset += table;
  program_.workspace_bytes_ = table + results_bytes_ + registers_bytes_;
  count_bytes();
  find_in_place();
}

void TileProgram::Builder::infer_types() {
  types_.reserve(graph_.nodes.size());
  for (const TileNode& n : graph_.nodes) {
    const std::array<TensorType, 2> types{type(n.operands[0]), type(n.operands[1])};
    const int count = operand_count(n.operation.code);
    types_.push_back(
        elementwise_type("elementwise", n.operation.code, std::span(types).first(at(count))));
  }
}

void TileProgram::Builder::find_section_results() {
  for (std::size_t reader = 0; reader < graph_.nodes.size(); ++reader)
    for (const int value : graph_.nodes[reader].operands) {
      if (value < leaf_count() || extents_of(type(value)) == extents_of(types_[reader])) continue;
      const std::size_t n = at(value - leaf_count());
      if (is_result_[n] || output_of(value) >= 0)
        continue;  // an output is read where it is written
      is_result_[n] = true;
      results_[n] = results_bytes_;
      results_bytes_ += align_up(type(value).bytes(), workspace_alignment);
    }
}

void TileProgram::Builder::count_bytes() {
  std::size_t& bytes = program_.bytes_moved_;
  for (const TensorType& leaf : graph_.leaves) bytes += leaf.bytes();
  for (const int output : graph_.outputs) bytes += types_[at(output)].bytes();
  for (std::size_t n = 0; n < types_.size(); ++n)
    if (is_result_[n]) bytes += 2 * types_[n].bytes();
}

// The last instruction of all stores the only output: what lies there has been read, in this tile.
void TileProgram::Builder::find_in_place() {
  program_.in_place_.resize(graph_.leaves.size());
  if (graph_.outputs.size() != 1 || at(graph_.outputs[0]) + 1 != graph_.nodes.size()) return;
  const TensorType& output = types_.back();
  for (std::size_t leaf = 0; leaf < graph_.leaves.size(); ++leaf)
    program_.in_place_[leaf] = extents_of(graph_.leaves[leaf]) == extents_of(output);
}

void TileProgram::Builder::build_section(const Extents& shape) {
  shape_ = shape;
  section_ = {};
  section_.element_bytes = size_bytes(types_[0].dtype());
  find_operands();
  merge_loops();
  choose_loops();
  assign_places();
  emit_instructions();
  place_registers();
  most_places_ = std::max(most_places_, section_.place_count);
  program_.sections_.push_back(section_);
}

void TileProgram::Builder::find_operands() {
  operands_.clear();
  std::ranges::fill(reads_left_, 0);
  std::ranges::fill(register_of_, -1);
  for (int value = leaf_count(); value < leaf_count() + static_cast<int>(types_.size()); ++value) {
    if (!is_here(value)) continue;
    const TileNode& n = node(value);
    for (int i = 0; i < operand_count(n.operation.code); ++i) {
      const int read = n.operands[at(i)];
      if (is_here(read))
        ++reads_left_[at(read - leaf_count())];
      else
        add_operand(read, false);
    }
    if (output_of(value) >= 0 || is_result_[at(value - leaf_count())]) add_operand(value, true);
  }
}

void TileProgram::Builder::add_operand(int value, bool is_stored) {
  if (std::ranges::find(operands_, value, &Operand::value) != operands_.end()) return;
  Operand result{.value = value, .is_stored = is_stored};
  const Extents own = extents_of(type(value));
  index_t stride = 1;
  for (int d = 1; d <= own.rank; ++d) {
    const index_t extent = own.extents[at(own.rank - d)];
    result.strides[at(shape_.rank - d)] = extent == 1 ? 0 : stride;
    stride *= extent;
  }
  operands_.push_back(result);
}

// Loops without those of one iteration; two that everything passes through in one stride are one.
void TileProgram::Builder::merge_loops() {
  loops_ = 0;
  for (int d = 0; d < shape_.rank; ++d) {
    const index_t extent = shape_.extents[at(d)];
    if (extent == 1) continue;
    const bool merges = loops_ > 0 && std::ranges::all_of(operands_, [&](const Operand& o) {
                          return o.strides[at(loops_ - 1)] == o.strides[at(d)] * extent;
                        });
    const int to = merges ? loops_ - 1 : loops_;
    extents_[at(to)] = merges ? extents_[at(to)] * extent : extent;
    for (Operand& o : operands_) o.strides[at(to)] = o.strides[at(d)];
    loops_ = to + 1;
  }
  if (loops_ == 0) {  // one element
    extents_[0] = 1;
    for (Operand& o : operands_) o.strides[0] = 1;
    loops_ = 1;
  }
}

void TileProgram::Builder::choose_loops() {
  const index_t row = extents_[at(loops_ - 1)];
  section_.first_spread = program_.spreads_.size();
  if (loops_ == 1 || row >= short_row) {
    section_.loops = loops_ - 1;
    std::copy_n(extents_.begin(), section_.loops, section_.extents.begin());
    section_.row = row;
  } else {
    section_.row = shape_.size();
    section_.spread_loops = loops_;
    section_.spread_extents = extents_;
  }
}

bool TileProgram::Builder::is_dense(const Operand& operand) const noexcept {
  index_t stride = 1;
  for (int d = loops_ - 1; d >= 0; --d) {
    if (operand.strides[at(d)] != stride) return false;
    stride *= extents_[at(d)];
  }
  return true;
}

// One element for a whole row.
bool TileProgram::Builder::is_scalar(const Operand& operand) const noexcept {
  if (section_.spread_loops == 0) return operand.strides[at(loops_ - 1)] == 0;
  return std::ranges::all_of(std::span(operand.strides).first(at(loops_)),
                             [](index_t stride) { return stride == 0; });
}

short TileProgram::Builder::add_place(const Operand& operand) {
  Place place;
  const int output = output_of(operand.value);
  if (operand.value < leaf_count()) {
    place.home = Home::input;
    place.index = operand.value;
  } else if (output >= 0) {
    place.home = Home::output;
    place.index = output;
  } else {
    place.offset = results_[at(operand.value - leaf_count())];
  }
  const bool is_whole = section_.spread_loops > 0 && is_dense(operand);
  if (is_whole || section_.spread_loops == 0)
    place.step = (is_whole ? 1 : operand.strides[at(loops_ - 1)]) * section_.element_bytes;
  // After a row the place has gone `step` times its elements; a loop that goes on takes back what the
  // loops within it have gone.
  index_t gone = place.step * section_.row;
  for (int d = section_.loops - 1; d >= 0; --d) {
    const index_t stride = operand.strides[at(d)] * section_.element_bytes;
    place.jumps[at(d)] = stride - gone;
    gone += stride * (extents_[at(d)] - 1);
  }
  program_.places_.push_back(place);
  return static_cast<short>(section_.place_count++);
}

// Those that move first: most of what the interpreter does beside its instructions is to move them.
void TileProgram::Builder::assign_places() {
  section_.first_place = program_.places_.size();
  const auto moves = [&](const Operand& o) {
    return section_.spread_loops > 0
               ? is_dense(o)
               : std::ranges::any_of(std::span(o.strides).first(at(loops_)),
                                     [](index_t stride) { return stride != 0; });
  };
  for (const bool moving : {true, false}) {
    for (Operand& o : operands_)
      if (moves(o) == moving) o.place = add_place(o);
    if (moving) section_.moving_count = section_.place_count;
  }
  register_place_.clear();
  is_free_.clear();
  if (section_.spread_loops == 0) return;
  for (Operand& o : operands_) {
    if (is_dense(o) || is_scalar(o)) continue;
    Spread spread{.from = o.place, .to = register_place_[at(new_register())]};
    for (int d = 0; d < loops_; ++d)
      spread.strides[at(d)] = o.strides[at(d)] * section_.element_bytes;
    o.place = spread.to;
    program_.spreads_.push_back(spread);
    ++section_.spread_count;
  }
}

int TileProgram::Builder::new_register() {
  const auto free = std::ranges::find(is_free_, true);
  const auto index = static_cast<int>(free - is_free_.begin());
  if (free != is_free_.end()) {
    *free = false;
    return index;
  }
  is_free_.push_back(false);
  register_place_.push_back(static_cast<short>(section_.place_count++));
  program_.places_.push_back({});
  return index;
}

TileProgram::Builder::Operand& TileProgram::Builder::operand(int value) noexcept {
  return *std::ranges::find(operands_, value, &Operand::value);
}

void TileProgram::Builder::emit_instructions() {
  section_.first_instruction = program_.instructions_.size();
  for (int value = leaf_count(); value < leaf_count() + static_cast<int>(types_.size()); ++value)
    if (is_here(value)) emit(value);
  section_.instruction_count = program_.instructions_.size() - section_.first_instruction;
}

void TileProgram::Builder::emit(int value) {
  const TileNode& n = node(value);
  const int count = operand_count(n.operation.code);
  Instruction instruction{.parameters = n.operation.parameters};
  std::array<short, 2> places{};
  auto operands = TileOperands::vectors;
  for (int i = 0; i < count; ++i) {
    const int read = n.operands[at(i)];
    const bool in_register = is_here(read) && register_of_[at(read - leaf_count())] >= 0;
    if (in_register) {
      places[at(i)] = register_place_[at(register_of_[at(read - leaf_count())])];
      continue;
    }
    const Operand& from = operand(read);
    places[at(i)] = from.place;
    if (!is_here(read) && is_scalar(from))
      operands = i == 0 ? TileOperands::scalar_first : TileOperands::scalar_second;
  }
  instruction.a = places[0];
  instruction.b = places[at(count - 1)];
  for (int i = 0; i < count; ++i) {  // what is read for the last time gives its register back
    const int read = n.operands[at(i)];
    if (!is_here(read)) continue;
    const std::size_t r = at(read - leaf_count());
    if (--reads_left_[r] == 0 && register_of_[r] >= 0) is_free_[at(register_of_[r])] = true;
  }
  const auto stored = std::ranges::find(operands_, value, &Operand::value);
  if (stored != operands_.end()) {
    instruction.to = stored->place;
  } else {
    const int r = new_register();
    register_of_[at(value - leaf_count())] = r;
    instruction.to = register_place_[at(r)];
  }
  instruction.function =
      engine_kernels().tile_function(n.operation.code, type(value).dtype(), operands);
  program_.instructions_.push_back(instruction);
}

void TileProgram::Builder::place_registers() {
  const std::size_t element_bytes = at(section_.element_bytes);
  const std::size_t count = register_place_.size();
  const auto fitting =
      static_cast<index_t>(registers_budget / (std::max<std::size_t>(count, 1) * element_bytes));
  const auto line = static_cast<index_t>(workspace_alignment / element_bytes);
  section_.tile = std::clamp(fitting / line * line, least_tile, most_tile);
  const auto bytes = static_cast<std::size_t>(
      align_up(at(static_cast<int>(std::min(section_.tile, section_.row))) * element_bytes,
               workspace_alignment));
  for (std::size_t r = 0; r < count; ++r)
    program_.places_[section_.first_place + at(register_place_[r])].offset =
        results_bytes_ + r * bytes;
  registers_bytes_ = std::max(registers_bytes_, count * bytes);
}

}  // namespace tenon::detail
