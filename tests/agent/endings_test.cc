// How the agent ends (rule F65): told to, told twice, killed; with much to do, and with a target
// that takes nothing. On the ring and on epoll.
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using process::Background;
using process::contains;
using process::eventually;
using process::LogPlace;
using Lines = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

constexpr int kByTerm = 128 + SIGTERM;
constexpr int kByKill = -SIGKILL;

// Exit code, or minus the signal; nothing if it has not ended within `longest`.
std::optional<int> ended(const Background& agent, std::chrono::seconds longest = 20s) {
  std::optional<int> how;
  eventually(
      [&] {
        siginfo_t info{};
        const auto pid = static_cast<id_t>(agent.pid());
        if (::waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return false;
        if (info.si_pid == 0) return false;
        how = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
        return true;
      },
      longest);
  return how;
}

// As it says when it has stopped.
std::size_t records_read(const std::string& said) {
  const std::string key = "records_read=";
  const std::size_t at = said.rfind(key);
  REQUIRE(at != std::string::npos);
  return std::stoul(said.substr(at + key.size()));
}

// Appends lines until it is told to stop.
class Writer {
 public:
  explicit Writer(const LogPlace& place, std::string name)
      : thread_([this, &place, name = std::move(name)] {
          while (!enough_.load()) {
            std::string text;
            for (int i = 0; i < 200; ++i) {
              lines_.push_back(name + " " + std::to_string(lines_.size()));
              text += lines_.back() + "\n";
            }
            place.append("logs/" + name + ".log", text);
            std::this_thread::yield();
          }
        }) {}
  ~Writer() { enough_.store(true); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  const Lines& finish() {
    enough_.store(true);
    if (thread_.joinable()) thread_.join();
    return lines_;
  }

 private:
  Lines lines_;  // the thread's until it is joined
  std::atomic<bool> enough_{false};
  std::jthread thread_;
};

// To a file that is full until it is replaced by a real one.
LogPlace::Options full_target(const std::string& backend, const std::string& grace) {
  return {.backend = backend, .flows_more = "shutdown_grace: " + grace + "\n"};
}
void send_to_full(const LogPlace& place) {
  fs::create_symlink("/dev/full", place.path("out"));
  std::string config = process::read_file(place.path("c.yaml"));
  const std::string stream = "to: { stream: s, ";
  const std::size_t at = config.find(stream);
  REQUIRE(at != std::string::npos);
  config.replace(at, stream.size(), "to: { file: " + place.path("out") + ", ");
  place.write("c.yaml", config);
}
// At least once: what a kill took the note of is written again.
void check_nothing_lost(const LogPlace& place, const Lines& lines) {
  fs::remove(place.path("out"));
  place.once();
  const std::string out = process::read_file(place.path("out"));
  for (const std::string& line : lines) CHECK(contains("\n" + out, "\n" + line + "\n"));
}

}  // namespace

TEST_CASE("endings: told to stop under load it settles what it read, and reads nothing again",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  const int number = GENERATE(SIGTERM, SIGINT);
  CAPTURE(backend, number);
  const LogPlace place({.backend = backend});
  Writer one(place, "one"), two(place, "two");
  std::size_t read = 0;
  for (int life = 0; life < 3; ++life) {
    const std::size_t before = place.stored().size();
    const Background agent(place.command(), place.log_path());
    REQUIRE(eventually([&] { return place.stored().size() > before; }));
    const Clock::time_point told = Clock::now();
    ::kill(agent.pid(), number);
    CHECK(ended(agent) == 0);
    CHECK(Clock::now() - told < 10s);  // far below shutdown_grace
    read += records_read(place.log());
  }
  Lines lines = one.finish();
  lines.insert(lines.end(), two.finish().begin(), two.finish().end());
  read += records_read(place.once());
  CHECK(place.stores(lines));
  CHECK(read == lines.size());
}

TEST_CASE("endings: with a target that takes nothing it ends when shutdown_grace is over",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  CAPTURE(backend);
  const LogPlace place(full_target(backend, "1s"));
  send_to_full(place);
  const Lines lines = {"one", "two"};
  place.append("logs/a.log", "one\ntwo\n");
  const Background agent(place.command(), place.log_path());
  REQUIRE(eventually([&] { return contains(place.log(), "No space left"); }));
  const Clock::time_point told = Clock::now();
  ::kill(agent.pid(), SIGTERM);
  CHECK(ended(agent) == 70);
  const auto took = Clock::now() - told;
  CHECK(took >= 1s);
  CHECK(took < 5s);
  CHECK(contains(place.log(), "it will be read again"));
  check_nothing_lost(place, lines);
}

TEST_CASE("endings: told twice it ends at once, wherever it stands", "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  CAPTURE(backend);
  const LogPlace place(full_target(backend, "1h"));
  send_to_full(place);
  const Lines lines = {"one", "two"};
  place.append("logs/a.log", "one\ntwo\n");
  const Background agent(place.command(), place.log_path());
  REQUIRE(eventually([&] { return contains(place.log(), "No space left"); }));
  ::kill(agent.pid(), SIGTERM);
  CHECK_FALSE(ended(agent, 2s));  // it waits for its target
  const Clock::time_point told = Clock::now();
  ::kill(agent.pid(), SIGTERM);
  CHECK(ended(agent) == kByTerm);
  CHECK(Clock::now() - told < 2s);
  check_nothing_lost(place, lines);
}

TEST_CASE("endings: killed, or told twice under load, nothing is lost and nothing doubles (F58)",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  const bool killed = GENERATE(true, false);
  CAPTURE(backend, killed);
  const LogPlace place({.backend = backend});
  Writer one(place, "one"), two(place, "two");
  for (int life = 0; life < 4; ++life) {
    const std::size_t before = place.stored().size();
    const Background agent(place.command(), place.log_path());
    REQUIRE(eventually([&] { return place.stored().size() > before; }));
    for (int i = 0; i < (killed ? 1 : 2); ++i) ::kill(agent.pid(), killed ? SIGKILL : SIGTERM);
    const std::optional<int> how = ended(agent);
    REQUIRE(how);
    // Of two signals at once the kernel may make one, and the second may come when all is done.
    CHECK((killed ? *how == kByKill : *how == kByTerm || *how == 0 || *how == -SIGTERM));
  }
  Lines lines = one.finish();
  lines.insert(lines.end(), two.finish().begin(), two.finish().end());
  place.once();
  CHECK(place.stores(lines));  // as many as written: no duplicates at all
}

TEST_CASE("endings: where nobody hears what it says it ends as otherwise", "[agent][process]") {
  const std::string unheard = GENERATE(" 2>/dev/full", " 2>&-");
  CAPTURE(unheard);
  const std::string program = TAILRACE_PROGRAM;
  CHECK(process::shell(program + " run -c /nonexistent" + unheard).exit_code == 78);
  CHECK(process::shell(program + " check -c /dev/null" + unheard).exit_code == 78);
  CHECK(process::shell(program + " stream list --data-dir /nonexistent" + unheard).exit_code == 78);
  const LogPlace place({});
  place.append("logs/a.log", "one\n");
  CHECK(process::shell(place.command() + " --once" + unheard).exit_code == 0);
  CHECK(place.stores({"one"}));
}

TEST_CASE("endings: tail --once names what makes it end with 66", "[agent][process]") {
  const LogPlace place({});
  const std::string once = std::string("timeout 20 ") + TAILRACE_PROGRAM + " tail --once ";
  fs::create_symlink(place.path("loop"), place.path("loop"));
  fs::create_directory(place.path("dir"));
  for (const std::string& path : {place.path("loop"), place.path("dir"), place.path("none")}) {
    const process::Ran ran = process::shell(once + path);
    INFO(ran.out);
    CHECK(ran.exit_code == 66);
    CHECK(process::count(ran.out, path) == 1);
  }
}

TEST_CASE("endings: --once ends with 66 when half of a compressed file was not read",
          "[agent][process]") {
  const LogPlace place({.patterns = {"logs/*.gz"}});
  REQUIRE(process::shell("seq 100000 | gzip > " + place.path("whole.gz")).exit_code == 0);
  std::string bytes = process::read_file(place.path("whole.gz"));
  const std::string damage = GENERATE("none", "cut", "wrong checksum");
  CAPTURE(damage);
  if (damage == "cut") bytes.resize(bytes.size() / 2);
  if (damage == "wrong checksum") bytes[bytes.size() - 8] ^= 1;
  place.write("logs/a.gz", bytes);
  const int expected = damage == "none" ? 0 : 66;
  const process::Ran run = process::shell("timeout 30 " + place.command() + " --once");
  INFO(run.out);
  CHECK(run.exit_code == expected);
  CHECK(contains(run, "not everything was read") == (expected != 0));
  const std::string tail = std::string("timeout 30 ") + TAILRACE_PROGRAM + " tail --once ";
  CHECK(process::shell(tail + place.path("logs/a.gz") + " >/dev/null").exit_code == expected);
}

TEST_CASE("endings: tail says that it leaves a file alone which it cannot inflate",
          "[agent][process]") {
  const LogPlace place({});
  place.write("a.xz", "one\n");
  const std::string once = std::string("timeout 20 ") + TAILRACE_PROGRAM + " tail --once ";
  const process::Ran ran = process::shell(once + place.path("a.xz"));
  INFO(ran.out);
  CHECK(ran.exit_code == 66);
  CHECK(contains(ran, place.path("a.xz") + " is left alone"));
  CHECK(process::shell(once + place.path("logs") + "/'*'").exit_code == 0);
}
