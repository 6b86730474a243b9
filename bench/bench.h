// How a benchmark measures and reports: warm up, at least ten repetitions, median and range.
//
//   int main(int argc, char** argv) {
//     bench::Report report(argc, argv);   // --json: one JSON object a line; --repetitions N; --cpu
//     const std::string chunk = bench::log_lines({.seed = 1, .bytes = 256 << 10});
//     const bench::Work work{.items = bench::count_lines(chunk), .bytes = chunk.size()};
//     report.run("framer/split", work, [&] { … });
//     report.beside("framer/split", work, [&] { … }, "memchr loop", [&] { … });
//   }
//
// beside() runs the two in turn, A B A B, and also gives the median of their ratios: absolute
// figures move from day to day, a ratio to the machine's limit taken in the same seconds moves much
// less.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct Work {  // what one call does
  std::uint64_t items = 1;
  std::uint64_t bytes = 0;  // 0: not a matter of bytes
};

// Keeps the compiler from leaving out what computes `value`.
template <typename T>
inline void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

struct Spread {
  double median = 0;
  double least = 0;
  double most = 0;
};

inline Spread spread(std::vector<double> values) {
  std::ranges::sort(values);
  return {values[values.size() / 2], values.front(), values.back()};
}

class Report {
 public:
  Report(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
      const std::string_view argument = argv[i];
      if (argument == "--json") {
        json_ = true;
      } else if (argument == "--cpu") {
        clock_ = CLOCK_PROCESS_CPUTIME_ID;
      } else if (argument == "--repetitions" && i + 1 < argc) {
        repetitions_ = std::max(10, std::atoi(argv[++i]));
      } else {
        std::fprintf(stderr, "usage: %s [--json] [--cpu] [--repetitions N]\n", argv[0]);
        std::exit(2);
      }
    }
  }

  template <typename Function>
  void run(const std::string& name, Work work, Function&& function) {
    const std::uint64_t calls = calls_in_a_repetition(function);
    std::vector<double> ns;
    for (int i = 0; i < repetitions_; ++i) ns.push_back(ns_of(function, calls));
    print({name, work, spread(ns), {}, {}});
  }

  template <typename Function, typename Limit>
  void beside(const std::string& name, Work work, Function&& function,
              const std::string& limit_name, Limit&& limit) {
    const std::uint64_t calls = calls_in_a_repetition(function);
    const std::uint64_t limit_calls = calls_in_a_repetition(limit);
    std::vector<double> ns;
    std::vector<double> limit_ns;
    std::vector<double> ratios;
    for (int i = 0; i < repetitions_; ++i) {
      ns.push_back(ns_of(function, calls));
      limit_ns.push_back(ns_of(limit, limit_calls));
      ratios.push_back(limit_ns.back() / ns.back());
    }
    print({limit_name, work, spread(limit_ns), {}, {}});
    print({name, work, spread(ns), limit_name, spread(ratios)});
  }

 private:
  static constexpr double kRepetitionNs = 20e6;

  struct Line {
    std::string name;
    Work work;
    Spread ns;  // of one call
    std::string limit_name;
    Spread ratio;  // of speeds: 1 is as fast as the limit
  };

  double now_ns() const {
    timespec now{};
    clock_gettime(clock_, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
  }

  template <typename Function>
  double ns_of(Function& function, std::uint64_t calls) const {
    const double start = now_ns();
    for (std::uint64_t i = 0; i < calls; ++i) function();
    return (now_ns() - start) / static_cast<double>(calls);
  }

  // Also the warm-up: doubles until a repetition is long enough to be measured well.
  template <typename Function>
  std::uint64_t calls_in_a_repetition(Function& function) const {
    std::uint64_t calls = 1;
    while (ns_of(function, calls) * static_cast<double>(calls) < kRepetitionNs) calls *= 2;
    return calls;
  }

  void print(const Line& line) const {
    const auto items = static_cast<double>(line.work.items);
    const double gb = static_cast<double>(line.work.bytes) / line.ns.median;  // bytes per ns
    if (json_) {
      std::printf(
          "{\"name\":\"%s\",\"items\":%llu,\"bytes\":%llu,\"ns_per_item\":%.3f,\"least\":%.3f,"
          "\"most\":%.3f,\"bytes_per_second\":%.0f",
          line.name.c_str(), static_cast<unsigned long long>(line.work.items),
          static_cast<unsigned long long>(line.work.bytes), line.ns.median / items,
          line.ns.least / items, line.ns.most / items, gb * 1e9);
      if (!line.limit_name.empty()) {
        std::printf(",\"limit\":\"%s\",\"ratio\":%.3f", line.limit_name.c_str(), line.ratio.median);
      }
      std::puts("}");
      return;
    }
    std::printf("%-36s %9.2f ns/item  [%.2f … %.2f]", line.name.c_str(), line.ns.median / items,
                line.ns.least / items, line.ns.most / items);
    if (line.work.bytes != 0) std::printf("  %6.2f GB/s", gb);
    if (!line.limit_name.empty()) {
      std::printf("  %.2f × %s", line.ratio.median, line.limit_name.c_str());
    }
    std::puts("");
  }

  bool json_ = false;
  clockid_t clock_ = CLOCK_MONOTONIC;
  int repetitions_ = 15;
};

}  // namespace bench
