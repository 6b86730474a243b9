// LoneWriter: one program that leaves its lines unfinished for long, so that only time ends them
// (F37), or a rotation (F38), or a limit of a line's length that splits it (F45).
//
// Records are pieces of its lines then, and what can be said of them is that all of them together,
// in their order, are what was written, no byte more or less. Every byte says of which generation
// it is. Its stream has one shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/sim_world.h"
#include "tests/sim/workload.h"

namespace sim {

class LoneWriter final : public Workload {
 public:
  LoneWriter(SimWorld& world, const std::string& directory);

  void describe(config::Flow& flow) override;
  std::string told() const override { return told_; }
  std::uint32_t shards_max() const override { return 1; }
  void act() override;
  void finish() override {}  // its lines stay as they are
  void let_go() override { file_.reset(); }
  void all_stored() override;
  std::unique_ptr<Look> look() const override;
  std::uint64_t lines() const override { return lines_; }

 private:
  friend class LoneLook;
  void open();
  void write(std::uint64_t bytes);
  void rotate();

  SimWorld& world_;
  std::string directory_;
  std::string told_;
  OpenFile file_;
  std::vector<std::string> generations_{1};  // all that was written
  std::vector<std::string> old_paths_;
  std::uint64_t to_line_end_ = 0;
  std::uint64_t lines_ = 0;
};

}  // namespace sim
