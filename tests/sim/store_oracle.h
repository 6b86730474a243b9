// StoreOracle: reads a stream back and says what is wrong with it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/sim/sim_world.h"
#include "tests/sim/workload.h"

namespace sim {

class StoreOracle {
 public:
  // `workload`: whose lines are in it; outlives the oracle.
  StoreOracle(SimWorld& world, std::string data_dir, std::string stream, std::uint32_t shards,
              const Workload& workload);

  // Reads all shards anew. Empty: nothing is stored that should not be.
  std::string check();
  // After check(): what is not there, in words; empty: nothing.
  std::string missing() const { return look_ == nullptr ? "everything" : look_->missing(); }

  // After check().
  const Look& look() const { return *look_; }

 private:
  std::string check_shard(io::Files& files, std::uint32_t shard);

  SimWorld& world_;
  std::string data_dir_;
  std::string stream_;
  std::uint32_t shards_;
  const Workload& workload_;
  std::unique_ptr<Look> look_;
};

}  // namespace sim
