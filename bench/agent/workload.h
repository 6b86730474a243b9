// Workload: the files agent_bench reads and the configurations it runs `tailrace` with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace agent_bench {

struct Settings {
  std::string tailrace;   // the program
  std::string directory;  // working directory, absolute; everything below it is ours
  std::uint64_t mib = 1024;
  std::uint32_t rounds = 5;
  std::string only;  // throughput: a word in the names of those that run; empty: all
  std::string io = "auto";
  std::uint32_t reactors = 0;  // 0: one per core
  std::uint32_t seconds = 65;  // idle: how long to look; a reconcile is among them
  std::uint32_t lines = 2000;  // latency: how many
  bool json = false;
};

struct Input {
  std::string path;
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;
};

enum class LineKind : std::uint8_t { log, json };  // about 138 and 167 bytes a line

// Makes the file, the same for the same size, or takes the one that is there. In a child: the
// caller stays small.
Input make_input(const Settings& settings, LineKind kind);

// Writes <directory>/tailrace.yaml and returns its path. `stream`: options of stream `bench` ("" :
// none); `flow`: lines of the flow from its partition key on, indented by four.
std::string write_config(const Settings& settings, std::string_view files, std::string_view stream,
                         std::string_view flow);

void remove_store(const Settings& settings);
std::string data_dir(const Settings& settings);

}  // namespace agent_bench
