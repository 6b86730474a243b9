// Machine: what outlives a process: disk, network, clock, chance, faults, and the trace of it all.
#pragma once

#include <cstdint>
#include <functional>

#include "tests/sim/faults.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/trace.h"

namespace sim {

struct Machine {
  explicit Machine(std::uint64_t seed) : random(seed), faults(random), disk(random, clock) {}

  SimRandom random;
  SimClock clock;
  Faults faults;
  Disk disk;
  Network network;
  Trace trace;
  // What other programs do when a look's answer is on its way to who asked (FaultPlan::race).
  std::function<void()> others;

  void race(double probability) {
    if (others && faults.strike(probability)) others();
  }
};

}  // namespace sim
