// Catalog: the streams of a data directory and their shards, in the keyed log `_catalog`.
//
// Start-up and command line only (blocking); the running daemon changes nothing here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/hash_key.h"
#include "base/ids.h"
#include "base/result.h"
#include "io/environment.h"
#include "store/options.h"

namespace store {

struct ShardInfo {
  base::ShardNumber shard{};
  base::HashKey hash_start = 0;
  base::HashKey hash_end = 0;  // inclusive
  std::int64_t created_us = 0;
};

struct StreamInfo {
  std::string name;
  base::HashKey id = 0;  // drawn when the stream was created
  std::int64_t created_us = 0;
  std::vector<ShardInfo> shards;  // in hash order
  ShardOptions options;           // as last configured, for readers to show
};

class Catalog {
 public:
  // Writer: the caller holds the data directory's lock.
  static base::Result<std::unique_ptr<Catalog>> open(const io::Environment& environment,
                                                     const std::string& data_dir);
  // Reader, while a daemon runs or not.
  static base::Result<std::vector<StreamInfo>> read(io::Files& files, const std::string& data_dir);
  ~Catalog();

  // The stream as it is, created with `shards` even shards if it is not there yet; options are
  // updated. ErrorCode::invalid if it exists with another number of shards. Durable when it
  // returns.
  base::Result<StreamInfo> ensure(const std::string& stream, std::uint32_t shards,
                                  const ShardOptions& options);
  const std::vector<StreamInfo>& streams() const;

 private:
  struct State;
  explicit Catalog(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// <data_dir>/<stream>/<shard number>
std::string shard_directory(const std::string& data_dir, const std::string& stream,
                            base::ShardNumber shard);

}  // namespace store
