#include "sources/binary_guard.h"

#include <string>

#include "tests/sources/compressed_bytes.h"
#include "tests/sources/tail_scene.h"
#include "tests/sources/utf16_bytes.h"
#include "tests/sources/whole_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using scene::Lines;
using scene::numbered;
using scene::Scene;
using scene::split;

const pipeline::Delimiter kNewline;

// 31 of 100 bytes, over and over.
std::string binary(std::size_t bytes = 10'000) {
  std::string text;
  while (text.size() < bytes) text += std::string(31, '\1') + std::string(68, 'x') + "\n";
  return text;
}

}  // namespace

TEST_CASE("binary guard: more than 30 in 100 control bytes are no text", "[sources][binary]") {
  const auto with = [](std::size_t controls, char control = '\1') {
    return std::string(controls, control) + std::string(100 - controls, 'x');
  };
  CHECK_FALSE(sources::looks_binary(with(30), kNewline));
  CHECK(sources::looks_binary(with(31), kNewline));
  for (const char control : "\x7f\x1f\v\b\x1e"s) {
    CHECK(sources::looks_binary(with(31, control), kNewline));
  }
  for (const char text : "\t\n\r\f\x1b\x80\xff \x20"s) {
    CHECK_FALSE(sources::looks_binary(with(90, text), kNewline));
  }
}

TEST_CASE("binary guard: what says nothing is text", "[sources][binary]") {
  CHECK_FALSE(sources::looks_binary("", kNewline));
  CHECK_FALSE(sources::looks_binary(std::string(63, '\1'), kNewline));
  CHECK(sources::looks_binary(std::string(64, '\1'), kNewline));
  CHECK_FALSE(sources::looks_binary(std::string(1000, '\0'), kNewline));
  CHECK_FALSE(sources::looks_binary(std::string(100, 'x') + std::string(1000, '\0'), kNewline));
  CHECK_FALSE(sources::looks_binary(
      std::string(40, 'x') + std::string(3000, '\0') + std::string(40, 'x'), kNewline));
  CHECK(sources::looks_binary(
      std::string(40, '\1') + std::string(3000, '\0') + std::string(60, 'x'), kNewline));
  CHECK_FALSE(sources::looks_binary(std::string(4096, 'x') + std::string(9000, '\1'), kNewline));
  CHECK(sources::looks_binary(utf16::encode(std::string(100, 'x')), kNewline));
  const std::string records = "ab\0c\0"s;
  std::string many;
  for (int i = 0; i < 40; ++i) many += records;
  CHECK(sources::looks_binary(many + "x", kNewline));
  CHECK_FALSE(sources::looks_binary(many + "x", pipeline::Delimiter("\0"s)));
}

TEST_CASE("binary guard: such a file is set aside, once, until it is text", "[sources][binary]") {
  Scene scene;
  scene.write("/log/a", binary());
  scene.rig->add("/log/a", 1);
  scene.write("/log/b", numbered(0, 100));
  scene.rig->add("/log/b", 2);
  scene.run();
  CHECK(scene.records() == split(numbered(0, 100)));
  CHECK(scene.rig->tails().at_end());
  CHECK(scene.rig->tails().lag_bytes() == 0);
  CHECK(scene.durable.known().size() == 1);  // of the other one
  for (int i = 0; i < 5; ++i) {
    scene.write("/log/a", binary(500));
    scene.look();
  }
  CHECK(scene.counters().files_binary.value() == 1);
  CHECK(scene.counters().reads.value() < 20);
  scene.truncate("/log/a");
  scene.write("/log/a", "text\n");
  scene.look();
  CHECK(scene.records().back() == "text");
  scene.truncate("/log/a");
  scene.write("/log/a", binary());
  scene.look();
  CHECK(scene.counters().files_binary.value() == 2);
  CHECK(scene.records().size() == 101);
}

TEST_CASE("binary guard: allowed, it is read as it is", "[sources][binary]") {
  rig::Options options;
  options.tail.allow_binary = true;
  Scene scene(options);
  scene.write("/log/a", binary());
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == split(binary()));
  CHECK(scene.counters().files_binary.value() == 0);
}

TEST_CASE("binary guard: compressed files and UTF-16 are not asked", "[sources][binary]") {
  rig::Options options;
  options.tail.inflate = true;
  Scene compressed(options);
  compressed.write("/log/a", compressed::gzip(binary()));
  compressed.rig->add("/log/a", 1);
  compressed.run();
  CHECK(compressed.records() == split(binary()));
  options.tail.inflate = false;
  options.tail.encoding = sources::Encoding::utf16le;
  Scene utf16(options);
  utf16.write("/log/a", utf16::encode(binary()));
  utf16.rig->add("/log/a", 1);
  utf16.run();
  CHECK(utf16.records() == split(binary()));
}

TEST_CASE("binary guard: a file that was read goes on, whatever comes, also after a restart",
          "[sources][binary]") {
  Scene scene;
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.write("/log/a", binary());
  scene.look();
  CHECK(scene.records().size() == 1 + split(binary()).size());
  scene.restart();
  scene.write("/log/a", binary());
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records().size() == 1 + 2 * split(binary()).size());
  CHECK(scene.counters().files_binary.value() == 0);
}

TEST_CASE("binary guard: one behind NULs is seen, text behind them is read", "[sources][binary]") {
  for (const bool text : {true, false}) {
    Scene scene;
    scene.write("/log/a", "");
    scene.truncate("/log/a", 100'000);
    scene.write("/log/a", text ? numbered(0, 100) : binary());
    scene.rig->add("/log/a", 1);
    scene.pass(1s);
    CHECK(scene.records().size() == (text ? 100 : 0));
    CHECK(scene.counters().files_binary.value() == (text ? 0 : 1));
    CHECK(scene.rig->tails().at_end());
  }
}

TEST_CASE("binary guard: it needs no descriptor, and is said once however often it is opened",
          "[sources][binary]") {
  scene::WholeScene scene({"/log/a"});
  scene.options.tail.close_inactive = 100ms;
  scene.append("/log/a", binary());
  scene.start();
  scene.run(1s);
  for (int i = 0; i < 5; ++i) {
    CHECK(scene.open() == 0);
    scene.append("/log/a", binary(100));
    scene.run(1s);
  }
  CHECK(scene.counters().files_opened.value() >= 6);
  CHECK(scene.counters().files_binary.value() == 1);
  scene.truncate("/log/a");
  scene.append("/log/a", "text\n");
  scene.run(1s);
  CHECK(scene.records() == Lines{"text"});
}

TEST_CASE("binary guard: renamed or deleted, it is let go", "[sources][binary]") {
  scene::WholeScene scene({"/log/a"});
  scene.append("/log/a", binary());
  scene.start();
  scene.run(1s);
  CHECK(scene.open() == 1);
  scene.world.disk().rename("/log/a", "/log/b");
  scene.append("/log/a", numbered(0, 10));
  scene.run(10s);
  CHECK(scene.records() == split(numbered(0, 10)));
  CHECK(scene.open() == 1);
}
