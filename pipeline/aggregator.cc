#include "pipeline/aggregator.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/assert.h"
#include "base/packed_record.h"
#include "base/varint.h"

namespace pipeline {
namespace {

// Records are copied in whole blocks. What that writes too much is overwritten by the shard's next
// record; behind a shard's last record as much room is left before the next shard's.
constexpr std::size_t kBlockBytes = 64;
constexpr std::size_t kRegionAlignment = 64;
static_assert(kBlockBytes <= kPaddingBytes);
// Longer ones are worth a call: memcpy knows how to stream.
constexpr std::size_t kBlocksBytesMax = 1024;

// Keys are short: most fit half a block.
inline char* copy_key(char* out, std::string_view key) {
  if (key.size() > 32) [[unlikely]] {
    std::memcpy(out, key.data(), key.size());
  } else {
    std::memcpy(out, key.data(), 32);
  }
  return out + key.size();
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
  static std::size_t bytes_max(std::size_t) { return 1; }
  static char* write_lengths(char* out, std::size_t, std::uint32_t data_bytes) {
    *out = 0;
    return write_length(out + 1, data_bytes);
  }
  static char* write_key(char* out, std::size_t) { return out; }
};

struct SharedKey {
  std::string_view key;
  std::uint32_t tagged() const { return static_cast<std::uint32_t>(key.size()) << 1; }
  std::size_t bytes_max(std::size_t) const { return base::varint_bytes(tagged()) + key.size(); }
  char* write_lengths(char* out, std::size_t, std::uint32_t data_bytes) const {
    return write_length(write_length(out, tagged()), data_bytes);
  }
  char* write_key(char* out, std::size_t) const { return copy_key(out, key); }
};

struct OwnKeys {
  const std::string_view* keys;
  std::size_t bytes_max(std::size_t i) const { return SharedKey{keys[i]}.bytes_max(i); }
  char* write_lengths(char* out, std::size_t i, std::uint32_t data_bytes) const {
    return SharedKey{keys[i]}.write_lengths(out, i, data_bytes);
  }
  char* write_key(char* out, std::size_t i) const {
    // A record without a key may have a null view.
    return keys[i].empty() ? out : copy_key(out, keys[i]);
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

// Where the next record goes: for blocks that go to one shard as a whole it stays in a register.
struct OnePlace {
  char* place;
  char*& of(const RecordBlock&, std::size_t) { return place; }
};
struct PlaceOfShard {
  char** places;
  char*& of(const RecordBlock& block, std::size_t i) { return places[base::index(block.shard[i])]; }
};

template <typename Keys, typename Skip, typename Places, typename CopyBlock>
[[gnu::always_inline]] inline void copy_records(const RecordBlock& block, Keys keys, Skip skip,
                                                Places& places, CopyBlock copy_block) {
  const std::size_t count = block.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (skip.skips(i)) continue;
    const std::string_view data = block.data[i];
    char*& place = places.of(block, i);
    char* out = keys.write_lengths(place, i, static_cast<std::uint32_t>(data.size()));
    out = keys.write_key(out, i);
    place = out + data.size();
    if (data.size() > kBlocksBytesMax) [[unlikely]] {
      std::memcpy(out, data.data(), data.size());
      continue;
    }
    for (std::size_t at = 0; at < data.size(); at += kBlockBytes)
      copy_block(out + at, data.data() + at);
  }
}

template <typename Keys, typename Skip, typename Places>
void copy_plain(const RecordBlock& block, Keys keys, Skip skip, Places& places) {
  copy_records(block, keys, skip, places,
               [](char* out, const char* in) { std::memcpy(out, in, kBlockBytes); });
}

#if defined(__x86_64__)
#define TAILRACE_AVX2 __attribute__((target("avx2")))
template <typename Keys, typename Skip, typename Places>
TAILRACE_AVX2 void copy_avx2(const RecordBlock& block, Keys keys, Skip skip, Places& places) {
  copy_records(block, keys, skip, places, [](char* out, const char* in) TAILRACE_AVX2 {
    const auto* from = reinterpret_cast<const __m256i*>(in);
    auto* to = reinterpret_cast<__m256i*>(out);
    const __m256i low = _mm256_loadu_si256(from);
    const __m256i high = _mm256_loadu_si256(from + 1);
    _mm256_storeu_si256(to, low);
    _mm256_storeu_si256(to + 1, high);
  });
}
#endif

bool has_avx2() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

template <typename Keys, typename Skip, typename Places>
void copy_by(bool avx2, const RecordBlock& block, Keys keys, Skip skip, Places& places) {
#if defined(__x86_64__)
  if (avx2) return copy_avx2(block, keys, skip, places);
#else
  (void)avx2;
#endif
  copy_plain(block, keys, skip, places);
}

}  // namespace

Aggregator::Aggregator(std::uint32_t outlets, SlabPool& slabs)
    : outlets_(outlets), slabs_(slabs), avx2_(has_avx2()), tallies_(outlets), at_(outlets) {}

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
  lay_out(parcel);
  if (parcel.batches.empty()) return;
  if (block.one_shard) {
    OnePlace place{at_[base::index(block.shard[0])]};
    copy_by(avx2_, block, keys, skip, place);
    at_[base::index(block.shard[0])] = place.place;
  } else {
    PlaceOfShard places{at_.data()};
    copy_by(avx2_, block, keys, skip, places);
  }
  write_headers(block, parcel);
}

// Upper bounds suffice: no length takes more varint bytes than the whole chunk's.
template <typename Keys, typename Skip>
void Aggregator::count(const RecordBlock& block, Keys keys, Skip skip) {
  std::ranges::fill(tallies_, Tally{});
  const std::size_t length_bytes =
      base::varint_bytes(static_cast<std::uint32_t>(block.chunk->bytes.size()));
  Tally* tallies = tallies_.data();
  const std::size_t count = block.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (skip.skips(i)) continue;
    Tally& tally = tallies[base::index(block.shard[i])];
    tally.bytes_max += keys.bytes_max(i) + length_bytes + block.data[i].size();
    ++tally.count;
  }
}

void Aggregator::lay_out(Parcel& parcel) {
  const auto region_bytes = [](const Tally& tally) {
    const std::size_t used = base::kRunHeaderBytes + tally.bytes_max + kBlockBytes;
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
    ASSERT(tally.bytes_max <= UINT32_MAX);
    at_[i] = region + base::kRunHeaderBytes;
    parcel.batches.push_back(Batch{.parcel = &parcel,
                                   .shard = base::ShardNumber{i},
                                   .record_count = static_cast<std::uint32_t>(tally.count),
                                   .run = {region, base::kRunHeaderBytes}});
    region += region_bytes(tally);
  }
}

void Aggregator::write_headers(const RecordBlock& block, Parcel& parcel) {
  for (Batch& batch : parcel.batches) {
    char* run = batch.run.data();
    const std::uint32_t shard = base::index(batch.shard);
    batch.run = {run, static_cast<std::size_t>(at_[shard] - run)};
    ASSERT(batch.run.size() <= base::kRunHeaderBytes + tallies_[shard].bytes_max);
    const base::RunHeader header{
        .origin = parcel.origin,
        .end_offset = parcel.end_offset,
        .arrival_us = block.chunk->arrival.time_since_epoch().count(),
        .record_count = batch.record_count,
        .bytes = static_cast<std::uint32_t>(batch.run.size() - base::kRunHeaderBytes)};
    std::memcpy(run, &header, sizeof header);
  }
}

}  // namespace pipeline
