// Aliasing: the mathematically right answer whatever the destination overlaps, at no more cost than
// it takes.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/eval/eval.hpp>

namespace tn = tenon;
using naive::index_t;
using naive::Recorder;
using naive::same_value;
using naive::values;
using namespace tenon::literals;

namespace {

constexpr index_t n = 23;
using Square = tn::Shape<tn::dyn, tn::dyn>;

struct Operands {
  std::vector<float> a = values<float>(n * n, 1), b = values<float>(n * n, 2);
  tn::TensorView<float, Square> x{a.data(), tn::shape(n, n)}, y{b.data(), tn::shape(n, n)};
};

// The product of copies, each element one chain; `+ c` is left to the caller.
std::vector<float> product(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> c(n * n);
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < n; ++j) {
      float sum = 0;
      for (index_t k = 0; k < n; ++k) {
        const float p = a[static_cast<std::size_t>(i * n + k)],
                    q = b[static_cast<std::size_t>(k * n + j)];
        sum = tn::simd::has_fma ? std::fma(p, q, sum) : naive::multiply_then_add(p, q, sum);
      }
      c[static_cast<std::size_t>(i * n + j)] = sum;
    }
  return c;
}

}  // namespace

TEST_CASE("A product into its own operand") {
  Operands o;
  const auto before = o.a;
  Recorder resource;
  const auto e = tn::matmul(o.x, o.y) + o.x;
  tn::eval_into(o.x, e, tn::scratch(resource));
  const auto p = product(before, o.b);
  int wrong = 0;
  for (std::size_t i = 0; i < o.a.size(); ++i) wrong += !(o.a[i] == p[i] + before[i]);
  CHECK(wrong == 0);
  REQUIRE(resource.requests.size() == 1);
  CHECK(resource.requests[0].bytes == tn::plan(e).workspace_bytes_if_aliased);
  CHECK(resource.requests[0].last_byte_written);
  CHECK_FALSE(resource.overrun);
}

TEST_CASE("An epilogue that reads the destination at the same index needs no temporary") {
  Operands o;
  auto c = values<float>(n * n, 3);
  const auto before = c;
  const auto z = tn::view(c.data(), tn::shape(n, n));
  Recorder resource;
  const auto e = tn::matmul(o.x, o.y) + z;
  tn::eval_into(z, e, tn::scratch(resource));
  const auto p = product(o.a, o.b);
  int wrong = 0;
  for (std::size_t i = 0; i < c.size(); ++i) wrong += !(c[i] == p[i] + before[i]);
  CHECK(wrong == 0);
  std::size_t taken = 0;  // panels, if any
  for (const auto& request : resource.requests) taken += request.bytes;
  CHECK(taken == tn::plan(e).workspace_bytes);
}

TEST_CASE("Elementwise work in place asks for nothing") {
  Operands o;
  const auto before = o.a;
  Recorder resource;
  tn::eval_into(o.x, o.x * o.y + o.x, tn::scratch(resource));
  tn::eval_into(o.x, o.x + 1.0f);
  CHECK(resource.requests.empty());
  int wrong = 0;
  for (std::size_t i = 0; i < o.a.size(); ++i)
    wrong += !(o.a[i] == naive::multiply_then_add(before[i], o.b[i], before[i]) + 1.0f);
  CHECK(wrong == 0);
}

TEST_CASE("Transposed, shifted and reversed operands over the destination") {
  Operands o;
  const auto before = o.a;
  Recorder resource;
  int wrong = 0;
  SECTION("transposed") {
    tn::eval_into(o.x, tn::transpose(o.x) + 1.0f, tn::scratch(resource));
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j)
        wrong += o.x(i, j) != before[static_cast<std::size_t>(j * n + i)] + 1.0f;
  }
  SECTION("transposed by the expression") {
    tn::eval_into(o.x, tn::transpose(o.x * 2.0f), tn::scratch(resource));
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j)
        wrong += o.x(i, j) != before[static_cast<std::size_t>(j * n + i)] * 2.0f;
  }
  SECTION("flipped") {
    tn::eval_into(o.x, tn::flip<1>(o.x), tn::scratch(resource));
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j)
        wrong += o.x(i, j) != before[static_cast<std::size_t>(i * n + n - 1 - j)];
  }
  SECTION("one element further") {
    const auto flat = tn::view(o.a.data(), tn::shape(n * n));
    tn::eval_into(tn::slice(flat, tn::range(1, n * n)),
                  tn::slice(flat, tn::range(0, n * n - 1)) + 1.0f, tn::scratch(resource));
    for (std::size_t i = 1; i < o.a.size(); ++i) wrong += o.a[i] != before[i - 1] + 1.0f;
    wrong += o.a[0] != before[0];
  }
  SECTION("one element earlier") {
    const auto flat = tn::view(o.a.data(), tn::shape(n * n));
    tn::eval_into(tn::slice(flat, tn::range(0, n * n - 1)),
                  tn::slice(flat, tn::range(1, n * n)) + 1.0f, tn::scratch(resource));
    for (std::size_t i = 1; i < o.a.size(); ++i) wrong += o.a[i - 1] != before[i] + 1.0f;
  }
  SECTION("a row of the destination, broadcast") {
    tn::eval_into(o.x, tn::slice(o.x, 3) + o.y, tn::scratch(resource));
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j)
        wrong += o.x(i, j) != before[static_cast<std::size_t>(3 * n + j)] + o.y(i, j);
  }
  SECTION("softmax") {
    tn::eval_into(o.x, tn::softmax<1>(o.x) + tn::transpose(o.x), tn::scratch(resource));
    for (index_t i = 0; i < n; ++i) {
      double sum = 0;
      for (index_t j = 0; j < n; ++j) sum += std::exp(before[static_cast<std::size_t>(i * n + j)]);
      for (index_t j = 0; j < n; ++j)
        wrong += !naive::close(o.x(i, j),
                               std::exp(before[static_cast<std::size_t>(i * n + j)]) / sum +
                                   before[static_cast<std::size_t>(j * n + i)],
                               1e-5, 1e-6);
    }
  }
  SECTION("through a let") {
    tn::eval_into(o.x, tn::let(tn::transpose(o.x), [](auto h) { return h * h + h; }),
                  tn::scratch(resource));
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j) {
        const float h = before[static_cast<std::size_t>(j * n + i)];
        wrong += o.x(i, j) != naive::multiply_then_add(h, h, h);
      }
  }
  CHECK(wrong == 0);
  CHECK(resource.requests.size() == 1);
  CHECK_FALSE(resource.overrun);
}

TEST_CASE("An operand that an earlier stage alone reads is no conflict") {
  Operands o;
  const auto before = o.a;
  Recorder resource;
  const auto e = tn::matmul(o.y, tn::matmul(o.x, o.y));
  tn::eval_into(o.x, e, tn::scratch(resource));
  const auto p = product(o.b, product(before, o.b));
  CHECK(o.a == p);
  REQUIRE(resource.requests.size() == 1);
  CHECK(resource.requests[0].bytes == tn::plan(e).workspace_bytes);
}

TEST_CASE("Neighbours that touch but do not overlap need no temporary") {
  auto v = values<float>(20, 1);
  const auto before = v;
  Recorder resource;
  const auto first = tn::view(v.data(), tn::shape(10)),
             second = tn::view(v.data() + 10, tn::shape(10));
  tn::eval_into(first, tn::flip<0>(second), tn::scratch(resource));
  CHECK(resource.requests.empty());
  for (std::size_t i = 0; i < 10; ++i) CHECK(v[i] == before[19 - i]);
}

TEST_CASE("noalias takes no temporary") {
  auto v = values<float>(16, 1);
  const auto x = tn::view(v.data(), tn::shape(16));
  Recorder resource;
  tn::eval_into(tn::noalias(x), tn::flip<0>(x) * 0.0f, tn::scratch(resource));
  CHECK(resource.requests.empty());
}

TEST_CASE("Assignment into views: broadcast, compound, overlap refused") {
  Operands o;
  const auto before = o.a;
  int wrong = 0;
  SECTION("a number") {
    tn::slice(o.x, 2) = 4.0f;
    for (index_t j = 0; j < n; ++j) wrong += o.x(2, j) != 4.0f;
    wrong += o.x(1, 0) != before[static_cast<std::size_t>(n)];
    wrong += o.x(3, 0) != before[static_cast<std::size_t>(3 * n)];
  }
  SECTION("a row, over every row") {
    o.x = tn::slice(o.y, 5);
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j) wrong += o.x(i, j) != o.y(5, j);
  }
  SECTION("an expression, into every second column reversed") {
    tn::slice(o.x, tn::full_extent, tn::range(n - 1, -n - 1, -2)) =
        tn::slice(o.y, tn::full_extent, tn::range(0, (n + 1) / 2)) * 2.0f;
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j)
        wrong += o.x(i, j) != (j % 2 == (n - 1) % 2 ? o.y(i, (n - 1 - j) / 2) * 2.0f
                                                    : before[static_cast<std::size_t>(i * n + j)]);
  }
  SECTION("compound") {
    o.x += o.y;
    o.x *= 2.0f;
    o.x -= tn::slice(o.y, 0);
    o.x /= o.y + 10.0f;
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j) {
        volatile float v = before[static_cast<std::size_t>(i * n + j)] + o.y(i, j);
        v = v * 2.0f;
        v = v - o.y(0, j);
        volatile float w = o.y(i, j) + 10.0f;
        wrong += !same_value<float>(o.x(i, j), v / w);
      }
  }
  SECTION("true overlap is refused, and nothing written") {
    CHECK_THROWS_AS(o.x = tn::transpose(o.x) + 1.0f, tn::ContractError);
    CHECK_THROWS_AS(tn::slice(o.x, tn::range(1, n)) = tn::slice(o.x, tn::range(0, n - 1)),
                    tn::ContractError);
    CHECK_THROWS_AS(o.x += tn::slice(o.x, 1), tn::ContractError);
    CHECK(o.a == before);
  }
  SECTION("to itself") {
    o.x = o.x;
    CHECK(o.a == before);
  }
  CHECK(wrong == 0);
}

TEST_CASE("Static views assign without a check at run time") {
  auto v = values<double>(12, 1);
  const auto w = values<double>(12, 2);
  const auto x = tn::view(v.data(), tn::shape<3, 4>());
  const auto y = tn::view(w.data(), tn::shape<3, 4>());
  x = y + 1.0;
  x += tn::slice(y, tn::range(0_c, 1_c));
  for (index_t i = 0; i < 3; ++i)
    for (index_t j = 0; j < 4; ++j) CHECK(x(i, j) == (y(i, j) + 1.0) + y(0, j));
}
