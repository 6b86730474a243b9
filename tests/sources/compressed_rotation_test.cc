// Files that are compressed while, or after, they are read: each line once (F11).
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "tests/sources/compressed_bytes.h"
#include "tests/sources/tail_scene.h"
#include "tests/sources/whole_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using compressed::gzip;
using compressed::zstd;
using scene::Lines;
using scene::WholeScene;
using sources::CompressedFiles;

Lines sorted(Lines lines) {
  std::ranges::sort(lines);
  return lines;
}

std::string text_of(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += "line " + std::to_string(i * 7919) + " of the log\n";
  return text;
}

struct Rotation : WholeScene {
  explicit Rotation(std::vector<std::string> given = {"/log/a*"}, std::uint64_t seed = 1)
      : WholeScene(std::move(given), seed) {
    files.compressed = CompressedFiles::read;
    options.tail.inflate = true;
    options.chunk_bytes = 1024;
  }
  void write(const std::string& path, const std::string& text) {
    append(path, text);
    written += text;
  }
  // As logrotate does with `compress`: the old file goes when its compressed form is complete.
  void rename(const std::string& to = "/log/a.log.1") {
    REQUIRE(world.disk().rename("/log/a.log", to) == 0);
  }
  void compress(const std::string& text, const std::string& path = "/log/a.log.1",
                bool whole = true) {
    const std::string bytes = gzip(text);
    append(path + ".gz", whole ? bytes : bytes.substr(0, bytes.size() / 2));
    if (whole) REQUIRE(world.disk().remove(path) == 0);
  }
  // A part of what can happen in one turn.
  void some_turns(int turns) {
    for (int i = 0; i < turns; ++i) {
      turn();
      if (i % 3 == 0) rig->deliver(0);
      if (i % 4 == 0 && rig->unsettled() > 0) rig->settle(0);
      if (i % 2 == 0) rig->answer();
    }
  }
  void check_exact() {
    CHECK(sorted(records()) == sorted(scene::split(written)));
    CHECK(discovery->counters().files_lost_unread.value() == 0);
  }

  std::string written;
};

}  // namespace

TEST_CASE("compressed rotation: what was read is not read again", "[sources][former]") {
  for (const bool late : {false, true}) {
    CAPTURE(late);
    Rotation scene;
    const std::string text = text_of(0, 300);
    scene.write("/log/a.log", text);
    scene.start();
    scene.run(1s);
    scene.rename();
    scene.write("/log/a.log", text_of(300, 400));
    if (late) {  // as with delaycompress: long after, when its descriptor is closed
      scene.run(100s);
      CHECK(scene.open() == 0);
    }
    scene.compress(text);
    scene.run(10s);
    scene.check_exact();
    CHECK(scene.counters().files_continued_compressed.value() == 1);
    scene.stop();
    scene.start();
    scene.run(10s);
    scene.check_exact();
  }
}

TEST_CASE("compressed rotation: what was not read of a file is read from its compressed form",
          "[sources][former]") {
  for (int moment = 1; moment < 60; ++moment) {
    CAPTURE(moment);
    Rotation scene({"/log/a*"}, static_cast<std::uint64_t>(moment));
    const std::string text = text_of(0, 400);
    scene.write("/log/a.log", text);
    scene.start();
    scene.some_turns(moment);
    scene.stop();
    scene.rename();
    scene.write("/log/a.log", text_of(400, 450));
    scene.compress(text);
    // Twice more, wherever it is by then.
    for (int life = 1; life < 3; ++life) {
      scene.start();
      scene.some_turns(moment * life);
      scene.stop();
    }
    scene.start();
    scene.run(10s);
    scene.check_exact();
  }
}

TEST_CASE("compressed rotation: killed while it is compressed, each line is stored once",
          "[sources][former]") {
  for (int moment = 1; moment < 40; ++moment) {
    CAPTURE(moment);
    Rotation scene({"/log/a*"}, static_cast<std::uint64_t>(moment));
    const std::string text = text_of(0, 300);
    scene.write("/log/a.log", text);
    scene.start();
    scene.some_turns(moment);
    scene.rename();
    scene.write("/log/a.log", text_of(300, 320));
    scene.some_turns(moment % 7);
    scene.compress(text, "/log/a.log.1", false);
    scene.some_turns(moment % 5);
    if (moment % 2 == 0) {
      scene.stop();
      scene.start();
      scene.some_turns(moment % 11);
    }
    const std::string bytes = gzip(text);
    scene.append("/log/a.log.1.gz", bytes.substr(bytes.size() / 2));
    scene.some_turns(moment % 3);
    REQUIRE(scene.world.disk().remove("/log/a.log.1") == 0);
    scene.some_turns(moment % 4);
    if (moment % 3 == 0) {
      scene.stop();
      scene.start();
    }
    scene.run(20s);
    scene.check_exact();
  }
}

TEST_CASE("compressed rotation: a file without a descriptor is not lost when it is compressed",
          "[sources][former]") {
  Rotation scene({"/log/*"});
  scene.open_files_max = 1;
  const std::string text = text_of(0, 2000);
  scene.write("/log/a.log", text);
  scene.write("/log/b.log", text_of(5000, 6000));
  scene.start();
  scene.some_turns(30);  // each in its turn; nobody is at its end
  scene.rename();
  scene.some_turns(1);
  scene.compress(text);
  scene.run(20s);
  scene.check_exact();
}

TEST_CASE("compressed rotation: a short file is known by all of it", "[sources][former]") {
  Rotation scene;
  scene.write("/log/a.log", "one\n");
  scene.start();
  scene.run(1s);
  scene.rename();
  scene.compress("one\n");
  scene.run(10s);
  scene.check_exact();
}

TEST_CASE("compressed rotation: what nobody has read before is read whole", "[sources][former]") {
  Rotation scene;
  scene.write("/log/a.log", text_of(0, 100));
  scene.start();
  scene.run(1s);
  scene.rename();
  scene.compress(text_of(0, 100));
  scene.run(5s);
  scene.stop();
  // Written, rotated and compressed while nobody looked.
  scene.written += text_of(100, 200);
  scene.append("/log/a.log.2.gz", gzip(text_of(100, 200)));
  scene.start();
  scene.run(5s);
  scene.written += text_of(200, 300);
  scene.append("/log/a.log-20260101.zst", zstd(text_of(200, 300)));
  scene.run(5s);
  scene.check_exact();
  CHECK(scene.counters().files_continued_compressed.value() == 0);
}

TEST_CASE("compressed rotation: while the original is there its compressed form waits",
          "[sources][former]") {
  Rotation scene;
  const std::string text = text_of(0, 300);
  scene.write("/log/a.log", text);
  scene.append("/log/a.log.gz", gzip(text));  // as by gzip -k
  scene.start();
  scene.run(5s);
  scene.check_exact();
  REQUIRE(scene.world.disk().remove("/log/a.log") == 0);
  scene.run(10s);
  scene.check_exact();
}

TEST_CASE("compressed rotation: a pattern that takes compressed files only of rotated ones",
          "[sources][former]") {
  Rotation scene({"/log/a.log", "/log/a.log.*.gz"});
  scene.files.compressed = CompressedFiles::skip;
  const std::string text = text_of(0, 300);
  scene.write("/log/a.log", text);
  scene.start();
  scene.run(1s);
  scene.rename();
  scene.write("/log/a.log", text_of(300, 310));
  scene.run(30s);  // let go
  REQUIRE(scene.world.disk().rename("/log/a.log.1", "/log/a.log.2") == 0);
  scene.compress(text, "/log/a.log.2");
  scene.run(30s);
  scene.check_exact();
}

TEST_CASE("compressed rotation: those that are gone are forgotten in time", "[sources][former]") {
  Rotation scene;
  scene.write("/log/a.log", text_of(0, 100));
  scene.start();
  scene.run(1s);
  REQUIRE(scene.world.disk().remove("/log/a.log") == 0);
  scene.run(10s);
  REQUIRE(scene.durable.known().size() == 1);
  CHECK(scene.durable.known()[0].gone);
  scene.stop();
  scene.world.clock().advance(sources::Discovery::kForgetAfter + 1h);
  scene.start();
  scene.run(1s);
  CHECK(scene.durable.known().empty());
  scene.check_exact();
}
