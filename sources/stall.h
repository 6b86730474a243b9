// Stall: a file that has something to read and does not get on, and why.
//
// Two looks that find a tail at the same work are the measure, so nothing is noted while all is
// well. Only the tail itself is started anew; the others go on.
#pragma once

#include <cstdint>
#include <string_view>

namespace sources {

enum class StallReason : std::uint8_t {
  none,
  older_file,  // an older generation of its path was not read to its end yet
  turn,        // no memory of the flow is free: its target takes nothing
  disk,        // a read was not answered
  unnoticed,   // it grew and nobody said so
  errors,      // reads fail
  checkpoint,  // its checkpoint could not be written
  target,      // what was read of it is not delivered
};

std::string_view name_of(StallReason reason);

}  // namespace sources
