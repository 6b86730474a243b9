// TailTurns: what the tails of one TailSet share: whose turn it is to read, who wants to be woken
// and when, who is done. Plain lists; TailSet works them off once per tick.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "sources/checkpoint.h"
#include "sources/file_identity.h"
#include "sources/open_ages.h"
#include "sources/recent_bytes.h"
#include "sources/rest.h"

namespace sources {

class FileTail;

struct TailTurns {
  std::deque<FileTail*> ready;       // wait for a read, first come first served
  std::deque<FileTail*> to_inflate;  // as well, but too many inflate already
  // At most one per tail. Of two at one time the lower number is first, wherever they lie in
  // memory.
  std::set<std::tuple<base::Instant, std::uint64_t, FileTail*>> timers;
  std::vector<FileTail*> finished;      // to be closed
  std::vector<FileTail*> rested;        // no descriptor, all settled: to be told
  std::vector<std::uint64_t> released;  // numbers: no descriptor any more
  std::size_t tails = 0;                // all there are
  std::size_t held = 0;                 // files that wait for the end of older ones
  bool end_reached = false;             // somebody read to its end for the first time
  struct Ended {                        // a generation that was truncated away
    Checkpoint checkpoint;
    std::vector<std::uint64_t> marks;
  };
  std::vector<Ended> ended;        // to be told
  std::vector<Verified> verified;  // the same, after those
  // Numbers: where the first ends the second, written in its place, goes on.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rewritten;
  OpenAges ages;       // of all their parcels
  RecentBytes recent;  // only where copies may match
  // Origins whose marks were reached, and when: the marks are needed until that is noted.
  std::vector<std::pair<base::Origin, base::Instant>> caught_up;
  // Origins of files that were written anew, and are gone on with by what replaced them: of another
  // file that begins alike they are no former versions. Forgotten as those below.
  std::unordered_set<base::Origin> gone_on;
  void note_gone_on(base::Origin origin) {
    if (origin == base::Origin::none) return;
    if (gone_on.size() >= kGoneOnMax) gone_on.clear();
    gone_on.insert(origin);
  }
  // Files that are known to be no text: said once, also when they rest and are opened again. All
  // are forgotten when there are too many.
  static constexpr std::size_t kGoneOnMax = 1024;
  static constexpr std::size_t kBinaryMax = 1024;
  std::unordered_set<FileIdentity, FileIdentityHash> binary;
};

}  // namespace sources
