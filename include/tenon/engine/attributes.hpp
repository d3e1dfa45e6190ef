#pragma once
// Attributes: the named constants of an operator, such as an axis or a stride.

#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>

namespace tenon {

// One constant: a number, or up to max_rank integers.
// Contract: the name outlives what is given the attribute: a string literal.
class Attribute {
 public:
  Attribute() noexcept = default;
  Attribute(std::string_view name, double value) noexcept : name_(name), number_(value) {}
  Attribute(std::string_view name, index_t value) noexcept
      : name_(name), number_(static_cast<double>(value)), count_(1), integers_{value} {}
  Attribute(std::string_view name, int value) noexcept : Attribute(name, index_t{value}) {}
  // Errors: ShapeError for more than max_rank integers.
  Attribute(std::string_view name, std::initializer_list<index_t> values) : name_(name) {
    if (values.size() > integers_.size())
      detail::raise<ShapeError>("Attribute", "%zu values of %.*s; at most %d are supported",
                                values.size(), static_cast<int>(name.size()), name.data(),
                                max_rank);
    std::ranges::copy(values, integers_.begin());
    count_ = static_cast<int>(values.size());
    if (count_ == 1) number_ = static_cast<double>(integers_[0]);
  }

  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  [[nodiscard]] double number() const noexcept { return number_; }
  [[nodiscard]] std::span<const index_t> integers() const noexcept {
    return {integers_.data(), static_cast<std::size_t>(count_)};
  }
  friend bool operator==(const Attribute& a, const Attribute& b) noexcept {
    return a.name_ == b.name_ && a.number_ == b.number_ &&
           std::ranges::equal(a.integers(), b.integers());
  }

 private:
  std::string_view name_;
  double number_ = 0;
  int count_ = 0;
  std::array<index_t, max_rank> integers_{};
};

// Up to `capacity` attributes in their own memory: {{"axis", -1}, {"perm", {1, 0}}}. No allocation.
class Attributes {
 public:
  static constexpr std::size_t capacity = 8;

  Attributes() noexcept = default;
  // Errors: ContractError for more than `capacity`, or for one name twice.
  Attributes(std::initializer_list<Attribute> attributes) {
    for (const Attribute& attribute : attributes) {
      if (find(attribute.name()) != nullptr || count_ == capacity)
        detail::raise<ContractError>(
            "Attributes", "%.*s %s", static_cast<int>(attribute.name().size()),
            attribute.name().data(),
            count_ == capacity ? "is one more than the 8 that are supported" : "is given twice");
      attributes_[count_++] = attribute;
    }
  }

  [[nodiscard]] std::span<const Attribute> all() const noexcept {
    return {attributes_.data(), count_};
  }
  // Null where there is none of this name.
  [[nodiscard]] const Attribute* find(std::string_view name) const noexcept {
    for (const Attribute& attribute : all())
      if (attribute.name() == name) return &attribute;
    return nullptr;
  }
  // The value, or `otherwise` where there is none.
  [[nodiscard]] index_t integer(std::string_view name, index_t otherwise) const noexcept {
    const Attribute* const found = find(name);
    return found != nullptr && !found->integers().empty() ? found->integers()[0] : otherwise;
  }
  [[nodiscard]] double number(std::string_view name, double otherwise) const noexcept {
    const Attribute* const found = find(name);
    return found != nullptr ? found->number() : otherwise;
  }
  // Empty where there is none.
  [[nodiscard]] std::span<const index_t> integers(std::string_view name) const noexcept {
    const Attribute* const found = find(name);
    return found != nullptr ? found->integers() : std::span<const index_t>{};
  }
  friend bool operator==(const Attributes& a, const Attributes& b) noexcept {
    return std::ranges::equal(a.all(), b.all());
  }

 private:
  std::size_t count_ = 0;
  std::array<Attribute, capacity> attributes_{};
};

}  // namespace tenon
