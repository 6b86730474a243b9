#include "tests/sim/short_lived.h"

#include <algorithm>
#include <chrono>

#include "base/assert.h"

namespace sim {

class ShortLook final : public Look {
 public:
  explicit ShortLook(const ShortLived& files) : files_(files), seen_(files.files_.size()) {
    for (std::size_t i = 0; i < seen_.size(); ++i) seen_[i].resize(files.files_[i].lines);
  }
  void begin_shard() override { last_.assign(seen_.size(), -1); }
  std::string take(std::string_view record) override {
    WrittenLine line;
    const auto name = [&] { return "'" + std::string(record.substr(0, 24)) + "…'"; };
    if (!files_.style_.parse(record, line) || line.writer >= seen_.size() ||
        line.number >= seen_[line.writer].size()) {
      return "stored but never written: " + name();
    }
    if (seen_[line.writer][line.number]) return "stored twice: " + name();
    seen_[line.writer][line.number] = true;
    const auto number = static_cast<std::int64_t>(line.number);
    if (number < last_[line.writer]) return "out of order: " + name();
    last_[line.writer] = number;
    return {};
  }
  std::string missing() const override {
    for (std::size_t i = 0; i < files_.files_.size(); ++i) {
      const ShortLived::File& file = files_.files_[i];
      if (file.may_miss) continue;
      const std::uint64_t there = i < seen_.size() ? stored(i) : 0;
      if (there == file.lines) continue;
      return " file " + std::to_string(i) + " has " + std::to_string(there) + " of " +
             std::to_string(file.lines) + " lines stored";
    }
    return {};
  }
  std::uint64_t stored(std::size_t file) const {
    std::uint64_t count = 0;
    for (const bool line : seen_[file]) count += line ? 1 : 0;
    return count;
  }
  std::uint64_t bytes(std::size_t file, bool stored_too) const {
    std::uint64_t bytes = 0;
    for (std::uint64_t i = 0; i < seen_[file].size(); ++i) {
      if (seen_[file][i] && !stored_too) continue;
      bytes += files_.style_.text({files_.files_[file].number, 0, i}).size() + 1;
    }
    return bytes;
  }

 private:
  const ShortLived& files_;
  std::vector<std::vector<bool>> seen_;
  std::vector<std::int64_t> last_;
};

namespace {

// A file that comes while a scan looks overflows the watch's queue, which has everything scanned
// again: without an end to them a story would have none.
constexpr std::size_t kFilesMax = 2000;

}  // namespace

ShortLived::ShortLived(SimWorld& world, const std::string& directory)
    : world_(world), directory_(directory) {
  world.disk().make_directories(directory);
  world.disk().write_back();
}

void ShortLived::describe(config::Flow& flow) {
  using namespace std::chrono_literals;
  SimRandom& random = world_.random();
  flow.from.patterns = {directory_ + "/short-*"};
  if (random.chance(0.5)) flow.tail.deleted_bytes_max = 10'000 + random.below(200'000);
  if (random.chance(0.5)) flow.tail.deleted_age_max = 100ms * (1 + random.below(100));
  told_ = "short, deleted bytes " + std::to_string(flow.tail.deleted_bytes_max) + ", age " +
          std::to_string(flow.tail.deleted_age_max / 1ms) + " ms";
}

std::unique_ptr<Look> ShortLived::look() const { return std::make_unique<ShortLook>(*this); }

std::uint64_t ShortLived::lines() const {
  std::uint64_t sum = 0;
  for (const File& file : files_) sum += file.lines;
  return sum;
}

void ShortLived::act() {
  SimRandom& random = world_.random();
  Disk& disk = world_.disk();
  if (!files_.empty() && random.chance(0.5)) {
    const std::size_t last = std::min<std::size_t>(files_.size(), 20);
    File& file = files_[files_.size() - 1 - random.below(last)];
    if (file.path.empty()) return;
    disk.remove(file.path);
    file.path.clear();
    file.may_miss = true;
  } else if (files_.size() < kFilesMax) {
    const auto number = static_cast<std::uint32_t>(files_.size());
    File& file = files_.emplace_back();
    file.number = number;
    file.path = directory_ + "/short-" + std::to_string(number);
    file.lines = random.chance(0.04) ? 500 + random.below(3000) : 1 + random.below(100);
    std::string bytes;
    for (std::uint64_t i = 0; i < file.lines; ++i) bytes += style_.text({number, 0, i}) + "\n";
    NodeRef node;
    const int error = disk.create(file.path, node);
    ASSERT(error == 0);
    disk.append(*node, bytes);
    disk.sync(*node);
  }
  disk.sync(*disk.find(directory_));
}

void ShortLived::all_stored() {
  if (world_.random().chance(0.5)) return;
  for (File& file : files_) {
    if (file.path.empty()) continue;
    world_.disk().remove(file.path);
    file.path.clear();
  }
  world_.disk().sync(*world_.disk().find(directory_));
}

ShortLived::Counted ShortLived::counted(const config::Flow& flow, const base::Samples& samples) {
  Counted counted;
  for (const base::Sample& sample : samples) {
    if (sample.name != "bytes_dropped") continue;
    const auto labelled = [&sample](const std::string& value) {
      return sample.labels.find('"' + value + '"') != std::string::npos;
    };
    if (labelled(flow.name) && labelled("lost_unread")) counted.unread += sample.value;
    if (labelled("lost_without_descriptor")) counted.without_descriptor += sample.value;
  }
  return counted;
}

void ShortLived::agent_gone(const config::Flow& flow, const base::Samples& samples,
                            bool /*politely*/) {
  const Counted now = counted(flow, samples);
  Counted& before = counted_before_[flow.name];
  before.unread += now.unread;
  before.without_descriptor += now.without_descriptor;
  for (File& file : files_) file.watched = false;
}

void ShortLived::flow_gone() {
  for (File& file : files_) file.watched = false;
}

std::string ShortLived::audit(const config::Flow& flow, const base::Samples& samples,
                              const Look& look) const {
  const auto& seen = static_cast<const ShortLook&>(look);
  Counted all = counted(flow, samples);
  if (const auto before = counted_before_.find(flow.name); before != counted_before_.end()) {
    all.unread += before->second.unread;
    all.without_descriptor += before->second.without_descriptor;
  }
  std::uint64_t at_least = 0;
  std::uint64_t at_most = 0;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (!files_[i].may_miss) continue;
    const std::uint64_t missing = seen.bytes(i, false);
    // After a death it is known up to its checkpoint only; what was stored behind that is counted.
    at_most += files_[i].watched ? missing : seen.bytes(i, true);
    if (files_[i].watched && seen.stored(i) > 0) at_least += missing;
  }
  const bool shared = !alone_ || counted_before_.size() > 1;
  const std::uint64_t too_many = shared ? all.unread : all.sum();
  if (all.sum() >= at_least && too_many <= at_most) return {};
  return std::to_string(all.sum()) + " bytes are counted as lost, which are " +
         std::to_string(at_least) + " to " + std::to_string(at_most);
}

}  // namespace sim
