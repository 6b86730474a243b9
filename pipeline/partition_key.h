// PartitionKey: which of a record's bytes decide its shard.
#pragma once

#include <cstdint>
#include <string>

namespace pipeline {

struct PartitionKey {
  enum class Kind : std::uint8_t {
    random,    // hash of (origin, offset): spreads evenly, and repeats when the file is read again
    constant,  // `text` for every record
    field,     // the JSON value at pointer `text` (RFC 6901), e.g. "/client"; missing: as `random`
  };
  Kind kind = Kind::random;
  std::string text;

  bool operator==(const PartitionKey&) const = default;
};

}  // namespace pipeline
