// StoreRig: a simulated machine with one shard directory, for tests that want to append, damage and
// read without ceremony. Time moves by itself while an operation is waited for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/cursor.h"
#include "store/shard.h"
#include "tests/sim/sim_world.h"

namespace store_test {

// Records `<first>` … as one run: "r<number>" and some filling, so that each is unlike all others.
std::string make_run(std::uint64_t first, std::uint32_t count, std::uint64_t origin,
                     std::uint64_t end_offset, std::int64_t arrival_us, std::size_t filling = 20);
std::string record_text(std::uint64_t number, std::size_t filling = 20);

struct Reading {
  std::vector<std::string> data;
  std::vector<std::uint64_t> sequences;
  store::CursorCounters counters;
};

class StoreRig {
 public:
  static constexpr const char* kDirectory = "/data/s/0";

  explicit StoreRig(std::uint64_t seed = 1);
  ~StoreRig();

  sim::SimWorld& world() { return world_; }
  io::Environment environment() { return process_->environment(); }
  store::Shard& open(store::ShardOptions options = {}, base::SequenceNumber known_next = 0,
                     store::PackingSeat* seat = nullptr);
  void close(bool note_settled);
  // Appends a run of `count` records and waits for the answer. Result: 0 or an errno.
  int append(std::uint32_t count, std::size_t filling = 20);
  Reading read(store::StartAt start = {});
  std::uint64_t appended() const { return appended_; }
  std::string file(const std::string& name) { return world_.disk().content(path(name)); }
  void put(const std::string& name, const std::string& bytes) {
    world_.disk().put(path(name), bytes);
  }
  std::string path(const std::string& name) const { return std::string(kDirectory) + "/" + name; }
  store::Shard& shard() { return *shard_; }
  void step();  // whatever is due, in virtual time
  void run_until_idle();

 private:
  sim::SimWorld world_;
  std::unique_ptr<sim::Process> process_;
  std::optional<io::Environment> environment_;
  std::unique_ptr<store::Shard> shard_;
  std::uint64_t appended_ = 0;  // records
};

constexpr const char* kFirstSegment = "00000000000000000000.seg";

}  // namespace store_test
