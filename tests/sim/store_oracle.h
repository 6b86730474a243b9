// StoreOracle: reads a stream back and says what is wrong with it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/log_writers.h"
#include "tests/sim/sim_world.h"

namespace sim {

class StoreOracle {
 public:
  StoreOracle(SimWorld& world, std::string data_dir, std::string stream, std::uint32_t shards);

  // Reads all shards anew. Empty: nothing is stored that should not be.
  std::string check(const LogWriters& writers);
  // After check(): are all lines of all writers there?
  bool complete(const LogWriters& writers) const;
  // After check(): which are not, in words.
  std::string missing(const LogWriters& writers) const;

 private:
  std::string check_shard(io::Files& files, std::uint32_t shard, const LogWriters& writers);
  std::string note(const WrittenLine& line, std::uint32_t shard, const LogWriters& writers);

  SimWorld& world_;
  std::string data_dir_;
  std::string stream_;
  std::uint32_t shards_;
  std::vector<std::vector<bool>> seen_;          // writer → line number
  std::vector<std::vector<std::int64_t>> last_;  // writer → generation → number, of one shard
};

}  // namespace sim
