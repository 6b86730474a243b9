// A new configuration while the program runs (F66): reloads under load, right and wrong ones, and
// every line is stored once.
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/test.h"

using process::Background;
using process::contains;
using process::LogPlace;
using process::Ran;

namespace {

using Random = std::minstd_rand;

std::uint32_t below(Random& random, std::uint32_t most) {
  return static_cast<std::uint32_t>((random() >> 8U) % most);
}

// How many reloads the long test does; TAILRACE_RELOADS for more.
std::uint32_t reloads_wanted() {
  const char* const wanted = std::getenv("TAILRACE_RELOADS");
  return wanted == nullptr ? 40 : static_cast<std::uint32_t>(std::stoul(wanted));
}

std::string head(const LogPlace& place, const std::string& backend) {
  return "data_dir: " + place.path("data") + "\nio: " + (backend == "poll" ? "auto" : backend) +
         "\nreactors: 2\nstreams:\n  s: { shards: 2, sync: os }\n";
}

std::string flow(const LogPlace& place, const std::string& name, const std::string& backend,
                 const std::string& more = "") {
  return "  " + name + ":\n    from: { files: \"" + place.path("logs/" + name) +
         "/*.log*\", start: beginning, reconcile: 1h" + (backend == "poll" ? ", watch: poll" : "") +
         " }\n" + more + "    to: { stream: s, flush: { age: 20ms } }\n";
}

class Writers {
 public:
  static constexpr std::uint32_t kFlows = 4;

  Writers(const LogPlace& place, std::uint32_t seed) : place_(place), random_(1 + seed % 1000000) {
    for (std::uint32_t i = 0; i < kFlows; ++i) {
      std::filesystem::create_directories(place_.path("logs/f" + std::to_string(i)));
    }
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        write();
        ::poll(nullptr, 0, 2);  // only lets others run
      }
    });
  }
  std::vector<std::string> finish() {
    thread_.request_stop();
    thread_.join();
    return lines_;
  }

 private:
  void write() {
    const std::uint32_t i = below(random_, kFlows);
    const std::string name = "logs/f" + std::to_string(i) + "/a.log";
    if (below(random_, 40) == 0 && std::filesystem::exists(place_.path(name))) {
      std::filesystem::rename(place_.path(name), place_.path(name) + "." + std::to_string(++last_));
    }
    std::string text;
    for (std::uint32_t more = 1 + below(random_, 20); more > 0; --more) {
      lines_.push_back("f" + std::to_string(i) + " line " + std::to_string(lines_.size()));
      text += lines_.back() + "\n";
    }
    place_.append(name, text);
  }

  const LogPlace& place_;
  Random random_;
  std::uint64_t last_ = 0;
  std::vector<std::string> lines_;
  std::jthread thread_;
};

// One that can be taken over: some flows, each with keys that may be others than before.
std::string good(const LogPlace& place, const std::string& backend, Random& random) {
  std::string text = head(place, backend) + "flows:\n" + flow(place, "always", backend);
  const std::vector<std::string> keys = {"",
                                         "",
                                         "",
                                         "    max_line: 1KiB\n",
                                         "    partition_key: { constant: x }\n",
                                         "    empty_lines: skip\n"};
  for (std::uint32_t i = 0; i < Writers::kFlows; ++i) {
    if (below(random, 3) == 0) continue;
    text += flow(place, "f" + std::to_string(i), backend,
                 keys[below(random, static_cast<std::uint32_t>(keys.size()))]);
  }
  return text;
}

// One that cannot, as what it is made of can.
std::string bad(std::string text, Random& random) {
  const auto replace = [&text](const std::string& what, const std::string& by) {
    text.replace(text.find(what), what.size(), by);
  };
  switch (below(random, 6)) {
    case 0:
      return text + "flows: [\n";
    case 1:
      return text + "colour: blue\n";
    case 2:
      replace("shards: 2", "shards: 3");
      return text;
    case 3:
      replace("reactors: 2", "reactors: 1");
      return text;
    case 4:
      replace("stream: s", "stream: t");
      return text;
    default:
      return "";
  }
}

// Plays the service manager.
class Manager {
 public:
  explicit Manager(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Manager() { ::close(socket_); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  // The next notice, or nothing.
  std::string heard() const {
    pollfd wait{.fd = socket_, .events = POLLIN, .revents = 0};
    std::array<char, 512> buffer{};
    if (::poll(&wait, 1, 20'000) != 1) return {};
    const ssize_t size = ::recv(socket_, buffer.data(), buffer.size(), 0);
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }

 private:
  int socket_;
};

// Descriptors that lead to this file.
std::vector<std::string> descriptors(const Background& agent, const std::string& path) {
  std::vector<std::string> found;
  for (const auto& each :
       std::filesystem::directory_iterator("/proc/" + std::to_string(agent.pid()) + "/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(each.path(), gone) == path) {
      found.push_back(each.path().filename());
    }
  }
  return found;
}

}  // namespace

TEST_CASE("reload: many under load, one in three wrong, every line once", "[reload]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const auto seed = static_cast<std::uint32_t>(std::random_device{}());
  CAPTURE(backend, seed);
  Random random(1 + seed % 1000000);
  const LogPlace place({.backend = backend});
  place.write("c.yaml", good(place, backend, random));
  Writers writers(place, seed);
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  std::uint32_t taken = 0, refused = 0;
  for (std::uint32_t i = 0; i < reloads_wanted(); ++i) {
    const bool is_good = i % 3 != 2;
    const std::string text = good(place, backend, random);
    place.write("c.yaml", is_good ? text : bad(text, random));
    const Ran ran = place.ask("reload");
    INFO(ran.out << "\n" << place.log());
    REQUIRE(ran.exit_code == (is_good ? 0 : 78));
    ++(is_good ? taken : refused);
    CHECK(process::sample(place, "reload_last_refused") == (is_good ? 0 : 1));
  }
  CHECK(process::sample(place, "reloads") == taken);
  CHECK(process::sample(place, "reloads_refused") == refused);
  std::string all = head(place, backend) + "flows:\n" + flow(place, "always", backend);
  for (std::uint32_t i = 0; i < Writers::kFlows; ++i) {
    all += flow(place, "f" + std::to_string(i), backend);
  }
  place.write("c.yaml", all);
  REQUIRE(place.ask("reload").exit_code == 0);
  CHECK(place.stores_within(std::chrono::seconds(60), writers.finish()));
  CHECK(process::sample(place, "records_unaccounted") == 0);
  CHECK(process::sample(place, "bytes_unaccounted") == 0);
}

TEST_CASE("reload: SIGHUP does it, the service manager hears of it, who is the same is not touched",
          "[reload]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  CAPTURE(backend);
  const LogPlace place({.backend = backend});
  const std::string one = head(place, backend) + "flows:\n" + flow(place, "f0", backend);
  place.write("c.yaml", one);
  for (const char* directory : {"logs/f0", "logs/f1"}) {
    std::filesystem::create_directories(place.path(directory));
  }
  place.write("logs/f0/a.log", "one\n");
  place.write("logs/f1/a.log", "two\n");
  const Manager manager(place.path("notify"));
  const Background agent("env NOTIFY_SOCKET=" + place.path("notify") + " " + place.command(),
                         place.log_path());
  CHECK(manager.heard() == "READY=1\n");
  REQUIRE(place.stores({"one"}));
  const auto before = descriptors(agent, place.path("logs/f0/a.log"));
  REQUIRE(before.size() == 1);
  place.write("c.yaml", one + flow(place, "f1", backend));
  ::kill(agent.pid(), SIGHUP);
  CHECK(contains(manager.heard(), "RELOADING=1\nMONOTONIC_USEC="));
  CHECK(manager.heard() == "READY=1\n");
  CHECK(place.stores({"one", "two"}));
  place.write("c.yaml", "nonsense");
  ::kill(agent.pid(), SIGHUP);
  CHECK(contains(manager.heard(), "RELOADING=1\n"));
  CHECK(manager.heard() == "READY=1\n");
  CHECK(process::sample(place, "reload_last_refused") == 1);
  CHECK(descriptors(agent, place.path("logs/f0/a.log")) == before);
  ::kill(agent.pid(), SIGTERM);
  CHECK(manager.heard() == "STOPPING=1\n");
}

TEST_CASE("reload: what is refused is told by place and key, everywhere, and nothing is changed",
          "[reload]") {
  const LogPlace place({});
  const std::string good = head(place, "auto") + "flows:\n" + flow(place, "f0", "auto");
  CHECK(place.ask("reload").exit_code == 78);  // nobody runs
  place.write("c.yaml", good);
  std::filesystem::create_directories(place.path("logs/f0"));
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  std::string other = good;
  other.replace(other.find("shards: 2"), 9, "shards: 9");
  place.write("c.yaml", other + flow(place, "f1", "auto"));
  const Ran ran = place.ask("reload");
  CHECK(ran.exit_code == 78);
  const std::string said =
      "c.yaml:5:3: shards of stream 's' cannot be changed while the agent runs";
  CHECK(contains(ran, said));
  CHECK(contains(place.log(), "c.yaml:5:3"));
  const Ran status = place.ask("status");
  CHECK(contains(status, said));
  CHECK(contains(status, "worth a look: reload_last_refused 1"));
  CHECK_FALSE(contains(status, "flow f1"));
  CHECK(contains(place.ask("status --json"), "\"last_refused\":true"));
  place.write("c.yaml", good + flow(place, "f1", "auto"));
  CHECK(place.ask("reload").exit_code == 0);
  CHECK(contains(place.ask("status"), "flow f1"));
  CHECK_FALSE(contains(place.ask("status"), "reload_last_refused"));
}

TEST_CASE("reload: a result that cannot be written is a failure of its own, not an abort",
          "[reload]") {
  const LogPlace place({});
  const std::string good = head(place, "auto") + "flows:\n" + flow(place, "f0", "auto");
  place.write("c.yaml", good);
  std::filesystem::create_directories(place.path("logs/f0"));
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  place.write("c.yaml", good + flow(place, "f1", "auto"));
  const Ran done = place.ask("reload >/dev/full");
  INFO(done.out);
  CHECK(done.exit_code == 70);
  CHECK(contains(done, "the configuration is taken over all the same"));
  CHECK(contains(place.ask("status"), "flow f1"));
  place.write("c.yaml", "nonsense");
  CHECK(place.ask("reload 2>/dev/full").exit_code == 78);
}

TEST_CASE("reload: a stream and dead letters may come with the flow that fills them", "[reload]") {
  const LogPlace place({});
  const std::string first = head(place, "auto");
  place.write("c.yaml", first + "flows:\n" + flow(place, "f0", "auto"));
  std::filesystem::create_directories(place.path("logs/f0"));
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  std::string more = flow(place, "f0", "auto", "    max_line: 64B\n    long_lines: reject\n");
  more.replace(more.find("stream: s"), 9, "stream: t");
  place.write("c.yaml", first + "  t: { shards: 3 }\nflows:\n" + more);
  const Ran ran = place.ask("reload");
  INFO(ran.out);
  REQUIRE(ran.exit_code == 0);
  place.write("logs/f0/a.log", "short\n" + std::string(100, 'x') + "\n");
  CHECK(process::eventually([&] {
    return place.ask("stream get t --raw").out == "short\n" &&
           contains(place.ask("store dump _dead_letter"), "xxxx");
  }));
  CHECK(place.ask("stream put t --key k hand").exit_code == 0);
  // Back again; what is open stays so, and cannot come back as another.
  place.write("c.yaml", first + "flows:\n" + flow(place, "f0", "auto"));
  CHECK(place.ask("reload").exit_code == 0);
  place.write("c.yaml", first + "  t: { shards: 4 }\nflows:\n" + flow(place, "f0", "auto"));
  CHECK(contains(place.ask("reload"), "shards of stream 't' cannot be changed"));
}

TEST_CASE("reload: a target that takes nothing keeps its flow and nobody else", "[reload]") {
  const LogPlace place({});
  const std::string first = "shutdown_grace: 1s\n" + head(place, "auto") + "flows:\n";
  place.write("c.yaml",
              first + "  full:\n    from: { files: \"" + place.path("logs/full.log") +
                  "\", start: beginning }\n    to: { file: /dev/full, flush: { age: 0s } }\n");
  place.write("logs/full.log", "nobody takes this\n");
  std::filesystem::create_directories(place.path("logs/f0"));
  place.write("logs/f0/a.log", "one\n");
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  REQUIRE(process::eventually(
      [&] { return process::sample(place, "outlets_failing{flow=\"full\"}") == 1; }));
  place.write("c.yaml", first + flow(place, "f0", "auto"));
  const Background waits("timeout 100 " TAILRACE_PROGRAM " reload --data-dir " + place.path("data"),
                         place.path("reload.said"));
  CHECK(place.stores({"one"}));
  CHECK(contains(place.ask("status"), "waits until all is delivered of full"));
  CHECK(process::sample(place, "reload_flows_leaving") == 1);
  // Who gave up waiting keeps no place, and few may wait: there is room for other questions.
  const std::string ask = TAILRACE_PROGRAM " reload --data-dir " + place.path("data");
  for (int i = 0; i < 5; ++i) {
    std::string many;
    for (int each = 0; each < 3; ++each) many += "timeout 1 " + ask + " & ";
    (void)process::shell(many + "wait");
  }
  {
    std::string many;
    for (int each = 0; each < 20; ++each) many += "timeout 2 " + ask + " & ";
    const Ran ran = process::shell(many + "wait");
    INFO(ran.out);
    CHECK(contains(ran, "a reload is under way, it waits until all is delivered of full"));
    CHECK(contains(
        process::shell("timeout 5 " TAILRACE_PROGRAM " status --data-dir " + place.path("data")),
        "of full"));
  }
  ::kill(agent.pid(), SIGTERM);
  CHECK(process::eventually(
      [&] { return contains(process::read_file(place.path("reload.said")), "is stopping"); }));
}

TEST_CASE("reload: state that was lost at the start hides nothing from flows that come later",
          "[reload]") {
  const LogPlace place({});
  const std::string first =
      "on_state_error: end\n" + head(place, "auto") + "flows:\n" + flow(place, "f0", "auto");
  place.write("c.yaml", first);
  for (const char* directory : {"logs/f0", "logs/f1"}) {
    std::filesystem::create_directories(place.path(directory));
  }
  place.write("logs/f0/a.log", "one\n");
  (void)place.once();
  REQUIRE(place.stores({"one"}));
  std::filesystem::remove_all(place.path("data/_checkpoints"));
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  REQUIRE(contains(place.log(), "begin at their present end"));
  place.write("logs/f1/a.log", "two\n");
  place.write("c.yaml", first + flow(place, "f1", "auto"));
  REQUIRE(place.ask("reload").exit_code == 0);
  CHECK(place.stores({"one", "two"}));
}

TEST_CASE("reload: a stream that opened by half is opened once, and keeps its records",
          "[reload]") {
  const LogPlace place({});
  const std::string none = head(place, "auto") + "flows:\n" + flow(place, "f0", "auto");
  std::string filled = flow(place, "f0", "auto");
  filled.replace(filled.find("stream: s"), 9, "stream: t");
  filled = head(place, "auto") + "  t: { shards: 2, sync: os }\nflows:\n" + filled;
  std::filesystem::create_directories(place.path("logs/f0"));
  const auto stored = [&] { return process::count(place.ask("stream get t --raw").out, "line "); };
  const auto write = [&] {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "line " + std::to_string(i) + "\n";
    place.append("logs/f0/a.log", text);
  };
  place.write("c.yaml", filled);
  write();
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(process::running(place));
    REQUIRE(process::eventually([&] { return stored() == 1000; }));
    ::kill(agent.pid(), SIGKILL);  // so that the shards end in what no clean stop wrote
  }
  place.write("c.yaml", none);
  place.write("agent.said", "");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(process::running(place));
    std::filesystem::rename(place.path("data/t/1"), place.path("aside"));
    place.write("data/t/1", "in the way\n");
    place.write("c.yaml", filled);
    REQUIRE(place.ask("reload").exit_code == 78);
    std::filesystem::remove(place.path("data/t/1"));
    std::filesystem::rename(place.path("aside"), place.path("data/t/1"));
    REQUIRE(place.ask("reload").exit_code == 0);
    write();
    REQUIRE(process::eventually([&] { return stored() == 2000; }));
  }
  const Ran verified = place.ask("store verify");
  INFO(verified.out);
  CHECK(verified.exit_code == 0);
  CHECK(stored() == 2000);
}
