// NumberNotes: up to which sequence number each shard was delivered, kept in `_checkpoints` beside
// what the shards say themselves: a shard whose last segments were removed says nothing of them.
//
// A note is taken from Shard::next_sequence(), so it is never ahead of what was answered; it is
// written now and then and not synced, so it may be behind by what was stored since. At a clean
// stop it is exact.
//
// Belongs to the reactor that owns the shards.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "io/environment.h"
#include "io/files.h"
#include "store/shard.h"
#include "store/verify.h"

namespace agent {

// Key and value of an entry: \x03 <stream> / <shard>, the number in decimal.
struct NumberNote {
  std::string key;
  std::string value;
};
bool is_number_note(std::string_view key);
NumberNote note_of(const store::Shard& shard);

// All notes of a data directory, none if it has no state. Never writes. Blocking.
base::Result<store::KnownNumbers> read_known_numbers(io::Files& files, const std::string& data_dir);
// Of them, those whose shard's directory is not there.
store::KnownNumbers gone_shards(io::Files& files, const std::string& data_dir,
                                const store::KnownNumbers& known);
// Erases the notes of these shards, durably; refuses when the log is damaged: to open it would be
// to settle that as well. For who holds the directory's lock. Blocking.
base::Result<void> forget_numbers(const io::Environment& environment, const std::string& data_dir,
                                  const store::KnownNumbers& shards);
// Its whole directory may be removed while nobody runs, without anything being told of it.
bool may_be_removed(std::string_view stream);
// 0: not noted.
base::SequenceNumber known_number(const store::KnownNumbers& known, const std::string& stream,
                                  base::ShardNumber shard);

class NumberNotes {
 public:
  static constexpr base::Duration kInterval = std::chrono::seconds(1);

  // `send`: hands notes to the log's owner, who has them written and calls back by written().
  using Send = std::move_only_function<void(std::vector<NumberNote> notes)>;

  // The shard outlives us.
  void add(const store::Shard& shard) { shards_.push_back({&shard, 0}); }
  void start(Send send) { send_ = std::move(send); }
  // The agent stops: from now on notes are sent as soon as something changed. One that cannot be
  // written is given up.
  void flush_always() { flushing_ = true; }
  // Since flush_always(): something is not noted yet.
  bool pending() const { return flushing_ && send_ && (under_way_ || changed()); }

  void tick(base::Instant now);
  base::Instant next_deadline() const;  // Instant::max(): nothing changed
  void written(bool failed);

 private:
  struct Noted {
    const store::Shard* shard;
    base::SequenceNumber next;  // as last noted
  };
  bool changed() const;

  std::vector<Noted> shards_;
  Send send_;  // nullptr: not started
  bool flushing_ = false;
  bool under_way_ = false;
  base::Instant next_ = base::Instant::min();
};

}  // namespace agent
