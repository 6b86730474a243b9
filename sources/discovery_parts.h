// What discovery keeps: parts of patterns, directories, the names in them, and the files behind the
// names. How they are used says discovery_state.h. The control thread's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "sources/discovery.h"
#include "sources/file_identity.h"
#include "sources/holders.h"
#include "sources/rest.h"

namespace sources {

// Part `part` of pattern `pattern` is what names in a directory are compared with.
struct GlobState {
  std::uint32_t pattern;
  std::uint32_t part;
  bool operator==(const GlobState&) const = default;
};
using GlobStates = std::vector<GlobState>;

struct FlowPattern {
  std::size_t flow;
  std::vector<std::string> parts;  // without braces; never ends with **. None: its flow is gone
  CompressedFiles compressed = CompressedFiles::skip;
};

// A flow that could not look at something while it was new.
struct UnseenBy {
  std::size_t flow;
  base::Timestamp when;
  bool was_there;  // else only a time of birth can tell
};

struct Name {
  std::uint64_t inode = 0;    // as the listing says: of a symlink, the link's
  std::uint64_t listing = 0;  // the last one that showed it
  std::vector<std::pair<std::size_t, std::uint64_t>> numbers;  // flow, file
  int error = 0;                                               // why it cannot be opened
  bool symlink = false;
  bool not_regular = false;
  bool ours = false;             // excluded: what the agent itself writes
  bool compare_anew = false;     // flows were added since it was compared with their patterns
  std::uint64_t size = 0;        // at the last poll
  std::int64_t modified_ns = 0;  // … 0: so recent that it may change and still be this
};

struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const {
    return std::hash<std::string_view>{}(name);
  }
};

struct Directory {
  std::string path;
  GlobStates states;
  int watch = -1;
  bool polled = false;  // looked at again and again: no watch tells of all its changes
  base::Instant poll_at = base::Instant::max();  // max: neither polled nor with symlinks
  base::Duration poll_interval{};
  std::uint64_t scan = 0;  // the last one that came here
  std::uint64_t listing = 0;
  std::unordered_map<std::string, Name, NameHash, std::equal_to<>> names;
  // Would match, but for their ends, which say that they are compressed.
  std::unordered_set<std::string, NameHash, std::equal_to<>> compressed;

  std::string path_of(std::string_view name) const;
};

struct FlowFile {  // what names one file of one flow
  std::size_t flow;
  FileIdentity identity;
  bool operator==(const FlowFile&) const = default;
};
struct FlowFileHash {
  std::size_t operator()(const FlowFile& file) const {
    return FileIdentityHash{}(file.identity) + file.flow * 0x9e3779b97f4a7c15;
  }
};

// A file no reactor has.
struct Resting {
  Rest rest;
  bool wanted = true;        // to be opened: never was, or looks different
  bool queued = false;       // in `waiting`, `later` or `postponed`
  bool postponed = false;    // for its original; see discovery_compressed.cc, discovery_copies.cc
  bool decided = false;      // whether it is a copy; or that no original is waited for
  CoarseInstant found_at{};  // {}: it was on a reactor since, or lost
};

// At a start every file found rests for a moment, each between what is kept of two for good: apart
// from that, they leave no holes.
class RestingPool {
 public:
  struct Return {
    RestingPool* pool = nullptr;
    void operator()(Resting* resting) const {
      std::pmr::polymorphic_allocator<Resting>(&pool->memory_).delete_object(resting);
      if (--pool->count_ == 0) pool->memory_.release();
    }
  };
  using Pointer = std::unique_ptr<Resting, Return>;

  Pointer make(Resting resting) {
    ++count_;
    std::pmr::polymorphic_allocator<Resting> allocator(&memory_);
    return Pointer(allocator.new_object<Resting>(std::move(resting)), Return{this});
  }

 private:
  std::pmr::unsynchronized_pool_resource memory_;
  std::size_t count_ = 0;
};

struct File {
  std::size_t flow = 0;
  FileIdentity identity;
  std::string home;  // the path it was first known by
  std::string path;  // the last one it was bound to; empty: home
  std::uint32_t names = 0;
  CoarseInstant nameless_since{};  // its last name went
  bool detached = false;
  bool ignored = false;        // for its age
  bool holds = false;          // a descriptor
  std::uint8_t failures = 0;   // rests because it could not be read, so many times
  bool caught_up = false;      // it was read to its end once
  bool unlinked = false;       // its last name was not moved away
  std::int64_t age_ns = 0;     // see Order
  std::uint64_t order = 0;     // by age among those of one home; 0: not announced
  std::uint64_t formerly = 0;  // see FoundFile
  std::string moved_to;        // where it went, when that is known
  // A second apart: whoever wants to end waits for no more.
  static constexpr std::uint8_t kFailuresGivenUp = 4;
  std::uint8_t failures_and_one() const {
    return static_cast<std::uint8_t>(std::min<int>(failures + 1, kFailuresGivenUp));
  }

  RestingPool::Pointer resting;  // nullptr: its reactor has it
  Holders::Place holder{};       // while it holds a descriptor
};

}  // namespace sources
