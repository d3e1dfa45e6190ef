#include "catch.hpp"

#include <tenon/core/error.hpp>

#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <type_traits>

using namespace tenon;

static_assert(!std::is_base_of_v<std::exception, Error>);
static_assert(std::is_base_of_v<std::bad_alloc, OutOfMemory>);
static_assert(std::is_base_of_v<std::bad_alloc, BudgetError>);
static_assert(std::is_nothrow_copy_constructible_v<ShapeError>);

TEST_CASE("An error carries code, operation and numbers, and is one std::exception", "[core]") {
  try {
    detail::raise<OutOfMemory>("pool", "requested %zu B, available %d B", std::size_t{4096}, 7);
    FAIL("raise returned");
  } catch (const std::exception& error) {
    CHECK(std::string(error.what()) == "pool: requested 4096 B, available 7 B");
    const auto* tenon_error = dynamic_cast<const Error*>(&error);
    REQUIRE(tenon_error != nullptr);
    CHECK(tenon_error->code() == ErrorCode::out_of_memory);
    CHECK(std::string(tenon_error->operation()) == "pool");
    CHECK(tenon_error->message() == error.what());
  }
  CHECK_THROWS_AS(detail::raise<BudgetError>("x", "y"), std::bad_alloc);
  CHECK_THROWS_AS(detail::raise<ShapeError>("x", "y"), Error);
}

TEST_CASE("A long message is cut, never overrun", "[core]") {
  const std::string text(2 * Error::message_capacity, 'm');
  try {
    detail::raise<FormatError>("read", "%s", text.c_str());
  } catch (const FormatError& error) {
    CHECK(std::strlen(error.what()) == Error::message_capacity - 1);
  }
  static const std::string operation(2 * Error::message_capacity, 'o');
  try {
    detail::raise<DTypeError>(operation.c_str(), "%d", 1);
  } catch (const DTypeError& error) {
    CHECK(std::strlen(error.what()) == Error::message_capacity - 1);
  }
}

TEST_CASE("Setting the error handler gives the one before", "[core]") {
  const ErrorHandler handler = [](const Error&) {};
  const ErrorHandler before = set_error_handler(handler);
  CHECK(set_error_handler(before) == handler);
}
