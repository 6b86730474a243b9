// SmallFiles: many files of one short line each (F18), empty ones, and things whose names match
// although nothing is to be read of them: a directory, a FIFO (F35), a file that is no text (F51).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/sim_world.h"
#include "tests/sim/workload.h"

namespace sim {

class SmallFiles final : public Workload {
 public:
  SmallFiles(SimWorld& world, const std::string& directory);

  void describe(config::Flow& flow) override;
  std::string told() const override { return directory_; }
  void act() override;
  void finish() override {}
  void all_stored() override;
  std::unique_ptr<Look> look() const override;
  std::uint64_t lines() const override { return lines_; }

 private:
  friend class SmallLook;
  SimWorld& world_;
  std::string directory_;
  std::vector<std::string> paths_;  // that are there
  std::uint64_t made_ = 0;
  std::uint64_t lines_ = 0;
};

}  // namespace sim
