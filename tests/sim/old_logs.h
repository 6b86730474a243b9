// OldLogs: files that nobody has written for long when the agent first looks. Their lines are not
// wanted, but what is written to them later is (F33).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/line_style.h"
#include "tests/sim/sim_world.h"
#include "tests/sim/workload.h"

namespace sim {

class OldLogs final : public Workload {
 public:
  OldLogs(SimWorld& world, const std::string& directory);

  void describe(config::Flow& flow) override;
  std::string told() const override { return directory_; }
  // Nobody has read a byte of them.
  bool may_change_device() const override { return false; }
  // Where the clock is set back its files are none of the past.
  bool may_change_year() const override { return false; }
  void act() override;
  void finish() override {}
  std::uint64_t ignored() const override;
  void all_stored() override;
  std::unique_ptr<Look> look() const override;
  std::uint64_t lines() const override;

 private:
  friend class OldLook;
  struct Log {
    std::string path;
    std::uint32_t number = 0;
    std::uint64_t old_lines = 0;
    std::uint64_t lines = 0;  // the old ones too
    bool awake = false;       // written again
  };
  void append(Log& log, std::uint64_t lines);

  SimWorld& world_;
  std::string directory_;
  LineStyle style_;
  std::vector<Log> logs_;
};

}  // namespace sim
