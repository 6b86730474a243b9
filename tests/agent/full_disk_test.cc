// Disks that are full: the logs' own, the store's, and one that deleted logs are kept on (rules
// F12, F60).
#include <fcntl.h>
#include <signal.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/agent/mount.h"
#include "tests/agent/own_mounts.h"
#include "tests/test.h"

std::string process::obstacle() { return {}; }

namespace {

namespace fs = std::filesystem;
using process::Background;
using process::contains;
using process::count;
using process::eventually;
using process::LogPlace;
using process::Mount;
using Lines = std::vector<std::string>;

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;

std::uint64_t free_bytes(const std::string& directory) {
  struct statvfs raw{};
  REQUIRE(::statvfs(directory.c_str(), &raw) == 0);
  return std::uint64_t{raw.f_bavail} * raw.f_frsize;
}

// Numbered lines of `what`, of 61 bytes with their newlines, so that no page ends with one.
std::string numbered(const std::string& what, std::size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) {
    std::string line = what + " " + std::to_string(i);
    line.resize(60, '.');
    text += line + "\n";
  }
  return text;
}

void add_lines(Lines& lines, const std::string& text) {
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    lines.push_back(text.substr(at, text.find('\n', at) - at));
  }
}

// Writes until the disk is full. Result: what went in, perhaps the half of a line at its end.
std::size_t write_until_full(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  REQUIRE(file >= 0);
  std::size_t written = 0;
  while (written < text.size()) {
    const std::size_t piece = std::min<std::size_t>(10'000, text.size() - written);
    const ssize_t bytes = ::write(file, text.data() + written, piece);
    if (bytes < 0) {
      CHECK(errno == ENOSPC);
      break;
    }
    written += static_cast<std::size_t>(bytes);
  }
  ::close(file);
  return written;
}

void fill(const std::string& path) { write_until_full(path, std::string(64 * kMebibyte, 'f')); }

}  // namespace

TEST_CASE("full disk: the logs' own ends a line in its middle, and later it goes on",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const bool killed = GENERATE(false, true);  // while it is full
  CAPTURE(backend, killed);
  LogPlace place({.backend = backend});
  const Mount disk = Mount::memory(place.path("logs"), "1m");
  const std::string text = numbered("line", 2 * kMebibyte);
  Lines lines;
  add_lines(lines, text);
  const std::size_t written = write_until_full(place.path("logs/a.log"), text);
  REQUIRE(written < text.size());
  REQUIRE(text[written - 1] != '\n');
  const auto whole = static_cast<std::ptrdiff_t>(std::ranges::count(text.substr(0, written), '\n'));
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(Lines(lines.begin(), lines.begin() + whole)));
    if (killed) REQUIRE(::kill(agent.pid(), SIGKILL) == 0);
  }
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(process::running(place));
    disk.resize("4m");
    place.append("logs/a.log", text.substr(written));
    CHECK(place.stores(lines));
    CHECK(count(place.log(), "warn") == 0);
    CHECK(process::counter(place, agent, "records_unaccounted") == 0);
  }
  place.once();
  CHECK(place.stores(lines));
}

TEST_CASE("full disk: the store's is waited for by who is killed, and by who starts on it",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  CAPTURE(backend);
  LogPlace place({.backend = backend, .flows_more = "memory: 4MiB\nshutdown_grace: 1s\n"});
  fs::create_directory(place.path("data"));
  const Mount disk = Mount::memory(place.path("data"), "8m");
  Lines lines;
  const auto grow = [&](const std::string& what) {
    const std::string text = numbered(what, kMebibyte / 2);
    add_lines(lines, text);
    place.append("logs/a.log", text);
    place.append("logs/" + what + ".log", "new\n");
    lines.push_back("new");
  };
  grow("first");
  for (const bool killed : {true, true, false}) {
    {
      const Background agent(place.command(), place.log_path());
      REQUIRE(place.stores(lines));
      fill(place.path("data/filler"));
      grow(killed ? "killed" : "stopped");
      REQUIRE(eventually([&] { return contains(place.log(), "No space left"); }));
      CHECK(process::counter(place, agent, "groups_retried") > 0);
      CHECK(process::counter(place, agent, "store_write_errors") > 0);
      CHECK(process::counter(place, agent, "records_dropped") == 0);
      if (killed) REQUIRE(::kill(agent.pid(), SIGKILL) == 0);
    }
    const Background agent(place.command(), place.log_path());
    REQUIRE(eventually([&] { return contains(place.log(), "No space left"); }));
    grow("starting");
    fs::remove(place.path("data/filler"));
    REQUIRE(place.stores(lines));
    CHECK(process::counter(place, agent, "records_unaccounted") == 0);
    CHECK(process::counter(place, agent, "bytes_unaccounted") == 0);
  }
  place.once();
  CHECK(place.stores(lines));
}

TEST_CASE(
    "full disk: deleted logs take no more of it than they may while nothing is delivered (F12)",
    "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  CAPTURE(backend);
  LogPlace place({.backend = backend,
                  .from_more = "      max_deleted_bytes: 4MiB\n      rotate_wait: 0s\n",
                  .flows_more = "memory: 4MiB\n"});
  fs::create_directory(place.path("data"));
  const Mount disk = Mount::memory(place.path("data"), "24m");
  const Mount logs = Mount::memory(place.path("logs"), "32m");
  const std::string first = "first\n";
  place.append("logs/first.log", first);
  const Background agent(place.command(), place.log_path());
  REQUIRE(place.stores({"first"}));
  const std::uint64_t empty = free_bytes(place.path("logs"));
  fill(place.path("data/filler"));
  constexpr int kFiles = 5;
  std::uint64_t bytes = first.size();
  for (int i = 0; i < kFiles; ++i) {
    const std::string text = numbered("file " + std::to_string(i), 5 * kMebibyte);
    bytes += text.size();
    place.write("logs/" + std::to_string(i) + ".log", text);
  }
  REQUIRE(eventually([&] { return process::counter(place, agent, "files_open") == kFiles + 1; }));
  REQUIRE(eventually([&] { return contains(place.log(), "No space left"); }));
  for (int i = 0; i < kFiles; ++i) fs::remove(place.path("logs/" + std::to_string(i) + ".log"));
  // Each of them is more than one reactor may keep.
  CHECK(eventually([&] { return free_bytes(place.path("logs")) + kMebibyte >= empty; }));
  CHECK(process::counter(place, agent, "files_given_up") == kFiles);
  CHECK(count(place.log(), "deleted file let go before it was read") == kFiles);
  fs::remove(place.path("data/filler"));
  const auto lost = [&] {
    return process::sample(place, "bytes_dropped{flow=\"f\",reason=\"lost_unread\"}");
  };
  CHECK(eventually([&] { return place.stored().size() + lost() == bytes; }));
  CHECK(lost() > 0);
  CHECK(process::counter(place, agent, "bytes_dropped") == lost());
  CHECK(process::counter(place, agent, "records_unaccounted") == 0);
  CHECK(process::counter(place, agent, "bytes_unaccounted") == 0);
  // What was taken of them is whole lines, each once.
  const Lines there = place.stored_lines();
  CHECK(std::ranges::adjacent_find(there) == there.end());
  CHECK(std::ranges::all_of(
      there, [](const std::string& line) { return line == "first" || line.size() == 60; }));
}
