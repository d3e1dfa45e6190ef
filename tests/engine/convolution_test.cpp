// Conv1D against the formula, in double.

#include "naive_tensors.hpp"

namespace tn = tenon;
using namespace tenon::test;
using tenon::index_t;

namespace {

struct Options {
  index_t stride = 1, dilation = 1, before = 0, behind = 0, group = 1;
  bool bias = true;
};

template <class T>
void check_conv(index_t batch, index_t channels, index_t length, index_t outputs, index_t taps,
                const Options& o, int threads = 1) {
  tn::InferenceEngine engine({.thread_count = threads});
  const index_t own = channels / o.group;
  const auto x = some<T>({batch, channels, length}, 1), w = some<T>({outputs, own, taps}, 2);
  const auto bias = some<T>({outputs}, 3);
  std::vector<const tn::AnyTensor*> inputs{&x, &w};
  if (o.bias) inputs.push_back(&bias);
  const auto y = computed(engine, "Conv1D", inputs,
                          {{"strides", o.stride},
                           {"dilations", o.dilation},
                           {"pads", {o.before, o.behind}},
                           {"group", o.group}});
  CAPTURE(channels, length, outputs, taps, o.stride, o.dilation, o.before, o.behind, o.group,
          o.bias);
  const index_t places =
      (length + o.before + o.behind - (taps - 1) * o.dilation - 1) / o.stride + 1;
  REQUIRE(y.type() == type_of(tn::dtype_of<T>, {batch, outputs, places}));
  const auto p = as_doubles<T>(x), q = as_doubles<T>(w), b = as_doubles<T>(bias);
  std::vector<double> expected;
  for (index_t n = 0; n < batch; ++n)
    for (index_t out = 0; out < outputs; ++out)
      for (index_t j = 0; j < places; ++j) {
        double sum = o.bias ? b[static_cast<std::size_t>(out)] : 0;
        const index_t first = out / (outputs / o.group) * own;
        for (index_t c = 0; c < own; ++c)
          for (index_t t = 0; t < taps; ++t) {
            const index_t at = j * o.stride + t * o.dilation - o.before;
            if (at < 0 || at >= length) continue;
            sum += q[static_cast<std::size_t>((out * own + c) * taps + t)] *
                   p[static_cast<std::size_t>((n * channels + first + c) * length + at)];
          }
        expected.push_back(sum);
      }
  check_close(as_doubles<T>(y), expected, tolerance<T>(own * taps),
              8.0 * static_cast<double>(own * taps));
}

template <class T>
void check_convs() {
  check_conv<T>(1, 1, 16, 1, 3, {});
  check_conv<T>(2, 3, 33, 5, 3, {.before = 1, .behind = 1});
  check_conv<T>(2, 4, 33, 6, 5, {.stride = 2, .before = 3, .behind = 2});
  check_conv<T>(1, 4, 40, 6, 3, {.stride = 3, .dilation = 2, .before = 4});
  check_conv<T>(2, 4, 33, 6, 3, {.before = 2, .group = 2, .bias = false});
  check_conv<T>(2, 6, 20, 6, 3, {.dilation = 3, .before = 3, .behind = 3, .group = 6});
  check_conv<T>(2, 5, 33, 7, 1, {});
  check_conv<T>(2, 5, 33, 7, 1, {.stride = 2, .bias = false});
  check_conv<T>(1, 2, 2, 3, 3, {.before = 7, .behind = 5});  // windows that see nothing
  check_conv<T>(0, 2, 8, 3, 3, {});
}

}  // namespace

TEST_CASE("Conv1D with strides, dilations, pads and groups", "[engine]") {
  check_convs<float>();
  check_convs<double>();
  check_conv<float>(1, 64, 1000, 80, 3, {.before = 1, .behind = 1}, 3);
}

TEST_CASE("Conv1D refuses with both types", "[engine]") {
  tn::InferenceEngine engine;
  const auto x = some<float>({1, 4, 8}, 1), w = some<float>({6, 4, 3}, 2),
             bias = some<float>({5}, 3);
  const auto message = [&](const std::vector<const tn::AnyTensor*>& inputs,
                           const tn::Attributes& attributes) {
    return message_of<std::exception>(
        [&] { static_cast<void>(computed(engine, "Conv1D", inputs, attributes)); });
  };
  const std::string both = "Conv1D: float32[1, 4, 8] and weights float32[6, 4, 3]: ";
  CHECK(message({&x, &w}, {{"group", 2}}) ==
        both + "the second extent of the weights has to be the channels of a group");
  CHECK(message({&x, &w}, {{"group", 3}}) ==
        both + "the groups do not divide channels and outputs");
  CHECK(message({&x, &w}, {{"dilations", 4}}) == both + "a window is longer than the padded input");
  CHECK(message({&x, &w}, {{"strides", 0}}) ==
        "Conv1D: attribute strides has to be one integer above 0");
  CHECK(message({&x, &w}, {{"pads", {1, -1}}}) ==
        "Conv1D: attribute pads has to be two integers, none below 0");
  CHECK(message({&x, &w, &bias}, {}) == "Conv1D: the bias is float32[5]; it has to be float32[6]");
  CHECK(message({&x, &w}, {{"dilations", std::numeric_limits<index_t>::max()}}) ==
        both + "a window is longer than the padded input");
}
