// CopyChecks: files that wait to hear whether they are copies, each with what is known so far.
//
// Thousands of logs may be copied within a second, so what is told of an original finds its copies
// without a look at the others. The control thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/ids.h"
#include "sources/file_identity.h"

namespace sources {

// What is known of a file that may be a copy, while it waits.
struct CopyCheck {
  std::uint64_t original = 0;                     // set by CopyChecks; 0: nobody was found yet
  FileIdentity identity;                          // its; names change
  base::Instant next{};                           // comparison
  std::uint64_t size = 0;                         // at the last one
  base::Instant since{};                          // it has this size
  base::Instant unknown_since{};                  // they cannot be compared; Instant{}: they can
  bool unreadable = false;                        // it cannot be opened now: nothing is decided
  bool differed = false;                          // at the last one
  std::uint64_t same_until = 0;                   // its bytes were the original's up to here …
  base::Origin same_origin = base::Origin::none;  // … under this origin, if that was told
  std::uint64_t first_question = 0;               // since it differs, or since it does not; 0: none
  bool verified = false;                          // answered; by this:
  base::Origin origin = base::Origin::none;
  std::uint64_t offset = 0;
  base::Instant exhausted_since{};  // and nothing more will come; Instant{}: it may

  void answer(base::Origin of, std::uint64_t settled, bool exhausted, base::Instant now);
};

class CopyChecks {
 public:
  CopyCheck* find(std::uint64_t copy) {
    const auto it = checks_.find(copy);
    return it == checks_.end() ? nullptr : &it->second;
  }
  // Made if there is none. Stays where it is until it is taken.
  CopyCheck& of(std::uint64_t copy) { return checks_[copy]; }
  // False: that was it before.
  bool set_original(std::uint64_t copy, std::uint64_t original) {
    CopyCheck& check = checks_[copy];
    if (check.original == original) return false;
    leave(copy, check.original);
    check.original = original;
    copies_[original].insert(copy);
    return true;
  }
  std::optional<CopyCheck> take(std::uint64_t copy) {
    const auto left = checks_.extract(copy);
    if (!left) return std::nullopt;
    leave(copy, left.mapped().original);
    return left.mapped();
  }
  // Who waits to hear whether it is a copy of `original`.
  const std::set<std::uint64_t>& copies_of(std::uint64_t original) const {
    static const std::set<std::uint64_t> none;
    const auto it = copies_.find(original);
    return it == copies_.end() ? none : it->second;
  }
  std::size_t size() const { return checks_.size(); }

 private:
  void leave(std::uint64_t copy, std::uint64_t original) {
    const auto it = copies_.find(original);
    if (it == copies_.end()) return;
    it->second.erase(copy);
    if (it->second.empty()) copies_.erase(it);
  }

  std::unordered_map<std::uint64_t, CopyCheck> checks_;                // by copy
  std::unordered_map<std::uint64_t, std::set<std::uint64_t>> copies_;  // by original
};

}  // namespace sources
