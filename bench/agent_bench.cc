// agent_bench: the whole way, measured from outside: `tailrace` as users run it, beside the limits
// of the machine in the same run.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bench/agent/idle.h"
#include "bench/agent/latency.h"
#include "bench/agent/many.h"
#include "bench/agent/throughput.h"
#include "bench/agent/workload.h"

namespace {

constexpr const char* kUsage =
    "usage: agent_bench [throughput] [idle] [latency] [many]   (default: the first three)\n"
    "  --tailrace PROGRAM   default: the one beside this program\n"
    "  --work DIRECTORY     default: /var/tmp/tailrace-bench; input files stay there\n"
    "  --mib N              throughput: size of each input, default 1024; a round needs twelve\n"
    "                       times as much room\n"
    "  --rounds N           throughput: rounds of all contestants, default 5\n"
    "  --only WORD          throughput: only contestants with it in their names, and their limits\n"
    "  --reactors N         default: one per core\n"
    "  --io BACKEND         auto, io_uring or epoll\n"
    "  --seconds N          idle, many: how long to look, default 65\n"
    "  --lines N            latency, many: how many, default 2000\n"
    "  --json               one JSON object a line\n";

bool parse(int argc, char** argv, agent_bench::Settings& settings,
           std::vector<std::string>& parts) {
  const auto number = [](auto& into) {
    return [&into](const char* text) {
      into = static_cast<std::remove_reference_t<decltype(into)>>(std::strtoull(text, nullptr, 10));
    };
  };
  const auto text = [](std::string& into) { return [&into](const char* value) { into = value; }; };
  const std::map<std::string_view, std::function<void(const char*)>> options = {
      {"--tailrace", text(settings.tailrace)},
      {"--work", text(settings.directory)},
      {"--io", text(settings.io)},
      {"--only", text(settings.only)},
      {"--mib", number(settings.mib)},
      {"--rounds", number(settings.rounds)},
      {"--reactors", number(settings.reactors)},
      {"--seconds", number(settings.seconds)},
      {"--lines", number(settings.lines)},
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--json") {
      settings.json = true;
    } else if (name == "throughput" || name == "idle" || name == "latency" || name == "many") {
      parts.emplace_back(name);
    } else if (const auto found = options.find(name); found != options.end() && i + 1 < argc) {
      found->second(argv[++i]);
    } else {
      return false;
    }
  }
  return settings.mib > 0 && settings.rounds > 0 && settings.lines > 0;
}

}  // namespace

int main(int argc, char** argv) {
  agent_bench::Settings settings;
  settings.tailrace = std::filesystem::read_symlink("/proc/self/exe").replace_filename("tailrace");
  settings.directory = "/var/tmp/tailrace-bench";
  std::vector<std::string> parts;
  if (!parse(argc, argv, settings, parts)) {
    std::fputs(kUsage, stderr);
    return 64;
  }
  if (parts.empty()) parts = {"throughput", "idle", "latency"};
  settings.tailrace = std::filesystem::absolute(settings.tailrace);
  settings.directory = std::filesystem::absolute(settings.directory);
  std::filesystem::create_directories(settings.directory);
  bool good = true;
  for (const std::string& part : parts) {
    if (part == "throughput") good = agent_bench::measure_throughput(settings) && good;
    if (part == "idle") good = agent_bench::measure_idle(settings) && good;
    if (part == "latency") good = agent_bench::measure_latency(settings) && good;
    if (part == "many") good = agent_bench::measure_many(settings) && good;
    std::fflush(stdout);
  }
  return good ? 0 : 1;
}
