// Files that are compressed while, or after, they are read: each line once (F11).
#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/believed_time.h"
#include "tests/sources/compressed_bytes.h"
#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using compressed::gzip;
using compressed::zstd;
using scene::Lines;
using scene::text_of;
using sources::CompressedFiles;

struct Rotation : scene::RotationScene {
  explicit Rotation(std::vector<std::string> given = {"/log/a*"}, std::uint64_t seed = 1)
      : RotationScene(std::move(given), seed) {
    files.compressed = CompressedFiles::read;
    options.tail.inflate = true;
    options.chunk_bytes = 1024;
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
  void check_exact() const {
    RotationScene::check_exact();
    CHECK(discovery->counters().files_lost_unread.value() == 0);
  }
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

TEST_CASE("compressed rotation: a copy that ends before what was read is not read again",
          "[sources][former]") {
  Rotation scene;
  scene.options.tail.copies = true;
  const std::string text = text_of(0, 300);
  scene.write("/log/a.log", text);
  scene.start();
  scene.run(1s);
  scene.write("/log/a.log", text_of(300, 330));  // behind the copy's end
  scene.run(1s);
  scene.truncate("/log/a.log");
  scene.write("/log/a.log", text_of(330, 340));
  scene.run(1s);
  scene.append("/log/a.log.1.gz", gzip(text));
  scene.run(10s);
  scene.check_exact();
  CHECK(scene.counters().files_continued_compressed.value() == 1);
  scene.stop();
  scene.start();
  scene.run(10s);
  scene.check_exact();
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

namespace {

// A service whose log was deleted, and that writes to it still.
struct Stubborn : Rotation {
  explicit Stubborn(std::string log) : Rotation({"/log/**/app.log*"}), path(std::move(log)) {
    for (const char* each : {"/log/x", "/log/y/old"}) world.disk().make_directories(each);
    write(path, text_of(0, 20));
    writer = sim::OpenFile(world.disk(), world.disk().find(path));
  }
  void remove() { REQUIRE(world.disk().remove(path) == 0); }
  void go_on(base::Duration time) {
    for (const base::Instant end = world.clock().monotonic() + time;
         world.clock().monotonic() < end;) {
      const std::string line = text_of(line_count, line_count + 1);
      world.disk().append(*writer.node(), line);
      written += line;
      ++line_count;
      run(500ms);
    }
  }

  std::string path;
  sim::OpenFile writer;
  int line_count = 20;
};

}  // namespace

TEST_CASE("compressed rotation: a log of the same name elsewhere holds no compressed file back",
          "[sources][former]") {
  Stubborn scene("/log/y/app.log");
  scene.start();
  scene.run(1s);
  scene.remove();
  scene.go_on(1s);
  scene.write("/log/x/app.log", text_of(5000, 5010));
  scene.written += text_of(6000, 6010);
  scene.append("/log/x/app.log.3.gz", gzip(text_of(6000, 6010)));
  scene.go_on(1s);
  scene.check_exact();
}

TEST_CASE("compressed rotation: a deleted log may be the original of what is near it",
          "[sources][former]") {
  const std::string held =
      GENERATE("/log/y/app.log.3.gz", "/log/y/old/app.log.3.gz", "/log/app.log.3.gz");
  CAPTURE(held);
  Stubborn scene("/log/y/app.log");
  scene.start();
  scene.run(1s);
  scene.remove();
  scene.append(held, gzip(text_of(5000, 5020)));
  scene.go_on(20s);
  scene.check_exact();
  scene.run(10s);  // nobody writes any more
  scene.written += text_of(5000, 5020);
  scene.check_exact();
}

TEST_CASE("compressed rotation: who writes to a deleted log holds nothing back that comes later",
          "[sources][former]") {
  Stubborn scene("/log/y/app.log");
  scene.start();
  scene.run(1s);
  scene.remove();
  scene.go_on(32s);
  scene.written += text_of(5000, 5020) + text_of(6000, 6020);
  scene.append("/log/y/app.log.1.gz", gzip(text_of(5000, 5020)));
  scene.append("/log/y/app.log.gz", gzip(text_of(6000, 6020)));
  scene.go_on(1s);
  scene.check_exact();
}

TEST_CASE("compressed rotation: one that was out of sight waits for its original as before",
          "[sources][former]") {
  Stubborn scene("/log/y/app.log");
  scene.world.disk().make_directories("/away");
  scene.start();
  scene.run(1s);
  scene.append("/log/y/app.log.1.gz", gzip(text_of(0, 20)));
  scene.remove();
  scene.go_on(32s);
  REQUIRE(scene.world.disk().rename("/log/y/app.log.1.gz", "/away/x") == 0);
  scene.run(1s);
  REQUIRE(scene.world.disk().rename("/away/x", "/log/y/app.log.2.gz") == 0);
  scene.go_on(2s);
  scene::check_exact(scene, scene.written);
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
  scene.world.clock().advance(sources::FilesOptions().state_ttl + 1h);
  scene.start();
  scene.run(1s);
  CHECK(scene.durable.known().size() == 1);  // a clock that is so far ahead is not believed at once
  scene.world.clock().advance(base::BelievedTime::kBelievedAfter);
  scene.run(1s);
  CHECK(scene.durable.known().empty());
  scene.check_exact();
}

namespace {

// Two writers whose files are rotated and compressed at random moments, as fast or slow as it
// comes, among kills, short reads and failed ones.
class CompressingStory {
 public:
  explicit CompressingStory(std::uint64_t seed)
      : scene_({"/log/*"}, seed), random_(scene_.world.random()) {
    scene_.world.faults().set("/log", {.short_read = 0.1, .read_error = 0.02});
    if (seed % 3 == 0) scene_.open_files_max = 1 + seed % 4;
    if (seed % 4 == 1) scene_.options.tail.close_inactive = 100ms;
    scene_.options.tail.rotate_wait = seed % 2 == 0 ? 200ms : 2s;
    for (Writer& writer : writers_) write(writer);
  }

  void tell() {
    scene_.start();
    for (int step = 0; step < 800; ++step) {
      for (Writer& writer : writers_) {
        if (random_.chance(0.2)) write(writer);
        if (random_.chance(0.02)) rotate(writer);
        if (random_.chance(0.1)) go_on(writer);
      }
      if (random_.chance(0.01)) kill();
      turn();
    }
    scene_.world.faults().switch_on(false);
    for (Writer& writer : writers_) {
      while (!writer.compressing.empty()) go_on(writer);
    }
    scene_.run(15s);
    scene_.check_exact();
    scene_.stop();
  }

 private:
  struct Writer {
    explicit Writer(std::string where) : path(std::move(where)) {}
    std::string path;
    std::string text;  // of the present file
    int lines = 0;
    int rotations = 0;
    std::vector<std::string> compressing;  // steps to come: bytes to append; "": remove
    std::string original, suffix;
  };

  void write(Writer& writer) {
    std::string text;
    for (std::uint64_t i = random_.below(20); i-- > 0;) {
      text += writer.path + " " + std::to_string(++writer.lines) + " " +
              std::string(60 + random_.below(60), 'x') + "\n";
    }
    scene_.write(writer.path, text);
    writer.text += text;
  }

  void rotate(Writer& writer) {
    if (!writer.compressing.empty() || writer.text.empty()) return;
    writer.original = writer.path + "." + std::to_string(++writer.rotations);
    REQUIRE(scene_.world.disk().rename(writer.path, writer.original) == 0);
    const std::string text = std::exchange(writer.text, {});
    write(writer);
    const bool zstd_too = random_.chance(0.5);
    const std::string bytes = zstd_too ? zstd(text) : gzip(text);
    writer.suffix = zstd_too ? ".zst" : ".gz";
    const std::size_t half = random_.below(bytes.size());
    writer.compressing = {bytes.substr(0, half), bytes.substr(half), ""};
  }

  // One step of whoever compresses.
  void go_on(Writer& writer) {
    if (writer.compressing.empty()) return;
    const std::string bytes = writer.compressing.front();
    if (writer.compressing.size() == 1) {
      REQUIRE(scene_.world.disk().remove(writer.original) == 0);
    } else {
      scene_.append(writer.original + writer.suffix, bytes);
    }
    writer.compressing.erase(writer.compressing.begin());
  }

  void kill() {
    scene_.stop();
    for (std::uint64_t i = random_.below(40); i-- > 0;) {
      for (Writer& writer : writers_) {
        if (random_.chance(0.3)) write(writer);
        if (random_.chance(0.1)) rotate(writer);
        if (random_.chance(0.2)) go_on(writer);
      }
    }
    scene_.start();
  }

  void turn() {
    scene_.turn();
    if (random_.chance(0.4)) scene_.rig->deliver(0);
    if (random_.chance(0.3) && scene_.rig->unsettled() > 0) {
      scene_.rig->settle(random_.below(scene_.rig->unsettled()));
    }
    if (random_.chance(0.3)) scene_.rig->answer();
  }

  Rotation scene_;
  sim::SimRandom& random_;
  std::array<Writer, 2> writers_ = {Writer("/log/a.log"), Writer("/log/b.log")};
};

}  // namespace

TEST_CASE("compressed rotation: whatever happens when, each line is stored once",
          "[sources][former]") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    CompressingStory(seed).tell();
  }
}

TEST_CASE("compressed rotation: one that is compressed anew is the same", "[sources][former]") {
  Rotation scene;
  const std::string text = text_of(0, 300);
  scene.write("/log/a.log", text);
  scene.start();
  scene.run(1s);
  scene.rename();
  scene.compress(text);
  scene.run(10s);
  REQUIRE(scene.world.disk().remove("/log/a.log.1.gz") == 0);
  scene.run(10s);
  scene.append("/log/a.log.1.zst", zstd(text));
  scene.run(10s);
  scene.check_exact();
  CHECK(scene.counters().files_continued_compressed.value() == 2);
}
