// GroupDriver: gives a sink one group after the other on a simulated machine, as a Delivery would.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinks/sink.h"
#include "tests/sim/sim_world.h"
#include "tests/sinks/world.h"

namespace sinks_test {

class GroupDriver {
 public:
  GroupDriver(sim::SimWorld& world, sim::Process& process, sinks::Sink& sink)
      : world_(world), process_(process), sink_(sink) {}

  // Gives `records` as one batch each and waits for the answer.
  sinks::Outcome give(const std::vector<std::string>& records) {
    made_.clear();
    batches_.clear();
    for (const std::string& data : records) {
      made_.push_back(make_batch({data}));
      batches_.push_back(&made_.back()->batch());
    }
    outcome_.reset();
    group_.batches = batches_;
    group_.owner = this;
    group_.done = [](void* owner, sinks::Group&, sinks::Outcome outcome, base::Duration) {
      static_cast<GroupDriver*>(owner)->outcome_ = outcome;
    };
    sink_.deliver(group_);
    for (int i = 0; !outcome_ && i < 100'000; ++i) {
      process_.io().run_once(io::Io::kForever);
      world_.advance(process_, std::chrono::seconds(1));
    }
    return outcome_.value();
  }
  // Until it is delivered. Returns how often it was not.
  int give_until_delivered(const std::vector<std::string>& records) {
    for (int failures = 0;; ++failures) {
      if (give(records) == sinks::Outcome::delivered) return failures;
      if (failures == 1000) return -1;
    }
  }
  const std::vector<pipeline::Batch*>& batches() const { return batches_; }

 private:
  sim::SimWorld& world_;
  sim::Process& process_;
  sinks::Sink& sink_;
  std::vector<std::unique_ptr<TestBatch>> made_;
  std::vector<pipeline::Batch*> batches_;
  sinks::Group group_;
  std::optional<sinks::Outcome> outcome_;
};

}  // namespace sinks_test
