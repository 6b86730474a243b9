// order: oldest_first: which of several files is read first (F08).
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "tests/sources/tail_scene.h"
#include "tests/sources/whole_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::WholeScene;
using sources::Order;

Lines lines_of(const std::string& file, int from, int to) {
  Lines lines;
  for (int i = from; i < to; ++i) lines.push_back(file + " " + std::to_string(i));
  return lines;
}

std::string text_of(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// Where each file's first and last record are among all.
struct Span {
  std::size_t first, last, count;
};
std::map<char, Span> spans(const Lines& records) {
  std::map<char, Span> found;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto [it, fresh] = found.emplace(records[i][0], Span{i, i, 0});
    it->second.last = i;
    ++it->second.count;
  }
  return found;
}

WholeScene in_order(Order order = Order::oldest_first, std::uint64_t seed = 1) {
  return WholeScene({"/log/*"}, seed, order);
}

}  // namespace

TEST_CASE("order: oldest_first reads files by their births, fair by turns (F08)",
          "[sources][order]") {
  const Order order = GENERATE(Order::oldest_first, Order::fair);
  const std::uint64_t seed = GENERATE(1U, 2U, 3U);
  CAPTURE(order, seed);
  WholeScene scene = in_order(order, seed);
  for (const char* file : {"c", "a", "d", "b"}) {
    scene.append(std::string("/log/") + file, text_of(lines_of(file, 0, 1000)));
    scene.world.clock().advance(1s);
  }
  scene.append("/log/c", "c last\n");  // the oldest is written last
  scene.start();
  scene.run(2s);
  std::map<char, Span> found = spans(scene.records());
  REQUIRE(scene.records().size() == 4001);
  const bool in_turn = found['c'].last < found['a'].first && found['a'].last < found['d'].first &&
                       found['d'].last < found['b'].first;
  CHECK(in_turn == (order == Order::oldest_first));
  // Once read to their ends, all are seen at once.
  for (const char* file : {"a", "b", "c", "d"}) {
    scene.append(std::string("/log/") + file, std::string(file) + " new\n");
  }
  scene.run(1s);
  CHECK(scene.records().size() == 4005);
}

TEST_CASE("order: a file that keeps being written holds up newer ones only once",
          "[sources][order]") {
  WholeScene scene = in_order();
  scene.append("/log/a", text_of(lines_of("a", 0, 2000)));
  scene.world.clock().advance(1s);
  scene.append("/log/b", "b 1\n");
  scene.start();
  // More in a turn than is read in one.
  int next = 2000;
  std::size_t turns = 0;
  for (; turns < 1000 && !spans(scene.records()).contains('b'); ++turns) {
    scene.append("/log/a", text_of(lines_of("a", next, next + 2000)));
    next += 2000;
    scene.turn();
    scene.deliver();
  }
  std::map<char, Span> found = spans(scene.records());
  REQUIRE(found.contains('b'));
  CHECK(found['b'].first >= 2000);
  CHECK(turns < 100);
  scene.append("/log/b", "b 2\n");
  for (turns = 0; turns < 50 && spans(scene.records())['b'].count < 2; ++turns) {
    scene.append("/log/a", text_of(lines_of("a", next, next + 2000)));
    next += 2000;
    scene.turn();
    scene.deliver();
  }
  CHECK(turns < 50);
}

TEST_CASE("order: a file that cannot be read does not hold up newer ones", "[sources][order]") {
  WholeScene scene = in_order();
  scene.append("/log/a", text_of(lines_of("a", 0, 2000)));
  scene.world.clock().advance(1s);
  scene.append("/log/b", text_of(lines_of("b", 0, 10)));
  scene.world.disk().find("/log/a")->bad_pages = {1};
  scene.start();
  scene.run(2s);
  CHECK(spans(scene.records())['b'].count == 10);
}

TEST_CASE("order: a read that is never answered holds up newer ones for half a minute",
          "[sources][order]") {
  WholeScene scene = in_order();
  scene.options.tail.stall_after = base::Duration::zero();
  scene.append("/log/a", text_of(lines_of("a", 0, 10)));
  scene.world.clock().advance(1s);
  scene.append("/log/b", text_of(lines_of("b", 0, 10)));
  scene.world.faults().set("/log/a", {.delay = 1, .delay_max = 24h * 365});
  scene.start();
  scene.run(20s);
  CHECK(scene.records().empty());
  scene.run(20s);
  CHECK(spans(scene.records())['b'].count == 10);
  CHECK(scene.world.logged("file does not get on, newer ones are read before it"));
}

TEST_CASE("order: with fewer descriptors than files they are read in order, and all",
          "[sources][order]") {
  const std::size_t descriptors = GENERATE(1U, 2U, 3U);
  const std::uint64_t seed = GENERATE(1U, 2U, 3U);
  CAPTURE(descriptors, seed);
  WholeScene scene = in_order(Order::oldest_first, seed);
  scene.open_files_max = descriptors;
  const std::string names = "hcafbgde";
  for (const char name : names) {
    scene.append(std::string("/log/") + name, text_of(lines_of(std::string(1, name), 0, 1500)));
    scene.world.clock().advance(1s);
  }
  scene.start();
  scene.run(10s);
  REQUIRE(scene.records().size() == names.size() * 1500);
  const std::map<char, Span> found = spans(scene.records());
  for (std::size_t i = 1; i < names.size(); ++i) {
    CHECK(found.at(names[i - 1]).last < found.at(names[i]).first);
  }
}

TEST_CASE("order: two writers that overlap are exact each, killed at any moment (F08)",
          "[sources][order]") {
  for (int life = 1; life < 120; life += 7) {
    CAPTURE(life);
    WholeScene scene = in_order(Order::oldest_first, static_cast<std::uint64_t>(life));
    int old_lines = 0;
    int new_lines = 0;
    const auto write = [&](bool both) {
      scene.append("/log/app-11", text_of(lines_of("1", old_lines, old_lines + 5)));
      old_lines += 5;
      if (!both) return;
      scene.append("/log/app-12", text_of(lines_of("2", new_lines, new_lines + 5)));
      new_lines += 5;
    };
    for (int i = 0; i < 50; ++i) write(false);
    scene.start();
    for (int i = 0; i < life; ++i) {
      write(i > 20);
      scene.turn();
      if (i % 3 == 0) scene.deliver();
    }
    scene.stop();
    write(true);
    scene.start();
    scene.run(1s);
    write(true);
    scene.run(1s);
    Lines first, second;
    for (const std::string& record : scene.records()) {
      (record[0] == '1' ? first : second).push_back(record);
    }
    CHECK(first == lines_of("1", 0, old_lines));
    CHECK(second == lines_of("2", 0, new_lines));
  }
}

TEST_CASE("order: what was caught up with before waits no more after a rest", "[sources][order]") {
  WholeScene scene = in_order();
  scene.options.tail.close_inactive = 100ms;
  scene.append("/log/b", "b 1\n");
  scene.start();
  scene.run(2s);
  REQUIRE(scene.open() == 0);
  // An older file appears, and is long.
  scene.append("/log/a", text_of(lines_of("a", 0, 50'000)));
  scene.world.disk().find("/log/a")->birth_ns = 1;
  scene.append("/log/b", "b 2\n");
  scene.run(50ms);
  CHECK(spans(scene.records())['b'].count == 2);
  scene.run(5s);
  CHECK(scene.records().size() == 50'002);
}

TEST_CASE("order: a copy that kept its time is as old as that", "[sources][order]") {
  WholeScene scene = in_order();
  for (const char* file : {"b", "a"}) {
    scene.append(std::string("/log/") + file, text_of(lines_of(file, 0, 1000)));
    scene.world.clock().advance(1s);
  }
  scene.world.disk().find("/log/a")->modified_ns = 1;  // cp -p
  scene.start();
  scene.run(2s);
  std::map<char, Span> found = spans(scene.records());
  CHECK(found['a'].last < found['b'].first);
}

TEST_CASE("order: who was read before a restart waits for nobody when it grows (F08)",
          "[sources][order]") {
  WholeScene scene = in_order();
  for (const char* name : {"/log/a", "/log/b", "/log/c"}) {
    scene.append(name, std::string(name) + " one\n");
    scene.world.clock().advance(10ms);
  }
  scene.start();
  scene.run(1s);
  REQUIRE(scene.records().size() == 3);
  scene.stop();
  scene.start();
  scene.run(1s);
  for (const char* name : {"/log/a", "/log/b", "/log/c"}) {
    scene.append(name, std::string(name) + " two\n");
  }
  scene.run(1s);
  CHECK(scene.records().size() == 6);
}
