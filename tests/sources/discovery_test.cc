// Discovery on a simulated machine, with events, without them, and when it cannot look.
#include "sources/glob.h"
#include "tests/sources/discovery_scene.h"

namespace {

using namespace std::chrono_literals;
using scene::flow;
using scene::Paths;
using sources::Checkpoint;
using Scene = scene::DiscoveryScene;

}  // namespace

TEST_CASE("discovery: finds what the patterns name and nothing else", "[sources][discovery]") {
  Scene scene({flow({"/log/*.log", "/log/{a,b}/**/x", "/log/one"}, {"/log/no*.log"})});
  for (const char* path :
       {"/log/a.log", "/log/\xFF\n.log", "/log/a.txt", "/log/.h.log", "/log/nope.log", "/log/a/x",
        "/log/b/1/2/x", "/log/c/x", "/log/b/.1/x", "/log/one", "/log/data/x.log", "/logs/a.log"}) {
    scene.put(path);
  }
  scene.start();
  CHECK(scene.paths() ==
        Paths{"/log/a.log", "/log/\xFF\n.log", "/log/a/x", "/log/b/1/2/x", "/log/one"});
  CHECK(scene.discovery->files() == 5);
}

TEST_CASE("discovery: a directory that every flow excludes may be refused (F24)",
          "[sources][discovery]") {
  const std::string exclude = GENERATE("/log/lost/**", "/log/lost/*", "/log/lost", "/log/lo*/**");
  const bool other = GENERATE(false, true);
  CAPTURE(exclude, other);
  std::vector flows{flow({"/log/*/*.log"}, {"/none/**", exclude})};
  if (other) flows.push_back(flow({"/log/**/*.log"}));
  Scene scene(flows);
  scene.put("/log/lost/a.log");
  scene.put("/log/d/a.log");
  scene.world.disk().find("/log/lost")->unlisted = true;
  scene.start();
  scene.run(1s);
  CHECK(scene.paths() == Paths{"/log/d/a.log"});
  CHECK(scene.discovery->not_read() == (other ? 1 : 0));
  CHECK((scene.discovery->waiting() == 0) == !other);
}

TEST_CASE("discovery: what was moved to an excluded directory while nobody looked is found (F02)",
          "[sources][discovery]") {
  const std::string exclude = GENERATE("/log/old/**", "/log/old");
  CAPTURE(exclude);
  Scene scene({flow({"/log/**/*.log"}, {exclude})});
  scene.put("/log/app/a.log", "123456");
  scene.known.push_back(scene.checkpoint("/log/app/a.log", 3));
  scene.world.disk().make_directories("/log/old/2026");
  scene.world.disk().rename("/log/app/a.log", "/log/old/2026/a.log");
  scene.start();
  CHECK(scene.paths() == Paths{"/log/app/a.log"});
}

TEST_CASE("discovery: only what is excluded is not looked for (F24)", "[sources][discovery]") {
  // Directories and names that begin with a dot, what is further below, files of that name.
  const auto [pattern, exclude] =
      GENERATE(table<std::string, std::string>({{"/log/d/.*", "/log/d/**"},
                                                {"/log/*/.e/f", "/log/d/**"},
                                                {"/log/*/\\.e/*", "/log/d/**"},
                                                {"/log/**/f", "/log/d/*"},
                                                {"/log/*/e/f", "/log/d/*"},
                                                {"/log/*/e/*", "/**/d"},
                                                {"/log/d/e/*", "/log/*/e"},
                                                {"/log/d/*", "/log/d/**/e/*"},
                                                {"/log/d/*", "/log/d/?*"}}));
  CAPTURE(pattern, exclude);
  Scene scene({flow({pattern}, {exclude})});
  Paths expected;
  for (const char* path : {"/log/d/f", "/log/d/.f", "/log/d/e/f", "/log/d/.e/f", "/log/d/e/e/f"}) {
    scene.put(path);
    if (sources::glob_match(pattern, path) && !sources::glob_match(exclude, path)) {
      expected.insert(path);
    }
  }
  scene.start();
  CHECK(scene.paths() == expected);
}

TEST_CASE("discovery: what comes later is found by events alone, and starts at its beginning",
          "[sources][discovery]") {
  Scene scene({flow({"/log/*/**/*.log", "/other/deep/down/x"})});
  scene.start();
  CHECK(scene.found.empty());
  scene.put("/log/a/b/c/d/x.log");  // directories and file before the event is read (F25)
  scene.run();
  scene.put("/other/deep/down/x", "12345\n");
  scene.run();
  CHECK(scene.paths() == Paths{"/log/a/b/c/d/x.log", "/other/deep/down/x"});
  for (const auto& each : scene.found) CHECK(each.checkpoint.offset == 0);
  scene.put("/log/a/y.log");
  scene.run();
  CHECK(scene.found.size() == 3);
}

TEST_CASE("discovery: start applies to what is there at the first start only (F34)",
          "[sources][discovery]") {
  const bool first = GENERATE(true, false);
  const auto start = GENERATE(sources::Start::end, sources::Start::beginning);
  const bool has_state = GENERATE(true, false);
  CAPTURE(first, start == sources::Start::end, has_state);
  Scene scene({flow({"/log/*"})});
  scene.flows.front().first_start = first;
  scene.flows.front().files.start = start;
  scene.put("/log/a", "123456");
  if (has_state) scene.known.push_back(scene.checkpoint("/log/a", 3));
  scene.start();
  REQUIRE(scene.found.size() == 1);
  const bool at_end = first && start == sources::Start::end;
  CHECK(scene.found.front().checkpoint.offset == (has_state ? 3U : at_end ? 6U : 0U));
  CHECK((scene.found.front().checkpoint.origin == base::Origin::none) == !has_state);
  scene.put("/log/b", "123456");
  scene.run();
  CHECK(scene.found.back().checkpoint.offset == 0);
}

TEST_CASE("discovery: after a lost state unknown files begin at their end, counted",
          "[sources][discovery]") {
  Scene scene({flow({"/log/*.log"})});
  scene.flows.front().first_start = false;
  scene.flows.front().skip_unknown = true;
  scene.flows.front().files.start = sources::Start::beginning;
  scene.put("/log/a.log", "four");
  scene.put("/log/empty.log", "");
  scene.start();
  scene.put("/log/b.log", "later");
  scene.run();
  REQUIRE(scene.found.size() == 3);
  for (const sources::FoundFile& found : scene.found) {
    CAPTURE(found.checkpoint.path);
    CHECK(found.checkpoint.offset == (found.checkpoint.path == "/log/a.log" ? 4 : 0));
  }
  CHECK(scene.discovery->counters().files_skipped.value() == 1);
  CHECK(scene.discovery->counters().bytes_skipped.value() == 4);
}

TEST_CASE("discovery: a changed flow goes on at the checkpoint under a new origin",
          "[sources][discovery]") {
  Scene scene({flow({"/log/*"})});
  scene.put("/log/a", "123456");
  scene.known.push_back(scene.checkpoint("/log/a", 3));
  scene.known.front().flow_fingerprint = 8;
  scene.start();
  CHECK(scene.found.front().checkpoint.offset == 3);
  CHECK(scene.found.front().checkpoint.origin == base::Origin::none);
  CHECK(scene.found.front().checkpoint.flow_fingerprint == 9);
}

TEST_CASE("discovery: growth is a hint to the file's number", "[sources][discovery]") {
  Scene scene({flow({"/log/*"})});
  scene.put("/log/a");
  scene.put("/log/b");
  scene.start();
  scene.run();
  scene.looks.clear();
  scene.append("/log/b");
  scene.run();
  CHECK(!scene.looks.empty());
  for (const std::uint64_t number : scene.looks) CHECK(number == scene.number("/log/b"));
}

TEST_CASE("discovery: rename and create: the old is detached, the new comes after it (F01)",
          "[sources][discovery]") {
  const bool matching = GENERATE(false, true);  // does the old name's successor match, too?
  CAPTURE(matching);
  Scene scene({flow({matching ? "/log/a*" : "/log/a"})});
  scene.put("/log/a");
  scene.start();
  const std::uint64_t old = scene.number("/log/a");
  scene.world.disk().rename("/log/a", "/log/a.1");
  scene.put("/log/a");
  scene.run();
  REQUIRE(scene.found.size() == 2);
  CHECK(scene.found.back().checkpoint.path == "/log/a");
  CHECK(scene.found.back().after == std::vector<std::uint64_t>{old});
  if (matching) {
    CHECK(scene.detached.empty());
  } else {
    CHECK(scene.detached == std::map<std::uint64_t, std::string>{{old, "/log/a.1"}});
    scene.discovery->closed(0, old);
  }
  CHECK(scene.discovery->files() == (matching ? 2 : 1));
}

TEST_CASE("discovery: a name that comes back is found again under a new number",
          "[sources][discovery]") {
  Scene scene({flow({"/log/a"})});
  scene.put("/log/a");
  scene.start();
  scene.world.disk().rename("/log/a", "/log/b");
  scene.run();
  CHECK(scene.detached.size() == 1);
  scene.world.disk().rename("/log/b", "/log/a");
  scene.run();
  REQUIRE(scene.found.size() == 2);
  CHECK(scene.found[1].checkpoint.identity == scene.found[0].checkpoint.identity);
  CHECK(scene.found[1].after.empty());
  scene.discovery->closed(0, scene.found[0].number);
  scene.append("/log/a");
  scene.looks.clear();
  scene.run();
  REQUIRE(!scene.looks.empty());
  CHECK(scene.looks.front() == scene.found[1].number);
}

TEST_CASE("discovery: lost events are made good by the reconcile", "[sources][discovery]") {
  Scene scene({flow({"/log/*"})});
  scene.put("/log/a");
  scene.put("/log/b");
  scene.start();
  scene.run();
  scene.world.faults().set("", {.watch_loss = 1.0});
  scene.world.disk().remove("/log/a");
  scene.put("/log/c");
  scene.run(1s);
  CHECK(scene.found.size() == 2);
  scene.run(31s);
  CHECK(scene.paths() == Paths{"/log/a", "/log/b", "/log/c"});
  CHECK(scene.detached.size() == 1);
}

TEST_CASE("discovery: after an overflow everything is looked at (F27)", "[sources][discovery]") {
  Scene scene({flow({"/log/*"})});
  for (int i = 0; i < 10; ++i) scene.put("/log/" + std::to_string(i));
  scene.start();
  scene.run();
  scene.looks.clear();
  scene.world.faults().set("", {.watch_overflow = 1.0});
  scene.append("/log/1");
  scene.put("/log/new");
  scene.run(1s);
  CHECK(scene.discovery->counters().watch_overflows.value() > 0);
  CHECK(scene.found.size() == 11);
  CHECK(std::set(scene.looks.begin(), scene.looks.end()).size() >= 10);
}

TEST_CASE("discovery: could not look is not gone (F30)", "[sources][discovery]") {
  const auto seed = GENERATE(range(1U, 11U));
  Scene scene({flow({"/log/**/*.log"})}, seed);
  for (int i = 0; i < 5; ++i) scene.put("/log/d/" + std::to_string(i) + ".log");
  scene.start();
  REQUIRE(scene.found.size() == 5);
  scene.world.faults().set("/", {.open_error = 0.5, .look_error = 0.5});
  for (int i = 0; i < 20; ++i) {
    scene.discovery->reconcile_now();
    scene.run();
  }
  CHECK(scene.discovery->counters().scan_errors.value() > 0);
  CHECK(scene.detached.empty());
  scene.put("/log/d/new.log");
  scene.run();
  scene.world.faults().switch_on(false);
  scene.run(31s);
  CHECK(scene.detached.empty());
  CHECK(scene.found.size() == 6);
  CHECK(scene.discovery->counters().files_unreadable.value() == 0);
}

TEST_CASE("discovery: a file renamed while nobody looked is found by its inode (F02)",
          "[sources][discovery]") {
  Scene scene({flow({"/log/a"})});
  scene.put("/log/a", "123456");
  scene.known.push_back(scene.checkpoint("/log/a", 3));
  scene.world.disk().make_directories("/log/old");
  const std::string moved = GENERATE("/log/a.1", "/log/old/a.1");
  scene.world.disk().rename("/log/a", moved);
  scene.put("/log/a", "new");
  scene.start();
  REQUIRE(scene.found.size() == 2);
  CHECK(scene.found[0].rotated);
  CHECK(scene.found[0].checkpoint.offset == 3);
  CHECK(scene.found[0].checkpoint.origin == base::Origin{77});
  CHECK_FALSE(scene.found[1].rotated);
  CHECK(scene.found[1].checkpoint.path == "/log/a");
  CHECK(scene.found[1].after == std::vector<std::uint64_t>{scene.found[0].number});
}

TEST_CASE("discovery: a file the patterns no longer want is left alone, renamed or not",
          "[sources][discovery]") {
  Scene scene({flow({"/log/a"})});
  scene.put("/log/b", "123456");
  scene.known.push_back(scene.checkpoint("/log/b", 3));
  scene.start();
  CHECK(scene.found.empty());
}

TEST_CASE("discovery: inode reuse is another file (F15)", "[sources][discovery]") {
  Scene scene({flow({"/log/a"})});
  scene.put("/log/a", "123456");
  scene.known.push_back(scene.checkpoint("/log/a", 6));
  const std::uint64_t inode = scene.known.front().identity.inode;
  scene.world.disk().remove("/log/a");
  scene.world.disk().write_back();  // before that the number is not free
  scene.world.clock().advance(1s);
  scene.put("/log/a", "abcdefghij");
  REQUIRE(scene.checkpoint("/log/a", 0).identity.inode == inode);
  scene.flows.front().first_start = false;
  scene.start();
  REQUIRE(scene.found.size() == 1);
  CHECK(scene.found.front().checkpoint.offset == 0);
  CHECK(scene.found.front().checkpoint.origin == base::Origin::none);
  CHECK(scene.discovery->counters().files_reused.value() == 1);
}

TEST_CASE("discovery: what is gone before it is looked at is counted (F09)",
          "[sources][discovery]") {
  Scene scene({flow({"/log/*"})});
  scene.start();
  scene.put("/log/a");
  scene.world.disk().remove("/log/a");
  scene.put("/log/b");
  scene.run();
  CHECK(scene.paths() == Paths{"/log/b"});
  CHECK(scene.discovery->counters().files_vanished.value() == 1);
  scene.world.disk().remove("/log/b");  // this one was looked at
  scene.run(31s);
  CHECK(scene.discovery->counters().files_vanished.value() == 1);
  CHECK(scene.discovery->counters().files_reused.value() == 0);
}

TEST_CASE("discovery: checkpoints of files long gone are forgotten, and only those (F55)",
          "[sources][discovery]") {
  const bool never = GENERATE(false, true);
  CAPTURE(never);
  auto only = flow({"/log/*"});
  if (never) only.files.state_ttl = 0s;
  Scene scene({only});
  scene.put("/log/gone");
  scene.put("/log/recent");
  scene.put("/log/there");
  for (const char* path : {"/log/gone", "/log/recent", "/log/there"}) {
    scene.known.push_back(scene.checkpoint(path, 2));
  }
  scene.known[0].seen_us -= std::chrono::microseconds(24h * 8).count();
  scene.known[2].seen_us -= std::chrono::microseconds(24h * 8).count();
  scene.known.push_back(scene.known[0]);  // in a directory that is not there: perhaps not mounted
  scene.known[3].path = "/mnt/x";
  scene.known[3].identity.inode = 4711;
  scene.world.disk().remove("/log/gone");
  scene.world.disk().remove("/log/recent");
  scene.start();
  const auto later = [&](base::Duration time) {
    scene.world.clock().advance(time);
    scene.run();
    return scene.forgotten.size();
  };
  // It may have gone a moment before we started.
  CHECK(later(59min) == 0);
  if (never) {
    CHECK(later(24h * 365) == 0);
    return;
  }
  REQUIRE(later(2min) == 1);
  CHECK(scene.forgotten[0] == scene.known[0]);
  CHECK(later(24h * 6) == 1);
  REQUIRE(later(24h) == 3);
  CHECK(Paths{scene.forgotten[1].path, scene.forgotten[2].path} == Paths{"/log/recent", "/mnt/x"});
  CHECK(later(24h * 365) == 3);
}

TEST_CASE("discovery: a clock that jumps makes no file long gone (F55, F59)",
          "[sources][discovery]") {
  Scene scene({flow({"/log/*"})});
  scene.put("/log/gone");
  scene.known.push_back(scene.checkpoint("/log/gone", 2));
  scene.world.disk().remove("/log/gone");
  scene.start();
  scene.world.clock().jump_wall(24h * 3650);
  scene.world.clock().advance(59min);
  scene.run();
  CHECK(scene.forgotten.empty());
}

TEST_CASE("discovery: a directory that cannot be listed says nothing of what is gone (F30, F55)",
          "[sources][discovery]") {
  Scene scene({flow({"/log/*"})});
  scene.put("/log/gone");
  scene.known.push_back(scene.checkpoint("/log/gone", 2));
  scene.known[0].seen_us -= std::chrono::microseconds(24h * 8).count();
  scene.world.disk().remove("/log/gone");
  sim::Node& directory = *scene.world.disk().find("/log");
  scene.world.disk().deny(directory, true);
  scene.start();
  scene.world.clock().advance(24h * 30);
  scene.run();
  CHECK(scene.forgotten.empty());
  scene.world.disk().deny(directory, false);
  scene.world.clock().advance(1h);
  scene.run();
  CHECK(scene.forgotten.empty());
  scene.world.clock().advance(1h + 1min);
  scene.run();
  CHECK(scene.forgotten.size() == 1);
}

TEST_CASE("discovery: two flows that match one file have a number each", "[sources][discovery]") {
  Scene scene({flow({"/log/a*"}), flow({"/log/*b"})});
  scene.flows[1].name = "other";
  scene.put("/log/ab");
  scene.put("/log/a");
  scene.start();
  CHECK(scene.found.size() == 3);
  scene.world.disk().rename("/log/ab", "/log/b");
  scene.run();
  REQUIRE(scene.detached.size() == 1);
  CHECK(scene.open.at(scene.detached.begin()->first) == 0);
}

TEST_CASE("discovery: any order of creating, renaming and deleting ends with the right files",
          "[sources][discovery]") {
  const auto seed = GENERATE(range(1U, 31U));
  CAPTURE(seed);
  Scene scene({flow({"/log/**/*.log"})}, seed);
  auto& random = scene.world.random();
  if (seed % 3 == 0) scene.world.faults().set("", {.watch_loss = 0.2, .watch_overflow = 0.05});
  if (seed % 3 == 1) scene.world.faults().set("/", {.open_error = 0.05, .look_error = 0.05});
  scene.start();
  const auto name = [&random] {
    static constexpr const char* kDirectories[] = {"/log", "/log/d", "/log/d/e"};
    const std::string directory = kDirectories[random.below(3)];
    return directory + "/" + std::to_string(random.below(6)) + (random.chance(0.7) ? ".log" : "");
  };
  scene.world.disk().make_directories("/log/d/e");
  for (int step = 0; step < 300; ++step) {
    const std::string path = name();
    if (random.chance(0.5)) {
      sim::NodeRef node;
      scene.world.disk().create(path, node);
    } else if (random.chance(0.6)) {
      scene.world.disk().rename(path, name());
    } else {
      scene.world.disk().remove(path);
    }
    if (random.chance(0.3)) scene.run(20ms);
  }
  scene.world.faults().switch_on(false);
  scene.run(62s);
  Paths expected;
  std::map<std::uint64_t, std::string> by_inode;
  for (const char* directory : {"/log", "/log/d", "/log/d/e"}) {
    for (const std::string& each : scene.world.disk().list(directory)) {
      if (!each.ends_with(".log")) continue;
      const std::string path = std::string(directory) + "/" + each;
      expected.insert(path);
      by_inode[scene.world.disk().find(path)->inode] = path;
    }
  }
  std::set<std::uint64_t> following;
  for (const auto& each : scene.found) {
    if (!each.rotated && !scene.detached.contains(each.number))
      following.insert(each.checkpoint.identity.inode);
  }
  std::set<std::uint64_t> wanted;
  for (const auto& [inode, path] : by_inode) wanted.insert(inode);
  CHECK(following == wanted);
  scene.looks.clear();
  for (const std::string& path : expected) scene.append(path);
  scene.run();
  CHECK(std::set(scene.looks.begin(), scene.looks.end()).size() == expected.size());
}

TEST_CASE("discovery: a file nobody read leaves nothing to erase (F15)", "[sources][discovery]") {
  Scene scene({flow({"/log/*"})});
  scene.start();
  scene.put("/log/b");
  scene.world.disk().deny(*scene.world.disk().find("/log/b"), true);
  scene.run();
  CHECK(scene.found.empty());
  scene.world.disk().remove("/log/b");
  scene.run();
  CHECK(scene.forgotten.empty());
  for (int day = 0; day < 9; ++day) {
    scene.world.clock().advance(24h);
    scene.run();
  }
  CHECK(scene.forgotten.empty());
}
