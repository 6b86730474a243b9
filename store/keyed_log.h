// KeyedLog: the latest value per key, kept as a shard: append to change; at each roll the new
// segment starts with a snapshot and the older ones are removed. That is all of compaction.
// Checkpoints, the catalogue and later leases are instances.
//
// Small: all keys and values are in memory. Opened blocking; after attach() it belongs to one
// reactor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/environment.h"
#include "store/shard.h"

namespace store {

struct KeyedLogChange {
  std::string_view key;
  std::string_view value;
  bool erase = false;
};

class KeyedLog {
 public:
  // Damage loses the damaged entries, never the start: damaged() counts them.
  static base::Result<std::unique_ptr<KeyedLog>> open(const io::Environment& environment,
                                                      const std::string& directory, ShardName name);
  // What a reader in another process sees: the entries as of now. Never writes. Result: records
  // known to be lost, as damaged().
  static base::Result<std::uint64_t> read(
      io::Files& files, const std::string& directory,
      const std::function<void(std::string_view key, std::string_view value)>& visit);
  ~KeyedLog();
  KeyedLog(const KeyedLog&) = delete;
  KeyedLog& operator=(const KeyedLog&) = delete;

  void attach(const io::Environment& environment);

  // One write in flight, a member of whoever waits for it.
  struct Write {
    void* owner = nullptr;
    void (*done)(void* owner, Write& write, int error) = nullptr;  // error: 0 or a positive errno
    // Input: done only when it survives a power cut. Without, it survives our own death, unless the
    // device fails: a failed sync may take with it what was only written since the last good one.
    // The write that it fails is answered so, and the next writes everything again; who dies before
    // that has lost it.
    bool synced = false;
    Write* next = nullptr;
    void* state = nullptr;  // the log's own
  };
  // Applies the changes to memory at once and writes them. The changes are copied: they need not
  // outlive the call. Writes are written in order. On error memory keeps the change; write it
  // again.
  void write(Write& write, std::span<const KeyedLogChange> changes);
  // Done when everything written so far survives a power cut. `write.synced` is set by the call.
  void make_durable(Write& write);
  bool idle() const;
  base::Instant next_deadline() const;
  void tick(base::Instant now);
  // Old segments to remove, as Shard::retire. A snapshot was written since the last call: there
  // are.
  std::vector<std::string> retire();
  bool may_retire() const;

  // nullptr if there is none. Valid until the next write.
  const std::string* find(std::string_view key) const;
  void visit(const std::function<void(std::string_view key, std::string_view value)>& visit) const;
  std::size_t size() const;
  std::uint64_t damaged() const;  // records known to be lost on opening

 private:
  struct State;
  explicit KeyedLog(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace store
