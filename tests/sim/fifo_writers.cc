#include "tests/sim/fifo_writers.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace sim {

class FifoLook final : public Look {
 public:
  explicit FifoLook(const FifoWriters& writers) : writers_(writers), seen_(writers.lines_.size()) {}

  void begin_shard() override { last_ = -1; }
  std::string take(std::string_view record) override {
    WrittenLine line;
    const auto name = [&] { return "'" + std::string(record.substr(0, 24)) + "…'"; };
    if (!writers_.style_.parse(record, line) || line.number >= seen_.size() ||
        writers_.lines_[line.number].text != record) {
      return take_piece(record) ? "" : "stored but never written: " + name();
    }
    if (seen_[line.number]) return "stored twice: " + name();
    seen_[line.number] = true;
    const auto number = static_cast<std::int64_t>(line.number);
    if (number < last_) return "out of order: " + name();
    last_ = number;
    return {};
  }
  std::string missing() const override {
    std::string missing;
    for (std::size_t i = 0; i < writers_.lines_.size(); ++i) {
      const bool seen = i < seen_.size() && seen_[i];
      if (seen || writers_.lines_[i].may_miss) continue;
      return " line " + std::to_string(i) + " of " + std::to_string(writers_.lines_.size()) +
             " is missing";
    }
    return missing;
  }

 private:
  // Of a line whose reader died, or whose writer left before its end.
  bool take_piece(std::string_view record) {
    const std::vector<FifoWriters::Line>& lines = writers_.lines_;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].text != record || seen_[i]) continue;
      seen_[i] = true;
      return true;
    }
    const auto is_of = [](std::string_view piece, const FifoWriters::Line& line) {
      return line.torn && line.text.find(piece) != std::string::npos;
    };
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (is_of(record, lines[i])) return true;
      if (!lines[i].glued || i + 1 == lines.size() || seen_[i + 1]) continue;
      const std::string& next = lines[i + 1].text;
      if (!record.ends_with(next) ||
          !is_of(record.substr(0, record.size() - next.size()), lines[i]))
        continue;
      seen_[i + 1] = true;
      return true;
    }
    return false;
  }

  const FifoWriters& writers_;
  std::vector<bool> seen_;
  std::int64_t last_ = -1;
};

FifoWriters::FifoWriters(SimWorld& world, const std::string& directory)
    : world_(world), path_(directory + "/in") {
  world.disk().make_directories(directory);
  remake();
}

void FifoWriters::remake() {
  if (world_.disk().exists(path_)) world_.disk().remove(path_);
  const int error = world_.disk().make_fifo(path_);
  ASSERT(error == 0);
  world_.disk().write_back();
  fifo_ = world_.disk().find(path_)->fifo;
}

void FifoWriters::describe(config::Flow& flow) {
  flow.pipe = sources::PipeInput{.fifo = path_};
  flow.from.patterns.clear();
}

std::unique_ptr<Look> FifoWriters::look() const { return std::make_unique<FifoLook>(*this); }

void FifoWriters::put(std::string_view bytes) {
  const std::size_t count = writer_->write(bytes);
  put_ += count;
  unsent_.erase(0, count);
}

void FifoWriters::write() {
  SimRandom& random = world_.random();
  if (unsent_.empty()) {
    const std::uint64_t count = random.chance(0.05) ? 1000 : 1 + random.below(30);
    for (std::uint64_t i = 0; i < count; ++i) {
      Line line{.text = style_.text({0, writers_, lines_.size()})};
      unsent_ += line.text + "\n";
      line.end = put_ + unsent_.size();
      lines_.push_back(std::move(line));
    }
  }
  put(std::string_view(unsent_).substr(0, 1 + random.below(2 * unsent_.size())));
}

// Nobody reads: who writes is ended by it, and the kernel forgets what nobody has open.
void FifoWriters::lose_what_is_inside() {
  const std::uint64_t from = taken();
  std::uint64_t begin = stored_ == 0 ? 0 : lines_[stored_ - 1].end;
  for (std::size_t i = stored_; i < lines_.size(); ++i) {
    Line& line = lines_[i];
    if (line.end > from) line.may_miss = true;
    if (line.end > from && begin < from) line.torn = true;
    begin = line.end;
  }
  put_ += unsent_.size();  // as if, for the lines' ends
  unsent_.clear();
  writer_.reset();
}

void FifoWriters::act() {
  SimRandom& random = world_.random();
  if (writer_ != nullptr) {
    if (writer_->broken()) {
      if (random.chance(0.3)) lose_what_is_inside();
    } else if (unsent_.empty() && random.chance(0.2)) {
      writer_.reset();
    } else {
      write();
    }
    return;
  }
  // Without a reader they would wait at the door.
  if (fifo_->readers == 0) return;
  ++writers_;
  writer_ = std::make_unique<FifoWriter>(fifo_);
}

void FifoWriters::finish() {
  if (writer_ == nullptr) return;
  if (writer_->broken()) return lose_what_is_inside();
  // One program ends in the middle of its line; its place in the FIFO is where that line ends.
  if (!unsent_.empty()) {
    Line* last = nullptr;
    for (std::size_t i = stored_; i < lines_.size() && last == nullptr; ++i) {
      if (lines_[i].end > put_) last = &lines_[i];
    }
    const std::uint64_t whole = last->end - put_;  // its bytes that are not in yet, newline too
    while (&lines_.back() != last) lines_.pop_back();
    if (whole > last->text.size()) {
      lines_.pop_back();
    } else {
      last->text.resize(last->text.size() + 1 - whole);
      last->end = put_;
      last->glued = last->torn;
    }
    unsent_.clear();
  }
  writer_.reset();
}

void FifoWriters::let_go() { lose_what_is_inside(); }

void FifoWriters::all_stored() {
  stored_ = lines_.size();
  if (world_.random().chance(0.2) && writer_ == nullptr) remake();
}

void FifoWriters::agent_gone(const config::Flow& /*flow*/, const base::Samples& /*samples*/,
                             bool politely) {
  const std::uint64_t from = taken();
  std::uint64_t begin = stored_ == 0 ? 0 : lines_[stored_ - 1].end;
  for (std::size_t i = stored_; i < lines_.size(); ++i) {
    Line& line = lines_[i];
    const bool inside = line.end > from;
    const bool cut = inside && begin < from;
    if (cut) line.torn = line.may_miss = true;
    if (!inside && !politely) line.may_miss = true;
    if (inside && writer_ == nullptr) line.may_miss = true;
    begin = line.end;
  }
}

}  // namespace sim
