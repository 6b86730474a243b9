#include "store/verify.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "store/catalog.h"
#include "store/segment_list.h"

namespace store {

namespace {

// A shard's directory has its number as its name.
std::optional<std::uint32_t> parse_shard_name(const std::string& name) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return number;
}

class ShardVerifier {
 public:
  ShardVerifier(const io::Environment& environment, std::string directory, Repair repair,
                VerifyTotals& totals)
      : environment_(environment),
        directory_(std::move(directory)),
        repair_(repair),
        totals_(totals) {}

  base::Result<void> run(const std::function<void(const SegmentReport&)>& report) {
    const auto ids = TRY(list());
    if (!ids.empty()) ++totals_.shards;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      SegmentReport segment = TRY(check(ids, i));
      add(segment);
      if (repair_ == Repair::yes && (!segment.bad.empty() || segment.header_damaged) &&
          segment.blocks > 0) {
        TRY_VOID(rewrite(ids[i]));
        segment.repaired = true;
        ++totals_.segments_repaired;
      }
      report(segment);
    }
    if (!ids.empty()) expected_ = std::max(expected_, ids.back().first_sequence);
    return {};
  }
  // What is missing up to the number it is known to have reached.
  void compare(base::SequenceNumber known,
               const std::function<void(const SegmentReport&)>& report) {
    // Who cannot read the last one does not know how far it goes.
    if (expected_ >= known || last_unknown_) return;
    SegmentReport missing;
    missing.path = directory_;
    missing.records_missing = known - expected_;
    missing.end_missing = true;
    totals_.records_lost += missing.records_missing;
    report(missing);
  }

 private:
  struct Kept {
    BlockHeader header;
    std::uint64_t position;
  };

  base::Result<std::vector<SegmentId>> list() const;
  base::Result<SegmentReport> check(const std::vector<SegmentId>& ids, std::size_t i);
  base::Result<std::optional<std::uint64_t>> counted_bytes(const std::vector<SegmentId>& ids,
                                                           std::size_t i) const;
  void add(const SegmentReport& segment);
  base::Result<void> rewrite(SegmentId id);
  base::Result<void> replace(const std::string& path, const std::string& fresh);

  const io::Environment& environment_;
  std::string directory_;
  Repair repair_;
  VerifyTotals& totals_;
  base::SequenceNumber expected_ = 0;  // after the segment before
  bool first_ = true;
  bool ends_as_said_ = false;
  bool last_unknown_ = false;  // the segment just checked is of a newer version
  std::uint64_t counted_ = 0;  // of the segment just checked
};

// Without those that were only made, never written: they do not replace the one before them.
base::Result<std::vector<SegmentId>> ShardVerifier::list() const {
  const auto all = TRY(list_segments(environment_.files, directory_));
  std::vector<SegmentId> ids;
  for (const SegmentId& id : all) {
    const SegmentReader reader =
        TRY(SegmentReader::open(environment_.files, segment_path(directory_, id)));
    if (reader.size() > 0 || id == all.back()) ids.push_back(id);
  }
  return ids;
}

// Bytes of segment `i` that count, as the one after it says. None known: all.
base::Result<std::optional<std::uint64_t>> ShardVerifier::counted_bytes(
    const std::vector<SegmentId>& ids, std::size_t i) const {
  if (i + 1 == ids.size()) return std::nullopt;
  const SegmentReader next =
      TRY(SegmentReader::open(environment_.files, segment_path(directory_, ids[i + 1])));
  if (ids[i + 1].first_sequence == ids[i].first_sequence) {
    return next.holds_block() ? std::optional<std::uint64_t>(0) : std::nullopt;
  }
  const bool ours = next.header_state() == HeaderState::good &&
                    next.header().previous_first == ids[i].first_sequence;
  return ours ? std::optional(next.header().previous_end) : std::nullopt;
}

base::Result<SegmentReport> ShardVerifier::check(const std::vector<SegmentId>& ids, std::size_t i) {
  SegmentReport report;
  report.path = segment_path(directory_, ids[i]);
  SegmentReader reader = TRY(SegmentReader::open(environment_.files, report.path));
  report.bytes = reader.size();
  report.unknown_version = reader.header_state() == HeaderState::unknown_version;
  last_unknown_ = report.unknown_version;
  if (report.unknown_version) return report;
  const auto known = TRY(counted_bytes(ids, i));
  counted_ = std::min(reader.size(), known.value_or(reader.size()));
  if (known == 0) return report;
  const bool last = i + 1 == ids.size();
  report.header_damaged =
      reader.header_state() == HeaderState::damaged && !(last && reader.size() < kHeaderBytes);
  WalkResult result = walk(reader, ids[i].first_sequence, counted_, Depth::payloads,
                           [&](std::uint64_t, const BlockHeader& header, std::string_view) {
                             ++report.blocks;
                             report.records += header.record_count;
                           });
  // Only the end of the last segment may be unfinished.
  while (last && !result.bad.empty() && result.bad.back().begin >= result.promised_end) {
    report.torn_bytes += result.bad.back().end - result.bad.back().begin;
    result.bad.pop_back();
  }
  // If the one before ends where this one's header says, numbers in between were lost before they
  // were safe: not damage.
  if (!first_ && !ends_as_said_ && ids[i].first_sequence > expected_) {
    report.records_missing = ids[i].first_sequence - expected_;
  }
  report.bad = std::move(result.bad);
  // The walk counts bad blocks into the chain; what is missing at the very end shows at the next.
  expected_ = result.end.sequence;
  for (const BadRange& range : report.bad) {
    if (range.begin >= result.end.position) expected_ += range.records;
  }
  ends_as_said_ = known == result.end.position;
  first_ = false;
  return report;
}

void ShardVerifier::add(const SegmentReport& segment) {
  ++totals_.segments;
  totals_.blocks += segment.blocks;
  totals_.records += segment.records;
  totals_.bytes += segment.bytes;
  totals_.bad_ranges += segment.bad.size();
  totals_.records_lost += segment.records_missing;
  for (const BadRange& range : segment.bad) totals_.records_lost += range.records;
}

// The intact blocks one behind the other, with a chain of checksums of their own.
base::Result<void> ShardVerifier::rewrite(SegmentId id) {
  io::Files& files = environment_.files;
  const std::string path = segment_path(directory_, id);
  const std::string fresh = path + ".repair";
  SegmentReader reader = TRY(SegmentReader::open(files, path));
  SegmentHeader header;
  header.first_sequence = id.first_sequence;
  if (reader.header_state() == HeaderState::good) header = reader.header();
  seal(header);
  (void)files.remove(fresh);  // of a repair that was interrupted
  io::UniqueHandle out(files, TRY(files.open(fresh, io::Open::create_new)));
  TRY_VOID(files.write_at(out.get(), bytes_of(header), 0));
  std::vector<Kept> kept;
  walk(reader, id.first_sequence, counted_, Depth::payloads,
       [&](std::uint64_t position, const BlockHeader& block, std::string_view) {
         kept.push_back({block, position});
       });
  std::uint64_t at = kHeaderBytes;
  std::uint32_t previous = header.crc;
  std::string bytes;
  const io::UniqueHandle in(files, TRY(files.open(path, io::Open::read)));
  for (Kept& block : kept) {
    bytes.resize(block_bytes(block.header));
    if (TRY(files.read_at(in.get(), {bytes.data(), bytes.size()}, block.position)) !=
        bytes.size()) {
      return base::fail(base::ErrorCode::io, "segment changes while it is repaired: " + path);
    }
    block.header.previous_crc = previous;
    block.header.synced_end = at;
    seal(block.header);
    bytes.replace(0, kHeaderBytes, bytes_of(block.header));
    TRY_VOID(files.write_at(out.get(), bytes, at));
    previous = block.header.crc;
    at += bytes.size();
  }
  TRY_VOID(files.sync(out.get()));
  return replace(path, fresh);
}

base::Result<void> ShardVerifier::replace(const std::string& path, const std::string& fresh) {
  io::Files& files = environment_.files;
  std::string aside = path + ".damaged";
  for (int i = 1; files.status(aside, false).has_value(); ++i) {
    aside = path + ".damaged." + std::to_string(i);
  }
  TRY_VOID(files.rename(path, aside));
  TRY_VOID(files.rename(fresh, path));
  return files.sync_directory(directory_);
}

}  // namespace

base::Result<VerifyTotals> verify(const io::Environment& environment, const std::string& data_dir,
                                  Repair repair, const KnownNumbers& known,
                                  const std::function<void(const SegmentReport&)>& report) {
  VerifyTotals totals;
  KnownNumbers unseen = known;
  const auto check = [&](const std::string& stream, std::uint32_t shard) -> base::Result<void> {
    ShardVerifier verifier(environment, shard_directory(data_dir, stream, base::ShardNumber{shard}),
                           repair, totals);
    TRY_VOID(verifier.run(report));
    const auto noted = unseen.extract({stream, shard});
    if (!noted.empty()) verifier.compare(noted.mapped(), report);
    return {};
  };
  for (const io::DirectoryEntry& stream : TRY(environment.files.list(data_dir))) {
    if (stream.kind != io::FileKind::directory && stream.kind != io::FileKind::unknown) continue;
    const auto shards = environment.files.list(data_dir + "/" + stream.name);
    if (!shards) continue;  // not a directory
    for (const io::DirectoryEntry& shard : *shards) {
      const auto number = parse_shard_name(shard.name);
      if (number) TRY_VOID(check(stream.name, *number));
    }
  }
  // Directories that are gone.
  while (!unseen.empty()) {
    const auto [stream, shard] = unseen.begin()->first;
    TRY_VOID(check(stream, shard));
  }
  return totals;
}

}  // namespace store
