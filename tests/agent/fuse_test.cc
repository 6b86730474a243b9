// Logs on a file system that tells nothing and fails in every way: a directory seen through FUSE,
// as the program meets NFS and its kind (rules F28, F30, F61).
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/agent/fuse_place.h"
#include "tests/agent/own_mounts.h"
#include "tests/test.h"

std::string process::obstacle() { return cannot_open("/dev/fuse"); }

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using process::Background;
using process::contains;
using process::count;
using process::eventually;
using process::FaultFs;
using process::FusePlace;
using Lines = std::vector<std::string>;
using Call = FaultFs::Call;

std::string many_lines(const std::string& what, int most) {
  std::string text;
  for (int i = 0; i < most; ++i) text += what + " " + std::to_string(i) + "\n";
  return text;
}

// Ends by itself within this time of SIGTERM.
bool ends_within(pid_t pid, std::chrono::seconds longest) {
  ::kill(pid, SIGTERM);
  return eventually(
      [pid] {
        siginfo_t info{};
        return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               info.si_pid == pid;
      },
      longest);
}

}  // namespace

TEST_CASE("fuse: what nobody tells of is found by polling, without being asked to",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  FusePlace place({.backend = backend});
  place.grow("a.log", "a 1, before the start");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(place.lines));
    place.grow("a.log", "a 2");
    place.grow("new.log", "new 1");
    REQUIRE(place.stores(place.lines));
    // Rotated by renaming, with a line that comes late.
    fs::rename(place.path("behind/a.log"), place.path("behind/a.log.1"));
    place.grow("a.log.1", "a 3, late");
    place.grow("a.log", "a 4, in the new file");
    REQUIRE(place.stores(place.lines));
    // By copying and truncating; afterwards it is as long as before, then longer.
    fs::copy_file(place.path("behind/new.log"), place.path("behind/new.log.1"));
    fs::resize_file(place.path("behind/new.log"), 0);
    place.grow("new.log", "new 2");
    REQUIRE(place.stores(place.lines));
    fs::resize_file(place.path("behind/new.log"), 0);
    place.grow("new.log", "new 3, longer than what was there");
    place.grow("new.log", "new 4");
    CHECK(place.stores(place.lines));
    CHECK(count(place.log(), "warn") == 0);
  }
  place.grow("new.log", "new 5, while stopped");
  place.once();
  CHECK(place.stores(place.lines));
}

TEST_CASE("fuse: a file whose handle the server forgot is opened again by its path",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  FusePlace place({.backend = backend});
  place.grow("a.log", "a 1");
  place.grow("b.log", "b 1");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(place.lines));
    for (int round = 0; round < 3; ++round) {
      place.faults->forget_handles();
      const std::string number = std::to_string(round);
      place.grow("a.log", "a grown " + number);
      place.grow("b.log", "b grown " + number);
      place.grow("c" + number + ".log", "c " + number);
      REQUIRE(place.stores(place.lines));
    }
    // Its path is another file's by now.
    place.faults->forget_handles();
    fs::remove(place.path("behind/a.log"));
    place.grow("a.log", "a, another file of that name, longer than the first one was");
    CHECK(place.stores(place.lines));
    CHECK(process::counter(place, agent, "read_errors") > 0);
  }
  place.once();
  CHECK(place.stores(place.lines));
}

TEST_CASE("fuse: who cannot look does not think that files are gone", "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  const int error = GENERATE(EIO, EACCES, EMFILE);
  CAPTURE(backend, error);
  FusePlace place({.backend = backend,
                   .reconcile = "200ms",
                   .from_more = "      rotate_wait: 0s\n      close_inactive: 100ms\n"});
  place.grow("a.log", "a 1");
  place.grow("b.log", "b 1");
  const auto fails_thrice = [&] {
    const std::uint64_t before = place.faults->failures();
    return eventually([&] { return place.faults->failures() >= before + 6; });
  };
  const Call calls[] = {Call::lookup, Call::getattr, Call::open, Call::list};
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(place.lines));
    for (const Call call : calls) {
      CAPTURE(static_cast<int>(call));
      place.faults->fail(call, error);
      place.grow("a.log", "a while it fails " + std::to_string(static_cast<int>(call)));
      place.grow("new" + std::to_string(static_cast<int>(call)) + ".log", "new");
      REQUIRE(fails_thrice());
      place.faults->fail(call, 0);
      REQUIRE(place.stores(place.lines));
    }
    CHECK(process::counter(place, agent, "files_unreadable") == 0);
    CHECK(process::counter(place, agent, "files_lost_unread") == 0);
    if (error != EACCES) CHECK(process::counter(place, agent, "scan_errors") > 0);
  }
  // From the start on.
  for (const Call call : calls) {
    CAPTURE(static_cast<int>(call));
    place.faults->fail(call, error);
    place.grow("b.log", "b while it fails " + std::to_string(static_cast<int>(call)));
    const Background agent(place.command(), place.log_path());
    REQUIRE(process::running(place));
    REQUIRE(fails_thrice());
    place.faults->fail(call, 0);
    REQUIRE(place.stores(place.lines));
  }
  place.once();
  CHECK(place.stores(place.lines));
}

TEST_CASE("fuse: a bad sector is read when it can be, and other files go on meanwhile",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  FusePlace place({.backend = backend});
  const std::string text = many_lines("a line of the damaged file", 20'000);
  Lines damaged;
  for (int i = 0; i < 20'000; ++i) {
    damaged.push_back("a line of the damaged file " + std::to_string(i));
  }
  place.faults->damage("bad.log", text.size() / 2);
  place.write("behind/bad.log", text);
  const auto readable =
      static_cast<std::size_t>(std::ranges::count(text.substr(0, text.size() / 2), '\n'));
  {
    const Background agent(place.command(), place.log_path());
    place.lines.assign(damaged.begin(), damaged.begin() + static_cast<std::ptrdiff_t>(readable));
    REQUIRE(place.stores(place.lines));
    for (int i = 0; i < 3; ++i) {
      place.grow("good.log", "good " + std::to_string(i));
      REQUIRE(place.stores(place.lines));
    }
  }
  const Background agent(place.command(), place.log_path());
  place.grow("good.log", "good after a restart");
  REQUIRE(place.stores(place.lines));
  place.faults->repair("bad.log");
  place.lines.insert(place.lines.end(), damaged.begin() + static_cast<std::ptrdiff_t>(readable),
                     damaged.end());
  CHECK(place.stores(place.lines));
}

TEST_CASE("fuse: a read that is not answered is told of and stops no other file",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  FusePlace place({.backend = backend, .from_more = "      stall_after: 1s\n"});
  place.grow("slow.log", "slow 1");
  place.grow("good.log", "good 1");
  const Background agent(place.command(), place.log_path());
  REQUIRE(place.stores(place.lines));
  place.faults->hold(Call::read, "slow.log");
  place.append("behind/slow.log", "slow 2\n");
  REQUIRE(eventually([&] { return place.faults->held() > 0; }));
  for (int i = 0; i < 3; ++i) {
    place.grow("good.log", "good while the other hangs " + std::to_string(i));
    REQUIRE(place.stores(place.lines));
  }
  CHECK(eventually([&] { return contains(place.log(), "a read is not answered"); }));
  place.grow("good.log", "good after that");
  REQUIRE(place.stores(place.lines));
  place.lines.push_back("slow 2");
  place.faults->let_go();
  CHECK(place.stores(place.lines));
}

TEST_CASE("fuse: SIGTERM ends the agent although a read is not answered", "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  CAPTURE(backend);
  FusePlace place({.backend = backend, .flows_more = "shutdown_grace: 1s\n"});
  place.grow("slow.log", "slow 1");
  place.grow("good.log", "good 1");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(place.lines));
    place.faults->hold(Call::read, "slow.log");
    place.grow("slow.log", "slow 2");
    REQUIRE(eventually([&] { return place.faults->held() > 0; }));
    CHECK(ends_within(agent.pid(), 15s));
    place.faults->let_go();
  }
  place.once();
  CHECK(place.stores(place.lines));
}

TEST_CASE("fuse: status tells of all files while the file system does not answer for one",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  CAPTURE(backend);
  FusePlace place({.backend = backend, .flows_more = "shutdown_grace: 1s\n"});
  place.grow("slow.log", "slow 1");
  place.grow("good.log", "good 1");
  const Background agent(place.command(), place.log_path());
  REQUIRE(place.stores(place.lines));
  place.faults->hold(Call::read, "slow.log");
  place.append("behind/slow.log", "slow 2\n");
  REQUIRE(eventually([&] { return place.faults->held() > 0; }));
  // Without a name it is not looked at by who looks for files, only by who has it open.
  fs::remove(place.path("behind/slow.log"));
  REQUIRE(eventually([&] { return process::counter(place, agent, "files_rotated") > 0; }));
  place.faults->hold(Call::getattr, "slow.log");
  const process::Ran status = place.ask("status --json");
  CHECK(status.exit_code == 0);
  CHECK(contains(status.out, "\"reactors_silent\":0"));
  place.grow("good.log", "good while the other hangs");
  CHECK(place.stores(place.lines));
  CHECK(ends_within(agent.pid(), 15s));
}

TEST_CASE("fuse: SIGTERM ends the agent although a reactor waits for the file system",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  CAPTURE(backend);
  FusePlace place({.backend = backend, .flows_more = "shutdown_grace: 1s\n"});
  place.grow("slow.log", "slow 1");
  place.grow("good.log", "good 1");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(place.lines));
    fs::remove(place.path("behind/slow.log"));
    REQUIRE(eventually([&] { return process::counter(place, agent, "files_rotated") > 0; }));
    place.faults->hold(Call::getattr, "slow.log");
    // What has no name is looked at again and again until rotate_wait is over.
    REQUIRE(eventually([&] { return place.faults->held() > 0; }));
    CHECK(ends_within(agent.pid(), 15s));
    CHECK(contains(place.log(), "reactors do not stop"));
    place.faults->let_go();
  }
  place.grow("good.log", "good 2");
  place.once();
  CHECK(place.stores(place.lines));
}
