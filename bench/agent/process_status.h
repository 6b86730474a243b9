// ProcessStatus: what /proc says about a running process, all its threads together.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace agent_bench {

struct ProcessStatus {
  std::uint64_t cpu_ns = 0;
  std::uint64_t wake_ups = 0;  // voluntary context switches
  std::uint64_t rss_bytes = 0;
  std::uint64_t threads = 0;
};

ProcessStatus process_status(pid_t pid);

}  // namespace agent_bench
