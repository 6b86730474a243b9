// agent_sim --seeds N [--first S] [--epochs E] [--trace]: runs whole-agent simulations, prints
// failures.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/sim/agent_sim.h"

int main(int argc, char** argv) {
  sim::AgentSimOptions options;
  std::uint64_t seeds = 100;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0; };
    if (word == "--seeds") seeds = number();
    if (word == "--first") options.seed = number();
    if (word == "--epochs") options.epochs = static_cast<std::uint32_t>(number());
    if (word == "--no-store-faults") options.store_faults = false;
    if (word == "--no-log-faults") options.log_faults = false;
    if (word == "--no-power-cuts") options.power_cuts = false;
    if (word == "--trace") options.trace = true;
  }
  const auto started = std::chrono::steady_clock::now();
  sim::AgentSimResult sum;
  std::uint64_t failed = 0;
  for (std::uint64_t i = 0; i < seeds; ++i, ++options.seed) {
    const sim::AgentSimResult result = sim::run_agent_sim(options);
    sum.lines += result.lines;
    sum.crashes += result.crashes;
    sum.power_cuts += result.power_cuts;
    sum.faults += result.faults;
    sum.rests += result.rests;
    sum.ticks += result.ticks;
    if (!result.failure.empty() && ++failed <= 20) std::printf("%s\n", result.failure.c_str());
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  std::printf(
      "%llu seeds, %llu failed, %llu lines, %llu kills, %llu power cuts, %llu faults, "
      "%llu files closed, %.1f s\n",
      static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(failed),
      static_cast<unsigned long long>(sum.lines), static_cast<unsigned long long>(sum.crashes),
      static_cast<unsigned long long>(sum.power_cuts), static_cast<unsigned long long>(sum.faults),
      static_cast<unsigned long long>(sum.rests), seconds);
  return failed == 0 ? 0 : 1;
}
