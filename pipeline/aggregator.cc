#include "pipeline/aggregator.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/packed_record.h"
#include "base/varint.h"

namespace pipeline {
namespace {

// copy_short() writes up to so many bytes past what it was asked for. What it spoils is overwritten
// by the shard's next record; behind a shard's last record as much room is left before the next
// shard's.
constexpr std::size_t kOvercopyBytes = 32;
constexpr std::size_t kRegionAlignment = 64;
static_assert(kOvercopyBytes <= kPaddingBytes);

// Copies `size` bytes in blocks of fixed size, which the compiler turns into a few loads and stores
// without a loop: most records are shorter than a call of memcpy takes. From 32 bytes up the last
// block ends where the record ends and overlaps the one before.
inline void copy_short(char* out, const char* in, std::size_t size) {
  if (size <= 32) {
    std::memcpy(out, in, 32);
  } else if (size <= 64) {
    std::memcpy(out, in, 32);
    std::memcpy(out + size - 32, in + size - 32, 32);
  } else if (size <= 128) {
    std::memcpy(out, in, 64);
    std::memcpy(out + size - 64, in + size - 64, 64);
  } else if (size <= 256) {
    std::memcpy(out, in, 128);
    std::memcpy(out + size - 128, in + size - 128, 128);
  } else {
    std::memcpy(out, in, size);
  }
}

// Two varint bytes hold most lengths. Both are always written; what is too much is overwritten.
inline char* write_length(char* out, std::uint32_t length) {
  if (length >= 1U << 14) [[unlikely]]
    return base::write_varint(out, length);
  const bool two = length >= 0x80U;
  out[0] = static_cast<char>(two ? length | 0x80U : length);
  out[1] = static_cast<char>(length >> 7);
  return out + (two ? 2 : 1);
}

struct NoKeys {
  static std::size_t bytes(std::size_t) { return 1; }
  static char* write_lengths(char* out, std::size_t, std::uint32_t data_bytes) {
    *out = 0;
    return write_length(out + 1, data_bytes);
  }
  static char* write_key(char* out, std::size_t) { return out; }
};

struct SharedKey {
  std::string_view key;
  std::uint32_t tagged() const { return static_cast<std::uint32_t>(key.size()) << 1; }
  std::size_t bytes(std::size_t) const { return base::varint_bytes(tagged()) + key.size(); }
  char* write_lengths(char* out, std::size_t, std::uint32_t data_bytes) const {
    return write_length(write_length(out, tagged()), data_bytes);
  }
  char* write_key(char* out, std::size_t) const {
    copy_short(out, key.data(), key.size());
    return out + key.size();
  }
};

struct OwnKeys {
  const std::string_view* keys;
  std::size_t bytes(std::size_t i) const { return SharedKey{keys[i]}.bytes(i); }
  char* write_lengths(char* out, std::size_t i, std::uint32_t data_bytes) const {
    return SharedKey{keys[i]}.write_lengths(out, i, data_bytes);
  }
  char* write_key(char* out, std::size_t i) const {
    // A record without a key may have a null view.
    return keys[i].empty() ? out : SharedKey{keys[i]}.write_key(out, i);
  }
};

struct SkipNone {
  static bool skips(std::size_t) { return false; }
};

struct SkipMarked {
  Marks marks;
  const std::uint64_t* offset;
  const base::ShardNumber* shard;
  bool skips(std::size_t i) const {
    const std::uint32_t number = base::index(shard[i]);
    return number < marks.size() && offset[i] < marks[number];
  }
};

}  // namespace

Aggregator::Aggregator(std::uint32_t outlets, SlabPool& slabs)
    : outlets_(outlets), slabs_(slabs), tallies_(outlets), at_(outlets) {}

GatherResult Aggregator::gather(const RecordBlock& block, Marks marks, Parcel& parcel) {
  ASSERT(block.shard.size() == block.size());
  ASSERT(parcel.batches.empty());
  const auto by_keys = [&](auto skip) {
    if (!block.key.empty()) {
      gather_by(block, OwnKeys{block.key.data()}, skip, parcel);
    } else if (!block.shared_key.empty()) {
      gather_by(block, SharedKey{block.shared_key}, skip, parcel);
    } else {
      gather_by(block, NoKeys{}, skip, parcel);
    }
  };
  if (marks.empty()) {
    by_keys(SkipNone{});
  } else {
    by_keys(SkipMarked{marks, block.offset.data(), block.shard.data()});
  }
  GatherResult result;
  for (const Batch& batch : parcel.batches) result.records += batch.record_count;
  result.records_skipped = block.size() - result.records;
  parcel.record_count = result.records;
  return result;
}

template <typename Keys, typename Skip>
void Aggregator::gather_by(const RecordBlock& block, Keys keys, Skip skip, Parcel& parcel) {
  count(block, keys, skip);
  lay_out(block, parcel);
  if (!parcel.batches.empty()) copy(block, keys, skip);
}

template <typename Keys, typename Skip>
void Aggregator::count(const RecordBlock& block, Keys keys, Skip skip) {
  std::ranges::fill(tallies_, Tally{});
  Tally* tallies = tallies_.data();
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (skip.skips(i)) continue;
    const std::size_t data_bytes = block.data[i].size();
    DEBUG_ASSERT(base::index(block.shard[i]) < outlets_);
    Tally& tally = tallies[base::index(block.shard[i])];
    tally.bytes +=
        keys.bytes(i) + base::varint_bytes(static_cast<std::uint32_t>(data_bytes)) + data_bytes;
    ++tally.count;
  }
}

void Aggregator::lay_out(const RecordBlock& block, Parcel& parcel) {
  const auto region_bytes = [](const Tally& tally) {
    const std::size_t used = base::kRunHeaderBytes + tally.bytes + kOvercopyBytes;
    return (used + kRegionAlignment - 1) / kRegionAlignment * kRegionAlignment;
  };
  std::size_t slab_bytes = 0;
  for (const Tally& tally : tallies_) slab_bytes += tally.count == 0 ? 0 : region_bytes(tally);
  if (slab_bytes == 0) return;
  parcel.slab = slabs_.take(slab_bytes);
  char* region = parcel.slab.data();
  for (std::uint32_t i = 0; i < outlets_; ++i) {
    const Tally& tally = tallies_[i];
    if (tally.count == 0) continue;
    ASSERT(tally.bytes <= UINT32_MAX);
    const base::RunHeader header{.origin = parcel.origin,
                                 .end_offset = parcel.end_offset,
                                 .arrival_us = block.chunk->arrival.time_since_epoch().count(),
                                 .record_count = static_cast<std::uint32_t>(tally.count),
                                 .bytes = static_cast<std::uint32_t>(tally.bytes)};
    std::memcpy(region, &header, sizeof header);
    at_[i] = region + sizeof header;
    parcel.batches.push_back(Batch{.parcel = &parcel,
                                   .shard = base::ShardNumber{i},
                                   .record_count = header.record_count,
                                   .run = {region, sizeof header + tally.bytes}});
    region += region_bytes(tally);
  }
}

template <typename Keys, typename Skip>
void Aggregator::copy(const RecordBlock& block, Keys keys, Skip skip) {
  char** at = at_.data();
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (skip.skips(i)) continue;
    const std::string_view data = block.data[i];
    char*& end = at[base::index(block.shard[i])];
    char* out = keys.write_lengths(end, i, static_cast<std::uint32_t>(data.size()));
    out = keys.write_key(out, i);
    copy_short(out, data.data(), data.size());
    end = out + data.size();
  }
}

}  // namespace pipeline
