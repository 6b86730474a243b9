// tailrace status, and what it counts, on real files: the built program is asked, and its numbers
// must be the truth.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using process::Background;
using process::contains;
using process::eventually;
using process::LogPlace;
using process::Ran;
using process::shell;

const std::string kProgram = TAILRACE_PROGRAM;

Ran status(const LogPlace& place, const std::string& options = "") {
  return shell("timeout 30 " + kProgram + " status --data-dir " + place.path("data") + " " +
               options);
}

// Every sample of `status --counters`, as `name{labels}`.
std::map<std::string, std::string> counters(const LogPlace& place) {
  const Ran ran = status(place, "--counters");
  REQUIRE(ran.exit_code == 0);
  std::map<std::string, std::string> samples;
  std::istringstream in(ran.out);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    const std::size_t blank = line.rfind(' ');
    REQUIRE(blank != std::string::npos);
    samples[line.substr(0, blank)] = line.substr(blank + 1);
  }
  return samples;
}

// True as soon as all of them have these values.
bool count_to(const LogPlace& place,
              const std::vector<std::pair<std::string, std::uint64_t>>& wanted) {
  std::string wrong;
  const bool good = eventually([&] {
    const auto samples = counters(place);
    wrong.clear();
    for (const auto& [name, value] : wanted) {
      const auto at = samples.find("tailrace_" + name);
      const std::string is = at == samples.end() ? "not there" : at->second;
      if (is != std::to_string(value)) {
        wrong += name + " is " + is + ", not " + std::to_string(value) + "; ";
      }
    }
    return wrong.empty();
  });
  if (!good) UNSCOPED_INFO(wrong << "the agent said:\n" << place.log());
  return good;
}

// Flow f keeps the first 64 bytes of long lines as dead letters, flow t as records.
void configure_two_flows(const LogPlace& place, const std::string& backend) {
  const std::string logs = place.path("logs");
  const std::string to = "    to: { stream: s, flush: { age: 20ms } }\n";
  place.write("c.yaml", "data_dir: " + place.path("data") + "\nio: " + backend +
                            "\nreactors: 2\nstreams:\n  s: { shards: 1, sync: os }\nflows:\n"
                            "  f:\n    from: { files: [\"" +
                            logs +
                            "/*.log\"], start: beginning, reconcile: 1h, rotate_wait: 1s }\n"
                            "    max_line: 64B\n    long_lines: reject\n    empty_lines: skip\n" +
                            to + "  t:\n    from: { files: [\"" + logs +
                            "/*.txt\"], start: beginning, reconcile: 1h }\n"
                            "    max_line: 64B\n    long_lines: truncate\n" +
                            to);
}

}  // namespace

TEST_CASE("status: without an agent it says so", "[agent][process]") {
  const LogPlace place({});
  place.append("logs/a.log", "one\n");
  place.once();
  const Ran ran = status(place);
  CHECK(ran.exit_code == 78);
  CHECK(contains(ran, "no agent runs on " + place.path("data")));
}

TEST_CASE("status: the counters are the truth, to the last record and byte", "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  const LogPlace place({.backend = backend});
  configure_two_flows(place, backend);
  place.append("logs/a.log", "a1\na2\n");                                // 6 bytes
  place.append("logs/b.log", "b1\n" + std::string(70, 'x') + "\nb2\n");  // 77 bytes
  place.append("logs/c.log", "c1\n\n\n\nc2\n");                          // 9 bytes
  place.append("logs/d.txt", std::string(80, 'y') + "\nd2\n");           // 84 bytes
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  REQUIRE(count_to(place, {{"records_read{flow=\"f\"}", 7},
                           {"records_delivered{flow=\"f\"}", 6},
                           {"records_delivered{flow=\"t\"}", 2}}));

  // Rotation: the old one grows once more, and is let go after rotate_wait.
  fs::rename(place.path("logs/a.log"), place.path("logs/a.1"));
  place.append("logs/a.1", "a3\n");
  place.append("logs/a.log", "a4\n");
  REQUIRE(count_to(place, {{"records_delivered{flow=\"f\"}", 8}}));
  // Truncation, and deletion.
  place.write("logs/b.log", "b3\n");
  REQUIRE(count_to(place, {{"records_delivered{flow=\"f\"}", 9}}));
  fs::remove(place.path("logs/c.log"));

  CHECK(
      count_to(place, {{"files_found", 5},
                       {"files_followed{flow=\"f\"}", 2},
                       {"files_followed{flow=\"t\"}", 1},
                       {"files_idle{flow=\"f\"}", 2},
                       {"files_behind{flow=\"f\"}", 0},
                       {"files_open{flow=\"f\"}", 2},
                       {"files_opened{flow=\"f\"}", 4},
                       {"files_closed{flow=\"f\"}", 2},
                       {"files_rotated{flow=\"f\"}", 2},  // lost their names: the deleted one, too
                       {"files_truncated{flow=\"f\"}", 1},
                       {"files_deleted{flow=\"f\"}", 1},
                       {"bytes_read{flow=\"f\"}", 6 + 77 + 9 + 3 * 3},
                       {"bytes_read{flow=\"t\"}", 84},
                       {"lag_bytes{flow=\"f\"}", 0},
                       {"lines_rejected{flow=\"f\"}", 1},
                       {"records_dead_letter{flow=\"f\"}", 1},
                       {"lines_skipped{flow=\"f\",reason=\"empty\"}", 3},
                       {"lines_truncated{flow=\"t\"}", 1},
                       {"bytes_dropped{flow=\"t\",reason=\"truncated\"}", 16},
                       {"bytes_dropped{flow=\"f\",reason=\"lost_unread\"}", 0},
                       {"records_skipped{flow=\"f\"}", 0},
                       {"records_in_flight", 0},
                       {"bytes_in_flight", 0},
                       {"queue_records{flow=\"f\"}", 0},
                       {"queue_bytes{flow=\"f\"}", 0},
                       {"store_records_appended{stream=\"s\"}", 11},
                       {"store_corrupt_records{stream=\"s\"}", 0},
                       {"files_unreadable", 0},
                       {"records_unaccounted", 0},
                       {"bytes_unaccounted", 0},
                       {"reactors_silent", 0}}));
  const auto samples = counters(place);
  const std::string io = contains(place.log(), "io=epoll") ? "epoll" : "io_uring";
  CHECK(samples.at("tailrace_backend{io=\"" + io + "\"}") == "2");
  CHECK(samples.at("tailrace_state_commits") != "0");
  CHECK(samples.at("tailrace_bytes_sent{flow=\"t\"}") ==
        samples.at("tailrace_bytes_delivered{flow=\"t\"}"));
}

TEST_CASE("status: without a data directory SIGUSR1 tells, to the byte", "[agent][process]") {
  const LogPlace place({});
  place.write("c.yaml", "flows:\n  f:\n    from: { files: [\"" + place.path("logs/*.log") +
                            "\"], start: beginning }\n    max_line: 64B\n    long_lines: truncate\n"
                            "    to: null\n");
  place.append("logs/a.log", "a1\n" + std::string(70, 'x') + "\na2\n");
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  REQUIRE(eventually([&] { return process::counter(place, agent, "records_delivered") == 3; }));
  CHECK(process::counter(place, agent, "bytes_dropped") == 6);
  CHECK(process::counter(place, agent, "records_unaccounted") == 0);
  CHECK(process::counter(place, agent, "bytes_unaccounted") == 0);
}

TEST_CASE("status: says which files are in trouble, and on request how each stands",
          "[agent][process]") {
  const LogPlace place({});
  place.append("logs/good.log", "one\nand a ha");
  place.append("logs/shut.log", "two\n");
  place.append("logs/junk.log", std::string(3000, '\x01'));
  fs::permissions(place.path("logs/shut.log"), fs::perms::none);
  const Background agent(process::without_override() + place.command(), place.log_path());
  REQUIRE(place.stores({"one"}));
  REQUIRE(eventually([&] { return contains(status(place), "set aside, no text"); }));
  const Ran text = status(place);
  CHECK(text.exit_code == 0);
  CHECK(contains(text, "flow f\n"));
  CHECK(contains(text, place.path("logs/shut.log") + ": cannot be opened: Permission denied"));
  CHECK_FALSE(contains(text, "good.log"));
  CHECK(contains(text, "unaccounted 0"));
  CHECK(eventually([&] {
    return contains(status(place, "--files"),
                    place.path("logs/good.log") + ": waits for the end of its last line");
  }));
  const Ran json = status(place, "--json --files");
  CHECK(shell("printf '%s' '" + json.out + "' | python3 -m json.tool >" + place.path("j"))
            .exit_code == 0);
  CHECK(contains(json, "\"lag_bytes\":8,"));
  CHECK(contains(json, "\"offset\":4,"));
  CHECK(contains(json, "\"records_unaccounted\":0"));
  const Ran usage = status(place, "--json --counters");
  CHECK(usage.exit_code == 64);
}

TEST_CASE("status: SIGUSR1 tells every counter, however many there are", "[agent][process]") {
  const LogPlace place({});
  place.append("logs/a.log", "one\n");
  const Background agent(place.command(), place.log_path());
  REQUIRE(place.stores({"one"}));
  for (int i = 0; i < 5; ++i) CHECK(process::counter(place, agent, "records_read") == 1);
  CHECK(process::counter(place, agent, "files_followed") == 1);
  CHECK_FALSE(contains(place.log(), "suppressed="));
  CHECK(contains(status(place, "--counters"), "tailrace_records_read{flow=\"f\"} 1\n"));
}

TEST_CASE("status: SIGUSR1 is answered by an agent that has only begun to start",
          "[agent][process]") {
  const LogPlace place({});
  const Background agent(place.command(), place.log_path());
  // It hears SIGHUP, which is bit 0: the first it does.
  REQUIRE(process::eventually([&] {
    for (int i = 0; i < 200; ++i) {
      const std::string caught =
          process::read_file("/proc/" + std::to_string(agent.pid()) + "/status");
      const std::size_t at = caught.find("SigCgt:");
      if (at == caught.npos) continue;
      const std::string mask = caught.substr(at, caught.find('\n', at) - at);
      if ((std::stoull(mask.substr(mask.find('\t') + 1), nullptr, 16) & 1) == 0) continue;
      ::kill(agent.pid(), SIGUSR1);
      return true;
    }
    return false;
  }));
  CHECK(process::running(place));
  CHECK(process::eventually([&] { return contains(place.log(), "all other counters are 0"); }));
}

TEST_CASE("status: who asks nothing, or not what there is, hinders nobody", "[agent][process]") {
  const LogPlace place({});
  place.append("logs/a.log", "one\n");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores({"one"}));
    std::vector<int> silent;
    for (int i = 0; i < 15; ++i) {
      const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      const std::string name = place.path("data/control.sock");
      std::strncpy(address.sun_path, name.c_str(), sizeof address.sun_path - 1);
      REQUIRE(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
      silent.push_back(socket);
    }
    CHECK(status(place).exit_code == 0);
    REQUIRE(::send(silent.back(), "status nonsense\n", 16, MSG_NOSIGNAL) == 16);
    char answer[64] = {};
    CHECK(::recv(silent.back(), answer, sizeof answer - 1, 0) > 0);
    CHECK(std::string(answer) == "error not a status request\n");
    // Then they are hung up on.
    CHECK(::recv(silent.front(), answer, sizeof answer, 0) == 0);
    for (const int socket : silent) ::close(socket);
  }
  CHECK(contains(place.log(), " stopped "));
}

// A sanitizer that makes a pipe to see whether memory can be read cannot do without.
#if !defined(CHECKS_OBJECT_TYPES)
TEST_CASE("status: the control socket outlives a time without descriptors", "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  const LogPlace place({.backend = backend});
  place.append("logs/a.log", "one\n");
  const Background agent(place.command(), place.log_path());
  REQUIRE(place.stores({"one"}));
  rlimit before{};
  REQUIRE(::prlimit(agent.pid(), RLIMIT_NOFILE, nullptr, &before) == 0);
  const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
  REQUIRE(::prlimit(agent.pid(), RLIMIT_NOFILE, &none, nullptr) == 0);
  // An accept that waits already may have been allowed a descriptor; the next is not.
  CHECK(eventually([&] {
    shell("timeout 1 " + kProgram + " status --data-dir " + place.path("data"));
    return contains(place.log(), "control socket cannot accept");
  }));
  REQUIRE(::prlimit(agent.pid(), RLIMIT_NOFILE, &before, nullptr) == 0);
  CHECK(eventually([&] { return status(place).exit_code == 0; }));
}
#endif
