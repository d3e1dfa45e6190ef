// Nothing beside operands, results and workspace is read or written: each lies against a page that may not be
// touched, once at its end and once at its beginning.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/tenon.hpp>

#include <cstring>
#include <memory>

#include <sys/mman.h>
#include <unistd.h>

namespace tn = tenon;
using naive::index_t;

namespace {

// Bytes between two pages without access; `at_end`: they end where the second begins.
class Guarded {
 public:
  Guarded(std::size_t bytes, bool at_end) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t inner = (bytes + page - 1) / page * page;
    size_ = inner + 2 * page;
    void* const p =
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(p != MAP_FAILED);
    base_ = static_cast<std::byte*>(p);
    REQUIRE(mprotect(base_, page, PROT_NONE) == 0);
    REQUIRE(mprotect(base_ + page + inner, page, PROT_NONE) == 0);
    data_ = base_ + page + (at_end ? inner - bytes : 0);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { munmap(base_, size_); }
  [[nodiscard]] std::byte* data() const { return data_; }

 private:
  std::byte* base_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Elements of a tensor between guards.
template <class T>
class Elements {
 public:
  Elements(index_t count, unsigned seed, bool at_end)
      : values_(naive::values<T>(static_cast<std::size_t>(count), seed)),
        guarded_(values_.size() * sizeof(T), at_end) {
    if (!values_.empty()) std::memcpy(guarded_.data(), values_.data(), values_.size() * sizeof(T));
  }
  template <class S>
  auto between_guards(const S& shape) const {
    return tn::view(reinterpret_cast<const T*>(guarded_.data()), shape);
  }
  template <class S>
  auto anywhere(const S& shape) const {
    return tn::view(values_.data(), shape);
  }

 private:
  std::vector<T> values_;
  Guarded guarded_;
};

// f over operands between guards, into a result between guards, in a workspace between guards, has the bits that
// it has elsewhere.
template <class T, class... S>
bool holds(const auto& f, const S&... shapes) {
  tn::PoolAllocator pool;
  for (const bool at_end : {true, false}) {
    unsigned seed = 0;
    const std::unique_ptr<Elements<T>> operands[] = {
        std::make_unique<Elements<T>>(shapes.size(), ++seed, at_end)...};
    const auto all = std::tie(shapes...);
    const auto applied = [&]<std::size_t... K>(std::index_sequence<K...>, const auto& view) {
      return f(view(*operands[K], std::get<K>(all))...);
    };
    constexpr std::index_sequence_for<S...> each;
    const auto e =
        applied(each, [](const auto& x, const auto& shape) { return x.between_guards(shape); });
    const auto expected = tn::eval(
        applied(each, [](const auto& x, const auto& shape) { return x.anywhere(shape); }), pool);
    using R = typename std::remove_cvref_t<decltype(expected)>::value_type;
    const Guarded result(static_cast<std::size_t>(expected.size()) * sizeof(R), at_end);
    const std::size_t bytes = tn::plan(e).workspace_bytes;
    const Guarded workspace((bytes + 63) / 64 * 64, at_end);
    tn::FixedBufferAllocator scratch(std::span(workspace.data(), bytes));
    const auto out = tn::view(reinterpret_cast<R*>(result.data()), expected.shape());
    tn::eval_into(out, e, tn::scratch(scratch));
    if (!tn::array_equal(out, expected)) return false;
  }
  return true;
}

}  // namespace

TEMPLATE_TEST_CASE("Elementwise work and reductions stay within their operands", "[expr]", float,
                   std::int8_t) {
  using T = TestType;
  int wrong = 0;
  for (const index_t n : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 1021}) {
    const auto line = tn::shape(n);
    wrong += !holds<T>([](auto a, auto b, auto c) { return a * b + c; }, line, line, line);
    wrong += !holds<T>([](auto a) { return tn::sum(a); }, line);
    wrong += !holds<T>([](auto a) { return tn::argmax(a); }, line);
    wrong += !holds<T>([](auto a) { return tn::cast<float>(a) * 0.5F; }, line);
    wrong += !holds<T>([](auto a) { return a > T{0}; }, line);
    const auto table = tn::shape(5, n);
    wrong += !holds<T>([](auto a, auto b) { return a + b; }, table, line);
    wrong += !holds<T>([](auto a) { return tn::transpose(a); }, table);
    wrong += !holds<T>([](auto a) { return tn::flip<1>(a); }, table);
    wrong += !holds<T>([](auto a) { return tn::max<0>(a); }, table);
    wrong += !holds<T>([](auto a) { return tn::sum<1>(a); }, table);
    wrong += !holds<T>([](auto a) { return tn::sum<1>(tn::transpose(a)); }, table);
    if constexpr (std::floating_point<T>) {
      wrong += !holds<T>([](auto a) { return tn::softmax<1>(a); }, table);
      wrong += !holds<T>([](auto a) { return tn::softmax<0>(a); }, table);
      wrong += !holds<T>([](auto a) { return tn::cast<tn::half>(tn::exp(a)); }, table);
    }
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("Products stay within their operands", "[expr]", float, double) {
  using T = TestType;
  const index_t shapes[][3] = {
      {1, 5, 1},    {1, 3, 100},  {1, 100, 70},  {1, 700, 300}, {40, 33, 1},  {3, 300, 1},
      {2, 2, 2},    {7, 9, 11},   {12, 40, 32},  {5, 300, 31},  {30, 50, 4},  {30, 400, 17},
      {33, 65, 33}, {64, 64, 64}, {20, 300, 90}, {5, 90, 300},  {9, 700, 40}, {70, 530, 130}};
  int wrong = 0;
  for (const auto& [m, k, n] : shapes) {
    CAPTURE(m, k, n);
    const auto a = tn::shape(m, k), b = tn::shape(k, n);
    const auto at = tn::shape(k, m), bt = tn::shape(n, k);
    const auto row = tn::shape(n);
    bool ok = holds<T>([](auto x, auto y) { return tn::matmul(x, y); }, a, b);
    ok = ok &&
         holds<T>([](auto x, auto y) { return tn::matmul(tn::transpose(x), tn::transpose(y)); }, at,
                  bt);
    ok =
        ok && holds<T>([](auto x, auto y, auto z) { return tn::relu(tn::matmul(x * T{2}, y) + z); },
                       a, b, row);
    CHECK(ok);
    wrong += !ok;
  }
  CHECK(wrong == 0);
}

TEST_CASE("Windows stay within their operands", "[expr]") {
  int wrong = 0;
  for (const index_t length : {3, 4, 17, 40, 100}) {
    const auto x = tn::shape(4, length);
    wrong +=
        !holds<float>([](auto a, auto w) { return tn::conv1d<tn::Conv1d{.padding = 1}>(a, w); }, x,
                      tn::shape(13, 4, 3));
    wrong += !holds<float>(
        [](auto a, auto w) {
          return tn::conv1d<tn::Conv1d{.stride = 2, .padding = {2, 0}, .groups = 2}>(a, w);
        },
        x, tn::shape(6, 2, 3));
    wrong += !holds<float>(
        [](auto a, auto w) { return tn::conv1d<tn::Conv1d{.padding = 1, .groups = 4}>(a, w); }, x,
        tn::shape(4, 1, 3));
    wrong +=
        !holds<float>([](auto a, auto w) { return tn::conv2d<tn::Conv2d{.padding = 1}>(a, w); },
                      tn::shape(2, 5, length), tn::shape(20, 2, 3, 3));
    wrong += !holds<float>([](auto a) { return tn::max_pool<tn::Pool1d{.kernel = 3}>(a); }, x);
    wrong += !holds<float>([](auto a) { return tn::concat<1>(a, tn::pad<1>(a, 1, 2)); }, x);
  }
  CHECK(wrong == 0);
}
