// Plans as pictures: well-formed, to scale, and legible.

#include "catch.hpp"
#include "xml.hpp"

#include <tenon/expr/operators.hpp>
#include <tenon/plan/explain.hpp>
#include <tenon/plan/explain_svg.hpp>

#include <cmath>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace tn = tenon;
using tn::index_t;

namespace {

template <index_t... E>
auto leaf() {
  return tn::TensorView<const float, tn::Shape<E...>>(nullptr, {});
}

auto two_layers() {
  return tn::softmax<-1>(tn::matmul(
      tn::relu(tn::matmul(leaf<64, 784>(), leaf<784, 128>()) + leaf<128>()), leaf<128, 10>()));
}

template <class E>
std::string picture(const E& e, const tn::PlanSvg& options = {}) {
  std::ostringstream out;
  out << tn::explain_svg(e, options);
  return out.str();
}

double number_after(const std::string& text, const char* name, std::size_t at) {
  const std::size_t begin = text.find(name, at) + std::string(name).size();
  return std::strtod(text.c_str() + begin, nullptr);
}

struct Box {
  double left, right, top, bottom;
};

// A text's columns on the picture.
int columns(std::string text) {
  for (std::size_t at = text.find('&'); at != std::string::npos; at = text.find('&', at + 1))
    text.erase(at + 1, text.find(';', at) - at);
  return tn::detail::TextWriter::columns(text);
}

// Where horizontal texts are, by the widths of a usual font.
std::vector<Box> text_boxes(const std::string& svg) {
  std::vector<Box> boxes;
  for (std::size_t at = svg.find("<text x="); at != std::string::npos;
       at = svg.find("<text x=", at + 1)) {
    const std::size_t open = svg.find('>', at), close = svg.find("</text>", open);
    const std::string tag = svg.substr(at, open - at);
    const double size =
        tag.find("font-size") != std::string::npos ? number_after(tag, "font-size=\"", 0) : 11.0;
    const double width = 0.55 * size * columns(svg.substr(open + 1, close - open - 1));
    const double x = number_after(tag, "x=\"", 0), y = number_after(tag, "y=\"", 0);
    const bool middle = tag.find("middle") != std::string::npos;
    const bool end = tag.find("\"end\"") != std::string::npos;
    const double left = middle ? x - width / 2 : end ? x - width : x;
    boxes.push_back({left, left + width, y - 0.75 * size, y});
  }
  return boxes;
}

void check_legible(const std::string& svg) {
  CHECK(is_well_formed(svg));
  const double width = number_after(svg, "width=\"", 0), height = number_after(svg, "height=\"", 0);
  const auto boxes = text_boxes(svg);
  REQUIRE(boxes.size() > 3);
  int overlaps = 0, outside = 0;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const Box& a = boxes[i];
    outside += a.left < 0 || a.right > width || a.top < 0 || a.bottom > height;
    for (std::size_t j = 0; j < i; ++j) {
      const Box& b = boxes[j];
      overlaps += a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    }
  }
  CHECK(overlaps == 0);
  CHECK(outside == 0);
}

}  // namespace

TEST_CASE("A plan becomes a legible picture", "[plan]") {
  check_legible(picture(two_layers()));
  check_legible(picture(two_layers(), {.title = "Two <layers> & \"softmax\"", .width = 480}));
  check_legible(picture(two_layers(), {.width = 0, .height = 0}));
  check_legible(picture(leaf<4, 5>() * 2.0F));
  check_legible(picture(tn::matmul(leaf<0, 5>(), leaf<5, 7>())));
  check_legible(picture(tn::let(tn::exp(leaf<40, 50>()), [](auto h) {
    return tn::sum<0>(h) + tn::max<0>(h) * tn::mean<0>(h * h) - tn::min<0>(h / tn::sum<0>(h));
  })));
  const auto x = tn::view(static_cast<const float*>(nullptr), tn::shape(20, 30));
  check_legible(picture(tn::softmax<-1>(tn::matmul(x, leaf<30, 8>()))));
}

TEST_CASE("Slots are drawn to scale", "[plan]") {
  const auto e = tn::softmax<-1>(tn::matmul(leaf<64, 50>(), leaf<50, 60>()));
  const auto plan = tn::plan(e);
  const std::string svg = picture(e, {.height = 400});
  const std::size_t title = svg.find("<title>T1");
  REQUIRE(title != std::string::npos);
  const std::size_t at = svg.rfind("<rect", title);
  const double scale = 400.0 / static_cast<double>(plan.workspace_bytes);
  const tn::Slot& slot = plan.slots.value[static_cast<std::size_t>(plan.stage_root(0))];
  CHECK(std::abs(number_after(svg, "height=\"", at) - scale * static_cast<double>(slot.bytes)) <
        0.1);
  const double floor = 72 + 400;
  CHECK(std::abs(number_after(svg, "y=\"", at) -
                 (floor - scale * static_cast<double>(slot.offset + slot.bytes))) < 0.1);
  // Both stages use it.
  CHECK(std::abs(number_after(svg, "width=\"", at) - (1000 - 24 - 96 - 4)) < 0.1);
}

TEST_CASE("The picture of a plan object is that of its expression", "[plan]") {
  std::ostringstream out;
  tn::explain_svg(out, tn::plan(two_layers()));
  CHECK(out.str() == picture(two_layers()));
}
