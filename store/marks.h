// Marks: for each origin, below which offset everything of it is durable in this shard. Together
// with a checkpoint they make delivery exactly once: the checkpoint says where to read again, the
// marks say what to skip.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "store/format.h"

namespace store {

class Marks {
 public:
  // The runs (headers and records) of a delivered append or a block.
  void renew_runs(std::string_view runs, base::Instant now);
  // The payload of a marks block.
  void renew_block(std::string_view payload, base::Instant now);
  // Never lowers a mark.
  void renew(base::Origin origin, std::uint64_t end_offset, base::Instant now);

  // Those that are there are not forgotten before `instant`.
  void keep(std::span<const base::Origin> origins, base::Instant instant);
  void forget_before(base::Instant instant);
  void clear() { marks_.clear(); }
  // Ascending by origin, so that the same marks give the same bytes.
  void list(std::vector<Mark>& into) const;

 private:
  struct Entry {
    std::uint64_t end_offset = 0;
    base::Instant renewed{};
  };
  std::unordered_map<std::uint64_t, Entry> marks_;
};

}  // namespace store
