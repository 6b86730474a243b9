// Volumes with logs that go and come back, under the same device number or another, that are seen
// by two paths, and logs that move from one to another (rules F16, F20, F22).
#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/agent/loop_volume.h"
#include "tests/agent/mount.h"
#include "tests/agent/own_mounts.h"
#include "tests/test.h"

std::string process::obstacle() { return LoopVolume::obstacle(); }

namespace {

namespace fs = std::filesystem;
using process::Background;
using process::contains;
using process::eventually;
using process::LogPlace;
using process::LoopVolume;
using process::Mount;
using Lines = std::vector<std::string>;

struct VolumePlace : LogPlace {
  explicit VolumePlace(const Options& options) : LogPlace(options) {}
  void grow(const std::string& name, const std::string& what, int most = 1) {
    std::string text;
    for (int i = 0; i < most; ++i) {
      lines.push_back(what + " " + std::to_string(i));
      text += lines.back() + "\n";
    }
    append(name, text);
  }
  Lines lines;
};

// The agent has looked at everything `times` times more.
void wait_for_scans(const VolumePlace& place, const Background& agent, std::uint64_t times) {
  const std::uint64_t before = process::counter(place, agent, "scans");
  REQUIRE(eventually([&] { return process::counter(place, agent, "scans") >= before + times; }));
}

// The agent has written down that all of this file is stored.
bool noted(const VolumePlace& place, const std::string& name) {
  const std::string size = std::to_string(fs::file_size(place.path(name)));
  const std::string wanted = place.path(name) + "\",\"file\":\"there\",\"offset\":" + size + ",";
  return eventually([&] { return contains(place.ask("state list --json"), wanted); });
}

void check_nothing_lost(const VolumePlace& place, const Background& agent) {
  CHECK(process::counter(place, agent, "files_lost_unread") == 0);
  CHECK(process::counter(place, agent, "bytes_dropped") == 0);
  CHECK(process::counter(place, agent, "records_unaccounted") == 0);
}

}  // namespace

TEST_CASE("volumes: under another device number files are the same, stopped meanwhile or not",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const bool runs = GENERATE(false, true);  // while it is away
  CAPTURE(backend, runs);
  VolumePlace place({.backend = backend,
                     .reconcile = "200ms",
                     .from_more = "      close_inactive: 100ms\n      rotate_wait: 0s\n"});
  LoopVolume volume(place.path("image"));
  dev_t device = volume.mount(place.path("logs"));
  place.grow("logs/a.log", "a", 500);
  place.grow("logs/b.log", "b", 5);
  std::optional<Background> agent;
  for (int round = 0; round < 3; ++round) {
    const std::string number = std::to_string(round);
    if (!agent) agent.emplace(place.command(), place.log_path());
    REQUIRE(place.stores(place.lines));
    if (!runs) {
      agent.reset();
      place.grow("logs/a.log", "a, not read before, " + number, 500);
    }
    REQUIRE(eventually([&] { return volume.unmount(); }));
    if (runs) wait_for_scans(place, *agent, 3);
    volume.change_device();
    const dev_t before = std::exchange(device, volume.mount(place.path("logs")));
    REQUIRE(device != before);
    if (!runs) agent.emplace(place.command(), place.log_path());
    REQUIRE(place.stores(place.lines));
    place.grow("logs/a.log", "a, there again, " + number, 5);
    place.grow("logs/b.log", "b, there again, " + number, 5);
    place.grow("logs/c" + number + ".log", "c, new", 5);
  }
  CHECK(place.stores(place.lines));
  check_nothing_lost(place, *agent);
  agent.reset();
  place.once();
  CHECK(place.stores(place.lines));
}

TEST_CASE("volumes: under another device number after kill -9, nothing is lost or doubled",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  CAPTURE(backend);
  VolumePlace place({.backend = backend, .reconcile = "200ms"});
  LoopVolume volume(place.path("image"));
  dev_t device = volume.mount(place.path("logs"));
  for (std::size_t round = 0; round < 6; ++round) {
    const std::string number = std::to_string(round);
    const std::size_t before = place.lines.size();
    place.grow("logs/a.log", "a, round " + number, 20'000);
    place.grow("logs/b" + number + ".log", "b, round " + number, 50);
    {
      const Background agent(place.command(), place.log_path());
      REQUIRE(process::running(place));
      // When some or all of it is stored, and in every third round perhaps nothing.
      if (round % 3 != 0) {
        REQUIRE(eventually([&] { return place.stored_lines().size() > before; }));
      }
      if (round % 3 == 2) place.grow("logs/a.log", "a, as it is killed " + number, 5'000);
      REQUIRE(::kill(agent.pid(), SIGKILL) == 0);
    }
    REQUIRE(eventually([&] { return volume.unmount(); }));
    volume.change_device();
    const dev_t former = std::exchange(device, volume.mount(place.path("logs")));
    REQUIRE(device != former);
  }
  const Background agent(place.command(), place.log_path());
  REQUIRE(place.stores(place.lines));
  place.grow("logs/a.log", "a, at last", 5);
  CHECK(place.stores(place.lines));
  check_nothing_lost(place, agent);
}

TEST_CASE("volumes: one that goes for a while is not read again", "[agent][process]") {
  enum class How : std::uint8_t { covered, lazily, plainly };
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const std::string rotate_wait = GENERATE("0s", "30s");
  const How how = GENERATE(How::covered, How::lazily, How::plainly);
  CAPTURE(backend, rotate_wait, static_cast<int>(how));
  const std::string close_inactive = how == How::plainly ? "100ms" : "60s";
  VolumePlace place({.backend = backend,
                     .reconcile = "200ms",
                     .from_more = "      close_inactive: " + close_inactive +
                                  "\n      rotate_wait: " + rotate_wait + "\n"});
  for (const char* name : {"empty", "elsewhere"}) fs::create_directory(place.path(name));
  LoopVolume volume(place.path("image"));
  volume.mount(place.path("logs"));
  place.grow("logs/a.log", "a", 500);
  place.grow("logs/b.log", "b", 5);
  const Background agent(place.command(), place.log_path());
  REQUIRE(place.stores(place.lines));
  for (int round = 0; round < 2; ++round) {
    const std::string number = std::to_string(round);
    const auto meanwhile = [&] {
      wait_for_scans(place, agent, 3);
      place.grow("elsewhere/a.log", "a meanwhile " + number);
      place.grow("elsewhere/new" + number + ".log", "new meanwhile");
      wait_for_scans(place, agent, 3);
    };
    if (how == How::covered) {
      const Mount elsewhere = Mount::bind(place.path("logs"), place.path("elsewhere"));
      const Mount cover = Mount::bind(place.path("empty"), place.path("logs"));
      meanwhile();
    } else {
      if (how == How::lazily) volume.unmount_lazily();
      if (how == How::plainly) REQUIRE(eventually([&] { return volume.unmount(); }));
      volume.mount(place.path("elsewhere"));
      meanwhile();
      REQUIRE(eventually([&] { return volume.unmount(); }));
      volume.mount(place.path("logs"));
    }
    REQUIRE(place.stores(place.lines));
    place.grow("logs/a.log", "a after it " + number);
    place.grow("logs/b.log", "b after it " + number);
    REQUIRE(place.stores(place.lines));
  }
  check_nothing_lost(place, agent);
}

TEST_CASE("volumes: one that is away when the agent starts is not read again when it comes",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const bool as_another = GENERATE(false, true);
  CAPTURE(backend, as_another);
  VolumePlace place({.backend = backend, .reconcile = "200ms"});
  LoopVolume volume(place.path("image"));
  volume.mount(place.path("logs"));
  place.grow("logs/a.log", "a", 500);
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(place.lines));
  }
  const Lines before = place.lines;
  place.grow("logs/a.log", "a, not read yet", 5);
  REQUIRE(eventually([&] { return volume.unmount(); }));
  if (as_another) volume.change_device();
  for (int start = 0; start < 2; ++start) {
    const Background agent(place.command(), place.log_path());
    REQUIRE(process::running(place));
    wait_for_scans(place, agent, 3);
    CHECK(place.stores(before));
    if (start == 0) continue;
    volume.mount(place.path("logs"));
    REQUIRE(place.stores(place.lines));
    place.grow("logs/a.log", "a after it", 5);
    CHECK(place.stores(place.lines));
    check_nothing_lost(place, agent);
  }
  place.once();
  CHECK(place.stores(place.lines));
}

TEST_CASE("volumes: a directory is written to and rotated in another mount namespace (F28)",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  CAPTURE(backend);
  VolumePlace place({.backend = backend});
  fs::create_directory(place.path("elsewhere"));
  place.grow("logs/a.log", "a", 5);
  const Background agent(place.command(), place.log_path());
  REQUIRE(place.stores(place.lines));
  const auto there = [&](const std::string& what) {
    const std::string mount = "mount --bind " + place.path("logs") + " " + place.path("elsewhere");
    const auto ran = process::shell("unshare -m sh -ec '" + mount + "; cd " +
                                    place.path("elsewhere") + "; " + what + "'");
    INFO(ran.out);
    REQUIRE(ran.exit_code == 0);
  };
  for (int round = 0; round < 5; ++round) {
    const std::string number = std::to_string(round);
    there("echo grown " + number + " >> a.log; mv a.log a-" + number + ".log; echo late " + number +
          " >> a-" + number + ".log; echo new " + number + " > a.log");
    for (const char* const what : {"grown ", "late ", "new "}) place.lines.push_back(what + number);
    REQUIRE(place.stores(place.lines));
  }
  check_nothing_lost(place, agent);
}

TEST_CASE("volumes: a directory that is mounted at a second path is read once",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const std::string reconcile = GENERATE("1h", "200ms");
  CAPTURE(backend, reconcile);
  VolumePlace place(
      {.backend = backend, .patterns = {"logs/*.log", "again/*.log"}, .reconcile = reconcile});
  fs::create_directory(place.path("again"));
  place.grow("again/covered.log", "covered, before");
  place.grow("logs/a.log", "a", 500);
  std::optional<Background> agent;
  agent.emplace(place.command(), place.log_path());
  REQUIRE(place.stores(place.lines));
  for (int round = 0; round < 2; ++round) {
    const std::string number = std::to_string(round);
    {
      const Mount again = Mount::bind(place.path("logs"), place.path("again"));
      if (round == 1) {  // that is what it finds when it starts
        agent.reset();
        agent.emplace(place.command(), place.log_path());
      } else if (reconcile != "1h") {
        wait_for_scans(place, *agent, 3);
      }
      place.grow("logs/a.log", "a by the one path " + number, 5);
      place.grow("again/a.log", "a by the other " + number, 5);
      place.grow("again/b.log", "b by the other " + number, 5);
      place.grow("logs/b.log", "b by the one " + number, 5);
      REQUIRE(place.stores(place.lines));
      // Rotated by one of its paths.
      fs::rename(place.path("again/b.log"), place.path("again/b" + number + ".log"));
      place.grow("logs/b" + number + ".log", "b after that " + number, 5);
      place.grow("logs/b.log", "b anew " + number, 5);
      REQUIRE(place.stores(place.lines));
    }
    if (reconcile != "1h") wait_for_scans(place, *agent, 3);
    // Whoever looked at both by one watch has it still.
    place.grow("logs/a.log", "a by its only path " + number, 5);
    place.grow("logs/new" + number + ".log", "new by its only path", 5);
    REQUIRE(place.stores(place.lines));
  }
  agent.reset();
  place.grow("again/covered.log", "covered, at last");
  agent.emplace(place.command(), place.log_path());
  CHECK(place.stores(place.lines));
  check_nothing_lost(place, *agent);
}

TEST_CASE("volumes: a file that is mounted over another is read once, and so is what it covered",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  CAPTURE(backend);
  VolumePlace place({.backend = backend, .reconcile = "200ms"});
  place.grow("logs/a.log", "a", 500);
  place.grow("logs/b.log", "b", 500);
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(place.lines));
    {
      const Mount over = Mount::bind(place.path("logs/a.log"), place.path("logs/b.log"));
      wait_for_scans(place, agent, 3);
      place.grow("logs/b.log", "a by the name of b", 5);
      place.grow("logs/a.log", "a by its own", 5);
      REQUIRE(place.stores(place.lines));
    }
    wait_for_scans(place, agent, 3);
    place.grow("logs/b.log", "b again", 5);
    place.grow("logs/a.log", "a as ever", 5);
    REQUIRE(place.stores(place.lines));
    check_nothing_lost(place, agent);
  }
  const Mount over = Mount::bind(place.path("logs/b.log"), place.path("logs/a.log"));
  place.grow("logs/a.log", "b by the name of a", 5);
  place.once();
  CHECK(place.stores(place.lines));
}

TEST_CASE("volumes: a log that mv takes to another one is not read twice (F16)",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  enum class Meanwhile : std::uint8_t { runs, stopped, killed };
  const Meanwhile meanwhile = GENERATE(Meanwhile::runs, Meanwhile::stopped, Meanwhile::killed);
  const bool to_disk = GENERATE(false, true);
  CAPTURE(backend, static_cast<int>(meanwhile), to_disk);
  VolumePlace place({.backend = backend,
                     .patterns = {"disk/*.log", "memory/*.log"},
                     .reconcile = "200ms",
                     .from_more = "      rotate_wait: 1s\n"});
  for (const char* name : {"disk", "memory"}) fs::create_directory(place.path(name));
  LoopVolume volume(place.path("image"));
  volume.mount(place.path("disk"));
  const Mount memory = Mount::memory(place.path("memory"), "16m");
  const std::string from = to_disk ? "memory" : "disk";
  const std::string to = to_disk ? "disk" : "memory";
  place.grow(from + "/a.log", "a line that is long enough to be known again", 500);
  place.grow(from + "/b.log", "b", 500);
  std::optional<Background> agent;
  agent.emplace(place.command(), place.log_path());
  REQUIRE(place.stores(place.lines));
  if (meanwhile != Meanwhile::runs) {
    REQUIRE(noted(place, from + "/a.log"));
    if (meanwhile == Meanwhile::killed) ::kill(agent->pid(), SIGKILL);
    agent.reset();
    place.grow(from + "/a.log", "a, not read before it is moved", 500);
  }
  const auto moved = process::shell("mv " + place.path(from + "/a.log") + " " + place.path(to));
  REQUIRE(moved.exit_code == 0);
  if (!agent) agent.emplace(place.command(), place.log_path());
  REQUIRE(place.stores(place.lines));
  place.grow(to + "/a.log", "a, grown where it is now", 5);
  place.grow(from + "/a.log", "a, a new one where it was", 5);
  place.grow(from + "/b.log", "b, still there", 5);
  CHECK(place.stores(place.lines));
  check_nothing_lost(place, *agent);
  agent.reset();
  place.once();
  CHECK(place.stores(place.lines));
}
