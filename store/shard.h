// Shard: an ordered log of records for one hash-key range, in segments on disk. This class is its
// one writer; readers (cursor.h) need no writer, no lock and no daemon.
//
// Opened on any thread with blocking Files; after attach() it belongs to one reactor and all it
// does goes through that reactor's Io.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash_key.h"
#include "base/ids.h"
#include "base/metrics.h"
#include "base/result.h"
#include "io/environment.h"
#include "store/options.h"

namespace store {

class PackingSeat;

struct ShardName {
  base::HashKey stream_id = 0;
  std::string stream;
  base::ShardNumber shard{};
};

struct ShardCounters {
  base::Counter records_appended, bytes_appended;  // bytes: of runs, before compression
  base::Counter bytes_written;                     // to segment files
  base::Counter blocks, syncs, segments_created, segments_retired;
  base::Counter write_errors, sync_errors;
  base::Counter torn_bytes;    // cut from the tail on opening: never promised to anybody
  base::Counter torn_records;  // in them, as far as their headers could still be read
  base::Counter corrupt_blocks, corrupt_records, segments_set_aside;
};

// One append in flight: a member of whoever waits for it.
struct Append {
  std::span<const std::string_view> runs;  // whole runs, headers included (base/packed_record.h)
  void* owner = nullptr;
  // Once, later, on the owner's thread, never from inside append(). `error`: 0, or a positive
  // errno: then nothing of these runs counts as stored.
  void (*done)(void* owner, Append& append, int error) = nullptr;
  bool synced =
      false;  // input: answer only when it survives a power cut, whatever options.sync says
  base::SequenceNumber first_sequence = 0;  // set before done(…, 0)
  Append* next = nullptr;                   // the shard's own list
};

class Shard {
 public:
  // Opens `directory` (…/<stream>/<shard>), creates it if missing, recovers after a crash. Never
  // refuses because of damage: damaged parts are set aside, counted and told in `environment.log`.
  // `known_next`: records below were delivered once, as somebody noted who had it from
  // next_sequence(); when they are gone it is told, and their numbers are not given again. 0:
  // nobody knows. `may_be_removed`: the whole directory, and then nothing is told. Blocking. Of
  // `environment` only `files` is kept (to close with); it outlives the shard.
  static base::Result<std::unique_ptr<Shard>> open(const io::Environment& environment,
                                                   const std::string& directory, ShardName name,
                                                   ShardOptions options,
                                                   base::SequenceNumber known_next = 0,
                                                   bool may_be_removed = false);
  // Closes files. Must not be called while an append is in flight.
  ~Shard();
  // Blocking, optional, at a clean stop while idle(): notes on disk that all is delivered. Damage
  // that happens later to the very last append can then be told from an append that was never
  // finished. tick() does the same once the shard has been quiet for a while.
  void note_settled();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // From now on `environment` is the owner's; it outlives the shard. With a seat large groups are
  // compressed over several turns, and by others who have time; the owner must then tick(). The
  // shard must outlive the last turn of whoever has another seat at the same board.
  void attach(const io::Environment& environment, PackingSeat* seat = nullptr);

  // Stores the runs after everything appended before; calls done when that is as safe as
  // options.sync promises. Appends that come while one is being written or synced are taken
  // together next (group commit). After an error every append not yet answered fails with it, in
  // order; the caller gives them again. A failed sync is never retried on the same file.
  void append(Append& append);
  bool idle() const;  // nothing in flight

  // When tick() wants to run although nothing completed (interval sync, segment age, retention by
  // age); Instant::max(): no need. Both belong to the owner's loop.
  base::Instant next_deadline() const;
  void tick(base::Instant now);
  // Retention. Returns paths of segments no longer part of the shard, for the caller to remove off
  // the reactor. Cheap when there is nothing to do.
  std::vector<std::string> retire(base::Timestamp now);
  // The same for everything that lies in segments wholly below `sequence` (keyed logs).
  std::vector<std::string> retire_below(base::SequenceNumber sequence);
  // The next append starts a new segment.
  void roll();

  // Marks: for each origin seen, everything of it below the number is durable in this shard.
  // Valid until the first append; copied by whoever resumes sources.
  std::vector<std::pair<base::Origin, std::uint64_t>> marks() const;
  // Marks not renewed since `instant` may be forgotten at the next segment: every parcel read
  // before it is settled and its checkpoint is durable.
  // `except`: files that were not read again as far as their marks since a restart.
  void forget_marks_before(base::Instant instant, std::span<const base::Origin> except);

  base::SequenceNumber first_sequence() const;  // oldest kept (trim horizon)
  base::SequenceNumber next_sequence() const;   // of the next record; durable ones are below it
  std::uint64_t stored_bytes() const;           // of all segments
  // No record arrived later; nothing: there is none. The owner's.
  std::optional<base::Timestamp> newest_arrival() const;
  const ShardName& name() const;
  const std::string& directory() const;
  const ShardOptions& options() const;
  const ShardCounters& counters() const;

 private:
  struct State;
  explicit Shard(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace store
