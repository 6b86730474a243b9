// Files that are replaced by another with much the same content (F21): sed -i, editors, rsync.
#include <algorithm>
#include <chrono>
#include <string>

#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::text_of;
using sources::OnRewrite;

struct Rewriting : scene::RotationScene {
  Rewriting() : RotationScene({"/log/a.log"}) {
    files.on_rewrite = OnRewrite::read_on;
    options.tail.copies = true;
  }
  // A file of this content takes the path.
  void rewrite(const std::string& content) {
    append("/log/.a.log.tmp", content);
    REQUIRE(world.disk().rename("/log/.a.log.tmp", "/log/a.log") == 0);
  }
};

}  // namespace

TEST_CASE("rewrites: what is behind the bytes that were read is read on (F21)",
          "[sources][rewrites]") {
  const bool killed = GENERATE(false, true);
  const bool closed = GENERATE(false, true);
  const int more = GENERATE(0, 1, 50);
  CAPTURE(killed, closed, more);
  Rewriting scene;
  if (closed) scene.options.tail.close_inactive = 500ms;
  const std::string before = text_of(0, 300);
  scene.write("/log/a.log", before);
  scene.start();
  scene.run(2s);
  if (killed) scene.stop();
  scene.rewrite(before);
  if (killed) scene.start();
  scene.run(1s);
  scene.write("/log/a.log", text_of(300, 300 + more));
  scene.run(30s);
  scene.check_exact();
  scene.write("/log/a.log", text_of(400, 410));
  scene.run(5s);
  scene.check_exact();
}

TEST_CASE("rewrites: again and again, killed at any moment", "[sources][rewrites]") {
  for (int turns = 0; turns < 60; turns += 3) {
    CAPTURE(turns);
    Rewriting scene;
    scene.write("/log/a.log", text_of(0, 300));
    scene.start();
    scene.run(1s);
    for (int i = 1; i < 4; ++i) {
      scene.rewrite(scene.written);
      scene.write("/log/a.log", text_of(i * 1000, i * 1000 + 20));
      scene.some_turns(turns);
      scene.stop();
      scene.start();
      scene.run(30s);
    }
    scene.check_exact();
  }
}

TEST_CASE("rewrites: with other bytes before where it was read to it is another file",
          "[sources][rewrites]") {
  Rewriting scene;
  scene.write("/log/a.log", text_of(0, 300));
  scene.start();
  scene.run(1s);
  std::string edited = text_of(0, 300);
  std::ranges::replace(edited, 'l', 'L');
  scene.rewrite(edited);
  scene.written += edited;
  scene.run(30s);
  scene.check_exact();
}

TEST_CASE("rewrites: what a program still writes into the former file is read first",
          "[sources][rewrites]") {
  Rewriting scene;
  scene.write("/log/a.log", text_of(0, 300));
  scene.start();
  scene.run(1s);
  const sim::NodeRef former = scene.world.disk().find("/log/a.log");
  scene.rewrite(scene.written);
  const std::string late = text_of(300, 310);
  scene.world.disk().append(*former, late);
  scene.written += late;
  scene.run(30s);
  scene.check_exact();  // but then its end is not in the new one, which is another file
}

TEST_CASE("rewrites: without the option it is another file", "[sources][rewrites]") {
  Rewriting scene;
  scene.files.on_rewrite = OnRewrite::as_new;
  scene.options.tail.copies = false;
  scene.write("/log/a.log", text_of(0, 30));
  scene.start();
  scene.run(1s);
  scene.rewrite(text_of(0, 30));
  scene.written += scene.written;
  scene.run(30s);
  scene.check_exact();
}
