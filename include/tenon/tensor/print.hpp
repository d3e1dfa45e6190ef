#pragma once
// Tensors as text, like NumPy's str(): aligned columns, 75 characters a line, and only the edges of
// tensors beyond 1,000 elements.
// Source: NumPy 2.4, numpy/_core/arrayprint.py (_formatArray).

#include <tenon/tensor/number_text.hpp>
#include <tenon/tensor/traits.hpp>
#include <tenon/tensor/view.hpp>

#include <tenon/core/config.hpp>

#include <array>
#include <cstddef>
#include <iosfwd>
#include <string_view>

namespace tenon {

namespace detail {

inline constexpr index_t print_threshold = 1000;
inline constexpr index_t print_edge = 3;
inline constexpr int print_width = 75;

// Text on its way to a stream: knows its column and drops spaces before a line break.
template <class Stream>
class TextLine {
 public:
  explicit TextLine(Stream& stream) : stream_(stream) {}
  void put(std::string_view text) {
    for (const char c : text) {
      ++column_;
      if (c == ' ') {
        ++pending_;
        continue;
      }
      for (; pending_ > 0; --pending_) stream_.write(" ", 1);
      stream_.write(&c, 1);
    }
  }
  void put_spaces(int count) {
    column_ += count;
    pending_ += count;
  }
  void break_line() {
    pending_ = column_ = 0;
    stream_.write("\n", 1);
  }
  [[nodiscard]] int column() const noexcept { return column_; }

 private:
  Stream& stream_;
  int column_ = 0;
  int pending_ = 0;  // spaces not written yet
};

template <class Stream, class View>
class ArrayText {
  static constexpr auto R = static_cast<std::size_t>(View::rank());

 public:
  ArrayText(Stream& stream, const View& view)
      : line_(stream),
        view_(view),
        extents_(view.shape().extents()),
        strides_(view.strides()),
        summarised_(view.size() > print_threshold) {}

  void print() {
    if constexpr (R == 0) {
      line_.put(format_.scalar(*view_.data()).view());
    } else if (view_.size() == 0) {
      line_.put("[]");
    } else {
      see<0>(0);
      print_axis<0>(0);
    }
  }

 private:
  // Calls f(i) for every index shown on an axis, and gap() where some are left out.
  template <class F, class Gap>
  void for_shown(std::size_t axis, F&& f, Gap&& gap) {
    const index_t n = extents_[axis];
    const bool cut = summarised_ && n > 2 * print_edge;
    for (index_t i = 0; i < n; ++i) {
      if (cut && i == print_edge) {
        gap();
        i = n - print_edge;
      }
      f(i);
    }
  }

  template <std::size_t Axis>
  void see(index_t offset) {
    for_shown(
        Axis,
        [&](index_t i) {
          const index_t at = offset + i * strides_[Axis];
          if constexpr (Axis + 1 == R)
            format_.see(view_.data()[at]);
          else
            see<Axis + 1>(at);
        },
        [] {});
  }

  template <std::size_t Axis>
  void print_axis(index_t offset) {
    constexpr int indent = static_cast<int>(Axis) + 1;
    line_.put("[");
    bool first = true;
    const auto place = [&](std::string_view word) {
      constexpr int width = print_width - static_cast<int>(Axis) - 1;
      if (!first) line_.put(" ");
      if (line_.column() + static_cast<int>(word.size()) > width && line_.column() > indent) {
        line_.break_line();
        line_.put_spaces(indent);
      }
      line_.put(word);
      first = false;
    };
    const auto next_row = [&] {
      if (!first) {
        for (std::size_t i = Axis + 1; i < R; ++i) line_.break_line();
        line_.put_spaces(indent);
      }
      first = false;
    };
    for_shown(
        Axis,
        [&](index_t i) {
          const index_t at = offset + i * strides_[Axis];
          if constexpr (Axis + 1 == R) {
            place(format_.text(view_.data()[at]).view());
          } else {
            next_row();
            print_axis<Axis + 1>(at);
          }
        },
        [&] {
          if constexpr (Axis + 1 == R) {
            place("...");
          } else {
            next_row();
            line_.put("...");
          }
        });
    line_.put("]");
  }

  TextLine<Stream> line_;
  const View& view_;
  std::array<index_t, R> extents_;
  std::array<index_t, R> strides_;
  bool summarised_;
  ElementFormat<typename View::value_type> format_;
};

}  // namespace detail

// Formula: the text of NumPy's str(x) with default options; rank 0 prints its element, size 0 "[]".
// Every layout and element type. No allocation, no use of the stream's width or precision.
template <class Traits, TensorLike X, bool Checked = checked_build>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& stream, const X& x) {
  const auto view = detail::as_view<Checked>(x);
  detail::ArrayText<std::basic_ostream<char, Traits>, decltype(view)>(stream, view).print();
  return stream;
}

}  // namespace tenon
