// What of a pipe's bytes becomes records, wherever reads cut them.
#include "sources/pipe_lines.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/sim_clock.h"
#include "tests/sources/pipe_rig.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;
using sources::PipeLines;
using Due = PipeLines::Due;

struct Scene {
  explicit Scene(const rig::PipeOptions& options = {}, base::Duration line_timeout = 0s)
      : rig(options),
        lines({.intake = rig.intake(),
               .budget = rig.budget(),
               .clock = clock,
               .partial_line_timeout = line_timeout,
               .counters = counters}) {}
  ~Scene() {
    rig.deliver();
    CHECK(lines.all_settled());
    CHECK(rig.budget().available_bytes() == static_cast<std::int64_t>(rig.budget().limit_bytes()));
  }

  // As one read each, or several if there is not room for all of it.
  void give(std::string_view bytes, Due due = Due::nothing) {
    do {
      const std::span<char> room = lines.room();
      CHECK(room.size() >= PipeLines::kReadBytesMin);
      const std::size_t count = std::min(room.size(), bytes.size());
      std::ranges::copy(bytes.substr(0, count), room.begin());
      bytes.remove_prefix(count);
      REQUIRE(rig.budget().take(lines.buffer_bytes()));
      lines.take(count, bytes.empty() ? due : Due::nothing, lines.buffer_bytes());
      rig.deliver();
    } while (!bytes.empty());
  }
  // What time says now.
  void look() {
    const Due due = lines.due(clock.monotonic());
    if (due != Due::nothing) give({}, due);
  }
  void pass(base::Duration time) {
    clock.advance(time);
    look();
  }

  rig::PipeRig rig;
  sim::SimClock clock;
  sources::PipeCounters counters;
  PipeLines lines;
};

pipeline::FramerOptions framer(pipeline::LongLines policy, std::size_t bytes) {
  return {.line_bytes_max = bytes, .long_lines = policy};
}

}  // namespace

TEST_CASE("pipe lines: an unfinished line is kept until its end comes", "[sources][pipe]") {
  Scene scene;
  scene.give("one\ntwo\nth");
  CHECK(scene.rig.records == Lines{"one", "two"});
  CHECK(scene.lines.unfinished());
  scene.give("ree");
  CHECK(scene.rig.records.size() == 2);
  scene.give("\r");
  scene.give("\nfour");
  CHECK(scene.rig.records == Lines{"one", "two", "three"});
  scene.give({}, Due::end);
  CHECK(scene.rig.records == Lines{"one", "two", "three", "four"});
  CHECK(scene.lines.empty());
}

TEST_CASE("pipe lines: a line that comes byte by byte is one record", "[sources][pipe]") {
  Scene scene;
  std::string line;
  for (int i = 0; i < 3000; ++i) line += static_cast<char>('a' + i % 26);
  for (const char c : line) scene.give({&c, 1});
  scene.give("\n");
  CHECK(scene.rig.records == Lines{line});
}

TEST_CASE("pipe lines: time ends a line, and its late newline is no record", "[sources][pipe]") {
  Scene scene({}, 2s);
  scene.give("half");
  scene.pass(1999ms);
  CHECK(scene.rig.records.empty());
  CHECK(scene.lines.due_at() == scene.clock.monotonic() + 1ms);
  scene.pass(1ms);
  CHECK(scene.rig.records == Lines{"half"});
  CHECK(scene.lines.due_at() == base::Instant::max());
  const std::string_view late = GENERATE("\n", "\r\n");
  for (const char& c : late) scene.give({&c, 1});
  scene.give("\nnext\n");
  CHECK(scene.rig.records == Lines{"half", "", "next"});
}

TEST_CASE("pipe lines: without a time-out an unfinished line waits for ever", "[sources][pipe]") {
  Scene scene;
  scene.give("half");
  scene.pass(1h);
  CHECK(scene.rig.records.empty());
  scene.give(" whole\n");
  CHECK(scene.rig.records == Lines{"half whole"});
}

TEST_CASE("pipe lines: an endless line takes no more memory", "[sources][pipe]") {
  constexpr std::size_t kMax = 100'000;
  const auto policy = GENERATE(pipeline::LongLines::split, pipeline::LongLines::truncate,
                               pipeline::LongLines::reject);
  Scene scene({.framer = framer(policy, kMax)});
  const std::string piece(50'000, 'x');
  std::size_t most = 0;
  for (int i = 0; i < 1000; ++i) {  // 50 MB
    scene.give(piece);
    most = std::max(most, scene.lines.buffer_bytes());
  }
  CHECK(most <= PipeLines::kBufferBytes);
  const auto& program = scene.rig.intake().program_counters();
  const bool split = policy == pipeline::LongLines::split;
  CHECK(scene.rig.records.size() == (split ? 499 : 0));
  scene.give("\nnext\n");
  if (split) {
    CHECK(scene.rig.records.size() == 501);
    CHECK(program.bytes_truncated.value() == 0);
  } else {
    const bool reject = policy == pipeline::LongLines::reject;
    Lines& kept = reject ? scene.rig.dead_letters : scene.rig.records;
    CHECK(kept.front() == std::string(kMax, 'x'));
    CHECK(program.bytes_truncated.value() == 50'000'000 - kMax);
  }
  CHECK(scene.rig.records.back() == "next");
  CHECK(program.bytes.value() == 50'000'001 + 5);
}

TEST_CASE("pipe lines: a larger buffer is given up when lines are short again", "[sources][pipe]") {
  Scene scene({.framer = framer(pipeline::LongLines::split, 1 << 20)});
  scene.give(std::string(1'000'000, 'x') + "\n");
  CHECK(scene.lines.buffer_bytes() > PipeLines::kBufferBytes);
  CHECK(scene.lines.buffer_bytes() <= (1 << 20) + 2 + PipeLines::kReadBytesMin);
  for (int i = 0; i < 1000; ++i) scene.give("short\n");
  CHECK(scene.lines.buffer_bytes() == PipeLines::kBufferBytes);
  CHECK(scene.rig.records.size() == 1001);
}

TEST_CASE("pipe lines: cuts by reads change nothing", "[sources][pipe]") {
  const auto policy = GENERATE(pipeline::LongLines::split, pipeline::LongLines::truncate,
                               pipeline::LongLines::reject);
  const bool grouped = GENERATE(false, true);
  const unsigned seed = std::random_device{}();
  CAPTURE(seed, grouped, static_cast<int>(policy));
  std::mt19937 random(seed);
  std::string text;
  const std::vector<std::string> pieces = {"\n",
                                           "\r\n",
                                           "a",
                                           " b",
                                           "\n x",
                                           std::string(63, 'l'),
                                           std::string(64, 'm'),
                                           std::string(65, 'n'),
                                           "\r"};
  for (int i = 0; i < 5000; ++i) text += pieces[random() % pieces.size()];
  rig::PipeOptions options{.framer = framer(policy, 64)};
  if (grouped) options.groups = rig::indented(2s, 200);
  Scene whole(options);
  const std::size_t large = text.size() + 1;
  REQUIRE(large < PipeLines::kBufferBytes);
  whole.give(text, Due::end);  // one read: as the framer says
  Scene cut(options);
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t count = std::min<std::size_t>(rest.size(), 1 + random() % 200);
    cut.give(rest.substr(0, count));
    rest.remove_prefix(count);
  }
  cut.give({}, Due::end);
  CHECK((cut.rig.records == whole.rig.records));
  CHECK((cut.rig.dead_letters == whole.rig.dead_letters));
  CHECK(cut.rig.intake().program_counters().bytes.value() == text.size());
  CHECK(cut.rig.intake().program_counters().bytes_truncated.value() ==
        whole.rig.intake().program_counters().bytes_truncated.value());
}

TEST_CASE("pipe lines: a group waits for its end or its time", "[sources][pipe]") {
  Scene scene({.groups = rig::indented(2s)});
  scene.give("one\n");
  scene.give(" more\n");
  scene.give("two\n");
  CHECK(scene.rig.records == Lines{"one\n more"});
  scene.pass(2s);
  CHECK(scene.rig.records == Lines{"one\n more", "two"});
}

TEST_CASE("pipe lines: a byte order mark is no part of the first line", "[sources][pipe]") {
  Scene scene;
  for (const char c : std::string_view("\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo\n")) scene.give({&c, 1});
  CHECK(scene.rig.records == Lines{"one", "\xEF\xBB\xBFtwo"});
  CHECK(scene.counters.bom_bytes_skipped.value() == 3);
}
