// Logs that begin alike: with a greeting, or with a hole. Until more of one is noted its first
// bytes are all that tells what it is (docs/design/0002-origins-are-drawn.md).
#include <chrono>
#include <cstddef>
#include <map>
#include <string>

#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

}  // namespace

TEST_CASE("heads: refilled behind the greeting it began with, before anything was noted (F04)",
          "[sources][heads]") {
  for (const std::size_t greeting : {100, 300, 1000}) {
    CAPTURE(greeting);
    scene::CopyScene scene;
    const std::string first = std::string(greeting - 1, '=') + "\n";
    scene.write(first + scene::text_of(0, 300));
    scene.start();
    for (int i = 0; i < 10; ++i) scene.turn();
    scene.rig->answer();
    scene.store_unnoted();
    REQUIRE(scene.records().size() == 301);
    scene.stop();
    scene.truncate("/log/a.log");
    scene.write(first + scene::text_of(1000, 1600));
    scene.start();
    scene.run(30s);
    scene.check_exact();
  }
}

TEST_CASE("heads: refilled behind a greeting that was all when it was registered",
          "[sources][heads]") {
  const bool grows = GENERATE(true, false);
  CAPTURE(grows);
  scene::CopyScene scene;
  const std::string greeting = std::string(99, '=') + "\n";
  scene.write(greeting);
  scene.start();
  for (int i = 0; i < 10; ++i) scene.turn();
  scene.rig->answer();
  scene.store_unnoted();
  scene.write(scene::text_of(0, 300));
  scene.store_unnoted();
  REQUIRE(scene.records().size() == 301);
  scene.stop();
  if (!grows) {  // else it is what it was, and nothing is stored again
    scene.truncate("/log/a.log");
    scene.write(greeting);
  }
  scene.write("x" + scene::text_of(1000, 1600));
  scene.start();
  scene.run(30s);
  scene.check_exact();
}

TEST_CASE("heads: refilled behind a greeting that is all that was noted", "[sources][heads]") {
  scene::CopyScene scene;
  const std::string greeting = std::string(99, '=') + "\n";
  scene.write(greeting);
  scene.start();
  scene.run(1s);
  scene.write(scene::text_of(0, 20));
  scene.store_unnoted();
  REQUIRE(scene.records().size() == 21);
  scene.stop();
  scene.truncate("/log/a.log");
  scene.write(greeting + "x" + scene::text_of(1000, 1060));
  scene.start();
  scene.run(30s);
  scene.check_exact();
}

TEST_CASE("heads: marks that are another's do not have a large file read again",
          "[sources][heads]") {
  const bool large = GENERATE(false, true);
  CAPTURE(large);
  scene::CopyScene scene;
  const int lines = large ? 30'000 : 300;
  scene.write(scene::text_of(0, lines));
  scene.start();
  scene.run(10s);
  const std::uint64_t noted = scene.durable.known().at(0).offset;
  REQUIRE(noted == scene::text_of(0, lines).size());
  REQUIRE((noted > sources::FileTail::kReadAgainMax) == large);
  const std::string lost = scene::text_of(lines, lines + 30);  // one read
  scene.append("/log/a.log", lost);
  scene.store_unnoted();
  scene.stop();
  // As a power cut leaves it, and what was written next.
  const std::size_t kept = scene::text_of(lines, lines + 10).size();
  scene.world.disk().truncate(*scene.world.disk().find("/log/a.log"), noted + kept);
  const std::string next = "x" + scene::text_of(lines + 1000, lines + 1100);
  scene.append("/log/a.log", next);
  scene.start();
  scene.run(30s);
  std::map<std::string, int> times;
  for (const std::string& line : scene.records()) ++times[line];
  for (const std::string& line : scene::split(scene::text_of(0, lines))) {
    REQUIRE(times[line] == (large ? 1 : 2));
  }
  for (const std::string& line : scene::split(next)) REQUIRE(times[line] == 1);
}

TEST_CASE("heads: refilled behind a hole like the one it began with, before anything was noted",
          "[sources][heads]") {
  const auto nuls = [](std::size_t bytes) { return std::string(bytes, '\0'); };
  const std::size_t hole = GENERATE(std::size_t{2000}, std::size_t{70'000});
  const std::size_t again = GENERATE(std::size_t{1500}, std::size_t{70'000}, std::size_t{71'000});
  const bool truncated = GENERATE(true, false);
  CAPTURE(hole, again, truncated);
  scene::CopyScene scene;
  scene.append("/log/a.log", nuls(hole));
  scene.write(scene::text_of(0, 300));
  scene.start();
  scene.register_all();
  scene.store_unnoted();
  REQUIRE(scene.records().size() == 300);
  scene.stop();
  if (truncated) {
    scene.truncate("/log/a.log");
    scene.append("/log/a.log", nuls(again));
  }
  scene.write(scene::text_of(1000, 1600));
  scene.start();
  scene.run(30s);
  scene.check_exact();
  const std::uint64_t skipped = scene.counters().nul_bytes_skipped.value();
  CHECK(skipped == (truncated ? again : hole));
}

TEST_CASE("heads: emptied behind a hole, and nothing but one is there when it is found",
          "[sources][heads]") {
  scene::CopyScene scene;
  const std::string hole(70'000, '\0');
  scene.append("/log/a.log", hole);
  scene.write(scene::text_of(0, 300));
  scene.start();
  scene.register_all();
  scene.store_unnoted();
  scene.stop();
  scene.copy("/log/a.log.1");
  scene.truncate("/log/a.log");
  scene.append("/log/a.log", hole);
  scene.start();
  scene.run(5s);
  scene.write(scene::text_of(1000, 1010));
  scene.run(30s);
  scene.check_exact();
}

TEST_CASE("heads: truncated behind a hole and half a line, refilled behind a longer one",
          "[sources][heads]") {
  scene::CopyScene scene;
  scene.append("/log/a.log", std::string(70'000, '\0') + "abc");
  scene.start();
  scene.run(1s);
  scene.truncate("/log/a.log");
  scene.append("/log/a.log", std::string(70'003, '\0'));
  scene.write("rest\n" + scene::text_of(0, 100));
  scene.register_all();
  scene.store_unnoted();
  scene.stop();
  scene.start();
  scene.run(30s);
  scene.check_exact();
}

TEST_CASE("heads: refilled while nobody looked with the same greeting, behind a hole",
          "[sources][heads]") {
  // More than what is read again if marks are another's: nothing is proven by it.
  const std::string hole(GENERATE(std::size_t{0}, std::size_t{2} << 20), '\0');
  scene::CopyScene scene;
  const std::string greeting(1200, '=');
  const std::string text = greeting + "\n" + scene::text_of(0, 60);
  scene.append("/log/a.log", hole);
  scene.write(text);
  scene.start();
  scene.register_all();
  scene.store_unnoted();
  scene.stop();
  scene.copy("/log/a.log.1");
  scene.truncate("/log/a.log");
  scene.append("/log/a.log", hole + std::string(text.size(), '\0'));
  scene.write(greeting + "\n" + scene::text_of(100, 200));
  scene.start();
  scene.run(30s);
  scene.check_exact();
}
