// MarkTable: until where one flow's origins are stored, as the shards said at the start, for files
// that are not found again yet and for generations that ended.
//
// Two checkpoints may have one origin: a copy went on as a generation that was truncated, and we
// were killed before the file itself was registered under its next origin. Either of them needs the
// marks, whichever is found first. So each origin has users: the keys of the checkpoints that speak
// of it. Its marks go with the last of them. Belongs to the control thread.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"

namespace agent {

class MarkTable {
 public:
  using Marks = std::vector<std::uint64_t>;  // for each outlet, everything below is durable

  // `user`: a checkpoint's key (sources::checkpoint_key). Of several marks the higher ones count.
  void add(base::Origin origin, const std::string& user, const Marks& marks);
  // For the file of that checkpoint, which has them from now on. Empty: there are none. Who is not
  // known as a user gets them, too, and takes nothing away.
  Marks take(base::Origin origin, const std::string& user);
  // That checkpoint is no more.
  void forget(base::Origin origin, const std::string& user);
  // Only to look at. nullptr: none.
  const Marks* find(base::Origin origin) const;

  std::vector<base::Origin> origins() const;

 private:
  struct Entry {
    Marks marks;
    std::set<std::string, std::less<>> users;
  };
  std::unordered_map<std::uint64_t, Entry> entries_;  // by origin
};

}  // namespace agent
