// UTF-16 files as FileTail reads them.
#include "sources/utf16_file.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/sources/tail_scene.h"
#include "tests/sources/utf16_bytes.h"
#include "tests/sources/whole_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::numbered;
using scene::Scene;
using scene::split;
using sources::ByteOrder;
using sources::Encoding;

rig::Options encoded(Encoding encoding = Encoding::utf16, std::size_t chunk_bytes = 768) {
  rig::Options options;
  options.chunk_bytes = chunk_bytes;
  options.tail.encoding = encoding;
  return options;
}

// Lines with characters of one to four bytes.
std::string mixed(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) {
    text += std::to_string(i) + " ";
    for (int j = 0; j < i % 23; ++j) {
      text += j % 4 == 0   ? "x"
              : j % 4 == 1 ? "\xc3\xa4"
              : j % 4 == 2 ? "\xe2\x82\xac"
                           : "\xf0\x9f\x98\x80";
    }
    text += '\n';
  }
  return text;
}

Lines sorted(Lines lines) {
  std::ranges::sort(lines);
  return lines;
}

}  // namespace

TEST_CASE("utf16 file: is read as the same text in UTF-8, in reads of any size",
          "[sources][utf16]") {
  const std::string text = mixed(0, 3000);
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    for (const bool marked : {true, false}) {
      for (const std::size_t chunk : {512, 768, 4096, 65536, 262144}) {
        CAPTURE(chunk, marked);
        const Encoding encoding = marked                       ? Encoding::utf16
                                  : order == ByteOrder::little ? Encoding::utf16le
                                                               : Encoding::utf16be;
        Scene scene(encoded(encoding, chunk));
        scene.world.faults().set("", {.short_read = 0.3});
        scene.write("/log/a", (marked ? utf16::mark(order) : "") + utf16::encode(text, order));
        scene.rig->add("/log/a", 1);
        scene.pass(2s);
        CHECK(scene.records() == split(text));
        CHECK(scene.counters().bom_bytes_skipped.value() == (marked ? 3 : 0));
        CHECK(scene.counters().utf16_replaced.value() == 0);
        CHECK(scene.rig->tails().at_end());
      }
    }
  }
}

TEST_CASE("utf16 file: without a mark it is little-endian", "[sources][utf16]") {
  Scene scene(encoded());
  scene.write("/log/a", utf16::encode("one\ntwo\n"));
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", "two"});
}

TEST_CASE("utf16 file: one that grows by single bytes gives each line once", "[sources][utf16]") {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    const std::string text = mixed(0, 30);
    const std::string bytes = utf16::mark(order) + utf16::encode(text, order);
    Scene scene(encoded());
    scene.write("/log/a", "");
    scene.rig->add("/log/a", 1);
    scene.run();
    Lines seen;
    for (const char byte : bytes) {
      scene.write("/log/a", std::string(1, byte));
      scene.look();
      REQUIRE(scene.records().size() >= seen.size());
      seen = scene.records();
    }
    CHECK(seen == split(text));
    CHECK(scene.counters().files_truncated.value() == 0);
  }
}

TEST_CASE("utf16 file: half pairs are replaced and counted once, however often they are read",
          "[sources][utf16]") {
  const std::string high = utf16::unit(0xd83d, ByteOrder::little);
  const std::string low = utf16::unit(0xde00, ByteOrder::little);
  Scene scene(encoded(Encoding::utf16le));
  scene.rig->add((scene.write("/log/a", utf16::encode("a") + low), "/log/a"), 1);
  scene.run();
  scene.write("/log/a", high);  // what follows tells whether it is alone
  scene.look();
  scene.look();
  CHECK(scene.counters().utf16_replaced.value() == 1);
  scene.write("/log/a", utf16::encode("b\nc\n"));
  scene.look();
  CHECK(scene.records() == Lines{"a\xef\xbf\xbd\xef\xbf\xbd"
                                 "b",
                                 "c"});
  CHECK(scene.counters().utf16_replaced.value() == 2);
}

TEST_CASE("utf16 file: killed at any moment, each line is stored once", "[sources][utf16]") {
  const std::string text = mixed(0, 500);
  for (int moment = 0; moment < 120; ++moment) {
    CAPTURE(moment);
    const ByteOrder order = moment % 2 == 0 ? ByteOrder::little : ByteOrder::big;
    const std::string bytes = utf16::mark(order) + utf16::encode(text, order);
    Scene scene(encoded(), 2, static_cast<std::uint64_t>(moment));
    scene.world.faults().set("", {.short_read = 0.2});
    std::size_t written = bytes.size() / 3 + static_cast<std::size_t>(moment);
    scene.write("/log/a", bytes.substr(0, written));
    for (int life = 0; life < 3; ++life) {
      scene.rig->add("/log/a", 1);
      for (int step = 0; step < moment * (life + 1); ++step) {
        scene.rig->tick();
        if (step % 3 == 0) scene.rig->deliver(static_cast<std::uint32_t>(step % 2));
        if (step % 5 == 0 && scene.rig->unsettled() > 0) scene.rig->settle(0);
        if (step % 2 == 0) scene.rig->answer();
        if (step % 40 == 0) {
          const std::string more = bytes.substr(written, 501);
          scene.write("/log/a", more);
          written += more.size();
        }
        scene.world.clock().advance(1ms);
      }
      scene.restart();
    }
    scene.world.faults().switch_on(false);
    scene.write("/log/a", bytes.substr(written));
    scene.rig->add("/log/a", 1);
    scene.run();
    CHECK(sorted(scene.records()) == sorted(split(text)));
  }
}

TEST_CASE("utf16 file: a restart goes on near its checkpoint", "[sources][utf16]") {
  const std::string text = mixed(0, 40'000);
  const std::string bytes = utf16::encode(text);
  Scene scene(encoded(Encoding::utf16le, 65536));
  scene.write("/log/a", bytes);
  scene.rig->add("/log/a", 1);
  scene.pass(2s);
  REQUIRE(scene.records().size() == 40'000);
  REQUIRE(scene.durable.known().size() == 1);
  const sources::Checkpoint known = scene.durable.known()[0];
  CHECK(known.transcoded);
  CHECK(known.offset == text.size());
  CHECK(known.point.raw + 4 * sources::Utf16File::kPointDistance > bytes.size());
  CHECK(utf16::encode(std::string_view(text).substr(0, known.point.offset)).size() ==
        known.point.raw);
  CHECK(sources::covers(known, bytes.size()));
  scene.restart();
  scene.write("/log/a", utf16::encode("more\n"));
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records().size() == 40'001);
  CHECK(scene.records().back() == "more");
  CHECK(scene.counters().files_truncated.value() == 0);
}

TEST_CASE("utf16 file: cut or written anew, it is a new generation, in whatever order of bytes",
          "[sources][utf16]") {
  Scene scene(encoded());
  Lines expected = split(mixed(0, 300));
  scene.write("/log/a", utf16::mark(ByteOrder::little) + utf16::encode(mixed(0, 300)));
  scene.rig->add("/log/a", 1);
  scene.run();
  const auto rewrite = [&](const std::string& bytes, const std::string& text) {
    scene.truncate("/log/a");
    scene.write("/log/a", bytes);
    scene.look();
    for (const std::string& line : split(text)) expected.push_back(line);
    CHECK(scene.records() == expected);
  };
  rewrite(utf16::encode("short\n"), "short\n");
  rewrite(utf16::mark(ByteOrder::big) + utf16::encode(mixed(300, 900), ByteOrder::big),
          mixed(300, 900));
  rewrite(utf16::mark(ByteOrder::little) + utf16::encode(mixed(900, 2000)), mixed(900, 2000));
  CHECK(scene.counters().files_truncated.value() == 3);
  scene.truncate("/log/a");
  scene.look();
  CHECK(scene.counters().files_truncated.value() == 4);
  rewrite(utf16::encode("last\n"), "last\n");
  CHECK(scene.counters().files_truncated.value() == 4);
}

TEST_CASE("utf16 file: written anew while nobody looked, it is read from its start",
          "[sources][utf16]") {
  for (const int lines : {1, 50, 5000}) {
    CAPTURE(lines);
    Scene scene(encoded());
    scene.write("/log/a", utf16::encode(mixed(0, 1000)));
    scene.rig->add("/log/a", 1);
    scene.run();
    scene.stop();
    scene.truncate("/log/a");
    scene.write("/log/a", utf16::encode(mixed(7000, 7000 + lines)));
    scene.start();
    scene.rig->add("/log/a", 1);
    scene.run();
    CHECK(scene.records() == split(mixed(0, 1000) + mixed(7000, 7000 + lines)));
  }
}

TEST_CASE("utf16 file: long lines are split, cut or passed over as in any file",
          "[sources][utf16]") {
  std::string text = "first\n";
  for (const int characters : {300, 333, 334, 5000, 70'000, 400'000}) {
    for (int i = 0; i < characters; ++i) text += i % 3 == 0 ? "y" : "\xe2\x82\xac";
    text += "\nbetween\n";
  }
  for (const auto policy :
       {pipeline::LongLines::split, pipeline::LongLines::truncate, pipeline::LongLines::reject}) {
    rig::Options options = scene::with(policy, 1000, 4096);
    Scene plain(options);
    plain.write("/log/a", text);
    plain.rig->add("/log/a", 1);
    plain.pass(5s);
    options.tail.encoding = Encoding::utf16le;
    Scene scene(options);
    scene.write("/log/a", utf16::encode(text));
    scene.rig->add("/log/a", 1);
    scene.pass(20s);
    CHECK(scene.records() == plain.records());
    CHECK(scene.durable.dead_letters() == plain.durable.dead_letters());
    scene.restart();
    scene.write("/log/a", utf16::encode("end\n"));
    scene.rig->add("/log/a", 1);
    scene.pass(5s);
    CHECK(scene.records().size() == plain.records().size() + 1);
  }
}

TEST_CASE("utf16 file: begins at its end exactly, and notices that it was cut",
          "[sources][utf16]") {
  for (const std::string& old : {std::string("x"), mixed(0, 500)}) {
    scene::WholeScene scene({"/log/*"});
    scene.options.tail.encoding = Encoding::utf16;
    scene.files.start = sources::Start::end;
    scene.append("/log/a", utf16::mark(ByteOrder::big) + utf16::encode(old, ByteOrder::big));
    scene.start();
    scene.run();
    scene.append("/log/a", utf16::encode("new\n", ByteOrder::big));
    scene.run();
    CHECK(scene.records() == Lines{"new"});
    scene.stop();
    scene.append("/log/a", utf16::encode("newer\n", ByteOrder::big));
    scene.start();
    scene.run();
    CHECK(scene.records() == Lines{"new", "newer"});
    scene.truncate("/log/a");
    scene.append("/log/a", utf16::encode("a\n"));
    scene.run();
    CHECK(scene.records() == Lines{"new", "newer", "a"});
  }
  scene::WholeScene scene({"/log/*"});
  scene.options.tail.encoding = Encoding::utf16le;
  scene.files.start = sources::Start::end;
  scene.append("/log/a", utf16::encode(mixed(0, 500)));
  scene.start();
  scene.run();
  scene.truncate("/log/a");
  scene.append("/log/a", utf16::encode("a\n"));
  scene.run();
  CHECK(scene.records() == Lines{"a"});
}

TEST_CASE("utf16 file: goes on where it was when it comes back from rest", "[sources][utf16]") {
  scene::WholeScene scene({"/log/*"});
  scene.options.tail.encoding = Encoding::utf16le;
  scene.options.tail.close_inactive = 100ms;
  scene.append("/log/a", utf16::encode(mixed(0, 2000)));
  scene.start();
  scene.run(1s);
  for (int i = 0; i < 5; ++i) {
    CHECK(scene.open() == 0);
    scene.append("/log/a", utf16::encode(mixed(2000 + i, 2001 + i)));
    scene.run(1s);
  }
  CHECK(scene.records() == split(mixed(0, 2005)));
  CHECK(scene.counters().files_closed_idle.value() >= 5);
}

TEST_CASE("utf16 file: another encoding begins it anew", "[sources][utf16]") {
  Scene scene;
  scene.write("/log/a", utf16::encode(numbered(0, 50)));
  scene.rig->add("/log/a", 1);
  scene.run();
  const std::size_t before = scene.records().size();
  scene.stop();
  scene.options.tail.encoding = Encoding::utf16le;
  scene.start();
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records().size() == before + 50);
  CHECK(scene.records().back() == "line 49");
  scene.stop();
  scene.options.tail.encoding = Encoding::utf8;
  scene.start();
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records().size() == before + 50 + before);
}

TEST_CASE("utf16 file: what is cut off at a deleted file's end is counted", "[sources][utf16]") {
  Scene scene(encoded(Encoding::utf16le));
  scene.write("/log/a", utf16::encode("one\ntwo") + utf16::unit(0xd83d, ByteOrder::little) + "x");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.world.disk().remove("/log/a");
  scene.rig->tails().detached(1, "");
  scene.pass(31s);
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK(scene.counters().bytes_lost_unread.value() == 3);
}
