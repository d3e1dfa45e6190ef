// Orders of stages: the least peak over all orders, interleavings included, by brute force.

#include "catch.hpp"

#include <tenon/plan/order.hpp>

#include <algorithm>
#include <random>
#include <vector>

namespace tn = tenon;
using tn::StageNeed;

namespace {

// Trees in postorder with random needs, small enough that ties and zeros are common.
std::vector<StageNeed> random_tree(std::minstd_rand& random, int size, unsigned most) {
  std::vector<StageNeed> needs;
  std::vector<int> open;  // roots of finished subtrees that nobody reads yet
  for (int i = 0; i < size; ++i) {
    StageNeed need{-1, random() % (most + 1), random() % (most + 1)};
    auto readers = i + 1 == size ? open.size() : random() % (open.size() + 1);
    for (; readers > 0; --readers) {
      needs[static_cast<std::size_t>(open.back())].parent = i;
      open.pop_back();
    }
    open.push_back(i);
    needs.push_back(need);
  }
  return needs;
}

std::size_t least_peak(const std::vector<StageNeed>& needs, std::vector<int>& order,
                       std::vector<bool>& done) {
  if (order.size() == needs.size()) return tn::peak_of_order(needs, order);
  std::size_t best = static_cast<std::size_t>(-1);
  for (std::size_t i = 0; i < needs.size(); ++i) {
    bool ready = !done[i];
    for (std::size_t c = 0; c < needs.size(); ++c)
      ready = ready && (needs[c].parent != static_cast<int>(i) || done[c]);
    if (!ready) continue;
    done[i] = true;
    order.push_back(static_cast<int>(i));
    best = std::min(best, least_peak(needs, order, done));
    order.pop_back();
    done[i] = false;
  }
  return best;
}

bool is_order(const std::vector<StageNeed>& needs, std::span<const int> order) {
  std::vector<bool> done(needs.size());
  for (const int stage : order) {
    const auto at = static_cast<std::size_t>(stage);
    if (done[at]) return false;
    for (std::size_t c = 0; c < needs.size(); ++c)
      if (needs[c].parent == stage && !done[c]) return false;
    done[at] = true;
  }
  return order.size() == needs.size();
}

// Two operands that are best computed by turns. Each begins with a large piece whose result is small,
// so both do that first, before the second pieces, whose results are large.
constexpr std::array<StageNeed, 5> turns{
    {{1, 1, 99}, {4, 50, 20}, {3, 1, 99}, {4, 50, 20}, {-1, 1, 0}}};
constexpr std::array<int, 5> by_turns{0, 2, 1, 3, 4}, one_by_one{0, 1, 2, 3, 4};
static_assert(tn::peak_of_order(turns, by_turns) == 121);
static_assert(tn::peak_of_order(turns, one_by_one) == 150);
static_assert(tn::detail::TreeOrder<5>(turns).peak() == 121);

}  // namespace

TEST_CASE("Orders of trees have the least peak of all", "[plan][order]") {
  std::minstd_rand random(11);
  int better_than_postorder = 0;
  for (int round = 0; round < 4000; ++round) {
    const auto needs =
        random_tree(random, 1 + static_cast<int>(random() % 8), round % 2 == 0 ? 5 : 1000);
    const tn::detail::TreeOrder<8> found(needs);
    std::vector<int> order;
    std::vector<bool> done(needs.size());
    const std::size_t least = least_peak(needs, order, done);
    INFO("round " << round);
    REQUIRE(is_order(needs, found.order()));
    REQUIRE(found.peak() == tn::peak_of_order(needs, found.order()));
    REQUIRE(found.peak() == least);
    std::vector<int> postorder(needs.size());
    for (std::size_t i = 0; i < postorder.size(); ++i) postorder[i] = static_cast<int>(i);
    better_than_postorder += tn::peak_of_order(needs, postorder) > least;
  }
  CHECK(better_than_postorder > 500);
}

TEST_CASE("Large trees get an order, chains keep theirs", "[plan][order]") {
  std::minstd_rand random(12);
  for (int round = 0; round < 50; ++round) {
    const auto needs = random_tree(random, 128, 1000);
    const tn::detail::TreeOrder<128> found(needs);
    REQUIRE(is_order(needs, found.order()));
    REQUIRE(found.peak() == tn::peak_of_order(needs, found.order()));
  }
  std::vector<StageNeed> chain;
  for (int i = 0; i < 20; ++i) chain.push_back({i == 19 ? -1 : i + 1, random() % 9, random() % 9});
  const tn::detail::TreeOrder<20> kept(chain);
  for (int i = 0; i < 20; ++i) CHECK(kept.order()[static_cast<std::size_t>(i)] == i);
}
