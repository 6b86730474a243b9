// FifoWriters: programs that come, write lines into a FIFO and leave, one after the other (S27).
//
// A pipe cannot be read twice, so what the agent had taken out of it may be lost when it dies, and
// what is in it when nobody has it open. It is known exactly which lines these are: all others are
// stored once, in order; of these nothing twice, and nothing but pieces of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/fifo.h"
#include "tests/sim/line_style.h"
#include "tests/sim/sim_world.h"
#include "tests/sim/workload.h"

namespace sim {

class FifoWriters final : public Workload {
 public:
  FifoWriters(SimWorld& world, const std::string& directory);

  void describe(config::Flow& flow) override;
  std::string told() const override { return path_; }
  std::uint32_t shards_max() const override { return 2; }
  void act() override;
  void finish() override;
  void let_go() override;
  void all_stored() override;
  void agent_gone(const config::Flow& flow, const base::Samples& samples, bool politely) override;
  std::unique_ptr<Look> look() const override;
  std::uint64_t lines() const override { return lines_.size(); }

 private:
  friend class FifoLook;
  struct Line {
    std::string text;       // as it is to be stored
    std::uint64_t end = 0;  // offset in all that was ever put into the FIFO
    bool may_miss = false;
    bool torn = false;  // pieces of it may be stored
    // Its writer left in its middle, and as it is torn nobody waits until that was seen: the next
    // line may come behind it without an end between them.
    bool glued = false;
  };

  void write();
  void put(std::string_view bytes);
  void lose_what_is_inside();
  // Of all that was put into the FIFO: how much somebody took out, or nobody ever will.
  std::uint64_t taken() const { return put_ - fifo_->bytes.size(); }
  void remake();

  SimWorld& world_;
  std::string path_;
  LineStyle style_;
  std::shared_ptr<Fifo> fifo_;
  std::unique_ptr<FifoWriter> writer_;
  std::uint32_t writers_ = 0;
  std::uint64_t put_ = 0;
  std::string unsent_;  // of lines that were begun
  std::vector<Line> lines_;
  std::size_t stored_ = 0;  // of them, and their fate is known
};

}  // namespace sim
