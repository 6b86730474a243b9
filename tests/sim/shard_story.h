// A shard's life under faults and crashes, by one seed, checked against a plain list of runs.
//
// What must hold after every reopening (oracle numbers are in the messages):
//  1 the records are exactly a prefix of what was appended, in order, dense sequence numbers (less
//  what
//    retention removed from the front);
//  2 everything answered is in it, and everything an earlier opening found;
//  3 marks say exactly how far each origin is in it;
//  4 arrival times do not decrease;
//  5 once faults stop, everything appended is answered within bounded steps, and is there.
//  6 it reaches the number that was noted elsewhere, which no crash makes look like a loss.
// `sync: os` promises nothing over a power cut, so there only: what is read was appended, in order.
#pragma once

#include <cstdint>
#include <string>

namespace sim {

struct StoryOptions {
  std::uint64_t seed = 1;
  bool faults = true;  // without: only crashes, to see which of the two a violation needs
  bool power_cuts = true;
  bool verbose = false;
};

struct StoryEnd {
  std::string violation;      // empty: all held
  std::uint64_t hash = 0;     // of the trace
  std::uint64_t crashes = 0;  // for the summary
  std::uint64_t records = 0;
  std::uint64_t strikes = 0;  // faults that happened
};

StoryEnd tell_shard_story(const StoryOptions& options);

}  // namespace sim
