// The simulator keeps the promises the real backends keep: the same tests, some seeds.
#include "tests/io/contract.h"

#include <chrono>
#include <memory>
#include <string>
#include <tuple>

#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace {

template <std::uint64_t kSeed>
class SimulatedWorld {
 public:
  SimulatedWorld() {
    world_.disk().put("/d/seed", "");
    world_.disk().remove("/d/seed");
    world_.faults().set("", {.short_read = 0.3, .delay = 0.5});
    process_ = world_.start_process();
    process_->io().wait_by_advancing(true);
  }

  io::Io& io() { return process_->io(); }
  io::Files& files() { return process_->files(); }
  std::string directory() const { return "/d"; }

 private:
  sim::SimWorld world_{kSeed};
  std::unique_ptr<sim::Process> process_;
};

using Worlds =
    std::tuple<SimulatedWorld<1>, SimulatedWorld<2>, SimulatedWorld<3>, SimulatedWorld<4>>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("sim: opens what is asked for", "[sim][contract]", Worlds) {
  io_test::promises_about_opening<TestType>();
}

TEMPLATE_LIST_TEST_CASE("sim: reads, writes and syncs files", "[sim][contract]", Worlds) {
  io_test::promises_about_files<TestType>();
}

TEMPLATE_LIST_TEST_CASE("sim: every operation is done once, from run_once", "[sim][contract]",
                        Worlds) {
  io_test::promises_about_order<TestType>();
}

TEMPLATE_LIST_TEST_CASE("sim: what is cancelled is done once all the same", "[sim][contract]",
                        Worlds) {
  io_test::promises_about_cancelling<TestType>();
}

TEMPLATE_LIST_TEST_CASE("sim: wakes and does not wait without need", "[sim][contract]", Worlds) {
  io_test::promises_about_waking<TestType>();
}
