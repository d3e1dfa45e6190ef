// Cast.

#include <tenon/expr/operators.hpp>

#include "expression_kernel.hpp"
#include "factories.hpp"
#include "movement_geometry.hpp"

#include <array>

namespace tenon::detail::inline TENON_MODE {

namespace {

// to[i] = static_cast<To>(from[i]).
using CastLoop = void (*)(const void* from, void* to, index_t size);

template <class From, class To>
void cast_elements(const void* from, void* to, index_t size) {
  eval_into(noalias(OutputView<To, dyn>(static_cast<To*>(to), shape(size))),
            cast<To>(InputView<From, dyn>(static_cast<const From*>(from), shape(size))));
}

template <class... T>
struct TypeList {
  static constexpr std::size_t count = sizeof...(T);
  static constexpr std::array<DType, count> dtypes{dtype_of<T>...};
};
template <class From, class... To>
constexpr auto row_of(TypeList<To...>) {
  return std::array<CastLoop, sizeof...(To)>{cast_elements<From, To>...};
}
template <class... From, class To>
constexpr auto table_of(TypeList<From...>, To to) {
  return std::array{row_of<From>(to)...};
}
template <class List>
constexpr std::size_t place(DType dtype) {
  std::size_t i = 0;
  while (i < List::count && List::dtypes[i] != dtype) ++i;
  return i;
}

// The types with loops from each to each. The others have one to or from the wide type that holds all of their values
// exactly, and on the way to a narrow integer the lower bits decide, so that no step rounds what the whole would not;
// bool, which asks for zero, has a loop from each.
using Wide = TypeList<float, double, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t>;
using NarrowIntegers = TypeList<std::int8_t, std::int16_t, std::uint8_t, std::uint16_t, bool>;
using NarrowFloats = TypeList<half, bfloat16>;
constexpr auto wide_loops = table_of(Wide{}, Wide{});
constexpr auto to_bool = table_of(Wide{}, TypeList<bool>{});
constexpr auto from_integer = table_of(NarrowIntegers{}, TypeList<std::int32_t>{});
constexpr auto from_float = table_of(NarrowFloats{}, TypeList<float>{});
constexpr auto to_integer = row_of<std::int32_t>(NarrowIntegers{});
constexpr auto to_float = row_of<float>(NarrowFloats{});

constexpr DType wide_of(DType dtype) {
  if (place<NarrowFloats>(dtype) < NarrowFloats::count) return DType::float32;
  return place<NarrowIntegers>(dtype) < NarrowIntegers::count ? DType::int32 : dtype;
}

// Up to three loops, a chunk at a time.
class CastKernel final : public Kernel {
 public:
  CastKernel(DType from, DType to, index_t size)
      : size_(size),
        from_bytes_(static_cast<index_t>(size_bytes(from))),
        to_bytes_(static_cast<index_t>(size_bytes(to))) {
    const DType first = wide_of(from), second = wide_of(to);
    if (place<NarrowFloats>(from) < NarrowFloats::count)
      add(from_float[place<NarrowFloats>(from)][0]);
    else if (first != from)
      add(from_integer[place<NarrowIntegers>(from)][0]);
    if (to == DType::boolean) {
      add(to_bool[place<Wide>(first)][0]);
      return;
    }
    if (first != second || (count_ == 0 && second == to))
      add(wide_loops[place<Wide>(first)][place<Wide>(second)]);
    if (place<NarrowFloats>(to) < NarrowFloats::count)
      add(to_float[place<NarrowFloats>(to)]);
    else if (second != to)
      add(to_integer[place<NarrowIntegers>(to)]);
  }

  void run(const KernelCall& call) const noexcept override {
    const auto* from = static_cast<const std::byte*>(call.inputs[0]);
    auto* to = static_cast<std::byte*>(call.outputs[0]);
    const index_t step = count_ == 1 ? size_ : index_t{chunk};
    for (index_t left = size_; left > 0;
         left -= step, from += step * from_bytes_, to += step * to_bytes_)
      run_chunk(from, to, std::min(left, step));
  }

 private:
  static constexpr int chunk = 128;

  void add(CastLoop loop) { loops_[static_cast<std::size_t>(count_++)] = loop; }
  void run_chunk(const void* from, void* to, index_t size) const {
    alignas(workspace_alignment) std::byte between[2][chunk * 8];
    for (int i = 0; i < count_; ++i) {
      void* const next = i + 1 == count_ ? to : between[i];
      loops_[static_cast<std::size_t>(i)](from, next, size);
      from = next;
    }
  }

  index_t size_;
  index_t from_bytes_, to_bytes_;
  std::array<CastLoop, 3> loops_{};
  int count_ = 0;
};

}  // namespace

KernelPtr make_cast_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                           const KernelOptions& options) {
  return make_kernel<CastKernel>(options.resource, inputs[0].dtype(),
                                 cast_type(inputs[0], attributes).dtype(), inputs[0].size());
}

}  // namespace tenon::detail::inline TENON_MODE
