#pragma once
// Errors: one mixin with code, operation and numbers, and one type for each way to fail.
// Messages live in a fixed buffer inside the error, so raising one never needs the heap for text.

#include <tenon/core/config.hpp>

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>

namespace tenon {

enum class ErrorCode : unsigned char {
  shape,
  out_of_memory,
  stale_tensor,
  budget,
  format,
  dtype,
  contract,
  file
};

// What every Tenon error carries. Not an std::exception itself, so that each error has exactly one.
class Error {
 public:
  static constexpr std::size_t message_capacity = 320;

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  [[nodiscard]] const char* operation() const noexcept { return operation_; }
  [[nodiscard]] const char* message() const noexcept { return message_; }

 protected:
  Error(ErrorCode code, const char* operation) noexcept : code_(code), operation_(operation) {}
  Error(const Error&) = default;
  Error& operator=(const Error&) = default;
  ~Error() = default;

  void format(const char* pattern, std::va_list arguments) noexcept {
    const int used = std::snprintf(message_, message_capacity, "%s: ", operation_);
    const auto offset = used > 0 ? static_cast<std::size_t>(used) : 0;
    if (offset < message_capacity)
      std::vsnprintf(message_ + offset, message_capacity - offset, pattern, arguments);
  }

 private:
  ErrorCode code_;
  const char* operation_;  // a string literal
  char message_[message_capacity] = {};
};

namespace detail {

template <class Base, ErrorCode Code>
class ErrorOf : public Base, public Error {
 public:
  ErrorOf(const char* operation, const char* pattern, std::va_list arguments) noexcept
      : Error(Code, operation) {
    format(pattern, arguments);
  }
  [[nodiscard]] const char* what() const noexcept override { return message(); }
};

}  // namespace detail

// Shapes that do not fit an operation.
class ShapeError final : public detail::ErrorOf<std::exception, ErrorCode::shape> {
  using ErrorOf::ErrorOf;
};
// A resource that cannot serve a request; the message has requested, available and missing bytes.
class OutOfMemory final : public detail::ErrorOf<std::bad_alloc, ErrorCode::out_of_memory> {
  using ErrorOf::ErrorOf;
};
// A handle whose resource was cleared, or whose block was given back, since it was made.
class StaleTensorError final : public detail::ErrorOf<std::exception, ErrorCode::stale_tensor> {
  using ErrorOf::ErrorOf;
};
// A request beyond a byte budget.
class BudgetError final : public detail::ErrorOf<std::bad_alloc, ErrorCode::budget> {
  using ErrorOf::ErrorOf;
};
// Bytes that do not follow their file format.
class FormatError final : public detail::ErrorOf<std::exception, ErrorCode::format> {
  using ErrorOf::ErrorOf;
};
// Element types that do not fit an operation.
class DTypeError final : public detail::ErrorOf<std::exception, ErrorCode::dtype> {
  using ErrorOf::ErrorOf;
};
// A file that the system refuses, or that lacks what is asked of it.
class FileError final : public detail::ErrorOf<std::exception, ErrorCode::file> {
  using ErrorOf::ErrorOf;
};
// A broken precondition found by a checked build (double free, overrun, index out of range).
class ContractError final : public detail::ErrorOf<std::exception, ErrorCode::contract> {
  using ErrorOf::ErrorOf;
};

// Called instead of throwing when TENON_NO_EXCEPTIONS is defined; if it returns, the program aborts.
using ErrorHandler = void (*)(const Error&);

namespace detail {
inline ErrorHandler& error_handler() noexcept {
  static ErrorHandler handler = nullptr;
  return handler;
}
}  // namespace detail

// Sets the handler for builds without exceptions; returns the one before.
inline ErrorHandler set_error_handler(ErrorHandler handler) noexcept {
  ErrorHandler before = detail::error_handler();
  detail::error_handler() = handler;
  return before;
}

namespace detail {

// Raises error E of `operation` (a string literal) with a printf-style message.
template <class E>
[[noreturn, gnu::cold, gnu::noinline, gnu::format(printf, 2, 3)]] void raise(const char* operation,
                                                                             const char* pattern,
                                                                             ...) {
  std::va_list arguments;
  va_start(arguments, pattern);
  E error(operation, pattern, arguments);
  va_end(arguments);
#ifdef TENON_NO_EXCEPTIONS
  if (error_handler() != nullptr) error_handler()(error);
  std::fprintf(stderr, "tenon: %s\n", error.message());
  std::abort();
#else
  throw error;
#endif
}

}  // namespace detail

}  // namespace tenon
