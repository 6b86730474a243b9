// The limit of open files: one per followed file and shard.
#pragma once

namespace agent {

// Takes all the system lets us have. What it refuses is met later, where a file is opened.
void raise_descriptor_limit();

}  // namespace agent
