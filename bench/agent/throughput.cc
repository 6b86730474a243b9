#include "bench/agent/throughput.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "bench/agent/child.h"
#include "bench/agent/free_memory.h"
#include "bench/agent/limits.h"
#include "bench/bench.h"

namespace agent_bench {

namespace {

// Of the input's bytes: its copy, what is read again, and what the kernel keeps for writing.
constexpr std::size_t kTouched = 3;

struct Contestant {
  std::string name;
  const Input* input = nullptr;
  std::function<Usage()> run;
  std::string limit;   // name of the contestant it is compared with; "": it is a limit
  double goal = 0;     // of the ratio of speeds
  bool agent = false;  // must have delivered every line
};

struct Result {
  std::vector<double> wall, cpu, rss, ratio;
};

class Throughput {
 public:
  explicit Throughput(const Settings& settings)
      : settings_(settings),
        logs_(make_input(settings, LineKind::log)),
        jsons_(make_input(settings, LineKind::json)) {
    add_limits();
    add_agents();
    keep_wanted();
  }

  bool run() {
    results_.resize(contestants_.size());
    const std::vector<std::size_t> order = running_order();
    for (std::uint32_t round = 0; round < settings_.rounds; ++round) {
      for (const std::size_t index : order) {
        if (!run_one(index)) return false;
      }
      for (std::size_t i = 0; i < contestants_.size(); ++i) note_ratio(i);
    }
    if (!settings_.json) print_head();
    for (std::size_t i = 0; i < contestants_.size(); ++i) print(i);
    return true;
  }

  ~Throughput() { remove_output(); }
  Throughput(const Throughput&) = delete;
  Throughput& operator=(const Throughput&) = delete;

 private:
  std::string copy_path() const { return settings_.directory + "/copy"; }
  std::string log_path() const { return settings_.directory + "/agent.log"; }

  void add(std::string name, const Input& input, std::function<Usage()> run) {
    contestants_.push_back({std::move(name), &input, std::move(run), {}, 0, false});
  }

  void add_limits() {
    const auto shell = [this](const char* text) {
      return
          [this, text] { return run_program({"sh", "-c", text, "sh", logs_.path, copy_path()}); };
    };
    add("cat >/dev/null", logs_, shell("cat \"$1\" >/dev/null"));
    add("cp", logs_, shell("cp \"$1\" \"$2\""));
    add("cp + sync", logs_, shell("cp \"$1\" \"$2\" && sync \"$2\""));
    add("read + newlines", logs_,
        [this] { return run_child([this] { return read_and_find_newlines(logs_.path); }); });
    const std::uint32_t cores = std::max(1U, std::thread::hardware_concurrency());
    const std::uint32_t threads = settings_.reactors == 0 ? cores : settings_.reactors;
    add("lz4 blocks, as many threads", logs_,
        [this, threads] { return run_child([&] { return compress_lz4(logs_.path, threads); }); });
    add("lz4 -1 >/dev/null", logs_, shell("lz4 -1 -q -c \"$1\" >/dev/null"));
    add("simdjson", jsons_,
        [this] { return run_child([this] { return read_and_take_field(jsons_.path); }); });
  }

  void add_agent(std::string name, const Input& input, std::string stream, std::string flow,
                 std::string limit, double goal) {
    const auto run = [this, &input, stream, flow] {
      const std::string config = write_config(settings_, input.path, stream, flow);
      return run_program({settings_.tailrace, "run", "--once", "-c", config}, log_path());
    };
    contestants_.push_back({std::move(name), &input, run, std::move(limit), goal, true});
  }

  void add_agents() {
    const std::string to_store = "    to: { stream: bench }\n";
    add_agent("store, sync: flush", logs_, "shards: 4, compression: none, sync: flush", to_store,
              "cp + sync", 0.8);
    add_agent("store, sync: os", logs_, "shards: 4, compression: none, sync: os", to_store, "cp",
              0.65);
    add_agent("null", logs_, "", "    to: null\n", "read + newlines", 0.5);
    add_agent("store, lz4", logs_, "shards: 4, compression: lz4, sync: os", to_store,
              "lz4 blocks, as many threads", 0.8);
    add_agent("store, JSON field as key", jsons_, "shards: 4, compression: none, sync: os",
              "    partition_key: { field: /client }\n" + to_store, "simdjson", 0.33);
  }

  // Those with the wanted word in their name, and what they are compared with.
  void keep_wanted() {
    const auto wanted = [this](const Contestant& each) {
      return each.name.find(settings_.only) != each.name.npos;
    };
    std::vector<Contestant> kept;
    for (const Contestant& each : contestants_) {
      const bool compared = std::ranges::any_of(contestants_, [&](const Contestant& other) {
        return wanted(other) && other.limit == each.name;
      });
      if (wanted(each) || compared) kept.push_back(each);
    }
    contestants_ = std::move(kept);
  }

  // Each right after its limit: what a virtual machine's host takes back while others compute for
  // seconds would be missing to one of the two only.
  std::vector<std::size_t> running_order() const {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < contestants_.size(); ++i) {
      if (!contestants_[i].limit.empty()) continue;
      order.push_back(i);
      for (std::size_t k = 0; k < contestants_.size(); ++k) {
        if (contestants_[k].limit == contestants_[i].name) order.push_back(k);
      }
    }
    return order;
  }

  void remove_output() {
    std::filesystem::remove(copy_path());
    remove_store(settings_);
  }

  bool run_one(std::size_t index) {
    Contestant& contestant = contestants_[index];
    remove_output();  // everybody finds the memory free that the one before has used
    ::sync();
    const std::size_t touched = kTouched * contestant.input->bytes;
    if (run_child([&] { return touch_free_memory(touched); }).exit_code != 0) {
      std::fprintf(stderr, "agent_bench: %zu bytes of memory cannot be touched\n", touched);
      return false;
    }
    if (run_child([&] { return read_file(contestant.input->path); }).exit_code != 0) {
      std::fprintf(stderr, "agent_bench: '%s' cannot be read\n", contestant.input->path.c_str());
      return false;
    }
    const Usage usage = contestant.run();
    if (usage.exit_code != 0 || (contestant.agent && !delivered_all(*contestant.input))) {
      std::fprintf(stderr, "agent_bench: '%s' failed with %d; see %s\n", contestant.name.c_str(),
                   usage.exit_code, log_path().c_str());
      return false;
    }
    Result& result = results_[index];
    result.wall.push_back(usage.wall_s);
    result.cpu.push_back(usage.cpu_s);
    result.rss.push_back(static_cast<double>(usage.rss_bytes));
    return true;
  }

  // "… stopped records_read=7777 … records_delivered=7777 …"
  bool delivered_all(const Input& input) const {
    std::ifstream log(log_path());
    std::string line;
    const std::string wanted = " records_delivered=" + std::to_string(input.lines) + " ";
    while (std::getline(log, line)) {
      if (line.find(" stopped ") != line.npos && (line + " ").find(wanted) != line.npos)
        return true;
    }
    return false;
  }

  void note_ratio(std::size_t index) {
    for (std::size_t i = 0; i < contestants_.size(); ++i) {
      if (contestants_[i].name != contestants_[index].limit) continue;
      const double bytes = static_cast<double>(contestants_[index].input->bytes);
      const double limit_bytes = static_cast<double>(contestants_[i].input->bytes);
      results_[index].ratio.push_back((bytes / results_[index].wall.back()) /
                                      (limit_bytes / results_[i].wall.back()));
    }
  }

  void print_head() const {
    std::printf("%llu MiB of log lines (%llu lines), of JSON lines (%llu); %u rounds, io: %s\n",
                static_cast<unsigned long long>(settings_.mib),
                static_cast<unsigned long long>(logs_.lines),
                static_cast<unsigned long long>(jsons_.lines), settings_.rounds,
                settings_.io.c_str());
    std::printf("%-28s %20s %11s %8s  %s\n", "", "GB/s median [range]", "CPU s/GB", "RSS MiB",
                "ratio median [range] of");
  }

  void print(std::size_t index) const {
    const Contestant& contestant = contestants_[index];
    const Result& result = results_[index];
    const double gb = static_cast<double>(contestant.input->bytes) / 1e9;
    const bench::Spread wall = bench::spread(result.wall);
    const double cpu = bench::spread(result.cpu).median / gb;
    const double rss = bench::spread(result.rss).most;
    const bench::Spread ratio =
        result.ratio.empty() ? bench::Spread{} : bench::spread(result.ratio);
    if (settings_.json) {
      std::printf(
          "{\"name\":\"agent/%s\",\"bytes\":%llu,\"lines\":%llu,\"bytes_per_second\":%.0f,"
          "\"least\":%.0f,\"most\":%.0f,\"cpu_s_per_gb\":%.3f,\"rss_bytes\":%.0f",
          contestant.name.c_str(), static_cast<unsigned long long>(contestant.input->bytes),
          static_cast<unsigned long long>(contestant.input->lines), gb * 1e9 / wall.median,
          gb * 1e9 / wall.most, gb * 1e9 / wall.least, cpu, rss);
      if (!contestant.limit.empty()) {
        std::printf(",\"limit\":\"%s\",\"ratio\":%.3f,\"goal\":%.2f", contestant.limit.c_str(),
                    ratio.median, contestant.goal);
      }
      std::puts("}");
      return;
    }
    std::printf("%-28s %6.2f [%5.2f … %5.2f] %10.3f %8.1f", contestant.name.c_str(),
                gb / wall.median, gb / wall.most, gb / wall.least, cpu, rss / (1 << 20));
    if (!contestant.limit.empty()) {
      std::printf("  %.2f [%.2f … %.2f] × %s, goal %.2f%s", ratio.median, ratio.least, ratio.most,
                  contestant.limit.c_str(), contestant.goal,
                  ratio.median >= contestant.goal ? "" : "  MISSED");
    }
    std::puts("");
  }

  const Settings& settings_;
  Input logs_, jsons_;
  std::vector<Contestant> contestants_;
  std::vector<Result> results_;
};

}  // namespace

bool measure_throughput(const Settings& settings) { return Throughput(settings).run(); }

}  // namespace agent_bench
