// ShardOracle: the plain list of everything appended to a shard, and what a shard's directory must
// say about it. Numbers in the messages are those of shard_story.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "io/files.h"
#include "store/shard.h"
#include "tests/sim/sim_random.h"

namespace sim {

struct AppendedRun {
  base::Origin origin = base::Origin::none;
  std::uint64_t end_offset = 0;  // in its origin
  std::vector<std::string> records;
  std::string bytes;  // packed, header included
};

class ShardOracle {
 public:
  explicit ShardOracle(std::string directory) : directory_(std::move(directory)) {}

  // The next run to append, to be kept for ever: the story may have to append it again.
  void add_run(SimRandom& random, std::int64_t arrival_us);
  const AppendedRun& run(std::size_t number) const { return runs_[number]; }
  std::size_t size() const { return runs_.size(); }

  // After an opening, nothing in flight. `stored`: how many runs must be there; becomes how many
  // are. `retention`: the front may be missing. Returns the violation, or "".
  std::string check(io::Files& files, const store::Shard& shard, bool retention,
                    std::size_t& stored) const;
  // Beside a working writer: whole records in order, at least `stored` runs, nothing else.
  std::string check_beside(io::Files& files, std::size_t stored) const;
  // After a loss that was not promised against: what is read was appended, in order, once.
  std::string check_loosely(io::Files& files) const;

 private:
  std::string check_marks(const store::Shard& shard, std::size_t stored) const;

  std::string directory_;
  std::deque<AppendedRun> runs_;  // appends in flight point into them: they must not move
  std::map<base::Origin, std::uint64_t> offsets_;
  std::uint64_t records_ = 0;
};

}  // namespace sim
