#include "tile_program.hpp"

#include "tile_builder.hpp"

#include <algorithm>
#include <cstring>

namespace tenon::detail {

namespace {

constexpr std::size_t most_local_places = 40;  // beyond, their pointers lie in the workspace

template <std::size_t Bytes>
void spread_run(std::byte* to, const std::byte* from, index_t n, index_t stride) noexcept {
  if (stride == static_cast<index_t>(Bytes)) {
    std::memcpy(to, from, static_cast<std::size_t>(n) * Bytes);
    return;
  }
  for (index_t i = 0; i < n; ++i)
    std::memcpy(to + i * static_cast<index_t>(Bytes), from + i * stride, Bytes);
}

}  // namespace

TileProgram::TileProgram(const TileGraph& graph, std::pmr::memory_resource* resource)
    : sections_(resource),
      places_(resource),
      instructions_(resource),
      spreads_(resource),
      in_place_(resource) {
  Builder(*this, graph, resource).build();
}

std::size_t TileProgram::table_bytes(std::size_t places) noexcept {
  return places <= most_local_places
             ? 0
             : align_up(places * sizeof(const std::byte*), workspace_alignment);
}

void TileProgram::run(const KernelCall& call) const noexcept {
  for (const Section& section : sections_) run_section(section, call);
}

void TileProgram::run_section(const Section& section, const KernelCall& call) const noexcept {
  const std::byte* local[most_local_places];
  const std::byte** const at = section.place_count <= most_local_places
                                   ? local
                                   : reinterpret_cast<const std::byte**>(call.workspace);
  for (std::size_t p = 0; p < section.place_count; ++p) {
    const Place& place = places_[section.first_place + p];
    switch (place.home) {
      case Home::input:
        at[p] = static_cast<const std::byte*>(call.inputs[static_cast<std::size_t>(place.index)]);
        break;
      case Home::output:
        at[p] = static_cast<const std::byte*>(call.outputs[static_cast<std::size_t>(place.index)]);
        break;
      case Home::workspace:
        at[p] = call.workspace + place.offset;
        break;
    }
  }
  std::array<index_t, max_rank> index{};
  for (;;) {
    run_row(section, at);
    int d = section.loops - 1;
    while (d >= 0 &&
           index[static_cast<std::size_t>(d)] + 1 == section.extents[static_cast<std::size_t>(d)])
      index[static_cast<std::size_t>(d--)] = 0;
    if (d < 0) return;
    ++index[static_cast<std::size_t>(d)];
    for (std::size_t p = 0; p < section.moving_count; ++p)
      at[p] += places_[section.first_place + p].jumps[static_cast<std::size_t>(d)];
  }
}

void TileProgram::run_row(const Section& section, const std::byte** at) const noexcept {
  const Instruction* const first = instructions_.data() + section.first_instruction;
  const Instruction* const last = first + section.instruction_count;
  const Place* const places = places_.data() + section.first_place;
  for (index_t done = 0; done < section.row;) {
    const index_t n = std::min(section.tile, section.row - done);
    if (section.spread_count > 0) spread(section, at, done, n);
    for (const Instruction* i = first; i != last; ++i)
      i->function(const_cast<std::byte*>(at[i->to]), at[i->a], at[i->b], n, i->parameters.data());
    for (std::size_t p = 0; p < section.moving_count; ++p) at[p] += n * places[p].step;
    done += n;
  }
}

void TileProgram::spread(const Section& section, const std::byte** at, index_t first,
                         index_t n) const noexcept {
  const int inner = section.spread_loops - 1;
  for (std::size_t s = 0; s < section.spread_count; ++s) {
    const Spread& leaf = spreads_[section.first_spread + s];
    std::array<index_t, max_rank> index{};
    const std::byte* from = at[leaf.from];
    for (index_t rest = first, d = inner; d >= 0; --d) {
      const auto axis = static_cast<std::size_t>(d);
      index[axis] = rest % section.spread_extents[axis];
      rest /= section.spread_extents[axis];
      from += index[axis] * leaf.strides[axis];
    }
    auto* to = const_cast<std::byte*>(at[leaf.to]);
    const auto row = static_cast<std::size_t>(inner);
    for (index_t left = n; left > 0;) {
      const index_t run = std::min(left, section.spread_extents[row] - index[row]);
      if (section.element_bytes == 4)
        spread_run<4>(to, from, run, leaf.strides[row]);
      else
        spread_run<8>(to, from, run, leaf.strides[row]);
      to += run * section.element_bytes;
      left -= run;
      from -= index[row] * leaf.strides[row];
      index[row] = 0;
      for (int d = inner - 1; d >= 0; --d) {
        const auto axis = static_cast<std::size_t>(d);
        from += leaf.strides[axis];
        if (++index[axis] < section.spread_extents[axis]) break;
        from -= index[axis] * leaf.strides[axis];
        index[axis] = 0;
      }
    }
  }
}

}  // namespace tenon::detail
