// ProcessStatus: what /proc says about a running process and each of its threads. Threads come and
// go (the kernel's ring workers too), and take their counts with them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

namespace agent_bench {

struct Activity {
  std::uint64_t cpu_ns = 0;
  std::uint64_t wake_ups = 0;  // voluntary context switches
};

struct ProcessStatus {
  std::uint64_t rss_bytes = 0;
  std::map<std::string, Activity> threads;  // by number
};

ProcessStatus process_status(pid_t pid);

// What the threads alive at `after` did since `before`. A thread that ended in between is not
// counted.
Activity activity_between(const ProcessStatus& before, const ProcessStatus& after);

}  // namespace agent_bench
