#include "agent/shard_facts.h"

#include <algorithm>

#include "store/cursor.h"

namespace agent {

namespace {

base::Result<std::uint64_t> segment_bytes(io::Files& files, const std::string& directory) {
  std::uint64_t bytes = 0;
  const auto entries = files.list(directory);
  if (!entries) {
    if (entries.error().code == base::ErrorCode::not_found) return 0;
    return std::unexpected(entries.error());
  }
  for (const io::DirectoryEntry& entry : *entries) {
    if (!entry.name.ends_with(".seg")) continue;
    // Retention may have removed it since the listing.
    if (const auto status = files.status(directory + "/" + entry.name, false))
      bytes += status->size;
  }
  return bytes;
}

// Arrival of the first record from `start` on.
base::Result<std::optional<base::Timestamp>> arrival(io::Files& files, const std::string& directory,
                                                     store::StartAt start) {
  store::Cursor cursor = TRY(store::Cursor::open(files, directory, start));
  store::StoredRecord record;
  if (!TRY(cursor.next(record))) return std::nullopt;
  return record.arrival;
}

}  // namespace

base::Result<ShardFacts> look_at_shard(io::Files& files, const std::string& directory) {
  using Kind = store::StartAt::Kind;
  ShardFacts facts;
  facts.stored_bytes = TRY(segment_bytes(files, directory));
  facts.first = TRY(store::Cursor::open(files, directory, {Kind::trim_horizon, 0, {}})).sequence();
  facts.next = TRY(store::Cursor::open(files, directory, {Kind::latest, 0, {}})).sequence();
  facts.next = std::max(facts.first, facts.next);
  if (facts.next == facts.first) return facts;
  facts.oldest = TRY(arrival(files, directory, {Kind::trim_horizon, 0, {}}));
  facts.newest = TRY(arrival(files, directory, {Kind::at_sequence, facts.next - 1, {}}));
  return facts;
}

}  // namespace agent
