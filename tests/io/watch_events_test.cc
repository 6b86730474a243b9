#include <sys/inotify.h>

#include <array>
#include <cstring>

#include "io/files.h"
#include "tests/io/real_world.h"
#include "tests/test.h"

namespace {

std::string event(int watch, std::uint32_t mask, std::string_view name = {},
                  std::uint32_t cookie = 0) {
  inotify_event raw{};
  raw.wd = watch;
  raw.mask = mask;
  raw.cookie = cookie;
  raw.len = name.empty() ? 0 : static_cast<std::uint32_t>((name.size() + 16) / 16 * 16);
  std::string bytes(reinterpret_cast<const char*>(&raw), sizeof raw);
  bytes += name;
  bytes.resize(sizeof raw + raw.len, '\0');
  return bytes;
}

struct Watched {
  io_test::ScratchDirectory directory;
  std::unique_ptr<io::Files> files = io::make_files();
  io::UniqueHandle watch{*files, files->open_watch().value()};
  std::string bytes;  // what the last events() are views into

  std::string path(const std::string& name) const { return directory.path() + "/" + name; }
  std::vector<io::WatchEvent> events() {
    bytes.assign(10'000, '\0');
    const ssize_t got = ::read(watch.get(), bytes.data(), bytes.size());
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return io::parse_watch_events(bytes);
  }
};

}  // namespace

TEST_CASE("watch events: every kind has its bit", "[io][watch]") {
  const auto one = [](std::uint32_t mask) {
    const std::string bytes = event(1, mask, "x");
    return io::parse_watch_events(bytes).at(0).what;
  };
  CHECK(one(IN_MODIFY) == io::kWatchModified);
  CHECK(one(IN_CREATE) == io::kWatchCreated);
  CHECK(one(IN_MOVED_TO) == io::kWatchCreated);
  CHECK(one(IN_DELETE) == io::kWatchRemoved);
  CHECK(one(IN_MOVED_FROM) == io::kWatchRemoved);
  CHECK(one(IN_ATTRIB) == io::kWatchAttributes);
  CHECK(one(IN_IGNORED) == io::kWatchGone);
  CHECK(one(IN_DELETE_SELF) == io::kWatchGone);
  CHECK(one(IN_MOVE_SELF) == io::kWatchGone);
  CHECK(one(IN_UNMOUNT) == io::kWatchGone);
  CHECK(one(IN_CREATE | IN_ISDIR) == io::kWatchCreated);
  CHECK(one(IN_OPEN) == 0);
}

TEST_CASE("watch events: names of all lengths, cookies and overflow are decoded in order",
          "[io][watch]") {
  std::string bytes = event(-1, IN_Q_OVERFLOW);
  for (std::size_t length = 1; length <= 40; ++length) {
    bytes += event(7, IN_CREATE | IN_ISDIR, std::string(length, 'n'), 99);
  }
  const auto events = io::parse_watch_events(bytes);
  REQUIRE(events.size() == 41);
  CHECK(events[0].watch == -1);
  CHECK(events[0].what == io::kWatchOverflow);
  CHECK(events[0].name.empty());
  for (std::size_t length = 1; length <= 40; ++length) {
    CHECK(events[length].name == std::string(length, 'n'));
    CHECK(events[length].cookie == 99);
    CHECK(events[length].is_directory);
  }
}

TEST_CASE("watch events: cut anywhere, the whole ones before the cut are kept", "[io][watch]") {
  const std::string first = event(1, IN_MODIFY, "first.log");
  const std::string bytes = first + event(2, IN_DELETE, "second.log");
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    CAPTURE(cut);
    CHECK(io::parse_watch_events(std::string_view(bytes).substr(0, cut)).size() ==
          (cut >= first.size() ? 1U : 0U));
  }
}

TEST_CASE("watch: a directory tells about its files until it is gone", "[io][watch]") {
  Watched watched;
  REQUIRE(watched.files->make_directories(watched.path("logs")).has_value());
  const int number = watched.files->add_watch(watched.watch.get(), watched.path("logs")).value();
  CHECK(watched.files->add_watch(watched.watch.get(), watched.path("logs")) == number);
  CHECK(watched.events().empty());

  {
    const io::UniqueHandle file(
        *watched.files, watched.files->open(watched.path("logs/a"), io::Open::create_new).value());
    REQUIRE(watched.files->write_at(file.get(), "x", 0).has_value());
  }
  auto events = watched.events();
  REQUIRE(events.size() == 2);
  CHECK(events[0].what == io::kWatchCreated);
  CHECK(events[1].what == io::kWatchModified);
  CHECK(events[1].name == "a");

  REQUIRE(watched.files->rename(watched.path("logs/a"), watched.path("logs/b")).has_value());
  events = watched.events();
  REQUIRE(events.size() == 2);
  CHECK(events[0].what == io::kWatchRemoved);
  CHECK(events[1].what == io::kWatchCreated);
  CHECK(events[0].cookie != 0);
  CHECK(events[0].cookie == events[1].cookie);

  std::filesystem::remove_all(watched.path("logs"));
  events = watched.events();
  REQUIRE(events.size() >= 2);
  CHECK(events.back().what == io::kWatchGone);
  CHECK(events.back().watch == number);
}

TEST_CASE("watch: only directories are watched, and a removed watch is over", "[io][watch]") {
  Watched watched;
  const io::UniqueHandle file(
      *watched.files, watched.files->open(watched.path("file"), io::Open::create_new).value());
  const auto refused = watched.files->add_watch(watched.watch.get(), watched.path("file"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().system == ENOTDIR);

  const int number =
      watched.files->add_watch(watched.watch.get(), watched.directory.path()).value();
  watched.files->remove_watch(watched.watch.get(), number);
  const auto events = watched.events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].what == io::kWatchGone);
}
