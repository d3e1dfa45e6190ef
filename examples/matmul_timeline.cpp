// Every allocation of a matrix product as it happens: two operands, the result, and the workspace
// that the plan announced, given back before eval returns.

#include <tenon/tenon.hpp>

#include <cstddef>
#include <iomanip>
#include <iostream>
#include <memory_resource>

namespace tn = tenon;

// Any std::pmr::memory_resource can serve an evaluation; this one reports what is asked of it.
class Timeline final : public std::pmr::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = upstream_->allocate(bytes, alignment);
    live_bytes_ += bytes;
    print("allocate", bytes);
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    upstream_->deallocate(block, bytes, alignment);
    live_bytes_ -= bytes;
    print("free", bytes);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  void print(const char* event, std::size_t bytes) {
    std::cout << std::setw(3) << ++time_ << "  " << std::left << std::setw(8) << event << std::right
              << std::setw(5) << bytes << " B    live" << std::setw(5) << live_bytes_ << " B\n";
  }

  std::pmr::memory_resource* upstream_ = std::pmr::new_delete_resource();
  std::size_t live_bytes_ = 0;
  int time_ = 0;
};

int main() {
  Timeline timeline;
  std::cout << "a (2, 3)\n";
  const auto a = tn::from({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, tn::shape<2, 3>(), timeline);
  std::cout << "b (3, 2)\n";
  const auto b = tn::from({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, tn::shape<3, 2>(), timeline);

  const auto product = tn::matmul(a, b);  // an expression: nothing is computed or allocated yet
  std::cout << "planned: result " << tn::plan(product).result_bytes << " B, workspace "
            << tn::plan(product).workspace_bytes << " B\n"
            << "eval\n";
  const auto c = tn::eval(product, timeline);
  std::cout << "c =\n" << c << "\nend of scope\n";
}
