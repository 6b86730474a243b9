#include "tests/sim/small_files.h"

#include <charconv>
#include <utility>

#include "base/assert.h"

namespace sim {

class SmallLook final : public Look {
 public:
  explicit SmallLook(const SmallFiles& files) : files_(files), seen_(files.lines_) {}
  void begin_shard() override {}
  std::string take(std::string_view record) override {
    std::uint64_t number = 0;
    const char* const end = record.data() + record.size();
    const auto [stop, error] = std::from_chars(record.data(), end, number);
    if (error != std::errc{} || stop != end || number >= seen_.size()) {
      return "stored but never written: '" + std::string(record.substr(0, 40)) + "'";
    }
    if (seen_[number]) return "stored twice: " + std::to_string(number);
    seen_[number] = true;
    return {};
  }
  std::string missing() const override {
    for (std::uint64_t i = 0; i < files_.lines_; ++i) {
      if (i >= seen_.size() || !seen_[i]) {
        return " small file with line " + std::to_string(i) + " of " +
               std::to_string(files_.lines_) + " is missing";
      }
    }
    return {};
  }

 private:
  const SmallFiles& files_;
  std::vector<bool> seen_;
};

SmallFiles::SmallFiles(SimWorld& world, const std::string& directory)
    : world_(world), directory_(directory) {
  world.disk().make_directories(directory + "/f-directory");
  ASSERT(world.disk().make_fifo(directory + "/f-fifo") == 0);
  world.disk().put(directory + "/f-binary", std::string(5000, '\x01') + "\n");
  world.disk().write_back();
}

void SmallFiles::describe(config::Flow& flow) { flow.from.patterns = {directory_ + "/f-*"}; }

std::unique_ptr<Look> SmallFiles::look() const { return std::make_unique<SmallLook>(*this); }

void SmallFiles::act() {
  constexpr std::size_t kFilesMax = 80;  // listing them takes the simulator's time
  if (paths_.size() >= kFilesMax) return;
  Disk& disk = world_.disk();
  for (std::uint64_t i = 1 + world_.random().below(4); i > 0; --i) {
    const std::string path = directory_ + "/f-" + std::to_string(made_++);
    NodeRef node;
    const int error = disk.create(path, node);
    ASSERT(error == 0);
    paths_.push_back(path);
    if (world_.random().chance(0.2)) continue;
    disk.append(*node, std::to_string(lines_++) + "\n");
    disk.sync(*node);
  }
  disk.sync(*disk.find(directory_));
}

void SmallFiles::all_stored() {
  if (world_.random().chance(0.5)) return;
  for (const std::string& path : std::exchange(paths_, {})) world_.disk().remove(path);
  world_.disk().sync(*world_.disk().find(directory_));
}

}  // namespace sim
