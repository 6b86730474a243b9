#include "tests/sim/lone_writer.h"

#include <chrono>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace sim {

namespace {

// Each generation has twelve bytes of its own, so there cannot be many.
constexpr std::size_t kGenerationsMax = 15;

char letter(std::size_t generation, std::size_t at) {
  std::uint64_t mixed = (generation * 1'000'003 + at + 1) * 0x9E3779B97F4A7C15U;
  mixed = (mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9U;
  const std::size_t which = generation * 12 + (mixed >> 40) % 12;
  constexpr std::size_t kAscii = 94;  // from '!' on
  return static_cast<char>(which < kAscii ? '!' + which : 0xA0 + (which - kAscii));
}

}  // namespace

class LoneLook final : public Look {
 public:
  explicit LoneLook(const LoneWriter& writer)
      : writer_(writer), at_(writer.generations_.size(), 0) {}

  void begin_shard() override {}
  std::string take(std::string_view record) override {
    const auto name = [&] { return "'" + std::string(record.substr(0, 40)) + "'"; };
    if (record.empty()) return "stored but never written: an empty line";
    for (std::size_t i = 0; i < at_.size(); ++i) {
      const std::string& text = writer_.generations_[i];
      std::size_t& at = at_[i];
      if (at < text.size() && text[at] == '\n') ++at;
      if (text.compare(at, record.size(), record) != 0) continue;
      at += record.size();
      return {};
    }
    return "not what follows in any generation: " + name();
  }
  std::string missing() const override {
    for (std::size_t i = 0; i < writer_.generations_.size(); ++i) {
      const std::string& text = writer_.generations_[i];
      const std::size_t at = i < at_.size() ? at_[i] : 0;
      if (at == text.size() || (at + 1 == text.size() && text[at] == '\n')) continue;
      return " generation " + std::to_string(i) + " is stored to " + std::to_string(at) + " of " +
             std::to_string(text.size());
    }
    return {};
  }

 private:
  const LoneWriter& writer_;
  std::vector<std::size_t> at_;  // generation → stored up to here
};

LoneWriter::LoneWriter(SimWorld& world, const std::string& directory)
    : world_(world), directory_(directory) {
  world.disk().make_directories(directory);
  world.disk().write_back();
}

void LoneWriter::describe(config::Flow& flow) {
  using namespace std::chrono_literals;
  SimRandom& random = world_.random();
  flow.from.patterns = {directory_ + "/lone*"};
  flow.tail.partial_line_timeout = 100ms * (1 + random.below(30));
  told_ = "lone, partial " + std::to_string(flow.tail.partial_line_timeout / 1ms) + " ms";
  if (random.chance(0.3)) {
    flow.program.framer.line_bytes_max = 20 + random.below(200);
    told_ += ", split at " + std::to_string(flow.program.framer.line_bytes_max);
  }
}

std::unique_ptr<Look> LoneWriter::look() const { return std::make_unique<LoneLook>(*this); }

void LoneWriter::open() {
  const std::string path = directory_ + "/lone.log";
  NodeRef node = world_.disk().find(path);
  if (node == nullptr) {
    const int error = world_.disk().create(path, node);
    ASSERT(error == 0);
    world_.disk().sync(*world_.disk().find(directory_));
  }
  file_ = OpenFile(world_.disk(), node);
}

void LoneWriter::write(std::uint64_t bytes) {
  if (!file_) open();
  std::string& text = generations_.back();
  std::string more;
  for (std::uint64_t i = 0; i < bytes; ++i) {
    if (to_line_end_ == 0) to_line_end_ = 2 + world_.random().below(300);
    const bool end = --to_line_end_ == 0;
    if (end) ++lines_;
    more += end ? '\n' : letter(generations_.size() - 1, text.size() + more.size());
  }
  text += more;
  world_.disk().append(*file_, more);
  world_.disk().sync(*file_);
}

void LoneWriter::rotate() {
  if (generations_.back().empty() || generations_.size() == kGenerationsMax) return;
  old_paths_.push_back(directory_ + "/lone.log." + std::to_string(generations_.size()));
  const int error = world_.disk().rename(directory_ + "/lone.log", old_paths_.back());
  ASSERT(error == 0);
  world_.disk().sync(*world_.disk().find(directory_));
  file_.reset();
  generations_.emplace_back();
  to_line_end_ = 0;
}

void LoneWriter::act() {
  SimRandom& random = world_.random();
  const std::uint64_t choice = random.below(30);
  if (choice == 0) {
    rotate();
  } else {
    write(1 + random.below(choice == 1 ? 100'000 : 400));
  }
}

void LoneWriter::all_stored() {
  SimRandom& random = world_.random();
  if (random.chance(0.3)) rotate();
  if (random.chance(0.3) && file_ && generations_.size() < kGenerationsMax) {
    world_.disk().truncate(*file_, 0);
    world_.disk().sync(*file_);
    generations_.emplace_back();
    to_line_end_ = 0;
  }
  if (random.chance(0.5)) {
    for (const std::string& path : std::exchange(old_paths_, {})) world_.disk().remove(path);
    world_.disk().sync(*world_.disk().find(directory_));
  }
}

}  // namespace sim
