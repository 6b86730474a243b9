// A pipe on the simulated machine: reads cut anywhere and late, a target that answers when a seed
// says, an end or a stop at any moment.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sources/pipe_tail.h"
#include "tests/sim/sim_world.h"
#include "tests/sources/pipe_rig.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

struct Answer {
  std::optional<std::int64_t> result;
  void done(std::int64_t value) { result = value; }
};

class Story {
 public:
  explicit Story(std::uint64_t seed)
      : world_(seed), process_(world_.start_process()), environment_(process_->environment()) {
    world_.faults().set("", {.delay = 0.5});
    const io::Handle listener = process_->listen("pipe");
    writer_ = process_->make_socket();
    io::Operation accept = io::on<&Answer::done>(accepted_);
    io::Operation connect = io::on<&Answer::done>(connected_);
    process_->io().accept(accept, listener);
    process_->io().connect(connect, writer_, "pipe");
    while (!accepted_.result || !connected_.result) turn();
    tail.emplace(
        sources::PipeTail::Parts{.environment = environment_,
                                 .intake = rig.intake(),
                                 .budget = rig.budget(),
                                 .input = {},
                                 .standard_input = static_cast<io::Handle>(*accepted_.result)});
  }

  // Hands over a part of what is left to write. False: it was the last one, and the writer left.
  bool write() {
    if (rest.empty()) {
      process_->files().close(writer_);
      return false;
    }
    const std::size_t count = 1 + world_.random().below(std::min<std::size_t>(rest.size(), 9000));
    const std::string_view piece = rest.substr(0, count);
    Answer sent;
    io::Operation send = io::on<&Answer::done>(sent);
    process_->io().send(send, writer_, std::span(&piece, 1));
    while (!sent.result) turn();
    REQUIRE(*sent.result == static_cast<std::int64_t>(count));
    rest.remove_prefix(count);
    return true;
  }
  void turn() {
    if (tail) tail->tick(environment_.clock.monotonic());
    process_->io().run_once(base::Duration::zero());
    if (world_.random().below(8) == 0) rig.deliver();
    world_.clock().advance(1ms);
  }
  std::uint64_t below(std::uint64_t limit) { return world_.random().below(limit); }

  std::string text;
  std::string_view rest;  // of it, to be written
  rig::PipeRig rig{{.budget_bytes = 1 << 20}};
  std::optional<sources::PipeTail> tail;

 private:
  sim::SimWorld world_;
  std::unique_ptr<sim::Process> process_;
  io::Environment environment_;
  Answer accepted_, connected_;
  io::Handle writer_ = io::kNoHandle;
};

}  // namespace

TEST_CASE("simulated pipe: every byte that was read is in its record", "[sources][pipe]") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Story story(seed);
    const std::uint64_t lines = story.below(3000);
    for (std::uint64_t i = 0; i < lines; ++i) {
      story.text += std::string(story.below(120), 'x') + std::to_string(i) + "\n";
    }
    if (story.below(2) == 0) story.text += "unfinished";
    story.rest = story.text;
    const bool stopped = story.below(2) == 0;
    while (story.write() && !(stopped && story.below(50) == 0)) {
    }
    if (stopped) {
      story.tail->stop();
    } else {
      while (!story.tail->at_end()) story.turn();
    }
    while (!story.tail->idle()) story.turn();
    std::string stored;
    for (const std::string& record : story.rig.records) stored += record + "\n";
    const std::uint64_t bytes = story.rig.intake().program_counters().bytes.value();
    std::string taken = story.text.substr(0, bytes);
    if (!taken.empty() && !taken.ends_with('\n')) taken += '\n';  // taken as it stands
    CHECK((stored == taken));
    if (!stopped) CHECK(bytes == story.text.size());
    CHECK(story.rig.budget().available_bytes() == 1 << 20);
  }
}
