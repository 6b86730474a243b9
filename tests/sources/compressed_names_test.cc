#include "sources/compressed_names.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
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
using sources::passed_over;

Lines sorted(Lines lines) {
  std::ranges::sort(lines);
  return lines;
}

Lines read_with(CompressedFiles mode, std::vector<std::string> patterns,
                std::uint64_t* skipped = nullptr) {
  WholeScene scene(std::move(patterns));
  scene.files.compressed = mode;
  scene.options.tail.inflate = scene.files.inflate();
  scene.append("/log/a", "plain\n");
  scene.append("/log/a.1.gz", gzip("gzip\n"));
  scene.append("/log/a.2.zst", zstd("zstd\n"));
  scene.append("/log/a.3.xz", "xz\n");
  scene.start();
  scene.run();
  scene.append("/log/a.4.gz", gzip("later\n"));
  scene.append("/log/a.5.zip", "zip\n");
  scene.run();
  if (skipped != nullptr) *skipped = scene.discovery->counters().files_skipped_compressed.value();
  return sorted(scene.records());
}

}  // namespace

TEST_CASE("compressed names: are known by their ends", "[sources][compressed]") {
  CHECK(sources::compressed_suffix("a.gz") == ".gz");
  CHECK(sources::compressed_suffix("a.log.1.zst") == ".zst");
  CHECK(sources::compressed_suffix("a.Z") == ".Z");
  CHECK(sources::compressed_suffix("a.gz.1").empty());
  CHECK(sources::compressed_suffix("gz").empty());
  CHECK(sources::compressed_suffix("").empty());
  CHECK(sources::without_compressed_suffix("a.log.1.gz") == "a.log.1");
  CHECK(sources::without_compressed_suffix("a.log.1") == "a.log.1");
}

TEST_CASE("compressed names: skip leaves them to patterns that ask for them",
          "[sources][compressed]") {
  CHECK(passed_over(CompressedFiles::skip, "*", "a.gz"));
  CHECK(passed_over(CompressedFiles::skip, "a.*", "a.zst"));
  CHECK_FALSE(passed_over(CompressedFiles::skip, "*.gz", "a.gz"));
  CHECK(passed_over(CompressedFiles::skip, "*.gz", "a.zst"));
  CHECK_FALSE(passed_over(CompressedFiles::skip, "*", "a.log"));
  CHECK_FALSE(passed_over(CompressedFiles::read, "*", "a.gz"));
  CHECK(passed_over(CompressedFiles::read, "*", "a.xz"));
  CHECK(passed_over(CompressedFiles::read, "*.xz", "a.xz"));
  CHECK_FALSE(passed_over(CompressedFiles::raw, "*", "a.xz"));
}

TEST_CASE("compressed names: each mode reads what it says, and what is skipped is counted",
          "[sources][compressed]") {
  std::uint64_t skipped = 0;
  CHECK(read_with(CompressedFiles::skip, {"/log/*"}, &skipped) == Lines{"plain"});
  CHECK(skipped == 5);
  CHECK(read_with(CompressedFiles::skip, {"/log/*", "/log/*.gz"}, &skipped) ==
        Lines{"gzip", "later", "plain"});
  CHECK(skipped == 3);
  CHECK(read_with(CompressedFiles::read, {"/log/*"}, &skipped) ==
        Lines{"gzip", "later", "plain", "zstd"});
  CHECK(skipped == 2);
  const Lines raw = read_with(CompressedFiles::raw, {"/log/*.{xz,zip}"}, &skipped);
  CHECK(raw == Lines{"xz", "zip"});
  CHECK(skipped == 0);
}

TEST_CASE("compressed names: one that goes away is skipped no more", "[sources][compressed]") {
  WholeScene scene({"/log/*"});
  scene.append("/log/a.gz", "x");
  scene.append("/log/b.gz", "x");
  scene.start();
  scene.run();
  CHECK(scene.discovery->counters().files_skipped_compressed.value() == 2);
  scene.world.disk().remove("/log/a.gz");
  scene.run();
  CHECK(scene.discovery->counters().files_skipped_compressed.value() == 1);
  scene.world.disk().rename("/log/b.gz", "/log/b");
  scene.run(40s);
  CHECK(scene.discovery->counters().files_skipped_compressed.value() == 0);
}

TEST_CASE("compressed file: read to its end, it is not opened again until it changes",
          "[sources][compressed]") {
  WholeScene scene({"/log/*"});
  scene.files.compressed = CompressedFiles::read;
  scene.options.tail.inflate = true;
  scene.append("/log/a.gz", gzip("one\n"));
  scene.append("/log/b.gz", gzip("two\nhal"));
  scene.start();
  scene.run(1s);
  CHECK(scene.opened.size() == 2);
  scene.stop();
  scene.start();
  scene.run(1s);
  CHECK(scene.opened.size() == 3);
  CHECK(scene.opened.back() == "/log/b.gz");
  scene.append("/log/a.gz", gzip("three\n"));
  scene.run(1s);
  CHECK(scene.opened.size() == 4);
  CHECK(scene.records() == Lines{"one", "two", "three"});
}

TEST_CASE("compressed file: start at the end and ignore_older leave it alone, and remember",
          "[sources][compressed]") {
  for (const bool by_age : {false, true}) {
    CAPTURE(by_age);
    WholeScene scene({"/log/*"});
    scene.files.compressed = CompressedFiles::read;
    scene.options.tail.inflate = true;
    if (by_age) {
      scene.files.ignore_older = 1h;
    } else {
      scene.files.start = sources::Start::end;
    }
    scene.append("/log/a.gz", gzip("old\n"));
    scene.append("/log/a", "old\n");
    if (by_age) scene.world.clock().advance(2h);
    scene.start();
    scene.run(1s);
    scene.append("/log/a", "new\n");
    scene.append("/log/b.gz", gzip("other\n"));
    scene.run(1s);
    CHECK(sorted(scene.records()) == Lines{"new", "other"});
    scene.stop();
    scene.start();
    scene.run(1s);
    CHECK(sorted(scene.records()) == Lines{"new", "other"});
  }
}
