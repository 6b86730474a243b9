// Calls into the kernel that a signal interrupts (rule F69): strace says EINTR for every seventh,
// and the agent does what it does. On the ring and on epoll.
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using process::Background;
using process::contains;
using process::count;
using process::LogPlace;
using Lines = std::vector<std::string>;

struct Interrupted {
  std::string backend;
  std::string calls;  // '?' before those not every machine has
  int first = 3;      // of each thread's; the loader, which is not ours, gives up at once
};

// -D: the traced program stays our child, and gets our signals.
std::string strace(const LogPlace& place, const Interrupted& what) {
  return "strace -D -f -qq --seccomp-bpf -o " + place.path("calls") + " -e trace=" + what.calls +
         " -e inject=" + what.calls + ":error=EINTR:when=" + std::to_string(what.first) + "+7 ";
}

bool can_trace() {
  return process::shell(
             "strace -f -qq -o /dev/null -e trace=none -e inject=getuid:error=EINTR true")
             .exit_code == 0;
}

}  // namespace

TEST_CASE("interrupted: EINTR for every seventh call loses nothing and doubles nothing (F69)",
          "[agent][process]") {
  const Interrupted given =
      GENERATE(Interrupted{"auto", "io_uring_enter"},
               Interrupted{"epoll", "?epoll_wait,epoll_pwait,?epoll_pwait2"},
               Interrupted{"epoll", "write,writev,pwrite64,pwritev,fdatasync,fsync"},
               Interrupted{"epoll", "read,pread64,openat", 50});
  CAPTURE(given.backend, given.calls);
  if (!can_trace()) {
    std::cout << "SKIPPED: there is no strace, or it may not trace\n";
    return;
  }
  const LogPlace place({.backend = given.backend, .from_more = "      rotate_wait: 1s\n"});
  Lines lines;
  const auto grow = [&](const std::string& name, int more) {
    for (int i = 0; i < more; ++i) {
      lines.push_back(name + " " + std::to_string(lines.size()));
      place.append("logs/" + name + ".log", lines.back() + "\n");
    }
  };
  grow("there", 300);
  {
    const Background agent(strace(place, given) + place.command(), place.log_path());
    REQUIRE(place.stores(lines));
    for (int round = 0; round < 10; ++round) {
      grow("there", 60);
      grow("new " + std::to_string(round), 10);
      fs::rename(place.path("logs/there.log"), place.path("logs/there." + std::to_string(round)));
      grow("there", 5);
      REQUIRE(place.stores(lines));
    }
    CHECK(place.ask("status").exit_code == 0);
    for (const char* trouble : {"read_errors", "groups_retried", "store_write_errors",
                                "store_sync_errors", "scan_errors", "files_unreadable"}) {
      CAPTURE(trouble);
      CHECK(process::counter(place, agent, trouble) == 0);
    }
  }
  CHECK(contains(place.log(), " stopped "));
  CHECK(count(place.log(), " error ") == 0);
  CHECK(count(process::read_file(place.path("calls")), "(INJECTED)") > 5);
  place.once();
  CHECK(place.stores(lines));
}
