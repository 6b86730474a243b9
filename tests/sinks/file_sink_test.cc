#include "sinks/file_sink.h"

#include "tests/sinks/group_driver.h"
#include "tests/test.h"

using namespace sinks_test;
using sinks::Outcome;
using Strings = std::vector<std::string>;

namespace {

struct Setup {
  explicit Setup(std::uint64_t seed) : world(seed), process(world.start_process()) {
    world.disk().make_directories("/out");
  }
  sim::SimWorld world;
  std::unique_ptr<sim::Process> process;
  sinks::FileSink sink{process->environment(), "/out/log"};
  GroupDriver driver{world, *process, sink};
};

std::string lines(const Strings& records) {
  std::string text;
  for (const std::string& data : records) text += data + "\n";
  return text;
}

}  // namespace

TEST_CASE("file sink: creates the file and appends each record and a newline",
          "[sinks][file_sink]") {
  Setup setup(1);
  CHECK(setup.driver.give({"one", "", "three"}) == Outcome::delivered);
  CHECK(setup.driver.give({"four"}) == Outcome::delivered);
  CHECK(setup.world.disk().content("/out/log") == "one\n\nthree\nfour\n");
}

TEST_CASE("file sink: appends to what is there", "[sinks][file_sink]") {
  Setup setup(2);
  setup.world.disk().put("/out/log", "before\n");
  CHECK(setup.driver.give({"after"}) == Outcome::delivered);
  CHECK(setup.world.disk().content("/out/log") == "before\nafter\n");
}

TEST_CASE("file sink: writes groups larger than its buffer", "[sinks][file_sink]") {
  Setup setup(3);
  Strings records;
  for (int i = 0; i < 5000; ++i) records.push_back(std::to_string(i) + std::string(200, 'x'));
  records.emplace_back(3 * sinks::FileSink::kBufferBytes, 'y');
  CHECK(setup.driver.give(records) == Outcome::delivered);
  CHECK(setup.world.disk().content("/out/log") == lines(records));
}

TEST_CASE("file sink: answers retry and says why when the file cannot be opened",
          "[sinks][file_sink]") {
  sim::SimWorld world(4);
  const auto process = world.start_process();
  sinks::FileSink sink(process->environment(), "/missing/log");
  GroupDriver driver(world, *process, sink);
  CHECK(driver.give({"a"}) == Outcome::retry);
  CHECK(sink.reason() == "open /missing/log: No such file or directory");
  world.disk().make_directories("/missing");
  CHECK(driver.give({"a"}) == Outcome::delivered);
  CHECK(world.disk().content("/missing/log") == "a\n");
}

TEST_CASE("file sink: on a full disk waits with the file as it was, then goes on",
          "[sinks][file_sink]") {
  Setup setup(5);
  CHECK(setup.driver.give({"first"}) == Outcome::delivered);
  setup.world.disk().set_capacity(4096);
  const Strings big(10, std::string(1000, 'x'));
  CHECK(setup.driver.give(big) == Outcome::retry);
  CHECK(setup.sink.reason() == "write /out/log: No space left on device");
  CHECK(setup.world.disk().content("/out/log") == "first\n");  // no half line meanwhile
  setup.world.disk().set_capacity(1 << 20);
  CHECK(setup.driver.give(big) == Outcome::delivered);
  CHECK(setup.world.disk().content("/out/log") == "first\n" + lines(big));
}

TEST_CASE("file sink: never cuts what somebody else appended", "[sinks][file_sink]") {
  Setup setup(6);
  CHECK(setup.driver.give({"first"}) == Outcome::delivered);
  const sim::NodeRef node = setup.world.disk().find("/out/log");
  setup.world.disk().append(*node, std::string(5000, '#'));
  setup.world.disk().set_capacity(5010);
  CHECK(setup.driver.give({std::string(100, 'x')}) == Outcome::retry);
  CHECK(setup.world.disk().content("/out/log").starts_with("first\n#####"));
  CHECK(setup.world.disk().content("/out/log").size() >= 5006);
}

TEST_CASE("file sink: by chance, failing opens and writes leave every line once and in order",
          "[sinks][file_sink][random]") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Setup setup(seed);
    sim::FaultPlan plan;
    plan.open_error = 0.2;
    plan.write_error = 0.2;
    plan.write_full = 0.2;
    plan.delay = 0.2;
    setup.world.faults().set("/out", plan);
    SeededRandom random(seed);
    Strings all;
    int failures = 0;
    for (int group = 0; group < 20; ++group) {
      Strings records;
      for (std::uint64_t i = 1 + random.below(5); i > 0; --i) {
        records.push_back(std::to_string(all.size()) +
                          std::string(random.below(random.below(40) == 0 ? 400'000 : 50), 'x'));
        all.push_back(records.back());
      }
      const int failed = setup.driver.give_until_delivered(records);
      REQUIRE(failed >= 0);
      failures += failed;
    }
    const bool same = setup.world.disk().content("/out/log") == lines(all);  // megabytes
    CHECK(same);
    CHECK(failures > 0);
  }
}
