// agent_sim --seeds N [--first S] [--jobs J] [--epochs E] [--only WORKLOAD] [--without HABITS]
// [--trace]: runs whole-agent simulations, prints failures and one line of sums.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/agent_sim.h"

namespace {

struct Sums {  // plain numbers: they come through a pipe
  std::uint64_t failed = 0, lines = 0, kills = 0, power_cuts = 0, stops = 0, faults = 0, rests = 0,
                removed = 0, reloads = 0, ticks = 0;

  void add(const Sums& other) {
    failed += other.failed;
    lines += other.lines;
    kills += other.kills;
    power_cuts += other.power_cuts;
    stops += other.stops;
    faults += other.faults;
    rests += other.rests;
    removed += other.removed;
    reloads += other.reloads;
    ticks += other.ticks;
  }
};

// Every `jobs`th seed from the `job`th on: slices take equally long that way.
Sums run(sim::AgentSimOptions options, std::uint64_t seeds, std::uint64_t job, std::uint64_t jobs) {
  constexpr std::uint64_t kToldMax = 20;
  Sums sums;
  const std::uint64_t first = options.seed;
  for (std::uint64_t i = job; i < seeds; i += jobs) {
    options.seed = first + i;
    const sim::AgentSimResult result = sim::run_agent_sim(options);
    sums.add({.failed = result.failure.empty() ? 0U : 1U,
              .lines = result.lines,
              .kills = result.crashes,
              .power_cuts = result.power_cuts,
              .stops = result.stops,
              .faults = result.faults,
              .rests = result.rests,
              .removed = result.removed,
              .reloads = result.reloads,
              .ticks = result.ticks});
    if (!result.failure.empty() && sums.failed <= kToldMax) {
      std::printf("%s\n", result.failure.c_str());
      std::fflush(stdout);
    }
  }
  return sums;
}

// A child that dies, by an assertion for example, has failed, too.
Sums run_in_children(const sim::AgentSimOptions& options, std::uint64_t seeds, std::uint64_t jobs) {
  struct Child {
    pid_t process = 0;
    int results = -1;
  };
  std::vector<Child> children;
  const pid_t parent = ::getpid();
  for (std::uint64_t job = 0; job < jobs; ++job) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) std::abort();
    const pid_t process = ::fork();
    if (process < 0) std::abort();
    if (process == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(1);  // it died before it could take us along
      const Sums sums = run(options, seeds, job, jobs);
      const bool told = ::write(ends[1], &sums, sizeof sums) == sizeof sums;
      ::_exit(told ? 0 : 1);
    }
    ::close(ends[1]);
    children.push_back({process, ends[0]});
  }
  Sums all;
  for (const Child& child : children) {
    Sums sums;
    if (::read(child.results, &sums, sizeof sums) != sizeof sums) {
      sums = {.failed = 1};
      std::printf("a job died\n");
    }
    ::close(child.results);
    ::waitpid(child.process, nullptr, 0);
    all.add(sums);
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  sim::AgentSimOptions options;
  std::uint64_t seeds = 100;
  std::uint64_t jobs = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto text = [&] { return i + 1 < argc ? argv[++i] : ""; };
    const auto number = [&] { return std::strtoull(text(), nullptr, 10); };
    if (word == "--seeds") seeds = number();
    if (word == "--first") options.seed = number();
    if (word == "--jobs") jobs = number();
    if (word == "--epochs") options.epochs = static_cast<std::uint32_t>(number());
    if (word == "--only") options.only = text();
    if (word == "--without") options.without = text();
    if (word == "--no-store-faults") options.store_faults = false;
    if (word == "--no-log-faults") options.log_faults = false;
    if (word == "--no-power-cuts") options.power_cuts = false;
    if (word == "--trace") options.trace = true;
  }
  const auto started = std::chrono::steady_clock::now();
  const Sums sums = jobs <= 1 ? run(options, seeds, 0, 1) : run_in_children(options, seeds, jobs);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  const auto value = [](std::uint64_t number) { return static_cast<unsigned long long>(number); };
  std::printf(
      "%llu seeds from %llu, %llu failed, %llu lines, %llu kills, %llu power cuts, %llu stops, "
      "%llu faults, %llu files closed, %llu deleted, %llu reloads, %llu ticks, %.1f s, %.1f "
      "seeds/s\n",
      value(seeds), value(options.seed), value(sums.failed), value(sums.lines), value(sums.kills),
      value(sums.power_cuts), value(sums.stops), value(sums.faults), value(sums.rests),
      value(sums.removed), value(sums.reloads), value(sums.ticks), seconds,
      static_cast<double>(seeds) / seconds);
  return sums.failed == 0 ? 0 : 1;
}
