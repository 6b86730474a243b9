#include "store/recovery.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>

#include "store/segment_reader.h"
#include "store/segment_walk.h"

namespace store {

namespace {

constexpr std::string_view kAsideSuffix = ".damaged";
// A segment header and an empty marks block: in less there can be no record.
constexpr std::uint64_t kHeadBytesMin = 2 * kHeaderBytes;
constexpr std::size_t kMarksSegmentsMax = 4;  // how far back to look when marks blocks are damaged

// A segment without one whole block: its maker died, or its name survived a power cut and its bytes
// did not. Otherwise it is ruined, and not ours to remove.
bool unborn(const SegmentReader& reader) {
  return reader.header_state() == HeaderState::good || reader.size() < kHeadBytesMin;
}

class Recovery {
 public:
  Recovery(const io::Environment& environment, const std::string& directory, bool sync,
           base::SequenceNumber known_next, bool may_be_removed)
      : environment_(environment),
        files_(environment.files),
        directory_(directory),
        sync_(sync),
        known_next_(known_next),
        may_be_removed_(may_be_removed),
        now_(environment.clock.monotonic()) {}

  base::Result<Recovered> run() {
    const auto there = files_.status(directory_, true);
    was_removed_ = may_be_removed_ && !there && there.error().system == ENOENT;
    TRY_VOID(files_.make_directories(directory_));
    ids_ = TRY(list_segments(files_, directory_));
    if (ids_.empty()) TRY_VOID(make_path_durable());
    TRY_VOID(find_floor());
    bool found = false;
    while (!found && !ids_.empty()) found = TRY(take_last(ids_.back()));
    TRY_VOID(list_older());
    note_missing_end();
    if (!out_.tail) name_next();
    return std::move(out_);
  }

 private:
  base::Result<void> make_path_durable();
  base::Result<void> find_floor();
  base::Result<bool> take_last(SegmentId id);
  base::Result<void> set_aside(SegmentId id, std::string_view why);
  base::Result<void> empty_out(SegmentId id);
  base::Result<void> adopt(SegmentId id, SegmentReader& reader);
  void cut_torn(SegmentId id, SegmentReader& reader);
  base::Result<io::UniqueHandle> secure(SegmentId id, const SegmentReader& reader);
  base::Result<void> vouch(io::Handle file, std::uint64_t from, std::uint64_t to);
  base::Result<void> older_marks();
  void note_damage(SegmentId id, const std::vector<BadRange>& bad);
  base::Result<void> list_older();
  base::Result<void> note_previous(Segment& before, SegmentId id, const SegmentReader& reader);
  base::Result<void> note_gap(SegmentId before, SegmentId after);
  void note_missing_end();
  void name_next();
  VisitBlock collect_marks();

  const io::Environment& environment_;
  io::Files& files_;
  const std::string& directory_;
  bool sync_;
  base::SequenceNumber known_next_;
  bool may_be_removed_;
  bool was_removed_ = false;
  base::Instant now_;
  std::vector<SegmentId> ids_;
  std::vector<SegmentId> names_;    // ever seen, for a name that is free
  base::SequenceNumber floor_ = 0;  // no new record may get a number below it
  WalkResult last_;
  std::uint64_t kept_bytes_ = 0;  // of the segment adopted
  Recovered out_;
};

// A synced segment is worth nothing if the directory above it is lost with the power. We may have
// been killed between making it and this, so it is done whenever there is nothing in it yet.
base::Result<void> Recovery::make_path_durable() {
  std::string path = directory_;
  while (path.size() > 1) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return files_.sync_directory(".");
    path.resize(std::max<std::size_t>(slash, 1));
    const auto synced = files_.sync_directory(path);
    if (synced) continue;
    // What we may not even open was there before us.
    if (synced.error().system == EACCES || synced.error().system == EPERM) return {};
    return std::unexpected(synced.error());
  }
  return {};
}

// Names outlive what they named: a number that was given once is not given again.
base::Result<void> Recovery::find_floor() {
  for (const io::DirectoryEntry& entry : TRY(files_.list(directory_))) {
    std::string_view name = entry.name;
    if (const auto at = name.find(kAsideSuffix); at != std::string_view::npos)
      name = name.substr(0, at);
    SegmentId id;
    if (!parse_segment_name(name, id)) continue;
    names_.push_back(id);
    floor_ = std::max(floor_, id.first_sequence);
  }
  return {};
}

base::Result<void> Recovery::set_aside(SegmentId id, std::string_view why) {
  const std::string path = segment_path(directory_, id);
  std::string target = path + std::string(kAsideSuffix);
  for (int i = 1; files_.status(target, false).has_value(); ++i) {
    target = path + std::string(kAsideSuffix) + "." + std::to_string(i);
  }
  TRY_VOID(files_.rename(path, target));
  if (sync_) TRY_VOID(files_.sync_directory(directory_));
  ++out_.set_aside;
  environment_.log.error("segment set aside", {{"path", target}, {"reason", std::string(why)}});
  return {};
}

// True: this is the segment to build on. False: it is out of the way, look at the one before.
base::Result<bool> Recovery::take_last(SegmentId id) {
  SegmentReader reader = TRY(SegmentReader::open(files_, segment_path(directory_, id)));
  if (reader.header_state() == HeaderState::unknown_version) {
    TRY_VOID(set_aside(id, "written by a newer version"));
    ids_.pop_back();
    return false;
  }
  last_ = walk(reader, id.first_sequence, reader.size(), Depth::payloads, collect_marks());
  const bool held_blocks = last_.blocks > 0;
  cut_torn(id, reader);
  if (last_.blocks > 0) {
    TRY_VOID(adopt(id, reader));
    return true;
  }
  // Not one whole block that counts. Either we died while making it, or it is ruined.
  if (held_blocks || unborn(reader)) {
    out_.torn_bytes += reader.size();
    TRY_VOID(empty_out(id));
    out_.worthless.push_back(id);
  } else {
    TRY_VOID(set_aside(id, "no intact block in it"));
  }
  ids_.pop_back();
  return false;
}

// Leaves the name only, until the next segment is durable. With a block in it that nobody was
// promised it would replace the one of the same number that we go back to. An empty file may still
// have its blocks on the device: it was given up, but the cut never got there.
base::Result<void> Recovery::empty_out(SegmentId id) {
  const io::UniqueHandle file(files_,
                              TRY(files_.open(segment_path(directory_, id), io::Open::update)));
  TRY_VOID(files_.truncate(file.get(), 0));
  return sync_ ? files_.sync(file.get()) : base::Result<void>{};
}

VisitBlock Recovery::collect_marks() {
  return [this](std::uint64_t, const BlockHeader& header, std::string_view payload) {
    if (header.kind == static_cast<std::uint8_t>(BlockKind::marks)) {
      out_.marks.renew_block(payload, now_);
    } else if (header.kind == static_cast<std::uint8_t>(BlockKind::records)) {
      out_.marks.renew_runs(payload, now_);
    }
  };
}

// From the first bad byte that nobody was promised, everything is a torn tail, whole blocks
// included: their marks would cover what is missing before them. That may be the first block.
void Recovery::cut_torn(SegmentId id, SegmentReader& reader) {
  const auto torn = std::find_if(last_.bad.begin(), last_.bad.end(), [&](const BadRange& range) {
    return range.begin >= last_.promised_end;
  });
  if (last_.blocks == 0 || torn == last_.bad.end()) return;
  const std::uint64_t cut = torn->begin;
  base::SequenceNumber known = last_.end.sequence;
  if (const auto header = reader.header_at(cut, std::numeric_limits<std::uint64_t>::max())) {
    known = std::max(known, end_sequence(*header));
  }
  out_.marks.clear();
  last_ = walk(reader, id.first_sequence, cut, Depth::payloads, collect_marks());
  if (known > last_.end.sequence) out_.torn_records += known - last_.end.sequence;
  if (last_.blocks == 0) return;
  out_.torn_bytes += reader.size() - cut;
  environment_.log.info(
      "unfinished append cut off",
      {{"path", segment_path(directory_, id)}, {"bytes", std::to_string(reader.size() - cut)}});
}

base::Result<void> Recovery::adopt(SegmentId id, SegmentReader& reader) {
  if (!last_.marks_intact) TRY_VOID(older_marks());
  note_damage(id, last_.bad);
  // A damaged end stays: it is how readers know that something is missing.
  if (!last_.bad.empty()) kept_bytes_ = std::max(kept_bytes_, last_.bad.back().end);
  kept_bytes_ = std::max(kept_bytes_, last_.end.position);
  out_.segments.push_back({id, kept_bytes_, last_.end.arrival_us});
  out_.end = last_.end;
  const bool sound = last_.bad.empty() && reader.header_state() == HeaderState::good &&
                     last_.end.sequence >= std::max(floor_, known_next_) && out_.worthless.empty();
  if (reader.header_state() != HeaderState::good) ++out_.corrupt_blocks;
  io::UniqueHandle file = TRY(secure(id, reader));
  if (sound) {
    out_.tail = std::move(file);
    out_.tail_created_us = reader.header().created_us;
  }
  return {};
}

// What is kept is durable from here on, and nothing lies behind it.
base::Result<io::UniqueHandle> Recovery::secure(SegmentId id, const SegmentReader& reader) {
  io::UniqueHandle file(files_, TRY(files_.open(segment_path(directory_, id), io::Open::update)));
  if (reader.size() > kept_bytes_) TRY_VOID(files_.truncate(file.get(), kept_bytes_));
  if (sync_) TRY_VOID(vouch(file.get(), last_.promised_end, last_.end.position));
  return file;
}

// Makes [from, to) durable. A sync alone would not do: if one failed just before we died, the
// kernel may hold these pages as clean although the device never got them, and the next sync says
// yes at once. Bytes written again are dirty again.
base::Result<void> Recovery::vouch(io::Handle file, std::uint64_t from, std::uint64_t to) {
  std::string buffer(1U << 20, '\0');
  for (std::uint64_t at = from; at < to; at += buffer.size()) {
    const std::size_t bytes = std::min<std::uint64_t>(buffer.size(), to - at);
    const std::size_t count = TRY(files_.read_at(file, {buffer.data(), bytes}, at));
    TRY_VOID(files_.write_at(file, std::string_view(buffer).substr(0, count), at));
  }
  TRY_VOID(files_.sync(file));
  return files_.sync_directory(directory_);
}

base::Result<void> Recovery::older_marks() {
  std::size_t looked = 0;
  for (auto id = ids_.rbegin(); id != ids_.rend() && looked < kMarksSegmentsMax; ++id, ++looked) {
    if (*id == ids_.back()) continue;
    SegmentReader reader = TRY(SegmentReader::open(files_, segment_path(directory_, *id)));
    const WalkResult result =
        walk(reader, id->first_sequence, reader.size(), Depth::payloads, collect_marks());
    if (result.marks_intact) break;
  }
  return {};
}

void Recovery::note_damage(SegmentId id, const std::vector<BadRange>& bad) {
  if (bad.empty()) return;
  std::uint64_t records = 0;
  for (const BadRange& range : bad) records += range.records;
  out_.corrupt_blocks += bad.size();
  out_.corrupt_records += records;
  environment_.log.error("segment damaged, going on in a new one",
                         {{"path", segment_path(directory_, id)},
                          {"position", std::to_string(bad.front().begin)},
                          {"blocks", std::to_string(bad.size())},
                          {"records_lost", std::to_string(records)}});
}

// Of several with one first number the last that holds anything counts, as for cursors: one that
// was only just made does not replace the one it was to replace.
base::Result<void> Recovery::list_older() {
  std::vector<Segment> older;
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    const SegmentReader reader =
        TRY(SegmentReader::open(files_, segment_path(directory_, ids_[i])));
    if (i + 1 < ids_.size() && unborn(reader) && !reader.holds_block()) {
      out_.worthless.push_back(ids_[i]);
      continue;
    }
    if (!older.empty() && older.back().id.first_sequence == ids_[i].first_sequence) {
      out_.worthless.push_back(older.back().id);
      older.pop_back();
    }
    if (!older.empty()) TRY_VOID(note_previous(older.back(), ids_[i], reader));
    older.push_back({ids_[i], reader.size(), 0});
  }
  if (!older.empty()) {
    older.back() = out_.segments.back();
    out_.segments = std::move(older);
  }
  return {};
}

// What a segment's header says about the one before.
base::Result<void> Recovery::note_previous(Segment& before, SegmentId id,
                                           const SegmentReader& reader) {
  if (reader.header_state() != HeaderState::good) {
    before.last_arrival_us = environment_.clock.wall().time_since_epoch().count();
    return {};
  }
  const SegmentHeader& header = reader.header();
  before.last_arrival_us = header.created_us;
  // Begun behind a gap that was told when it was found; readers and verify() go on telling it.
  if (header.previous_first == kNoSegment) return {};
  if (header.previous_first != before.id.first_sequence) return note_gap(before.id, id);
  before.bytes = std::min(before.bytes, header.previous_end);
  return {};
}

base::Result<void> Recovery::note_gap(SegmentId before, SegmentId after) {
  SegmentReader reader = TRY(SegmentReader::open(files_, segment_path(directory_, before)));
  const base::SequenceNumber end =
      walk(reader, before.first_sequence, reader.size(), Depth::headers).end.sequence;
  if (end >= after.first_sequence) return {};
  out_.corrupt_records += after.first_sequence - end;
  environment_.log.error("segment missing",
                         {{"directory", directory_},
                          {"first_sequence", std::to_string(end)},
                          {"records_lost", std::to_string(after.first_sequence - end)}});
  return {};
}

// A segment that was removed, or an end that was damaged beyond recognition. Not what is in a bad
// range at the end: its header said how many records that were, and they are counted.
void Recovery::note_missing_end() {
  base::SequenceNumber reached = out_.end.sequence;
  for (const BadRange& range : last_.bad) {
    if (range.begin >= last_.end.position) reached += range.records;
  }
  reached = std::max(reached, floor_);
  floor_ = std::max(floor_, known_next_);
  if (reached >= known_next_) return;
  out_.records_missing = known_next_ - reached;
  if (was_removed_) return;
  out_.corrupt_records += out_.records_missing;
  environment_.log.error("last segment missing, going on after its numbers",
                         {{"directory", directory_},
                          {"first_sequence", std::to_string(reached)},
                          {"records_lost", std::to_string(out_.records_missing)}});
}

void Recovery::name_next() {
  if (out_.end.sequence < floor_) out_.end.sequence = floor_;
  out_.end.position = 0;
  out_.next = {out_.end.sequence, 0};
  for (const SegmentId& id : names_) {
    if (id.first_sequence == out_.next.first_sequence) {
      out_.next.generation = std::max(out_.next.generation, id.generation + 1);
    }
  }
}

}  // namespace

base::Result<Recovered> recover(const io::Environment& environment, const std::string& directory,
                                bool sync, base::SequenceNumber known_next, bool may_be_removed) {
  return Recovery(environment, directory, sync, known_next, may_be_removed).run();
}

}  // namespace store
