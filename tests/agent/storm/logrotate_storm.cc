// logrotate_storm: the real logrotate, forced again and again in each of its ways, over writers at
// a steady rate; the agent is killed with SIGKILL at random moments where nothing but it could lose
// a line by that. At the end the store must hold each line exactly once, in order within each file.
//
// Decided by --seed: when to kill, how lines are cut into writes. The machine decides the rest.
#include <signal.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "base/log.h"
#include "io/backends.h"
#include "tests/agent/storm/logrotate_run.h"
#include "tests/agent/storm/option_table.h"

namespace {

constexpr int kExitSkipped = 77;

constexpr const char* kUsage =
    "usage: logrotate_storm --tailrace PROGRAM --data-dir EMPTY_DIRECTORY [--rotations 10]\n"
    "  [--io io_uring|epoll] [--only CONFIGURATION] [--writers 2] [--rate 20000] [--period-ms "
    "150]\n"
    "  [--logrotate /usr/sbin/logrotate] [--seed N]\n";

struct Options {
  storm::LogrotateOptions run{.tailrace = {},
                              .logrotate = "/usr/sbin/logrotate",
                              .directory = {},
                              .backend = "io_uring",
                              .seed = 0};
  std::string only;
};

bool parse(int argc, char** argv, Options& options) {
  storm::LogrotateOptions& run = options.run;
  storm::OptionTable table;
  table.text("--tailrace", run.tailrace)
      .text("--logrotate", run.logrotate)
      .text("--data-dir", run.directory)
      .text("--io", run.backend)
      .text("--only", options.only)
      .number("--rotations", run.rotations)
      .number("--writers", run.writers)
      .number("--rate", run.lines_per_second)
      .number("--period-ms", run.period_ms)
      .number("--seed", run.seed);
  return table.parse(argc, argv) && !run.tailrace.empty() && !run.directory.empty() &&
         run.writers > 0;
}

bool ring_denied() {
  base::Log quiet({nullptr, [](void*, base::LogLevel, std::string_view) {},
                   [](void*) { return std::int64_t{0}; }});
  return !io::make_io(io::Backend::io_uring, quiet);
}

// Why it cannot be done here; empty: it can.
std::string obstacle(const Options& options) {
  if (options.run.backend == "io_uring" && ring_denied()) return "this machine denies io_uring";
  if (!std::filesystem::exists(options.run.logrotate)) return "no " + options.run.logrotate;
  return {};
}

bool run(const storm::LogrotateConfiguration& configuration, const Options& options,
         io::Files& files) {
  storm::LogrotateOptions own = options.run;
  own.directory += "/" + std::string(configuration.name);
  storm::LogrotateRun storm(configuration, own, files);
  const bool good = storm.run();
  std::printf("%-14s %-8s %9u %6u %9llu %8llu %8llu  %s\n", configuration.name.data(),
              own.backend.c_str(), own.rotations, storm.kills(),
              static_cast<unsigned long long>(storm.lines()),
              static_cast<unsigned long long>(storm.stored().missing()),
              static_cast<unsigned long long>(storm.stored().doubled()), good ? "exact" : "FAILED");
  std::fflush(stdout);
  for (const std::string& complaint : storm.complaints()) {
    std::cerr << "logrotate_storm: " << configuration.name << ": " << complaint << "\n";
  }
  if (good) std::filesystem::remove_all(own.directory);
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::cerr << kUsage;
    return 64;
  }
  if (const std::string why = obstacle(options); !why.empty()) {
    std::cout << "logrotate_storm: SKIPPED: " << why << "\n";
    return kExitSkipped;
  }
  ::signal(SIGPIPE, SIG_IGN);  // a writer that ended is a complaint, not our end
  ::umask(022);                // logrotate refuses files and directories a group may write
  options.run.tailrace = std::filesystem::absolute(options.run.tailrace);
  options.run.directory = std::filesystem::absolute(options.run.directory);
  std::filesystem::create_directories(options.run.directory);
  if (!std::filesystem::is_empty(options.run.directory)) {
    std::cerr << "logrotate_storm: " << options.run.directory << " is not empty\n";
    return 64;
  }
  if (options.run.seed == 0) options.run.seed = std::random_device{}();
  std::printf("logrotate_storm: seed %llu\n%-14s %-8s %9s %6s %9s %8s %8s\n",
              static_cast<unsigned long long>(options.run.seed), "configuration", "io", "rotations",
              "kills", "lines", "missing", "doubled");
  const std::unique_ptr<io::Files> files = io::make_files();
  bool good = true;
  bool any = false;
  for (const storm::LogrotateConfiguration& each : storm::logrotate_configurations()) {
    if (!options.only.empty() && options.only != each.name) continue;
    any = true;
    if (!each.needs.empty() && !std::filesystem::exists(each.needs)) {
      std::printf("%-14s SKIPPED: no %s\n", each.name.data(), each.needs.data());
      continue;
    }
    good = run(each, options, *files) && good;
  }
  if (!any) std::cerr << "logrotate_storm: no configuration " << options.only << "\n";
  return any && good ? 0 : 1;
}
