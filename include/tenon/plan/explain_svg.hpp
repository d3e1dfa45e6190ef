#pragma once
// A plan as a picture: its slots over its stages, to scale.

#include <tenon/plan/plan_names.hpp>

#include <tenon/memory/svg.hpp>
#include <tenon/memory/timeline_layout.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <ostream>
#include <string_view>

namespace tenon::inline TENON_MODE {

struct PlanSvg {
  const char* title = "Memory plan";
  int width = 1000;  // pixels; at least 480
  int height = 320;  // of the workspace, in pixels; at least 120
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

template <int N>
class PlanPainter {
 public:
  PlanPainter(std::ostream& out, const Plan<N>& plan, const PlanSvg& options)
      : out_(out),
        plan_(plan),
        names_(plan),
        title_(options.title),
        right_(std::max(options.width, 480) - 24),
        floor_(top + std::max(options.height, 120)) {}

  void paint() {
    const int stages = plan_.stages;
    const int width = static_cast<int>(right_) + 24;
    const int height = static_cast<int>(floor_) + 62 + 18 * stages;
    out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\""
         << height << "\" viewBox=\"0 0 " << width << " " << height
         << "\" font-family=\"Inter, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"11\" "
            "fill=\"#24292f\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
    text(left, 30, "font-size=\"18\" font-weight=\"600\"", title_, right_ - left, 11.5);
    head();
    axes();
    for (int stage = 0; stage < stages; ++stage) slots(stage);
    bound();
    for (int stage = 0; stage < stages; ++stage) legend(stage);
    out_ << "</svg>\n";
  }

 private:
  static constexpr double left = 96;
  static constexpr double top = 72;
  static constexpr double letter = 6.9;  // width of one, about, at size 11: a wide font's

  // Text that ends with … where `room` is too narrow for it; nothing where there is none.
  void text(double x, double y, const char* style, std::string_view what, double room,
            double width = letter) {
    const auto fits = static_cast<int>(room / width);
    if (fits < 1) return;
    TextCell shown;
    int columns = 0;
    const bool is_cut = TextWriter::columns(what) > fits;
    for (const char c : what) {
      columns += TextWriter::columns({&c, 1});
      if (is_cut && columns >= fits) break;
      shown.append({&c, 1});
    }
    if (is_cut) shown.append("…");
    out_ << "<text x=\"" << x << "\" y=\"" << y << "\" " << style << ">";
    out_.escaped(shown.c_str()) << "</text>\n";
  }
  void line(double x1, double y1, double x2, double y2, const char* style) {
    out_ << "<path d=\"M" << x1 << " " << y1 << "L" << x2 << " " << y2 << "\" " << style << "/>\n";
  }

  [[nodiscard]] double x_of(double stage) const noexcept {
    return left + (right_ - left) * stage / std::max(plan_.stages, 1);
  }
  [[nodiscard]] double y_of(std::size_t offset) const noexcept {
    const auto all = static_cast<double>(std::max<std::size_t>(plan_.workspace_bytes, 1));
    return floor_ - (floor_ - top) * static_cast<double>(offset) / all;
  }
  [[nodiscard]] static const SvgColor& color_of(int stage) noexcept {
    return svg_kinds[static_cast<std::size_t>(stage) % (svg_kinds.size() - 1)];
  }

  void head() {
    TextCell text(bytes_text(plan_.workspace_bytes));
    text.append(" of workspace");
    if (plan_.lower_bound_bytes == plan_.workspace_bytes)
      text.append(", the least for this order of stages");
    else
      text.append(", at least ").append(bytes_text(plan_.lower_bound_bytes));
    text.append(" · result ").append(bytes_text(plan_.result_bytes));
    this->text(left, 50, "fill=\"#57606a\"", text, right_ - left);
  }

  void axes() {
    out_ << "<rect x=\"" << left << "\" y=\"" << top << "\" width=\"" << right_ - left
         << "\" height=\"" << floor_ - top << "\" fill=\"#f6f8fa\"/>\n";
    out_ << "<text transform=\"translate(18 " << (top + floor_) / 2
         << ") rotate(-90)\" text-anchor=\"middle\" fill=\"#57606a\">offset</text>\n";
    const std::uint64_t step = binary_step(plan_.workspace_bytes, (floor_ - top) / 34);
    for (std::uint64_t offset = 0; offset <= plan_.workspace_bytes; offset += step) {
      const double y = y_of(offset);
      line(left - 4, y, right_, y, "stroke=\"#d8dee4\" stroke-width=\"0.6\"");
      text(left - 8, y + 4, "text-anchor=\"end\"", bytes_text(offset), left - 34);
      if (plan_.workspace_bytes == 0) break;
    }
    for (int stage = 0; stage < plan_.stages; ++stage) {
      const double x = x_of(stage), middle = (x + x_of(stage + 1)) / 2;
      if (stage > 0) line(x, top, x, floor_ + 4, "stroke=\"#d8dee4\" stroke-width=\"0.6\"");
      const double room = x_of(1) - x_of(0) - 6;
      constexpr const char* style = "text-anchor=\"middle\"";
      TextCell number = grouped_text(static_cast<std::uint64_t>(stage + 1));
      const TextCell name = TextCell(number).append("  ").append(operation_of(stage));
      text(middle, floor_ + 17, style, fits(name, room) ? name : number, room);
      TextCell live = bytes_text(live_bytes(stage));
      const TextCell longer = TextCell(live).append(" live");
      if (fits(longer, room)) live = longer;
      if (fits(live, room))
        text(middle, floor_ + 31, "text-anchor=\"middle\" fill=\"#57606a\"", live, room);
    }
  }
  [[nodiscard]] static bool fits(std::string_view text, double room) noexcept {
    return letter * TextWriter::columns(text) <= room;
  }

  // The core of a stage, or what its root does.
  [[nodiscard]] TextCell operation_of(int stage) const {
    const int root = plan_.stage_root(stage);
    const int core = plan_.structure.core[static_cast<std::size_t>(root)];
    return names_.operation(core < 0 ? root : core);
  }

  [[nodiscard]] std::size_t live_bytes(int stage) const {
    std::size_t live = 0;
    const auto& slots = plan_.slots;
    for (std::size_t i = 0; i < slots.count; ++i)
      for (const Slot* slot : {&slots.value[i], &slots.scratch[i], &slots.core[i]}) {
        const bool is_taken_over = slot == &slots.value[i] && slots.in_place_of[i] >= 0;
        if (slot->first + (is_taken_over ? 1 : 0) <= stage && stage <= slot->last)
          live += slot->bytes;
      }
    return live;
  }

  void slots(int stage) {
    const int root = plan_.stage_root(stage);
    const auto i = static_cast<std::size_t>(root);
    const int core = plan_.structure.core[i];
    slot(stage, plan_.slots.value[i], names_.of_stage(root), true,
         plan_.slots.in_place_of[i] >= 0 ? 0.5 : 0.0, is_taken_over(root) ? 0.5 : 1.0);
    if (plan_.structure.is_region(root))
      slot(stage, plan_.slots.scratch[i], TextCell("a block of rows"), false);
    if (core < 0) return;
    const bool packs = plan_.records[static_cast<std::size_t>(core)].kind == Kind::contract;
    slot(stage, plan_.slots.scratch[i], TextCell(packs ? "panels" : "row buffer"), false);
    slot(stage, plan_.slots.core[i], operation_of(stage), false);
  }

  [[nodiscard]] bool is_taken_over(int root) const {
    const auto& places = plan_.slots.in_place_of;
    return std::find(places.begin(), places.end(), root) != places.end();
  }

  // A value is filled with its stage's colour; what only the kernel needs is paler. It is drawn from
  // `begin` of its first stage to `end` of its last: where a value takes the place of another, they
  // meet in the middle.
  void slot(int stage, const Slot& slot, const TextCell& name, bool is_value, double begin = 0,
            double end = 1) {
    if (slot.bytes == 0) return;
    const SvgColor& color = color_of(stage);
    const double x = x_of(slot.first + begin) + 2, width = x_of(slot.last + end) - 2 - x;
    const double y = y_of(slot.offset + slot.bytes);
    const double height = std::max(y_of(slot.offset) - y, 1.0);
    const auto rectangle = [&](const char* fill) {
      out_ << "<rect x=\"" << x << "\" y=\"" << y << "\" width=\"" << width << "\" height=\""
           << height << "\" fill=\"" << fill << "\"";
    };
    if (!is_value) {
      rectangle("#ffffff");
      out_ << "/>\n";
    }
    rectangle(height < 3 ? color.stroke : color.fill);
    if (!is_value) out_ << " fill-opacity=\"0.45\"";
    if (height >= 3) out_ << " stroke=\"" << color.stroke << "\" stroke-width=\"0.7\"";
    if (!is_value && height >= 3) out_ << " stroke-dasharray=\"3 2\"";
    TextCell label = TextCell(name).append(" · ").append(bytes_text(slot.bytes));
    out_ << "><title>";
    out_.escaped(label.c_str()) << " of stage " << stage + 1 << ", at offset "
                                << grouped(slot.offset) << "</title></rect>\n";
    const double room = width - 8;
    constexpr const char* style = "text-anchor=\"middle\" pointer-events=\"none\"";
    const double middle = x + width / 2;
    if (height >= 14 && fits(label, room)) {
      text(middle, y + height / 2 + 4, style, label, room);
    } else if (height >= 28 && fits(name, room) && fits(bytes_text(slot.bytes), room)) {
      text(middle, y + height / 2 - 3, style, name, room);
      text(middle, y + height / 2 + 11, style, bytes_text(slot.bytes), room);
    } else if (height >= 14 && fits(name, room)) {
      text(middle, y + height / 2 + 4, style, name, room);
    } else if (width >= 18 && fits(label, height - 8)) {
      out_ << "<text transform=\"translate(" << middle + 4 << " " << y + height / 2
           << ") rotate(-90)\" " << style << ">";
      out_.escaped(label.c_str()) << "</text>\n";
    }
  }

  // The most that is alive at once, where the workspace is higher.
  void bound() {
    if (plan_.lower_bound_bytes == plan_.workspace_bytes) return;
    const double y = y_of(plan_.lower_bound_bytes);
    line(left, y, right_, y, "stroke=\"#b53a3c\" stroke-width=\"0.8\" stroke-dasharray=\"3 3\"");
  }

  // "1  T1 = matmul(a, b)  float32 (64, 128)"
  void legend(int stage) {
    const int root = plan_.stage_root(stage);
    const Record& r = plan_.records[static_cast<std::size_t>(root)];
    const double y = floor_ + 62 + 18 * stage;
    const SvgColor& color = color_of(stage);
    out_ << "<rect x=\"" << left << "\" y=\"" << y - 10 << "\" width=\"12\" height=\"12\" rx=\"2\" "
         << "fill=\"" << color.fill << "\" stroke=\"" << color.stroke << "\"/>\n";
    text(left - 8, y, "text-anchor=\"end\"", grouped_text(static_cast<std::uint64_t>(stage + 1)),
         40);
    std::array<char, 256> buffer{};
    TextWriter writer{std::span<char>(buffer)};
    writer.put(names_.of_stage(root)).put(" = ");
    names_.write_formula(writer, root, 0, true);
    std::string_view formula(buffer.data(), std::min(writer.size(), buffer.size()));
    const bool is_long = formula.find('\n') != std::string_view::npos;
    formula = formula.substr(0, formula.find('\n'));
    const TextCell shape = TextCell(name(r.dtype)).append(" ").append(shape_text(r));
    const double shape_room = letter * TextWriter::columns(shape);
    text(right_, y, "text-anchor=\"end\" fill=\"#57606a\"", shape, shape_room + letter);
    text(left + 20, y, "", is_long ? TextCell(formula).append(" …") : TextCell(formula),
         right_ - shape_room - 16 - left - 20);
  }

  SvgWriter out_;
  const Plan<N>& plan_;
  PlanNames<N> names_;
  const char* title_;
  double right_;
  double floor_;
};

// A plan on its way to a stream.
template <class P>
struct PlanPicture {
  P plan;
  PlanSvg options;

  friend std::ostream& operator<<(std::ostream& out, const PlanPicture& picture) {
    PlanPainter(out, picture.plan, picture.options).paint();
    return out;
  }
};

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// An SVG picture of a plan: stages run right, offsets in the workspace run up, each slot is a rectangle
// from the first to the last stage that uses it, as high as its bytes, with its name and size where they
// have room and as a tooltip in any case. Colours are those of the stages that the legend lists; what
// only a kernel needs while it runs is pale and dashed; a value that takes the place of another meets it
// in the middle of the stage that reads the one and stores the other. Under each stage stands what is alive
// while it runs; a dashed line is the lower bound where the workspace is above it.
// Errors: what the stream throws. No allocation of its own.
template <int N>
void explain_svg(std::ostream& out, const Plan<N>& plan, const PlanSvg& options = {}) {
  detail::PlanPainter(out, plan, options).paint();
}

// Formula: out << explain_svg(e) draws the plan of e for the extents that it has now.
template <StaticallyPlanned E>
[[nodiscard]] auto explain_svg(const E&, const PlanSvg& options = {}) {
  return detail::PlanPicture<decltype((plan_of<const E&>))>{plan_of<const E&>, options};
}
template <Expression E>
[[nodiscard]] auto explain_svg(const E& e, const PlanSvg& options = {}) {
  return detail::PlanPicture<decltype(plan(e))>{plan(e), options};
}

}  // namespace tenon::inline TENON_MODE
