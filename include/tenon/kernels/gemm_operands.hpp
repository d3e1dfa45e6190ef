#pragma once
// What gemm reads and writes.

#include <tenon/kernels/cursor.hpp>

#include <tenon/simd/operations.hpp>

#include <concepts>

namespace tenon::inline TENON_MODE::kernels {

// A matrix that is read in packs: memory, or any elementwise work on memory, done as it is read.
// Contract:
//   template <int Axis, int N> Pack<value_type, N> load(index_t i, index_t j) const;
//     N elements from (i, j) on: along the columns of row i (Axis 1) or down the rows of column j
//     (Axis 0)
//   template <int Axis, int N>
//   Pack<value_type, N> load_partial(index_t i, index_t j, int count) const;
//     the same, reading `count` elements only; the other lanes are anything
//   int contiguous_axis() const;
//     the axis along which load is cheap; 1 if unsure. It decides speed, never bits.
template <class S>
concept MatrixSource = requires(const S& source) {
  typename S::value_type;
  { source.contiguous_axis() } -> std::convertible_to<int>;
};

// A source that is memory: element (i, j) is data()[i * stride(0) + j * stride(1)]. gemm then reads
// it in place where packing does not pay.
template <class S>
concept MemorySource = MatrixSource<S> && requires(const S& source) {
  { source.data() } -> std::convertible_to<const typename S::value_type*>;
  { source.stride(0) } -> std::convertible_to<index_t>;
};

// A source whose rows are memory with zeros around it, for some columns at a time: rows(i, j) walks from row i
// down the columns from j on; count() of them lie one after another (0: none of this holds), stretch()
// says where those of its row do, next() goes on to the next row.
template <class S>
concept StretchSource = MatrixSource<S> && requires(const S& source, index_t i) {
  { source.rows(i, i).count() } -> std::convertible_to<index_t>;
  { source.rows(i, i).stretch() } -> std::same_as<Stretch<typename S::value_type>>;
  source.rows(i, i).next();
};

// The place for a product: finishes each element (epilogue) and stores it.
// Contract: for every element of the product exactly one of these is called, once.
//   template <int N> void store(index_t i, index_t j, Pack<T, N> value);
//     columns j … j+N-1 of row i
//   template <int N> void store_partial(index_t i, index_t j, Pack<T, N> value, int count);
//     columns j … j+count-1
template <class S, class T>
concept MatrixSink = requires(S& sink, index_t i, simd::Pack<T, simd::native_lanes<T>> value) {
  sink.template store<simd::native_lanes<T>>(i, i, value);
  sink.template store_partial<simd::native_lanes<T>>(i, i, value, 1);
};

// A sink that is memory and nothing else: element (i, j) goes to data()[i * stride(0) + j *
// stride(1)]. Tiles are then stored there straight from the registers where stride(1) is 1.
template <class S, class T>
concept MemorySink = MatrixSink<S, T> && requires(const S& sink) {
  { sink.data() } -> std::convertible_to<T*>;
  { sink.stride(0) } -> std::convertible_to<index_t>;
};

namespace detail {

// Memory with any strides as a source: packing it is compiled once, whatever expression it is part of.
template <class T>
struct StridedMatrix {
  using value_type = T;
  const T* p;
  index_t row, column;

  [[nodiscard]] int contiguous_axis() const { return row == 1 && column != 1 ? 0 : 1; }
  template <int Axis, int N>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> load(index_t i, index_t j) const {
    const T* from = p + i * row + j * column;
    const index_t stride = Axis == 1 ? column : row;
    if (stride == 1) return simd::Pack<T, N>::load(from);
    return far<N>(from, stride, N);
  }
  template <int Axis, int N>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> load_partial(index_t i, index_t j, int count) const {
    const T* from = p + i * row + j * column;
    const index_t stride = Axis == 1 ? column : row;
    if (stride == 1) return simd::Pack<T, N>::load_partial(from, count);
    return far<N>(from, stride, count);
  }

 private:
  template <int N>
  [[nodiscard, gnu::noinline]] static simd::Pack<T, N> far(const T* from, index_t stride,
                                                           int count) {
    return simd::Pack<T, N>::gather_partial(from, stride, count);
  }
};

// One step of the sum of a product: a*b + c, rounded once where there is hardware for it.
template <class T, int N>
TENON_INLINE simd::Pack<T, N> multiply_add(simd::Pack<T, N> a, simd::Pack<T, N> b,
                                           simd::Pack<T, N> c) {
  if constexpr (simd::Floating<T>)
    return simd::fma(a, b, c);
  else
    return a * b + c;
}

}  // namespace detail

}  // namespace tenon::inline TENON_MODE::kernels
