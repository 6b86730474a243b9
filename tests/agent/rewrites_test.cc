// Files that real programs write anew in their own place, under the built program (F21). On the
// ring, on epoll, and without notification.
#include <filesystem>
#include <string>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using process::Background;
using process::LogPlace;
using Lines = std::vector<std::string>;

// A log that was read up to now, and is written anew in one of their ways.
struct Rewritten {
  explicit Rewritten(const std::string& on_rewrite)
      : place({.backend = backend, .from_more = "      on_rewrite: " + on_rewrite + "\n"}) {}

  void grow(int count) {
    for (int i = 0; i < count; ++i) {
      lines.push_back("line " + std::to_string(lines.size()) + " that is not short");
      place.append("logs/a.log", lines.back() + "\n");
    }
  }
  std::string text() const { return process::read_file(place.path("logs/a.log")); }
  void write_anew(const std::string& way) {
    const std::string log = place.path("logs/a.log");
    if (way == "sed") {
      REQUIRE(process::shell("sed -i '$a added by sed' " + log).exit_code == 0);
      lines.emplace_back("added by sed");
    } else if (way == "rsync") {
      place.write("logs/.a.log.x7Yq", text() + "added by rsync\n");
      fs::rename(place.path("logs/.a.log.x7Yq"), log);
      lines.emplace_back("added by rsync");
    } else {
      const std::string now = text() + "added by vim\n";
      fs::rename(log, log + "~");
      place.append("logs/a.log", now.substr(0, 100));
      place.append("logs/a.log", now.substr(100));
      fs::remove(log + "~");
      lines.emplace_back("added by vim");
    }
  }

  std::string backend = GENERATE("auto"s, "epoll"s, "poll"s);
  LogPlace place;
  Lines lines;
};

}  // namespace

TEST_CASE("rewrites: what is written anew is read on, also when nobody was there (F21)",
          "[agent][process]") {
  Rewritten scene("continue");
  const std::string way = GENERATE("sed"s, "rsync"s, "vim"s);
  CAPTURE(scene.backend, way);
  scene.grow(100);
  {
    const Background agent(scene.place.command(), scene.place.log_path());
    REQUIRE(scene.place.stores(scene.lines));
    scene.write_anew(way);
    REQUIRE(scene.place.stores(scene.lines));
    scene.grow(10);
    REQUIRE(scene.place.stores(scene.lines));
    CHECK(process::counter(scene.place, agent, "files_continued_rewritten") == 1);
  }
  scene.write_anew(way);
  scene.grow(10);
  const Background agent(scene.place.command(), scene.place.log_path());
  CHECK(scene.place.stores(scene.lines));
}

TEST_CASE("rewrites: by default what is written anew is another file", "[agent][process]") {
  Rewritten scene("new");
  CAPTURE(scene.backend);
  scene.grow(10);
  const Background agent(scene.place.command(), scene.place.log_path());
  REQUIRE(scene.place.stores(scene.lines));
  const Lines before = scene.lines;
  scene.write_anew("rsync");
  scene.lines.insert(scene.lines.end(), before.begin(), before.end());
  CHECK(scene.place.stores(scene.lines));
}
