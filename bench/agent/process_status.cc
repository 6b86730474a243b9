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
    std::uint64_t ns = 0;
    std::ifstream(thread.path().string() + "/schedstat") >> ns;  // its first number: on a processor
    all.cpu_ns += ns;
    all.wake_ups += field(thread.path().string() + "/status", "voluntary_ctxt_switches:");
    ++all.threads;
  }
  return all;
}

}  // namespace agent_bench
