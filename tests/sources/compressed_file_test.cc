// Compressed files as FileTail reads them.
#include "sources/compressed_file.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/sources/compressed_bytes.h"
#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using compressed::gzip;
using compressed::zstd;
using scene::Lines;
using scene::numbered;
using scene::Scene;
using scene::split;
using sources::Compression;

rig::Options inflating(std::size_t chunk_bytes = 4096) {
  rig::Options options;
  options.chunk_bytes = chunk_bytes;
  options.tail.inflate = true;
  return options;
}

// What does not compress well, so that compressed files are not tiny.
std::string noisy(int from, int to, std::size_t bytes = 60) {
  std::string text;
  std::uint64_t state = 88172645463325252ULL + static_cast<std::uint64_t>(from);
  for (int i = from; i < to; ++i) {
    text += std::to_string(i) + " ";
    for (std::size_t j = 0; j < bytes; ++j) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      text += static_cast<char>('a' + state % 26);
    }
    text += '\n';
  }
  return text;
}

// Whole lines of `text` from its beginning.
bool is_prefix(const Lines& records, const std::string& text) {
  const Lines lines = split(text);
  return records.size() <= lines.size() &&
         std::equal(records.begin(), records.end(), lines.begin());
}

}  // namespace

TEST_CASE("compressed file: one that is emptied is at its end, and let go when it is deleted",
          "[sources][compressed]") {
  const bool read_before = GENERATE(true, false);
  Scene scene(inflating());
  if (read_before) scene.write("/log/a.gz", gzip("one\ntwo\n"));
  if (!read_before) scene.write("/log/a.gz", "");
  scene.rig->add("/log/a.gz", 1);
  scene.run();
  scene.truncate("/log/a.gz");
  scene.look();
  scene.pass(1s);
  CHECK(scene.rig->tails().at_end());
  CHECK(scene.counters().files_truncated.value() == (read_before ? 1 : 0));
  scene.world.disk().remove("/log/a.gz");
  scene.rig->tails().detached(1, "");
  scene.pass(60s);
  CHECK(scene.rig->tails().idle());
}

TEST_CASE("compressed file: is read as what was compressed, in reads of any size",
          "[sources][compressed]") {
  const std::string text = noisy(0, 2000);
  for (const Compression how : {Compression::gzip, Compression::zstd}) {
    for (const std::size_t chunk : {768, 4096, 65536}) {
      CAPTURE(chunk);
      Scene scene(inflating(chunk));
      scene.write("/log/a", compressed::compress(how, text));
      scene.rig->add("/log/a", 1);
      scene.run();
      CHECK(scene.records() == split(text));
      CHECK(scene.counters().compressed_errors.value() == 0);
      CHECK(scene.rig->tails().at_end());
    }
  }
}

TEST_CASE("compressed file: without the option its bytes are read as they are",
          "[sources][compressed]") {
  Scene scene;
  const std::string bytes = gzip(numbered(0, 50)) + "\n";
  scene.write("/log/a.gz", bytes);
  scene.rig->add("/log/a.gz", 1);
  scene.run();
  CHECK(scene.records() == split(bytes));
}

TEST_CASE("compressed file: plain files of the same flow are read as ever",
          "[sources][compressed]") {
  Scene scene(inflating());
  scene.write("/log/a", "one\n(two\n");
  scene.write("/log/empty", "");
  scene.write("/log/short", "(");
  scene.rig->add("/log/a", 1);
  scene.rig->add("/log/empty", 2);
  scene.rig->add("/log/short", 3);
  scene.run();
  CHECK(scene.records() == Lines{"one", "(two"});
  scene.write("/log/empty", "three\n");
  scene.look(2);
  scene.write("/log/short", "four)\n");
  scene.look(3);
  CHECK(scene.records() == Lines{"one", "(two", "three", "(four)"});
}

TEST_CASE("compressed file: members that follow each other are one stream",
          "[sources][compressed]") {
  Scene scene(inflating());
  scene.write("/log/a", gzip("one\ntw") + gzip("") + gzip("o\nthree\n"));
  scene.write("/log/b", compressed::skippable("not this") + zstd("four\nfi") + zstd("ve\n"));
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.rig->add("/log/b", 2);
  scene.run();
  CHECK(scene.records() == Lines{"one", "two", "three", "four", "five"});
}

TEST_CASE("compressed file: one that grows by single bytes gives each line once",
          "[sources][compressed]") {
  for (const Compression how : {Compression::gzip, Compression::zstd}) {
    Scene scene(inflating());
    const std::string text = noisy(0, 20);
    const std::string bytes = compressed::compress(how, text) + compressed::compress(how, "z\n");
    scene.write("/log/a", "");
    scene.rig->add("/log/a", 1);
    scene.run();
    for (const char byte : bytes) {
      scene.write("/log/a", std::string(1, byte));
      scene.look();
      REQUIRE(is_prefix(scene.records(), text + "z\n"));
    }
    CHECK(scene.records() == split(text + "z\n"));
    CHECK(scene.counters().compressed_errors.value() == 0);
  }
}

TEST_CASE(
    "compressed file: cut at each of its last 20 bytes, it gives whole lines, and the rest "
    "when it comes",
    "[sources][compressed]") {
  const std::string text = noisy(0, 300);
  for (const Compression how : {Compression::gzip, Compression::zstd}) {
    const std::string bytes = compressed::compress(how, text);
    for (std::size_t cut = bytes.size() - 20; cut < bytes.size(); ++cut) {
      CAPTURE(cut);
      Scene scene(inflating());
      scene.write("/log/a", bytes.substr(0, cut));
      scene.rig->add("/log/a", 1);
      scene.run();
      CHECK(is_prefix(scene.records(), text));
      if (how == Compression::gzip && cut >= bytes.size() - 8)
        CHECK(scene.records() == split(text));
      CHECK(scene.counters().compressed_errors.value() == 0);
      scene.pass(31s);  // whoever writes it had his time
      CHECK(scene.counters().compressed_errors.value() == 1);
      scene.write("/log/a", bytes.substr(cut));
      scene.look();
      CHECK(scene.records() == split(text));
      scene.pass(31s);
      CHECK(scene.counters().compressed_errors.value() == 1);
    }
  }
}

TEST_CASE(
    "compressed file: damaged anywhere, it gives what is before the damage and is counted "
    "once",
    "[sources][compressed]") {
  const std::string text = noisy(0, 300);
  for (const Compression how : {Compression::gzip, Compression::zstd}) {
    const std::string good = compressed::compress(how, text);
    std::uint64_t damaged = 0;
    for (std::size_t at = 4; at < good.size(); at += at < 30 || at + 20 > good.size() ? 1 : 97) {
      CAPTURE(at);
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
      Scene scene(inflating());
      scene.write("/log/a", bytes);
      scene.rig->add("/log/a", 1);
      scene.run();
      scene.look();
      const std::uint64_t errors = scene.counters().compressed_errors.value();
      CHECK(errors <= 1);
      CHECK(scene.rig->tails().at_end());
      damaged += errors;
      // What a changed byte makes of the text before the checksum says so is not for us to know.
      CHECK(scene.records().size() <= split(text).size() + 300);
    }
    CHECK(damaged > 20);
  }
}

TEST_CASE("compressed file: NULs behind it are padding, anything else is said once",
          "[sources][compressed]") {
  Scene scene(inflating());
  scene.write("/log/a", gzip("one\n") + std::string(1000, '\0'));
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.counters().compressed_errors.value() == 0);
  scene.write("/log/a", gzip("two\n"));
  scene.look();
  CHECK(scene.records() == Lines{"one", "two"});
  scene.write("/log/a", "plain text, added by hand\n");
  scene.look();
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK(scene.counters().compressed_errors.value() == 1);
  scene.write("/log/a", "more of it\n");
  scene.look();
  scene.look();
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK(scene.counters().compressed_errors.value() == 1);
  CHECK(scene.rig->tails().at_end());
}

TEST_CASE("compressed file: a damaged one is tried again when it is written anew",
          "[sources][compressed]") {
  Scene scene(inflating());
  std::string bytes = gzip(noisy(0, 300));
  const std::string good = bytes;
  for (std::size_t i = bytes.size() / 2; i < bytes.size() / 2 + 50; ++i) bytes[i] = '\x55';
  scene.write("/log/a", bytes);
  scene.rig->add("/log/a", 1);
  scene.run();
  const Lines before = scene.records();
  CHECK_FALSE(before.empty());
  CHECK(scene.counters().compressed_errors.value() == 1);
  scene.truncate("/log/a");
  scene.write("/log/a", gzip("new\n"));
  scene.look();
  CHECK(scene.counters().files_truncated.value() == 1);
  CHECK(scene.records().back() == "new");
  CHECK(scene.records().size() == before.size() + 1);
}

TEST_CASE("compressed file: killed at any moment, each line is stored once",
          "[sources][compressed]") {
  const std::string text = noisy(0, 400);
  for (const Compression how : {Compression::gzip, Compression::zstd}) {
    for (int moment = 0; moment < 120; ++moment) {
      CAPTURE(moment);
      Scene scene(inflating(1024), 2, static_cast<std::uint64_t>(moment));
      scene.world.faults().set("", {.short_read = 0.2});
      scene.write("/log/a", compressed::compress(how, text));
      for (int life = 0; life < 3; ++life) {
        scene.rig->add("/log/a", 1);
        for (int step = 0; step < moment * (life + 1); ++step) {
          scene.rig->tick();
          if (step % 3 == 0) scene.rig->deliver(static_cast<std::uint32_t>(step % 2));
          if (step % 5 == 0 && scene.rig->unsettled() > 0) scene.rig->settle(0);
          if (step % 2 == 0) scene.rig->answer();
          scene.world.clock().advance(1ms);
        }
        scene.restart();
      }
      scene.world.faults().switch_on(false);
      scene.rig->add("/log/a", 1);
      scene.run();
      Lines records = scene.records();
      Lines lines = split(text);
      std::ranges::sort(records);
      std::ranges::sort(lines);
      CHECK(records == lines);
    }
  }
}

TEST_CASE("compressed file: long lines are split, cut or passed over as in any file",
          "[sources][compressed]") {
  const std::string text = "first\n" + std::string(20'000, 'x') + "\nbetween\n" +
                           std::string(300, 'y') + "\n" + std::string(5'000, 'z') + "\nlast\n";
  for (const auto policy :
       {pipeline::LongLines::split, pipeline::LongLines::truncate, pipeline::LongLines::reject}) {
    Scene plain(scene::with(policy, 1000));
    plain.write("/log/a", text);
    plain.rig->add("/log/a", 1);
    plain.run();
    rig::Options options = scene::with(policy, 1000);
    options.tail.inflate = true;
    Scene scene(options);
    scene.write("/log/a", gzip(text));
    scene.rig->add("/log/a", 1);
    scene.run();
    CHECK(scene.records() == plain.records());
    CHECK(scene.durable.dead_letters() == plain.durable.dead_letters());
  }
}

TEST_CASE("compressed file: written anew, it is a new generation, also as plain text",
          "[sources][compressed]") {
  Scene scene(inflating());
  scene.write("/log/a", gzip(noisy(0, 50)));
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.truncate("/log/a");
  scene.write("/log/a", zstd(noisy(50, 150)));
  scene.look();
  CHECK(scene.records() == split(noisy(0, 50) + noisy(50, 150)));
  scene.truncate("/log/a");
  scene.write("/log/a", "plain\n");
  scene.look();
  CHECK(scene.records().back() == "plain");
  CHECK(scene.counters().files_truncated.value() == 2);
}

TEST_CASE("compressed file: many at once are read a few at a time", "[sources][compressed]") {
  constexpr int kFiles = 40;
  rig::Options options = inflating();
  Scene scene(options);
  std::size_t lines = 0;
  for (int i = 0; i < kFiles; ++i) {
    const std::string path = "/log/" + std::to_string(i);
    const std::string bytes = gzip(noisy(i * 100, i * 100 + 100));
    // Every third is not written to its end and waits, in the middle.
    scene.write(path, i % 3 == 0 ? bytes.substr(0, bytes.size() - 8) : bytes);
    scene.rig->add(path, static_cast<std::uint64_t>(i + 1));
    lines += 100;
  }
  scene.run();
  CHECK(scene.records().size() == lines);
  CHECK(scene.rig->tails().at_end());
  CHECK(scene.rig->tails().inflating() <= sources::kInflatingMax);
  for (int i = 0; i < kFiles; i += 3) {
    const std::string path = "/log/" + std::to_string(i);
    const std::string bytes = gzip(noisy(i * 100, i * 100 + 100));
    scene.write(path, bytes.substr(bytes.size() - 8) + gzip("more\n"));
    scene.look(static_cast<std::uint64_t>(i + 1));
    ++lines;
  }
  CHECK(scene.records().size() == lines);
}

TEST_CASE("compressed file: what was there when it is to begin at its end is left alone",
          "[sources][compressed]") {
  Scene scene(inflating());
  scene.write("/log/a", gzip("old\n"));
  sources::FoundFile found = scene.rig->find("/log/a", 1);
  found.checkpoint.offset = gzip("old\n").size();  // as discovery says it: the file's size
  scene.rig->tails().add(std::move(found));
  scene.run();
  CHECK(scene.records().empty());
  REQUIRE(scene.durable.known().size() == 1);
  CHECK(scene.durable.known()[0].compressed_bytes == gzip("old\n").size());
  scene.restart();
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records().empty());
}

TEST_CASE("compressed file: its checkpoint says when all of it was read", "[sources][compressed]") {
  Scene scene(inflating());
  const std::string bytes = gzip(noisy(0, 100));
  scene.write("/log/a", bytes);
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(1s);
  REQUIRE(scene.durable.known().size() == 1);
  CHECK(scene.durable.known()[0].compressed_bytes == bytes.size());
  CHECK(scene.durable.known()[0].offset == noisy(0, 100).size());
  CHECK(sources::covers(scene.durable.known()[0], bytes.size()));
  scene.write("/log/a", gzip("half a line"));
  scene.look();
  scene.pass(1s);
  CHECK_FALSE(sources::covers(scene.durable.known()[0], bytes.size() + gzip("half a line").size()));
}
