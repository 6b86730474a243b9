// A keyed log's life under faults and crashes, by one seed, checked against each key's history.
//
// What must hold:
//  1 in memory, at any time, every key has the value last given to it;
//  2 after a reopening every key has a value it was given, not older than the last one answered as
//    safe against this kind of crash (a failed write takes that back for what was not synced, and
//    so does a failed sync that we died before hearing of), and not one that an earlier opening had
//    already ruled out;
//  3 a write without faults is there whole or not at all;
//  4 nothing is reported damaged, because nothing was damaged;
//  5 once faults stop, everything written is answered, and is there.
#pragma once

#include <cstdint>

#include "tests/sim/shard_story.h"

namespace sim {

StoryEnd tell_keyed_log_story(const StoryOptions& options);

}  // namespace sim
