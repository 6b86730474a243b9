#include "tests/sim/old_logs.h"

#include <algorithm>
#include <chrono>

#include "base/assert.h"

namespace sim {

namespace {

constexpr std::chrono::hours kAge{1000};  // the clock's jumps make none of it

}  // namespace

class OldLook final : public Look {
 public:
  explicit OldLook(const OldLogs& logs) : logs_(logs), seen_(logs.logs_.size()) {
    for (std::size_t i = 0; i < seen_.size(); ++i) seen_[i].resize(logs.logs_[i].lines);
  }
  void begin_shard() override { last_.assign(seen_.size(), -1); }
  std::string take(std::string_view record) override {
    WrittenLine line;
    const auto name = [&] { return "'" + std::string(record.substr(0, 24)) + "…'"; };
    if (!logs_.style_.parse(record, line) || line.writer >= seen_.size() ||
        line.number >= seen_[line.writer].size()) {
      return "stored but never written: " + name();
    }
    if (line.number < logs_.logs_[line.writer].old_lines) return "stored but old: " + name();
    if (seen_[line.writer][line.number]) return "stored twice: " + name();
    seen_[line.writer][line.number] = true;
    const auto number = static_cast<std::int64_t>(line.number);
    if (number < last_[line.writer]) return "out of order: " + name();
    last_[line.writer] = number;
    return {};
  }
  std::string missing() const override {
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      const OldLogs::Log& log = logs_.logs_[i];
      for (std::uint64_t number = log.old_lines; number < log.lines; ++number) {
        if (number < seen_[i].size() && seen_[i][number]) continue;
        return " old log " + std::to_string(i) + " misses line " + std::to_string(number) + " of " +
               std::to_string(log.lines);
      }
    }
    return {};
  }

 private:
  const OldLogs& logs_;
  std::vector<std::vector<bool>> seen_;
  std::vector<std::int64_t> last_;
};

OldLogs::OldLogs(SimWorld& world, const std::string& directory)
    : world_(world), directory_(directory), logs_(1 + world.random().below(6)) {
  world.disk().make_directories(directory);
  for (std::uint32_t i = 0; i < logs_.size(); ++i) {
    Log& log = logs_[i];
    log.path = directory + "/old-" + std::to_string(i) + ".log";
    log.number = i;
    NodeRef node;
    const int error = world.disk().create(log.path, node);
    ASSERT(error == 0);
    append(log, 1 + world.random().below(100));
    log.old_lines = log.lines;
    node->modified_ns -= std::chrono::nanoseconds(kAge).count();
  }
  world.disk().write_back();
}

void OldLogs::describe(config::Flow& flow) {
  flow.from.patterns = {directory_ + "/old-*"};
  flow.from.ignore_older = kAge / 2;
}

std::unique_ptr<Look> OldLogs::look() const { return std::make_unique<OldLook>(*this); }

std::uint64_t OldLogs::lines() const {
  std::uint64_t sum = 0;
  for (const Log& log : logs_) sum += log.lines - log.old_lines;
  return sum;
}

void OldLogs::append(Log& log, std::uint64_t lines) {
  std::string bytes;
  for (std::uint64_t i = 0; i < lines; ++i) {
    bytes += style_.text({log.number, 0, log.lines++}) + "\n";
  }
  Node& node = *world_.disk().find(log.path);
  world_.disk().append(node, bytes);
  world_.disk().sync(node);
}

void OldLogs::act() {
  Log& log = logs_[world_.random().below(logs_.size())];
  if (log.awake) append(log, 1 + world_.random().below(50));
}

std::uint64_t OldLogs::ignored() const {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(logs_, [](const Log& log) { return !log.awake; }));
}

// What was seen to be old is known to be so now; before, nobody could tell when it was written.
void OldLogs::all_stored() {
  Log& log = logs_[world_.random().below(logs_.size())];
  log.awake = true;
  append(log, 1 + world_.random().below(50));
}

}  // namespace sim
