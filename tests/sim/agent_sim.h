// AgentSim: a whole agent, reactors, control, store and all, on a simulated machine with programs
// beside it that write, one seed deciding everything. `run_agent_sim(seed)` at a given commit is a
// bug report.
//
// Epochs: while faults are on, the programs write and rotate, the agent's parts tick in any order,
// the process is killed or stopped and the power cut; then faults end, everything must settle
// within a bounded simulated time, and the oracles look at the store.
//
// Oracles: every complete line is stored once; nothing is stored that nobody wrote; lines of one
// file keep their order within a shard; sequence numbers are dense; arrival times do not go back;
// what was seen stored once is stored ever after; records are conserved; what is counted as lost is
// lost. Which workload is which F rule's race: docs/design/0011-races.md.
#pragma once

#include <cstdint>
#include <string>

namespace sim {

struct AgentSimOptions {
  std::uint64_t seed = 1;
  std::uint32_t epochs = 3;
  bool store_faults = true;
  bool log_faults = true;
  bool power_cuts = true;
  bool trace = false;  // print what happens to standard error
  std::string only;    // of the workloads this one alone
  // Habits, by the words that told() has for them, and "device", that do not happen, to find out
  // which kind of trouble it takes. Everything else is drawn as before.
  std::string without;
};

struct AgentSimResult {
  std::string failure;  // empty: every oracle was content
  std::uint64_t lines = 0, crashes = 0, power_cuts = 0, stops = 0, faults = 0, ticks = 0;
  std::uint64_t rests = 0;    // files closed while followed
  std::uint64_t removed = 0;  // files deleted when they were read
  std::uint64_t reloads = 0;  // in some seeds: of all kinds
};

AgentSimResult run_agent_sim(const AgentSimOptions& options);

}  // namespace sim
