// Registrations: which origins were registered last, where a file system tells no births.
//
// There an inode that is handed out again makes two files of one identity, and so of one key in
// `_checkpoints`. What the reactor of the former has still to say about it may come after what the
// reactor of the present one registered: it must not replace that. Files of one reactor come in
// order. Belongs to the log's owner; bounded, what is late is so by a second.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/ids.h"
#include "sources/checkpoint.h"

namespace sources {

class Registrations {
 public:
  static constexpr std::size_t kMost = 4096;

  // `from` puts `checkpoint`; `registers`: as the first of its origin. True: it is of a former
  // file. Without an origin nobody can tell.
  bool is_stale(const Checkpoint& checkpoint, base::ReactorId from, bool registers);
  // Somebody erases what is under `key`. A compressed form may take over what is known of its
  // former long after the former's inode was handed out again, on the same reactor, too.
  bool is_stale(const std::string& key, base::Origin origin) const;

 private:
  struct Entry {
    base::ReactorId from{};
    base::Origin origin = base::Origin::none;
    std::uint64_t number = 0;  // of its registration
  };
  void note(const std::string& key, const Entry& entry);

  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::pair<std::string, std::uint64_t>> order_;
  std::uint64_t last_ = 0;
};

}  // namespace sources
