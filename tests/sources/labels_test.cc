// What a file of several names is called: the first of those it has, by the order of the patterns
// and then by bytes (F14, F19), whatever order they are come by in.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "tests/sources/discovery_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::flow;
using sources::FileState;
using Names = std::vector<std::string>;

const char* const kElsewhere = "/elsewhere";  // under no pattern

struct Scene : scene::DiscoveryScene {
  explicit Scene(std::vector<sources::Discovery::Flow> given, std::uint64_t seed = 1)
      : DiscoveryScene(std::move(given), seed) {
    put(kElsewhere, "1\n");
  }
  void link(const std::string& name, const std::string& to = kElsewhere) {
    REQUIRE(world.disk().make_hard_link(name, to) == 0);
  }
  void symlink(const std::string& name, const std::string& to) {
    REQUIRE(world.disk().make_symlink(name, to) == 0);
  }
  void remove(const std::string& name) { REQUIRE(world.disk().remove(name) == 0); }
  // Of the one file of a flow that a reactor has, as a survey says it.
  FileState state(std::size_t of_flow = 0) {
    FileState state;
    state.path = "not known";
    for (const auto& [number, index] : open) {
      if (index == of_flow) state.number = number;
    }
    FileState* const listed = &state;
    discovery->name_files({&listed, 1});
    return state;
  }
  std::string label(std::size_t of_flow = 0) { return state(of_flow).path; }
  Names names(std::size_t of_flow = 0) { return state(of_flow).names; }
};

struct Row {
  Names patterns;
  Names names;  // as they should be told
};

Row row() {
  return GENERATE(values<Row>({
      {{"/log/*.log"}, {"/log/a.log", "/log/b.log", "/log/c.log"}},
      {{"/log/app*"}, {"/log/app.log", "/log/app-1.log", "/log/app.log.1"}},
      {{"/log/*.log"}, {"/log/B.log", "/log/a.log", "/log/\xFF.log"}},
      {{"/log/z*", "/log/*"}, {"/log/z1", "/log/z2", "/log/a"}},
      {{"/log/{z,a}", "/log/*"}, {"/log/z", "/log/a", "/log/b"}},
      {{"/log/z/*", "/log/a/*"}, {"/log/z/1", "/log/z/2", "/log/a/1"}},
      {{"/log/**/x", "/log/**"}, {"/log/x", "/log/q/x", "/log/a"}},
      {{"/log/y/x", "/log/*/x"}, {"/log/y/x", "/log/a/x", "/log/z/x"}},
      {{"/log/a*", "/log/*.gz"}, {"/log/a.log", "/log/b.gz", "/log/a.log.gz"}},
  }));
}

}  // namespace

TEST_CASE("labels: by the patterns' order, length and bytes, in whatever order listed (F14)",
          "[sources][discovery][labels]") {
  const auto seed = GENERATE(range(1, 9));
  const bool symbolic = GENERATE(false, true);
  const Row each = row();
  CAPTURE(seed, symbolic, each.names);
  Scene scene({flow(each.patterns)}, static_cast<std::uint64_t>(seed));
  const std::size_t file = symbolic ? static_cast<std::size_t>(seed) % each.names.size() : 0;
  scene.put(each.names[file]);
  for (std::size_t i = 0; i < each.names.size(); ++i) {
    if (i == file) continue;
    const std::string& name = each.names[i];
    scene.world.disk().make_directories(name.substr(0, name.rfind('/')));
    symbolic ? scene.symlink(name, each.names[file]) : scene.link(name, each.names[file]);
  }
  scene.start();
  REQUIRE(scene.found.size() == 1);
  CHECK(scene.found[0].checkpoint.path == each.names[0]);
  CHECK(scene.label() == each.names[0]);
  CHECK(scene.names() == each.names);
  CHECK(scene.state().names_left_out == 0);
  scene.discovery->reconcile_now();
  CHECK(scene.label() == each.names[0]);
  CHECK(scene.found.size() == 1);
}

TEST_CASE("labels: they depend on the names there are, not on when these came (F19)",
          "[sources][discovery][labels]") {
  Names order{"/log/a.log", "/log/b.log", "/log/c.log", "/log/d.txt"};
  const Names sorted{"/log/d.txt", "/log/a.log", "/log/b.log", "/log/c.log"};
  const auto permutation = GENERATE(range(0, 24));
  for (int i = 0; i < permutation; ++i) std::ranges::next_permutation(order);
  const bool polled = GENERATE(false, true);
  CAPTURE(order, polled);
  Scene scene({flow({"/log/*.txt", "/log/*.log"})});
  if (polled) scene.flows[0].files.watch = sources::Watch::poll;
  scene.start();
  for (const std::string& name : order) {
    scene.link(name);
    scene.run(6s);
  }
  REQUIRE(scene.found.size() == 1);
  CHECK(scene.found[0].checkpoint.path == order[0]);
  CHECK(scene.names() == sorted);
  for (Names left = sorted; left.size() > 1;) {  // one less, and the next one is it
    scene.remove(left.front());
    left.erase(left.begin());
    scene.run(6s);
    CHECK(scene.label() == left.front());
    CHECK(scene.names() == (left.size() > 1 ? left : Names{}));
  }
  CHECK(scene.detached.empty());
  CHECK(scene.found.size() == 1);
  scene.remove(sorted.back());
  scene.run(6s);
  CHECK(scene.detached.size() == 1);
  CHECK(scene.label() == "not known");  // it has none: it stays what it was called
}

TEST_CASE("labels: a name that is renamed, and one that is another file's", "[sources][labels]") {
  Scene scene({flow({"/log/*"})});
  scene.link("/log/a");
  scene.link("/log/b");
  scene.start();
  REQUIRE(scene.label() == "/log/a");
  REQUIRE(scene.world.disk().rename("/log/a", "/log/c") == 0);
  scene.run();
  CHECK(scene.names() == Names{"/log/b", "/log/c"});
  scene.put("/new", "another\n");
  REQUIRE(scene.world.disk().rename("/new", "/log/b") == 0);
  scene.run();
  REQUIRE(scene.found.size() == 2);
  CHECK(scene.label() == "/log/b");
  scene.open.erase(scene.found.back().number);
  CHECK(scene.label() == "/log/c");
  CHECK(scene.names().empty());
}

TEST_CASE("labels: names through links to directories count as others do (F14)",
          "[sources][labels]") {
  const auto seed = GENERATE(range(1, 9));
  const std::string pattern = GENERATE("/log/*/x", "/log/**/x");
  CAPTURE(seed, pattern);
  Scene scene({flow({pattern})}, static_cast<std::uint64_t>(seed));
  scene.world.disk().make_directories("/log/d");
  scene.link("/log/d/x");
  scene.symlink("/log/c", "/log/d");
  scene.symlink("/log/e", "/log/d");
  scene.start();
  REQUIRE(scene.found.size() == 1);
  CHECK(scene.found[0].checkpoint.path == "/log/c/x");
  CHECK(scene.names() == Names{"/log/c/x", "/log/d/x", "/log/e/x"});
  scene.remove("/log/c");
  scene.run(31s);  // seen by the next reconcile
  CHECK(scene.names() == Names{"/log/d/x", "/log/e/x"});
  CHECK(scene.found.size() == 1);
}

TEST_CASE("labels: a restart changes none", "[sources][labels]") {
  const auto seed = GENERATE(range(1, 9));
  const auto noted = GENERATE(values<std::string>({"/log/a", "/log/b", "/log/gone"}));
  const bool gone = GENERATE(false, true);  // one of its names, meanwhile
  CAPTURE(seed, noted, gone);
  Scene scene({flow({"/log/*"})}, static_cast<std::uint64_t>(seed));
  for (const char* name : {"/log/a", "/log/b", "/log/c", "/log/gone"}) scene.link(name);
  if (gone) scene.remove("/log/gone");
  scene.known.push_back(scene.checkpoint("/log/a", 2));
  scene.known.back().path = noted;
  const Names names =
      gone ? Names{"/log/a", "/log/b", "/log/c"} : Names{"/log/a", "/log/b", "/log/c", "/log/gone"};
  for (int life = 0; life < 2; ++life) {
    scene.found.clear();
    scene.open.clear();
    scene.start();
    REQUIRE(scene.found.size() == 1);
    CHECK(scene.found[0].checkpoint.path == noted);  // what comes after it under that path finds it
    CHECK(scene.names() == names);
    scene.stop();
  }
}

TEST_CASE("labels: each flow has its own", "[sources][labels]") {
  Scene scene({flow({"/log/*"}), flow({"/log/*.b", "/log/*.a"}), flow({"/log/*.b"})});
  scene.flows[1].name = "second";
  scene.flows[2].name = "third";
  scene.link("/log/1.a");
  scene.link("/log/2.b");
  scene.start();
  CHECK(scene.names(0) == Names{"/log/1.a", "/log/2.b"});
  CHECK(scene.names(1) == Names{"/log/2.b", "/log/1.a"});
  CHECK(scene.names(2).empty());
  CHECK(scene.label(2) == "/log/2.b");
  // Another takes the place of one that went, with fewer patterns or more.
  for (const Names& patterns : {Names{"/log/*.a"}, Names{"/log/2*", "/log/1*", "/log/*"}}) {
    scene.discovery->mute(1);
    scene.discovery->remove(1);
    std::erase_if(scene.open, [](const auto& each) { return each.second == 1; });
    auto other = flow(patterns);
    other.name = "other";
    scene.discovery->add(1, other, {});
    scene.discovery->search_added();
    CHECK(scene.label(1) == (patterns.size() == 1 ? "/log/1.a" : "/log/2.b"));
  }
  CHECK(scene.names(1) == Names{"/log/2.b", "/log/1.a"});
}

TEST_CASE("labels: of very many names the first are told, and how many more there are",
          "[sources][labels]") {
  const std::size_t count = GENERATE(16U, 17U, 100U);
  Scene scene({flow({"/log/*"})});
  for (std::size_t i = 0; i < count; ++i) scene.link("/log/" + std::to_string(1000 + i));
  scene.start();
  const FileState state = scene.state();
  CHECK(state.names.size() == FileState::kNamesMax);
  CHECK(state.names.front() == "/log/1000");
  CHECK(state.names.back() == "/log/1015");
  CHECK(state.names_left_out == count - FileState::kNamesMax);
}

TEST_CASE("labels: files at rest have them, too, and a note of one that is ignored",
          "[sources][labels]") {
  const auto seed = GENERATE(range(1, 9));
  CAPTURE(seed);
  Scene scene({flow({"/log/*"})}, static_cast<std::uint64_t>(seed));
  scene.flows[0].files.ignore_older = 1h;
  for (const char* name : {"/log/c", "/log/b", "/log/a"}) scene.link(name);
  scene.world.clock().advance(2h);
  scene.start();
  REQUIRE(scene.found.empty());
  REQUIRE_FALSE(scene.ignored.empty());
  CHECK(scene.ignored.back().path == "/log/a");
  scene.remove("/log/a");
  scene.run();
  sources::FilesSurvey survey = scene.discovery->survey(0, true, 10);
  REQUIRE(survey.list.size() == 1);
  FileState* const listed = &survey.list[0];
  scene.discovery->name_files({&listed, 1});
  CHECK(survey.list[0].path == "/log/b");
  CHECK(survey.list[0].names == Names{"/log/b", "/log/c"});
}
