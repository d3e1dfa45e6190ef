#pragma once
// A log of memory events as a picture.

#include <tenon/memory/buffer_life.hpp>
#include <tenon/memory/event_log.hpp>
#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/readable.hpp>
#include <tenon/memory/svg.hpp>
#include <tenon/memory/timeline_layout.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <ostream>
#include <span>
#include <vector>

namespace tenon {

enum class TimelineAxis : unsigned char {
  events,  // equal steps from event to event, labelled with their times: bursts stay legible
  time     // true to the clock
};

struct TimelineSvg {
  const char* title = "Allocation timeline";
  TimelineAxis axis = TimelineAxis::events;
  int width = 1200;  // pixels; at least 480
  int height = 760;  // pixels; at least 420
};

namespace detail {

class TimelinePainter {
 public:
  TimelinePainter(std::ostream& out, std::span<const MemoryEvent> events,
                  const TimelineSvg& options, std::pmr::memory_resource* memory)
      : out_(out),
        events_(events),
        options_(options),
        lives_(buffer_lives(events, memory)),
        right_(std::max(options.width, 480) - 34),
        floor_(std::max(options.height, 420) - 56),
        curve_top_(floor_ - 110),
        map_floor_(curve_top_ - 34),
        axis_(lives_, map_floor_ - top, memory) {
    choose_groups();
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (events[i].live_bytes <= peak_bytes_) continue;
      peak_bytes_ = events[i].live_bytes;
      peak_event_ = i;
    }
  }

  void paint() {
    head();
    frame();
    time_axis();
    address_axis();
    for (const BufferLife& life : lives_) rectangle(place(life));
    marks();
    for (const BufferLife& life : lives_) size_label(place(life));
    live_curve();
    out_ << "</svg>\n";
  }

 private:
  static constexpr double left = 128;
  static constexpr double top = 92;

  // Colours tell labels apart where there are any, else sizes.
  void choose_groups() {
    for (const BufferLife& life : lives_) {
      by_label_ = by_label_ || life.label != nullptr;
      largest_ = std::max(largest_, life.bytes);
      smallest_ = std::min(smallest_, life.bytes);
    }
    if (!by_label_) return;
    for (const BufferLife& life : lives_) {
      const char* label = label_of(life);
      const auto known =
          std::find_if(labels_.begin(), labels_.begin() + static_cast<std::ptrdiff_t>(label_count_),
                       [&](auto l) { return std::strcmp(l, label) == 0; });
      if (known == labels_.begin() + static_cast<std::ptrdiff_t>(label_count_) &&
          label_count_ < labels_.size())
        labels_[label_count_++] = label;
    }
  }
  [[nodiscard]] static const char* label_of(const BufferLife& life) noexcept {
    return life.label != nullptr ? life.label : "(no phase)";
  }
  [[nodiscard]] std::size_t size_group(std::size_t bytes) const noexcept {
    const auto octaves =
        static_cast<std::size_t>(std::bit_width(largest_ - 1) - std::bit_width(smallest_ - 1)) + 1;
    const auto octave =
        static_cast<std::size_t>(std::bit_width(bytes - 1) - std::bit_width(smallest_ - 1));
    return octaves <= 8 ? octave : octave * 8 / octaves;
  }
  [[nodiscard]] std::size_t group_of(const BufferLife& life) const noexcept {
    if (!by_label_) return size_group(life.bytes);
    for (std::size_t i = 0; i < label_count_; ++i)
      if (std::strcmp(labels_[i], label_of(life)) == 0) return i;
    return labels_.size();
  }

  [[nodiscard]] double x_of(std::size_t event) const noexcept {
    if (event >= events_.size()) return right_;
    if (options_.axis == TimelineAxis::events)
      return left + (right_ - left) * (static_cast<double>(event) + 0.5) /
                        static_cast<double>(events_.size());
    const auto span = static_cast<double>(events_.back().time_ns - events_.front().time_ns);
    const auto since = static_cast<double>(events_[event].time_ns - events_.front().time_ns);
    return left + (right_ - left) * (0.01 + (span > 0 ? 0.98 * since / span : 0.0));
  }

  [[nodiscard]] const SvgColor& color_of(std::size_t group) const noexcept {
    return by_label_ ? svg_kinds[group] : svg_sizes[group];
  }

  void text(double x, double y, const char* style, const char* what) {
    out_ << "<text x=\"" << x << "\" y=\"" << y << "\" " << style << ">";
    out_.escaped(what) << "</text>\n";
  }
  void line(double x1, double y1, double x2, double y2, const char* style) {
    out_ << "<path d=\"M" << x1 << " " << y1 << "L" << x2 << " " << y2 << "\" " << style << "/>\n";
  }
  void box(double x, double y, double width, double height, const char* style) {
    out_ << "<rect x=\"" << x << "\" y=\"" << y << "\" width=\"" << width << "\" height=\""
         << height << "\" " << style << "/>\n";
  }

  void head() {
    const int width = std::max(options_.width, 480), height = std::max(options_.height, 420);
    out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\""
         << height << "\" viewBox=\"0 0 " << width << " " << height
         << "\" font-family=\"Inter, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"11\" "
            "fill=\"#24292f\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
    text(left, 30, "font-size=\"18\" font-weight=\"600\"", options_.title);
    out_ << "<text x=\"" << left << "\" y=\"50\" fill=\"#57606a\">" << grouped(lives_.size())
         << (lives_.size() == 1 ? " buffer" : " buffers") << " · peak "
         << readable_bytes(peak_bytes_) << " live";
    if (!events_.empty()) {
      out_ << " · " << grouped(events_.size()) << " events in "
           << readable_time(events_.back().time_ns - events_.front().time_ns);
      const auto numbers = events_.back().number - events_.front().number + 1;
      if (numbers > events_.size())
        out_ << " · " << grouped(numbers - events_.size()) << " events were dropped";
    }
    out_ << "</text>\n";
    legend();
  }

  void legend() {
    double x = left;
    const auto entry = [&](std::size_t color, const char* name) {
      const double width = 30 + 6.6 * static_cast<double>(std::strlen(name));
      if (x + width > right_) return;
      out_ << "<rect x=\"" << x << "\" y=\"64\" width=\"12\" height=\"12\" rx=\"2\" fill=\""
           << color_of(color).fill << "\" stroke=\"" << color_of(color).stroke << "\"/>\n";
      text(x + 17, 74, "", name);
      x += width;
    };
    std::array<std::size_t, svg_kinds.size()> bound{};  // the largest buffer of each size group
    bool has_rest = false;
    for (const BufferLife& life : lives_) {
      const std::size_t group = group_of(life);
      bound[group] = std::max(bound[group], life.bytes);
      has_rest = has_rest || group >= labels_.size();
    }
    if (by_label_) {
      for (std::size_t i = 0; i < label_count_; ++i) entry(i, labels_[i]);
      if (has_rest) entry(labels_.size(), "other");
      return;
    }
    for (std::size_t i = 0; i < bound.size(); ++i) {
      if (bound[i] == 0) continue;
      char name[40] = "≤ ";
      std::strcat(name, readable_bytes(bound[i]).text);
      entry(i, name);
    }
  }

  void frame() {
    for (const AddressRegion& region : axis_.regions())
      box(left, map_floor_ - region.high, right_ - left, region.high - region.low,
          "fill=\"#f6f8fa\"");
    box(left, curve_top_, right_ - left, floor_ - curve_top_, "fill=\"#f6f8fa\"");
    const auto title = [&](double y, const char* what) {
      out_ << "<text transform=\"translate(18 " << y
           << ") rotate(-90)\" text-anchor=\"middle\" fill=\"#57606a\">" << what << "</text>\n";
    };
    title((top + map_floor_) / 2,
          axis_.regions().size() > 1 ? "address (each range to its own scale)" : "address");
    title((curve_top_ + floor_) / 2, "live bytes");
  }

  void time_axis() {
    const bool by_event = options_.axis == TimelineAxis::events;
    out_ << "<text x=\"" << (left + right_) / 2 << "\" y=\"" << floor_ + 48
         << "\" text-anchor=\"middle\" fill=\"#57606a\">"
         << (by_event ? "event, and its time since the first" : "time since the first event")
         << " →</text>\n";
    if (events_.empty()) return;
    const auto tick = [&](double x) {
      line(x, top, x, map_floor_, "stroke=\"#d8dee4\" stroke-width=\"0.6\"");
      line(x, curve_top_, x, floor_ + 4, "stroke=\"#d8dee4\" stroke-width=\"0.6\"");
    };
    constexpr const char* style = "text-anchor=\"middle\"";
    const std::uint64_t start = events_.front().time_ns;
    if (by_event) {
      const std::uint64_t step = decimal_step(events_.size(), 12);
      for (std::size_t i = 0; i < events_.size(); ++i) {
        if (events_[i].number % step != 0 && (i != 0 || step == 1)) continue;
        if (i == 0 && step - events_[0].number % step <= step / 2) continue;
        tick(x_of(i));
        text(x_of(i), floor_ + 17, style, grouped(events_[i].number).text);
        text(x_of(i), floor_ + 30, "text-anchor=\"middle\" fill=\"#57606a\" font-size=\"9.5\"",
             readable_time(events_[i].time_ns - start).text);
      }
      return;
    }
    const std::uint64_t length = std::max<std::uint64_t>(events_.back().time_ns - start, 1);
    const std::uint64_t step = decimal_step(length, 10);
    for (std::uint64_t t = 0; t <= length; t += step) {
      const double x = left + (right_ - left) * (0.01 + 0.98 * static_cast<double>(t) /
                                                            static_cast<double>(length));
      tick(x);
      text(x, floor_ + 17, style, readable_time(t).text);
    }
  }

  void address_axis() {
    double lowest_free = map_floor_ + 20;  // labels do not overlap: each ends above the one before
    const AddressRegion* before = nullptr;
    for (const AddressRegion& region : axis_.regions()) {
      const double bottom = map_floor_ - region.low;
      if (before != nullptr) fold(bottom, region.first - before->last);
      before = &region;
      if (bottom + 3 <= lowest_free) {
        char address[32];
        std::snprintf(address, sizeof address, "0x%llx",
                      static_cast<unsigned long long>(region.first));
        text(left - 8, bottom + 1, "text-anchor=\"end\" fill=\"#57606a\" font-size=\"9.5\"",
             address);
        lowest_free = bottom - 10;
      }
      line(left - 4, bottom, left, bottom, "stroke=\"#8c959f\"");
      const double height = region.high - region.low;
      const std::uint64_t step = binary_step(region.bytes(), std::max(1.0, height / 34));
      for (std::uint64_t offset = step; offset <= region.bytes(); offset += step) {
        const double y = map_floor_ - region.height_of(region.first + offset);
        line(left - 4, y, left, y, "stroke=\"#8c959f\"");
        line(left, y, right_, y, "stroke=\"#d8dee4\" stroke-width=\"0.6\"");
        if (y + 3 > lowest_free) continue;
        char name[40] = "+";
        std::strcat(name, readable_bytes(offset).text);
        text(left - 8, y + 4, "text-anchor=\"end\"", name);
        lowest_free = y - 8;
      }
    }
  }

  // An unused range, folded: a dashed band above `y`.
  void fold(double y, std::size_t bytes) {
    const double height = axis_.fold_height();
    if (height < 4) return;  // the white of the gap is enough
    line(left, y + height / 2, right_, y + height / 2,
         "stroke=\"#8c959f\" stroke-width=\"0.8\" stroke-dasharray=\"2 4\"");
    if (height < 11) return;
    const ShortText size = readable_bytes(bytes);
    box(right_ - 112, y + 1, 104, height - 2, "fill=\"#ffffff\"");
    out_ << "<text x=\"" << right_ - 60 << "\" y=\"" << y + height / 2 + 3
         << "\" text-anchor=\"middle\" fill=\"#57606a\" font-size=\"9.5\">" << size
         << " unused</text>\n";
  }

  struct Placed {
    const BufferLife& life;
    double x, y, width, height;
    bool is_open;
  };

  [[nodiscard]] Placed place(const BufferLife& life) const noexcept {
    const AddressRegion& region = axis_.region_of(life.address);
    const bool is_open = life.last >= events_.size();
    const bool was_there = life.first == 0 && events_[0].address != life.address;
    const double x = was_there ? left : x_of(life.first);
    const double y = map_floor_ - region.height_of(life.address + life.bytes);
    return {life,
            x,
            y,
            std::max((is_open ? right_ + 9 : x_of(life.last)) - x, 1.0),
            std::max(map_floor_ - region.height_of(life.address) - y, 1.0),
            is_open};
  }

  void rectangle(const Placed& p) {
    const SvgColor& color = color_of(group_of(p.life));
    const bool is_thin = p.height < 2 || p.width < 2;
    out_ << "<rect x=\"" << p.x << "\" y=\"" << p.y << "\" width=\"" << p.width << "\" height=\""
         << p.height << "\" fill=\"" << (is_thin ? color.stroke : color.fill) << "\"";
    if (!is_thin) out_ << " stroke=\"" << color.stroke << "\" stroke-width=\"0.7\"";
    out_ << "><title>" << grouped(p.life.bytes) << " B, events " << number_of(p.life.first)
         << " to " << (p.is_open ? "the end" : number_of(p.life.last).text);
    if (p.life.label != nullptr) (out_ << ", ").escaped(p.life.label);
    out_ << "</title></rect>\n";
  }

  // The size, where it has room.
  void size_label(const Placed& p) {
    const ShortText size = readable_bytes(p.life.bytes);
    const double visible = std::min(p.x + p.width, right_) - p.x;
    if (p.height < 12 || visible < 8 + 6.2 * static_cast<double>(std::strlen(size.text))) return;
    out_ << "<text x=\"" << p.x + visible / 2 << "\" y=\"" << p.y + p.height / 2 + 3.6
         << "\" text-anchor=\"middle\" font-size=\"10.5\" pointer-events=\"none\" fill=\""
         << color_of(group_of(p.life)).text << "\">" << size << "</text>\n";
  }

  [[nodiscard]] ShortText number_of(std::size_t event) const noexcept {
    return grouped(events_[event].number);
  }

  [[nodiscard]] double curve_y(std::size_t bytes) const noexcept {
    const double full = peak_bytes_ > 0 ? static_cast<double>(peak_bytes_) : 1;
    return floor_ - (floor_ - curve_top_ - 16) * static_cast<double>(bytes) / full;
  }

  void live_curve() {
    if (events_.empty()) return;
    const std::uint64_t step = binary_step(peak_bytes_, 3);
    for (std::uint64_t bytes = 0; bytes <= peak_bytes_; bytes += step) {
      const double y = curve_y(bytes);
      line(left, y, right_, y, "stroke=\"#d8dee4\" stroke-width=\"0.6\"");
      text(left - 8, y + 4, "text-anchor=\"end\"", readable_bytes(bytes).text);
    }
    out_ << "<path d=\"M" << x_of(0) << " " << floor_;
    for (std::size_t i = 0; i < events_.size(); ++i)
      out_ << "V" << curve_y(events_[i].live_bytes) << "H"
           << (i + 1 < events_.size() ? x_of(i + 1) : right_);
    out_ << "V" << floor_
         << "Z\" fill=\"#57606a\" fill-opacity=\"0.18\" stroke=\"#57606a\" "
            "stroke-width=\"0.8\"/>\n";
    const double x = x_of(peak_event_), y = curve_y(peak_bytes_);
    const bool is_left = x < (left + right_) / 2;
    out_ << "<circle cx=\"" << x << "\" cy=\"" << y << "\" r=\"2.6\" fill=\"#b53a3c\"/>\n<text x=\""
         << (is_left ? x + 6 : x - 6) << "\" y=\"" << y - 4 << "\" text-anchor=\""
         << (is_left ? "start" : "end")
         << "\" fill=\"#b53a3c\" stroke=\"#f6f8fa\" stroke-width=\"3\" paint-order=\"stroke\">peak "
         << readable_bytes(peak_bytes_) << " at event " << number_of(peak_event_) << "</text>\n";
  }

  // Clears: lines through both panels. Refusals: crosses under the curve.
  void marks() {
    double free_from = left;
    for (std::size_t i = 0; i < events_.size(); ++i) {
      const double x = x_of(i);
      if (events_[i].kind == MemoryEventKind::clear) {
        line(x, top, x, floor_, "stroke=\"#b53a3c\" stroke-width=\"0.8\" stroke-dasharray=\"3 3\"");
        if (x - 16 < free_from) continue;
        text(x, top - 4, "text-anchor=\"middle\" fill=\"#b53a3c\" font-size=\"9.5\"", "clear");
        free_from = x + 20;
      } else if (events_[i].kind == MemoryEventKind::refuse) {
        out_ << "<path d=\"M" << x - 4 << " " << floor_ - 12
             << "l8 8m-8 0l8 -8\" "
                "stroke=\"#b53a3c\" stroke-width=\"1.6\"><title>refused "
             << readable_bytes(events_[i].bytes) << "</title></path>\n";
      }
    }
  }

  SvgWriter out_;
  std::span<const MemoryEvent> events_;
  TimelineSvg options_;
  std::pmr::vector<BufferLife> lives_;
  double right_;
  double floor_;  // of the curve of live bytes
  double curve_top_;
  double map_floor_;  // of the map of addresses
  AddressAxis axis_;
  std::array<const char*, svg_kinds.size() - 1> labels_{};
  std::size_t label_count_ = 0;
  bool by_label_ = false;
  std::size_t largest_ = 1;
  std::size_t smallest_ = static_cast<std::size_t>(-1);
  std::size_t peak_bytes_ = 0;
  std::size_t peak_event_ = 0;
};

}  // namespace detail

// An SVG picture: time runs right, address runs up, each buffer is a rectangle from its first to its
// last event with its size in it (or as a tooltip where it is too small), and below runs the curve
// of live bytes. Unused address ranges are folded away; clears are dashed lines, refusals crosses;
// buffers alive at the end pass the right edge. Colours tell labels apart, else sizes.
// Errors: what `memory` and the stream throw. Allocations: about 40 B each buffer, from `memory`.
inline void timeline_svg(std::ostream& out, std::span<const MemoryEvent> events,
                         const TimelineSvg& options = {},
                         std::pmr::memory_resource* memory = system_resource()) {
  detail::TimelinePainter(out, events, options, memory).paint();
}

}  // namespace tenon
