// Pages that cannot be read, passed over by on_read_error: skip (F61). The simulated disk gives
// what is before a bad page, or nothing of a read that touches one.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "tests/sources/tail_scene.h"
#include "tests/sources/whole_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using pipeline::LongLines;
using scene::Lines;
using scene::numbered;
using scene::Scene;
using scene::split;
using sources::OnReadError;

using Pages = std::set<std::uint64_t>;
constexpr std::size_t kPage = sim::kPageBytes;

rig::Options skipping(std::size_t chunk_bytes = 3 * kPage) {
  rig::Options options;
  options.chunk_bytes = chunk_bytes;
  options.tail.on_read_error = OnReadError::skip;
  return options;
}

void spoil(Scene& scene, const Pages& pages, const std::string& path = "/log/a") {
  scene.world.disk().find(path)->bad_pages = pages;
}

// What is left of a text: before and after each bad page it is cut.
Lines left_of(const std::string& text, const Pages& bad) {
  Lines lines;
  std::string piece;
  const auto cut = [&] {
    for (const std::string& line : split(piece)) lines.push_back(line);
    const std::size_t rest = piece.rfind('\n') + 1;  // npos + 1 is 0
    if (rest < piece.size()) lines.push_back(piece.substr(rest));
    piece.clear();
  };
  for (std::size_t at = 0; at < text.size(); at += kPage) {
    if (bad.contains(at / kPage)) {
      cut();
    } else {
      piece += text.substr(at, kPage);
    }
  }
  cut();
  return lines;
}

std::uint64_t bytes_of(const std::string& text, const Pages& bad) {
  std::uint64_t bytes = 0;
  for (const std::uint64_t page : bad) {
    if (page * kPage < text.size()) bytes += std::min(kPage, text.size() - page * kPage);
  }
  return bytes;
}

std::size_t times_logged(Scene& scene, std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      scene.world.log_lines(),
      [&](const std::string& line) { return line.find(text) != std::string::npos; }));
}

}  // namespace

TEST_CASE("unreadable: a page is passed over, and lines end before and begin behind it (F61)",
          "[sources][unreadable]") {
  const Pages bad = GENERATE(Pages{2}, Pages{0}, Pages{1, 3}, Pages{1, 2, 3}, Pages{0, 1, 5});
  const std::size_t chunk = GENERATE(kPage / 4, kPage, 3 * kPage, 16 * kPage);
  const std::uint64_t seed = GENERATE(1U, 2U, 3U);
  CAPTURE(bad, chunk, seed);
  const std::string text = numbered(0, 3000);
  Scene scene(skipping(chunk), 1, seed);
  scene.write("/log/a", text);
  spoil(scene, bad);
  scene.rig->add("/log/a", 1);
  scene.pass(20s);
  CHECK(scene.records() == left_of(text, bad));
  CHECK(scene.counters().bytes_unreadable.value() == bytes_of(text, bad));
  CHECK(scene.counters().unreadable_skipped.value() == bad.size());
  CHECK(times_logged(scene, "skipped") == bad.size());
  CHECK(scene.rig->tails().at_end());
  scene.write("/log/a", "more\n");
  scene.look();
  CHECK(scene.records().back() == "more");
  scene.restart();
  scene.rig->add("/log/a", 1);
  scene.pass(5s);
  CHECK(scene.counters().bytes_unreadable.value() == 0);  // a checkpoint is behind it
  CHECK(scene.records() == left_of(text + "more\n", bad));
}

TEST_CASE("unreadable: a page is tried four times in all, with pauses that grow",
          "[sources][unreadable]") {
  Scene scene(skipping());
  scene.write("/log/a", numbered(0, 3000));
  spoil(scene, {2});
  scene.rig->add("/log/a", 1);
  while (scene.counters().read_errors.value() == 0) scene.pass(10ms);
  scene.pass(500ms);
  CHECK(scene.counters().bytes_unreadable.value() == 0);  // 100, 200 and 400 ms
  scene.pass(1s);
  CHECK(scene.counters().bytes_unreadable.value() == kPage);
  CHECK(scene.counters().read_errors.value() >= 4);
  CHECK(scene.counters().read_errors.value() <= 5);  // the first may be of a longer read
}

TEST_CASE("unreadable: a page that can be read again in time loses nothing",
          "[sources][unreadable]") {
  const OnReadError policy = GENERATE(OnReadError::skip, OnReadError::retry);
  const std::uint64_t seed = GENERATE(1U, 2U, 3U, 4U);
  CAPTURE(policy, seed);
  rig::Options options = skipping();
  options.tail.on_read_error = policy;
  Scene scene(options, 1, seed);
  const std::string text = numbered(0, 3000);
  scene.write("/log/a", text);
  spoil(scene, {2});
  scene.rig->add("/log/a", 1);
  while (scene.counters().read_errors.value() < 2) scene.pass(10ms);
  spoil(scene, {});
  scene.pass(2s);
  CHECK(scene.records() == split(text));
  CHECK(scene.counters().unreadable_skipped.value() == 0);
}

TEST_CASE("unreadable: retry tries for ever, says so, and gives up nothing",
          "[sources][unreadable]") {
  rig::Options options = skipping();
  options.tail.on_read_error = OnReadError::retry;
  Scene scene(options);
  const std::string text = numbered(0, 3000);
  scene.write("/log/a", text);
  spoil(scene, {2});
  scene.rig->add("/log/a", 1);
  scene.pass(2s);
  CHECK_FALSE(scene.rig->tails().at_end());
  CHECK(scene.rig->tails().given_up() == 0);
  scene.pass(2s);
  CHECK(scene.rig->tails().at_end());
  CHECK(scene.rig->tails().given_up() == 1);
  scene.pass(296s);
  CHECK(scene.counters().read_errors.value() >= 30);  // every 10 s at last
  CHECK(scene.counters().reads.value() < 60);
  CHECK(scene.counters().bytes_unreadable.value() == 0);
  CHECK(scene.world.logged("file cannot be read, will try again"));
  spoil(scene, {});
  scene.pass(11s);
  CHECK(scene.records() == split(text));
  CHECK(scene.rig->tails().at_end());
  CHECK(scene.rig->tails().given_up() == 0);
}

TEST_CASE("unreadable: killed at any moment, what can be read is stored once",
          "[sources][unreadable]") {
  const Pages bad = GENERATE(Pages{2}, Pages{0, 2}, Pages{1, 2});
  const std::uint32_t shards = GENERATE(1U, 3U);
  const bool heals = GENERATE(false, true);
  CAPTURE(bad, shards, heals);
  const std::string text = numbered(0, 2500);
  for (int life = 0; life < 260; life += 5) {
    CAPTURE(life);
    Scene scene(skipping(), shards, 1 + static_cast<std::uint64_t>(life));
    scene.write("/log/a", text);
    spoil(scene, bad);
    scene.rig->add("/log/a", 1);
    for (int i = 0; i < life; ++i) {
      scene.rig->tick();
      if (i % 3 != 0) scene.rig->answer();
      scene.rig->deliver(static_cast<std::uint32_t>(i) % shards);
      if (i % 4 == 0 && scene.rig->unsettled() > 0) scene.rig->settle(0);
      scene.world.clock().advance(10ms);
    }
    const std::uint64_t skipped = scene.counters().unreadable_skipped.value();
    scene.restart();
    if (heals) spoil(scene, {});
    scene.rig->add("/log/a", 1);
    scene.pass(10s);
    std::multiset<std::string> got;
    for (const std::string& record : scene.records()) got.insert(record);
    const Lines least = left_of(text, bad);
    if (!heals) {
      CHECK(got == std::multiset<std::string>(least.begin(), least.end()));
      continue;
    }
    // Whole lines outside of the bad pages, once each.
    const Lines all = split(text);
    const std::set<std::string> lines(all.begin(), all.end());
    for (const std::string& line : least) {
      if (lines.contains(line)) CHECK(got.count(line) == 1);
    }
    // Nothing twice, in whole or in part: together no more bytes than were written; and no fewer,
    // unless a page was passed over, with the newlines in it.
    std::size_t bytes = 0;
    for (const std::string& record : got) bytes += record.size();
    const std::size_t written = text.size() - all.size();
    if (skipped == 0) {
      CHECK(bytes == written);
    } else {
      CHECK(bytes <= written);
      CHECK(bytes + bad.size() * kPage >= written);
    }
  }
}

TEST_CASE("unreadable: a page that can be read after a kill hides nothing that was not stored",
          "[sources][unreadable]") {
  // Some shards are ahead of others when the agent dies, soon after the page was passed over.
  const std::string text = numbered(0, 2500);
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    constexpr std::uint32_t kShards = 3;
    Scene scene(skipping(), kShards, seed);
    sim::SimRandom random(seed);
    scene.write("/log/a", text);
    spoil(scene, {1});
    scene.rig->add("/log/a", 1);
    std::uint64_t left = 2000 + random.below(12);
    for (std::uint64_t i = 0; i < left; ++i) {
      scene.rig->tick();
      scene.rig->answer();
      if (random.chance(0.7)) scene.rig->deliver(static_cast<std::uint32_t>(random.below(kShards)));
      if (random.chance(0.7) && scene.rig->unsettled() > 0) scene.rig->settle(0);
      scene.world.clock().advance(1ms);
      if (left >= 2000 && scene.counters().unreadable_skipped.value() > 0) left -= 2000 - i;
    }
    REQUIRE(scene.counters().unreadable_skipped.value() == 1);
    scene.restart();
    spoil(scene, {});
    scene.rig->add("/log/a", 1);
    scene.pass(5s);
    std::multiset<std::string> got;
    for (const std::string& record : scene.records()) got.insert(record);
    std::size_t bytes = 0;
    for (const std::string& record : got) bytes += record.size();
    // All of it, or all but the page: what is behind it begins a record of its own.
    const Lines least = left_of(text, {1});
    const Lines all = split(text);
    const bool without = got == std::multiset<std::string>(least.begin(), least.end());
    CHECK((without || bytes == text.size() - all.size()));
  }
}

TEST_CASE("unreadable: bytes read before that cannot be compared any more are no new file",
          "[sources][unreadable]") {
  // The offset is behind the page, at its end, within it.
  const std::size_t end = GENERATE(2 * kPage + 10, 2 * kPage, 2 * kPage - 100, kPage + 40);
  const bool restarts = GENERATE(false, true);
  CAPTURE(end, restarts);
  std::string text = numbered(0, 3000).substr(0, end - 1) + "\n";
  Scene scene(skipping());
  scene.write("/log/a", text);
  scene.rig->add("/log/a", 1);
  scene.run();
  Lines expected = split(text);
  REQUIRE(scene.records() == expected);
  if (restarts) {
    scene.pass(1s);
    scene.restart();
    spoil(scene, {1});
    scene.rig->add("/log/a", 1);
    scene.pass(2s);
  }
  spoil(scene, {1});
  const std::string more = numbered(5000, 6000);
  scene.write("/log/a", more);
  scene.look();
  scene.pass(5s);
  const std::string whole = text + more;
  const std::size_t behind = std::max(end, 2 * kPage);
  for (const std::string& line : left_of(whole.substr(behind), {})) expected.push_back(line);
  CHECK(scene.records() == expected);
  CHECK(scene.counters().bytes_unreadable.value() == behind - end);
  CHECK(scene.counters().files_truncated.value() == 0);
}

TEST_CASE("unreadable: the last page is passed over as far as it is written",
          "[sources][unreadable]") {
  Scene scene(skipping());
  const std::string text = numbered(0, 1000);
  const std::uint64_t last = text.size() / kPage;
  scene.write("/log/a", text);
  spoil(scene, {last});
  scene.rig->add("/log/a", 1);
  scene.pass(3s);
  Lines expected = left_of(text, {last});
  CHECK(scene.records() == expected);
  CHECK(scene.rig->tails().at_end());
  const std::uint64_t dropped = text.size() - last * kPage;
  CHECK(scene.counters().bytes_unreadable.value() == dropped);
  scene.write("/log/a", std::string(100, 'x') + "\n");  // into the same page
  scene.look();
  scene.pass(3s);
  CHECK(scene.counters().bytes_unreadable.value() == dropped + 101);
  CHECK(scene.records() == expected);
  scene.world.disk().truncate(*scene.world.disk().find("/log/a"), 0);
  scene.write("/log/a", "new\n");
  scene.look();
  expected.emplace_back("new");
  CHECK(scene.records() == expected);
}

TEST_CASE("unreadable: a truncation right behind a page that was passed over is noticed",
          "[sources][unreadable]") {
  Scene scene(skipping());
  const std::string text = numbered(0, 3000).substr(0, 3 * kPage);
  scene.write("/log/a", text);
  spoil(scene, {2});
  scene.rig->add("/log/a", 1);
  scene.pass(3s);
  REQUIRE(scene.counters().bytes_unreadable.value() == kPage);
  scene.truncate("/log/a");
  scene.write("/log/a", "new\n");
  scene.look();
  scene.pass(1s);
  CHECK(scene.records().back() == "new");
  CHECK(scene.counters().files_truncated.value() == 1);
}

TEST_CASE("unreadable: a long line is cut like one that ends", "[sources][unreadable]") {
  const LongLines policy = GENERATE(LongLines::split, LongLines::truncate, LongLines::reject);
  const std::uint64_t seed = GENERATE(1U, 2U, 3U);
  CAPTURE(policy, seed);
  rig::Options options = skipping(4 * kPage);
  options.framer = {.line_bytes_max = 9000, .long_lines = policy};
  Scene scene(options, 1, seed);
  const std::size_t line = 30 * kPage;
  scene.write("/log/a", "one\n" + std::string(line, 'x') + "\ntwo\n");
  spoil(scene, {20});
  scene.rig->add("/log/a", 1);
  scene.pass(5s);
  const std::size_t before = 20 * kPage - 4;
  const std::size_t behind = line - before - kPage;
  Lines expected = {"one"};
  for (std::size_t rest : {before, behind}) {
    if (policy == LongLines::reject) continue;
    for (; rest > 9000 && policy == LongLines::split; rest -= 9000) {
      expected.emplace_back(9000, 'x');
    }
    expected.emplace_back(std::min<std::size_t>(rest, 9000), 'x');
  }
  expected.emplace_back("two");
  CHECK(scene.records() == expected);
  CHECK(scene.counters().bytes_unreadable.value() == kPage);
  if (policy == LongLines::reject) CHECK(scene.durable.dead_letters().size() == 2);
}

TEST_CASE("unreadable: a page ends an open group of lines and a header", "[sources][unreadable]") {
  rig::Options options = skipping();
  options.groups.by = pipeline::GroupLines::indented;
  options.groups.timeout = 2s;
  options.tail.header_lines = 3;
  Scene scene(options);
  std::string text = "header 1\nheader 2\n" + std::string(kPage - 18, 'h');  // one more is cut off
  text += std::string(kPage, 'b') + "fragment\n 1\n";
  text += std::string(3 * kPage - text.size() - 1, 'g') + "\n";
  text += std::string(kPage, 'b') + " 2\nnext\n";
  scene.write("/log/a", text);
  spoil(scene, {1, 3});
  scene.rig->add("/log/a", 1);
  scene.pass(10s);
  const std::string filler = text.substr(2 * kPage + 12, kPage - 13);
  CHECK(scene.records() == Lines{"fragment\n 1", filler, " 2", "next"});
  CHECK(scene.counters().header_lines_skipped.value() == 2);
  CHECK(scene.counters().bytes_unreadable.value() == 2 * kPage);
}

TEST_CASE("unreadable: with few descriptors a bad page is passed over as well",
          "[sources][unreadable]") {
  scene::WholeScene scene({"/log/*"});
  scene.options = skipping();
  scene.options.tail.close_inactive = 100ms;
  scene.open_files_max = 1;
  const std::string text = numbered(0, 3000);
  for (const char* path : {"/log/a", "/log/b", "/log/c"}) scene.append(path, text);
  scene.world.disk().find("/log/b")->bad_pages = {2, 4};
  scene.start();
  std::uint64_t dropped = 0;
  for (int i = 0; i < 100 && scene.records().size() < 3 * 3000 - 1000; ++i) scene.run(1s);
  scene.run(10s);
  dropped = scene.counters().bytes_unreadable.value();
  CHECK(dropped == 2 * kPage);
  CHECK(scene.records().size() == 2 * 3000 + left_of(text, {2, 4}).size());
}

TEST_CASE("unreadable: a page within a header that is longer than a read",
          "[sources][unreadable]") {
  rig::Options options = skipping(32 * kPage);
  options.tail.header_pattern = "^#";
  Scene scene(options);
  std::string header;
  while (header.size() < 24 * kPage) header += "# " + std::to_string(header.size()) + "\n";
  scene.write("/log/a", header + numbered(0, 100));
  spoil(scene, {20});
  scene.rig->add("/log/a", 1);
  scene.pass(20s);
  CHECK(scene.counters().files_truncated.value() == 0);
  CHECK(scene.records().size() >= 100);
  CHECK(scene.records().back() == "line 99");
}
