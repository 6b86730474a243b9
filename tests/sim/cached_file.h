// CachedFile: one file's bytes as programs see them, and what of them the device has.
//
// Kept per sector: clean (the device has it), dirty (it may have it, or not, or in part) or lost: a
// failed sync told its writer and then forgot, so that a later sync succeeds over the hole (Linux
// marks such pages clean). What the device holds for a sector is kept only while it differs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/sim/sim_random.h"

namespace sim {

class CachedFile {
 public:
  static constexpr std::size_t kSectorBytes = 512;
  static constexpr std::size_t kSectorsPerPage = 8;

  const std::string& bytes() const { return bytes_; }
  std::uint64_t size() const { return bytes_.size(); }
  bool clean() const { return touched_.empty() && durable_size_ == bytes_.size(); }

  // A gap between the end and `offset` is filled with zeros.
  void write(std::string_view bytes, std::uint64_t offset);
  void truncate(std::uint64_t size);

  void sync();
  // Some of the dirty sectors got to the device, the others are lost from now on.
  void fail_sync(SimRandom& random);
  // The machine may drop clean pages at any time: lost sectors then show what the device has.
  void evict(SimRandom& random);
  // Afterwards memory and device agree on what the seed let survive.
  void cut_power(SimRandom& random);

 private:
  enum class State : std::uint8_t { clean, dirty, lost };
  void touch(std::size_t sector);
  void revert(std::size_t sector, std::size_t from_byte);
  void decide_truncation(SimRandom& random);
  void drop_device_from(std::uint64_t size);
  void settle();

  std::string bytes_;
  std::uint64_t durable_size_ = 0;
  std::uint64_t truncated_to_ = kNotTruncated;           // shortest it was since the last sync
  std::vector<State> states_;                            // by sector; missing ones are clean
  std::vector<std::size_t> touched_;                     // the sectors that are not clean
  std::unordered_map<std::size_t, std::string> device_;  // of those; missing: zeros

  static constexpr std::uint64_t kNotTruncated = ~std::uint64_t{0};
};

}  // namespace sim
