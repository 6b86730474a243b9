// Compressed files whose originals nobody told of, or could look at: they wait, for a while.
#include <chrono>
#include <string>

#include "tests/sources/compressed_bytes.h"
#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using compressed::gzip;
using scene::text_of;

struct Waiting : scene::RotationScene {
  Waiting() : RotationScene({"/log/a*"}) {
    files.compressed = sources::CompressedFiles::read;
    options.tail.inflate = true;
    options.tail.close_inactive = 500ms;
  }
};

}  // namespace

TEST_CASE("compressed waits: an original that could not be looked at once is waited for (F30)",
          "[sources][former]") {
  enum class Before : std::uint8_t { nothing, read, running };
  const Before before = GENERATE(Before::nothing, Before::read, Before::running);
  CAPTURE(before);
  Waiting scene;
  const std::string text = text_of(0, 300);
  scene.append("/log/a.log", text);
  scene.world.faults().set("/log/a.log.1", {.look_error = 1});
  scene.world.faults().set("/log/a.log.1.gz", {});
  scene.world.faults().switch_on(false);
  if (before != Before::nothing) {
    scene.start();
    scene.run(2s);
    CHECK(scene.open() == 0);
  }
  if (before == Before::read) scene.stop();
  scene.append("/log/a.log", text_of(300, 310));
  scene.world.faults().switch_on(true);
  REQUIRE(scene.world.disk().rename("/log/a.log", "/log/a.log.1") == 0);
  scene.written = text + text_of(300, 310);
  scene.append("/log/a.log.1.gz", gzip(scene.written));
  if (before != Before::running) scene.start();
  scene.run(50ms);
  scene.world.faults().switch_on(false);
  scene.run(70s);
  scene.check_exact();
  REQUIRE(scene.world.disk().remove("/log/a.log.1") == 0);
  scene.run(20s);
  scene.check_exact();
}

TEST_CASE("compressed waits: an original that cannot be looked at is not waited for for ever",
          "[sources][former]") {
  Waiting scene;
  const std::string text = text_of(0, 300);
  scene.append("/log/a.log.1", text);
  scene.append("/log/a.log.1.gz", gzip(text));
  scene.world.faults().set("/log/a.log.1", {.look_error = 1});
  scene.world.faults().set("/log/a.log.1.gz", {});
  scene.start();
  scene.run(20s);
  CHECK(scene.records().empty());
  CHECK(scene.discovery->waiting() == 1);
  scene.written = text;
  scene.run(20s);
  scene.check_exact();
  CHECK(scene.discovery->waiting() == 0);
}

TEST_CASE("compressed waits: for an original that no event told of", "[sources][former]") {
  const bool open = GENERATE(false, true);
  const bool gone = GENERATE(false, true);  // when events are told again
  CAPTURE(open, gone);
  Waiting scene;
  if (open) scene.options.tail.close_inactive = 100s;
  scene.world.faults().set("", {.watch_loss = 1});
  scene.world.faults().switch_on(false);
  scene.write("/log/a.log", text_of(0, 300));
  scene.start();
  scene.run(2s);
  scene.world.faults().switch_on(true);
  scene.write("/log/a.log", text_of(300, 310));
  REQUIRE(scene.world.disk().rename("/log/a.log", "/log/a.log.1") == 0);
  scene.write("/log/a.log", text_of(400, 410));
  const std::string compressed = gzip(scene.world.disk().content("/log/a.log.1"));
  if (gone) REQUIRE(scene.world.disk().remove("/log/a.log.1") == 0);
  scene.world.faults().switch_on(false);
  scene.append("/log/a.log.1.gz", compressed);
  scene.run(3s);
  scene.check_exact();
  if (!gone) REQUIRE(scene.world.disk().remove("/log/a.log.1") == 0);
  scene.run(20s);
  scene.check_exact();
}

// Compressed as .1.gz, and moved on when the next one came; of all that only the last is told.
TEST_CASE("compressed waits: for an original whose compressed form was moved on",
          "[sources][former]") {
  const bool open = GENERATE(false, true);
  const bool unread = GENERATE(false, true);  // lines that only the compressed form has
  CAPTURE(open, unread);
  Waiting scene;
  if (open) scene.options.tail.close_inactive = 100s;
  scene.world.faults().set("", {.watch_loss = 1});
  scene.world.faults().switch_on(false);
  scene.write("/log/a.log.1", text_of(0, 300));
  scene.start();
  scene.run(2s);
  scene.world.faults().switch_on(true);
  if (unread) scene.write("/log/a.log.1", text_of(300, 310));
  const std::string compressed = gzip(scene.world.disk().content("/log/a.log.1"));
  REQUIRE(scene.world.disk().remove("/log/a.log.1") == 0);
  scene.world.faults().switch_on(false);
  scene.append("/log/a.log.2.gz", compressed);
  scene.run(20s);
  scene.check_exact();
}

// Nothing is known of it when it is registered, and so it may still be anybody's.
TEST_CASE("compressed waits: a compressed form that is empty when it is found",
          "[sources][former]") {
  const bool killed = GENERATE(false, true);  // before it is written
  CAPTURE(killed);
  Waiting scene;
  scene.write("/log/a.log", text_of(0, 300));
  scene.start();
  scene.run(2s);
  scene.stop();
  scene.write("/log/a.log", text_of(300, 310));
  const std::string compressed = gzip(scene.world.disk().content("/log/a.log"));
  REQUIRE(scene.world.disk().remove("/log/a.log") == 0);
  scene.append("/log/a.log.1.gz", "");
  scene.start();
  scene.run(2s);
  if (killed) {
    scene.stop();
    scene.start();
    scene.run(2s);
  }
  scene.append("/log/a.log.1.gz", compressed);
  scene.run(20s);
  scene.check_exact();
}

// Whoever compresses a.log.1 died, and what is beside it waits for it for good.
TEST_CASE("compressed waits: an older one that goes on does not wait with one that has its name",
          "[sources][former]") {
  Waiting scene;
  scene.append("/log/a.log.1.gz", gzip(text_of(0, 300)));
  scene.written = text_of(0, 300);
  scene.start();
  scene.run(2s);
  scene.check_exact();
  scene.stop();
  scene.append("/log/a.log.1.gz", gzip(text_of(300, 310)));
  REQUIRE(scene.world.disk().rename("/log/a.log.1.gz", "/log/a.log.2.gz") == 0);
  scene.write("/log/a.log.1", text_of(400, 410));
  scene.append("/log/a.log.1.gz", "");
  scene.world.faults().set("/log/a.log.2.gz", {.look_error = 1});
  scene.world.faults().switch_on(true);
  scene.start();
  scene.run(50ms);  // found last
  scene.world.faults().switch_on(false);
  scene.run(70s);
  scene.written += text_of(300, 310);
  scene.check_exact();
}

// Found empty, before its family's last file was deleted, to which somebody writes for good.
TEST_CASE("compressed waits: what was empty does not wait for who went before it was written",
          "[sources][former]") {
  Waiting scene;
  scene.options.tail.close_inactive = 5s;
  scene.write("/log/a.log", text_of(0, 300));
  scene.append("/log/a.log.1.gz", "");
  scene.start();
  const sim::NodeRef log = scene.world.disk().find("/log/a.log");
  int lines = 400;
  const auto go_on = [&](int seconds) {
    for (int i = 0; i < seconds; ++i, ++lines) {
      scene.world.disk().append(*log, text_of(lines, lines + 1));
      scene.written += text_of(lines, lines + 1);
      scene.run(1s);
    }
  };
  go_on(20);
  REQUIRE(scene.open() == 1);  // what is empty rests
  REQUIRE(scene.world.disk().remove("/log/a.log") == 0);
  go_on(40);
  scene.append("/log/a.log.1.gz", gzip(text_of(1000, 1010)));
  scene.written += text_of(1000, 1010);
  go_on(20);
  scene.check_exact();
}

TEST_CASE("compressed waits: not for a file that was moved away and is too old to be read",
          "[sources][former]") {
  Waiting scene;
  scene.files.ignore_older = 30s;
  scene.write("/log/a.log", text_of(0, 300));
  scene.start();
  scene.run(2s);
  scene.stop();
  REQUIRE(scene.world.disk().rename("/log/a.log", "/log/b") == 0);
  scene.world.clock().advance(40s);
  scene.start();
  scene.run(1s);
  scene.append("/log/a.log.1.gz", gzip(text_of(0, 310)));
  scene.written += text_of(300, 310);
  scene.run(20s);
  scene.check_exact();
}
