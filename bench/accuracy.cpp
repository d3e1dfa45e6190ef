// The greatest error of each math function, in units in the last place (ulp).
//
// usage: bench_accuracy [--step n] [--samples n] [function...]
//   float   every n-th of the 2^32 numbers (n = 1 takes all of them, a minute or two for each function)
//   double  n random numbers of each stratum (every exponent; where the function moves; near 0)
// The C library in the next wider type sifts the arguments; each that comes near the greatest error so far
// is computed again by MPFR with 200 bits, and that is what the table says. Results that are not normal
// numbers are compared by the last place of the smallest normal one.

#include <tenon/simd/math.hpp>

#include <mpfr.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string_view>
#include <vector>

namespace simd = tenon::simd;
using simd::Pack;

namespace {

template <class T>
int last_place(int exponent) {
  using Limits = std::numeric_limits<T>;
  return (exponent < Limits::min_exponent ? Limits::min_exponent : exponent) - Limits::digits;
}

// A number of MPFR with 200 bits.
class Exact {
 public:
  Exact() { mpfr_init2(value_, 200); }
  Exact(const Exact&) = delete;
  Exact& operator=(const Exact&) = delete;
  ~Exact() { mpfr_clear(value_); }
  mpfr_ptr get() { return value_; }

 private:
  mpfr_t value_;
};

// |got - value| in ulp; value is changed.
template <class T>
double exact_error(T got, mpfr_ptr value) {
  if (mpfr_nan_p(value) || mpfr_inf_p(value) || !std::isfinite(got)) {
    const auto rounded = static_cast<T>(mpfr_get_d(value, MPFR_RNDN));
    return got == rounded || (std::isnan(got) && std::isnan(rounded)) ? 0 : HUGE_VAL;
  }
  const int exponent = mpfr_zero_p(value) ? -100000 : static_cast<int>(mpfr_get_exp(value));
  mpfr_sub_d(value, value, static_cast<double>(got), MPFR_RNDN);
  mpfr_mul_2si(value, value, -last_place<T>(exponent), MPFR_RNDN);
  return std::abs(mpfr_get_d(value, MPFR_RNDN));
}

// The same by a wider type.
template <class T, class Wide>
double quick_error(T got, Wide value) {
  if (!std::isfinite(value) || !std::isfinite(got))
    return got == static_cast<T>(value) || (std::isnan(got) && std::isnan(value)) ? 0 : HUGE_VAL;
  int exponent = 0;
  std::frexp(value, &exponent);
  return static_cast<double>(
      std::ldexp(std::abs(static_cast<Wide>(got) - value), -last_place<T>(exponent)));
}

template <class T>
struct Worst {
  double ulps = 0;
  T at = 0;
};

// F: of(pack), wide(double or long double), exact(mpfr result, mpfr argument).
template <class T, class F>
void look_at(const T* x, Worst<T>& worst) {
  using P = Pack<T, simd::native_lanes<T>>;
  using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;
  T y[P::size];
  F::of(P::load(x)).store(y);
  for (int i = 0; i < P::size; ++i) {
    if (quick_error(y[i], F::wide(static_cast<Wide>(x[i]))) <= worst.ulps - 0.01) continue;
    static Exact argument, value;
    mpfr_set_d(argument.get(), static_cast<double>(x[i]), MPFR_RNDN);
    F::exact(value.get(), argument.get());
    if (const double error = exact_error(y[i], value.get()); error > worst.ulps)
      worst = {error, x[i]};
  }
}

template <class F>
Worst<float> all_floats(std::uint64_t step) {
  constexpr int n = simd::native_lanes<float>;
  Worst<float> worst;
  float x[n];
  int count = 0;
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += step) {
    x[count++] = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (count == n) {
      look_at<float, F>(x, worst);
      count = 0;
    }
  }
  return worst;
}

template <class F>
Worst<double> some_doubles(std::uint64_t samples) {
  constexpr int n = simd::native_lanes<double>;
  std::mt19937_64 random(1);
  Worst<double> worst;
  const auto stratum = [&](const auto& draw) {
    for (std::uint64_t i = 0; i < samples; i += n) {
      double x[n];
      for (double& each : x) each = draw();
      look_at<double, F>(x, worst);
    }
  };
  stratum([&] { return std::bit_cast<double>(random()); });
  for (const double range : {0.01, 1.0, 30.0, 760.0, 1e6}) {
    std::uniform_real_distribution<double> uniform(-range, range);
    stratum([&] { return uniform(random); });
  }
  return worst;
}

// The functions. `wide` is what the C library makes of the next wider type.
struct Exp {
  static constexpr const char* name = "exp";
  static auto of(auto x) { return simd::exp(x); }
  static auto wide(auto x) { return std::exp(x); }
  static void exact(mpfr_ptr y, mpfr_ptr x) { mpfr_exp(y, x, MPFR_RNDN); }
};
struct Log {
  static constexpr const char* name = "log";
  static auto of(auto x) { return simd::log(x); }
  static auto wide(auto x) { return std::log(x); }
  static void exact(mpfr_ptr y, mpfr_ptr x) { mpfr_log(y, x, MPFR_RNDN); }
};
struct Tanh {
  static constexpr const char* name = "tanh";
  static auto of(auto x) { return simd::tanh(x); }
  static auto wide(auto x) { return std::tanh(x); }
  static void exact(mpfr_ptr y, mpfr_ptr x) { mpfr_tanh(y, x, MPFR_RNDN); }
};
struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  static auto of(auto x) { return simd::sigmoid(x); }
  static auto wide(auto x) { return 1 / (1 + std::exp(-x)); }
  static void exact(mpfr_ptr y, mpfr_ptr x) {
    mpfr_neg(y, x, MPFR_RNDN);
    mpfr_exp(y, y, MPFR_RNDN);
    mpfr_add_ui(y, y, 1, MPFR_RNDN);
    mpfr_ui_div(y, 1, y, MPFR_RNDN);
  }
};
struct Sin {
  static constexpr const char* name = "sin";
  static auto of(auto x) { return simd::sin(x); }
  static auto wide(auto x) { return std::sin(x); }
  static void exact(mpfr_ptr y, mpfr_ptr x) { mpfr_sin(y, x, MPFR_RNDN); }
};
struct Cos {
  static constexpr const char* name = "cos";
  static auto of(auto x) { return simd::cos(x); }
  static auto wide(auto x) { return std::cos(x); }
  static void exact(mpfr_ptr y, mpfr_ptr x) { mpfr_cos(y, x, MPFR_RNDN); }
};
struct Erf {
  static constexpr const char* name = "erf";
  static auto of(auto x) { return simd::erf(x); }
  static auto wide(auto x) { return std::erf(x); }
  static void exact(mpfr_ptr y, mpfr_ptr x) { mpfr_erf(y, x, MPFR_RNDN); }
};
struct Gelu {
  static constexpr const char* name = "gelu";
  static auto of(auto x) { return simd::gelu(x); }
  // erfc(z) for z = x/√2 rounded, times what the rounding of z cost.
  template <class Wide>
  static Wide wide(Wide x) {
    if (std::isinf(x)) return x > 0 ? x : -Wide{0};
    const Wide z = -x * std::sqrt(Wide{0.5});
    const Wide lost = std::fma(z, z, -x * x / 2) - std::fma(x, x, -x * x) / 2;
    return x / 2 * std::erfc(z) * (std::abs(z) < 40 && z > 1 ? std::exp(lost) : Wide{1});
  }
  static void exact(mpfr_ptr y, mpfr_ptr x) {
    if (mpfr_inf_p(x)) {
      mpfr_set_d(y, mpfr_sgn(x) > 0 ? HUGE_VAL : 0.0, MPFR_RNDN);
      return;
    }
    Exact root;
    mpfr_set_d(root.get(), 0.5, MPFR_RNDN);
    mpfr_sqrt(root.get(), root.get(), MPFR_RNDN);
    mpfr_mul(y, x, root.get(), MPFR_RNDN);
    mpfr_neg(y, y, MPFR_RNDN);
    mpfr_erfc(y, y, MPFR_RNDN);
    mpfr_mul(y, y, x, MPFR_RNDN);
    mpfr_div_2ui(y, y, 1, MPFR_RNDN);
  }
};

struct Options {
  std::uint64_t step = 64;
  std::uint64_t samples = 1'000'000;
  std::vector<std::string_view> names;
};

template <class F>
void report(const Options& options) {
  bool wanted = options.names.empty();
  for (const std::string_view name : options.names) wanted = wanted || name == F::name;
  if (!wanted) return;
  const auto f = all_floats<F>(options.step);
  const auto d = some_doubles<F>(options.samples);
  std::printf("| `%s` | %.3f | %.9g | %.3f | %.17g |\n", F::name, f.ulps, static_cast<double>(f.at),
              d.ulps, d.at);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const auto number = [&] {
      const long long n = i + 1 < count ? std::atoll(arguments[++i]) : 0;
      if (n > 0) return static_cast<std::uint64_t>(n);
      std::fprintf(stderr, "%s needs a positive number\n", arguments[i - 1]);
      std::exit(2);
    };
    if (argument == "--step")
      options.step = number();
    else if (argument == "--samples")
      options.samples = number();
    else
      options.names.push_back(argument);
  }
  constexpr const char* isa[] = {"SSE2", "AVX2", "AVX-512", "NEON"};
  std::printf("One float of %llu; %llu doubles of each of 6 strata; %s\n\n",
              static_cast<unsigned long long>(options.step),
              static_cast<unsigned long long>(options.samples),
              isa[static_cast<int>(tenon::build_isa)]);
  std::printf("| function | float, ulp | at | double, ulp | at |\n|---|---|---|---|---|\n");
  report<Exp>(options);
  report<Log>(options);
  report<Tanh>(options);
  report<Sigmoid>(options);
  report<Sin>(options);
  report<Cos>(options);
  report<Erf>(options);
  report<Gelu>(options);
}
