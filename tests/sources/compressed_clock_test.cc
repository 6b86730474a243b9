// Files that are compressed while the clock of who writes them is another than ours (F59).
#include <chrono>
#include <string>

#include "tests/sources/compressed_bytes.h"
#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using compressed::gzip;
using scene::text_of;

struct Rotation : scene::RotationScene {
  Rotation() : RotationScene({"/log/a*"}) {
    files.compressed = sources::CompressedFiles::read;
    options.tail.inflate = true;
    options.chunk_bytes = 1024;
    write("/log/a.log", text_of(0, 300));
    start();
    run(1s);
    REQUIRE(world.disk().rename("/log/a.log", "/log/a.log.1") == 0);
  }
};

}  // namespace

TEST_CASE("compressed clock: one that was cut is not waited for until the clock is back (F59)",
          "[sources][former]") {
  const base::Duration jump = GENERATE(base::Duration(0h), base::Duration(24h * -3652));
  Rotation scene;
  scene.run(5s);
  REQUIRE(scene.world.disk().remove("/log/a.log.1") == 0);
  scene.run(5s);
  // Whose compressed form it is nobody knows before there are as many bytes as were read of a.log.
  const std::string bytes = gzip(text_of(1000, 1100));
  scene.append("/log/a.log.2.gz", bytes.substr(0, bytes.size() / 2));
  scene.world.clock().jump_wall(jump);
  scene.run(1s);
  if (jump == 0h) CHECK(scene.records().size() == 300);
  scene.run(20s);
  CHECK(scene.records().size() > 300);
}

TEST_CASE("compressed clock: one that grows is waited for although its times are ahead (F59)",
          "[sources][former]") {
  Rotation scene;
  scene.run(5s);
  REQUIRE(scene.world.disk().remove("/log/a.log.1") == 0);
  scene.run(5s);
  const std::string bytes = gzip(text_of(0, 300));
  const std::size_t part = bytes.size() / 4 + 1;
  for (std::size_t from = 0; from < bytes.size(); from += part) {
    scene.world.clock().jump_wall(1h);  // as the file server's is
    scene.append("/log/a.log.1.gz", bytes.substr(from, part));
    scene.world.clock().jump_wall(-1h);
    scene.run(1s);
  }
  scene.run(10s);
  scene.check_exact();
  CHECK(scene.counters().files_continued_compressed.value() == 1);
}
