#include "store/sparse_index.h"

#include <algorithm>
#include <cstring>

#include "base/crc32c.h"

namespace store {

namespace {

struct IndexHead {
  std::uint32_t magic = SparseIndex::kMagic;
  std::uint32_t crc = 0;
  std::uint64_t segment_bytes = 0;
};
static_assert(sizeof(IndexHead) == SparseIndex::kHeadBytes);

}  // namespace

void SparseIndex::add(std::uint64_t position, const BlockHeader& header) {
  if (header.record_count == 0) return;
  if (!entries_.empty() && position - entries_.back().position < kStrideBytes) return;
  entries_.push_back({position, header.first_sequence, header.first_arrival_us});
}

const IndexEntry* SparseIndex::before_sequence(base::SequenceNumber sequence) const {
  const auto after =
      std::partition_point(entries_.begin(), entries_.end(),
                           [&](const IndexEntry& e) { return e.sequence <= sequence; });
  return after == entries_.begin() ? nullptr : &*std::prev(after);
}

const IndexEntry* SparseIndex::before_time(std::int64_t arrival_us) const {
  const auto after =
      std::partition_point(entries_.begin(), entries_.end(),
                           [&](const IndexEntry& e) { return e.arrival_us < arrival_us; });
  return after == entries_.begin() ? nullptr : &*std::prev(after);
}

std::string SparseIndex::encode(std::uint64_t segment_bytes) const {
  const std::string_view entries{reinterpret_cast<const char*>(entries_.data()),
                                 entries_.size() * sizeof(IndexEntry)};
  IndexHead head;
  head.crc = base::crc32c(entries);
  head.segment_bytes = segment_bytes;
  std::string bytes(bytes_of(head));
  return bytes.append(entries);
}

bool SparseIndex::decode(std::string_view bytes, std::uint64_t segment_bytes_max) {
  entries_.clear();
  IndexHead head;
  if (bytes.size() < sizeof head || (bytes.size() - sizeof head) % sizeof(IndexEntry) != 0)
    return false;
  std::memcpy(&head, bytes.data(), sizeof head);
  bytes.remove_prefix(sizeof head);
  if (head.magic != kMagic || head.crc != base::crc32c(bytes) ||
      head.segment_bytes > segment_bytes_max) {
    return false;
  }
  entries_.resize(bytes.size() / sizeof(IndexEntry));
  if (!entries_.empty()) std::memcpy(entries_.data(), bytes.data(), bytes.size());
  return true;
}

}  // namespace store
