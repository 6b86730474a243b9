// sim_store: tells many stories about the store, one per seed, and says which did not end well.
//
//   sim_store [--seeds N] [--first S] [--also S]... [--only shard|keyed_log] [--twice]
//             [--no-faults] [--no-power-cuts] [--verbose]
//
// --twice: each seed is told again, and the same seed must give the same story. Exit 0: all
// held; 1: some did not, their seeds are printed.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/keyed_log_story.h"
#include "tests/sim/shard_story.h"

namespace {

struct Request {
  std::uint64_t first = 1;
  std::uint64_t seeds = 100;
  std::vector<std::uint64_t> also;
  std::string only;
  sim::StoryOptions story;
  bool twice = false;
};

struct Totals {
  std::uint64_t stories = 0, crashes = 0, strikes = 0, failures = 0;
};

using Teller = sim::StoryEnd (*)(const sim::StoryOptions& options);

void tell(const char* name, Teller teller, const Request& request, Totals& totals) {
  if (!request.only.empty() && request.only != name) return;
  sim::StoryEnd end = teller(request.story);
  if (request.twice && end.violation.empty() && teller(request.story).hash != end.hash) {
    end.violation = "the same seed told another story";
  }
  ++totals.stories;
  totals.crashes += end.crashes;
  totals.strikes += end.strikes;
  if (end.violation.empty()) return;
  ++totals.failures;
  std::cout << name << " seed " << request.story.seed << ": " << end.violation << std::endl;
}

bool read_request(int argc, char** argv, Request& request) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--verbose") {
      request.story.verbose = true;
    } else if (word == "--no-faults") {
      request.story.faults = false;
    } else if (word == "--no-power-cuts") {
      request.story.power_cuts = false;
    } else if (word == "--twice") {
      request.twice = true;
    } else if (i + 1 < argc && word == "--seeds") {
      request.seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (i + 1 < argc && word == "--first") {
      request.first = std::strtoull(argv[++i], nullptr, 10);
    } else if (i + 1 < argc && word == "--also") {
      request.also.push_back(std::strtoull(argv[++i], nullptr, 10));
    } else if (i + 1 < argc && word == "--only") {
      request.only = argv[++i];
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Request request;
  if (!read_request(argc, argv, request)) {
    std::cerr << "usage: sim_store [--seeds N] [--first S] [--also S]... [--only shard|keyed_log] "
                 "[--twice] [--no-faults] [--no-power-cuts] [--verbose]\n";
    return 64;
  }
  const auto start = std::chrono::steady_clock::now();
  Totals totals;
  std::vector<std::uint64_t> seeds(request.seeds);
  std::iota(seeds.begin(), seeds.end(), request.first);
  seeds.insert(seeds.end(), request.also.begin(), request.also.end());
  for (const std::uint64_t seed : seeds) {
    request.story.seed = seed;
    tell("shard", sim::tell_shard_story, request, totals);
    tell("keyed_log", sim::tell_keyed_log_story, request, totals);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::cout << totals.stories << " stories, " << totals.crashes << " crashes, " << totals.strikes
            << " faults, " << totals.failures << " failed, " << took.count() << " s\n";
  return totals.failures == 0 ? 0 : 1;
}
