#include "bench/agent/process_status.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace agent_bench {

namespace {

// "VmRSS:     1234 kB" → 1234
std::uint64_t field(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  std::string word;
  while (file >> word) {
    std::uint64_t value = 0;
    if (word == name && file >> value) return value;
  }
  return 0;
}

}  // namespace

ProcessStatus process_status(pid_t pid) {
  ProcessStatus all;
  const std::string process = "/proc/" + std::to_string(pid);
  all.rss_bytes = field(process + "/status", "VmRSS:") << 10;
  std::error_code gone;
  for (const auto& thread : std::filesystem::directory_iterator(process + "/task", gone)) {
    Activity& one = all.threads[thread.path().filename()];
    // schedstat's first number: nanoseconds on a processor.
    std::ifstream(thread.path().string() + "/schedstat") >> one.cpu_ns;
    one.wake_ups = field(thread.path().string() + "/status", "voluntary_ctxt_switches:");
  }
  return all;
}

Activity activity_between(const ProcessStatus& before, const ProcessStatus& after) {
  Activity sum;
  for (const auto& [thread, now] : after.threads) {
    const auto then = before.threads.find(thread);
    const Activity start = then == before.threads.end() ? Activity{} : then->second;
    sum.cpu_ns += now.cpu_ns - start.cpu_ns;
    sum.wake_ups += now.wake_ups - start.wake_ups;
  }
  return sum;
}

}  // namespace agent_bench
