#include "sources/former_search.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/assert.h"
#include "sources/file_identity.h"

namespace sources {

namespace {

// A short log's bytes prove something if they are all that was stored of it, and its marks may say
// that more was. Of whom nothing was stored, to go on as that one is to begin.
bool proves_nothing(const Former& former) {
  const Checkpoint& known = former.checkpoint;
  if (known.tail_bytes == 0) return true;
  const std::uint64_t stored = former.marks.empty() ? 0 : std::ranges::max(former.marks);
  if (stored <= known.offset) return known.offset == 0;
  const std::uint64_t hashed_to = known.offset == 0 ? known.tail_bytes : known.offset;
  return stored > hashed_to && known.tail_bytes < FormerSearch::kProofBytes;
}

}  // namespace

FormerSearch::FormerSearch(std::vector<Former> formers, Reading reading)
    : formers_(std::move(formers)), reading_(reading) {
  ASSERT(reading_.bytes_max > kTailBytes);
  std::erase_if(formers_, [](const Former& each) { return proves_nothing(each); });
  for (std::size_t i = 0; i < formers_.size(); ++i) {
    const Checkpoint& checkpoint = formers_[i].checkpoint;
    const std::uint64_t begin =
        checkpoint.offset == 0 ? 0 : checkpoint.offset - checkpoint.tail_bytes;
    places_.push_back(
        {i, begin, checkpoint.tail_bytes, checkpoint.tail_hash, checkpoint.offset, false});
    for (const LineEnd& each : checkpoint.line_ends) {
      if (each.offset < (formers_[i].ended ? kProofBytes : kCoveredBytesMin)) continue;
      const std::size_t bytes = std::min<std::uint64_t>(each.offset, kTailBytes);
      places_.push_back({i, each.offset - bytes, bytes, each.hash, each.offset, true});
    }
  }
  std::ranges::stable_sort(places_, {}, [](const Place& each) { return each.begin; });
}

// One read answers for so many places.
std::size_t FormerSearch::answered_at_once() const {
  std::size_t end = at_ + 1;
  const std::uint64_t from = places_[at_].begin;
  while (end < places_.size() && places_[end].end() + 1 - from <= reading_.bytes_max) ++end;
  return end - at_;
}

std::optional<FormerSearch::Wanted> FormerSearch::next() const {
  if (at_ == places_.size()) {
    if (!earlier_) return std::nullopt;
    return Wanted{.from = places_[*earlier_].end(), .bytes = reading_.bytes_max};
  }
  const std::uint64_t from = places_[at_].begin;
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < answered_at_once(); ++i) {
    end = std::max(end, places_[at_ + i].end() + 1);
  }
  return Wanted{.from = from, .bytes = static_cast<std::size_t>(end - from)};
}

// Names decide between equals, then who knows more of it.
bool FormerSearch::better(std::size_t place, std::optional<std::size_t> than) const {
  if (!than) return true;
  const auto rank = [this](std::size_t each) {
    return std::tuple(formers_[places_[each].former].likely, places_[each].offset,
                      places_[each].bytes);
  };
  return rank(*than) < rank(place);
}

void FormerSearch::answer(std::string_view bytes) {
  if (at_ == places_.size()) return answer_rest(bytes);
  const std::uint64_t from = places_[at_].begin;
  const std::size_t end = at_ + answered_at_once();
  for (; at_ < end; ++at_) {
    const Place& place = places_[at_];
    const auto skipped = std::min<std::uint64_t>(place.begin - from, bytes.size());
    const std::string_view here = bytes.substr(skipped, place.bytes + 1);
    if (here.size() < place.bytes || tail_hash(here.substr(0, place.bytes)) != place.hash) continue;
    const bool all = place.begin == 0 &&
                     (place.earlier || here.size() == place.bytes || formers_[place.former].ended);
    if (place.bytes < kProofBytes && !all) continue;
    std::optional<std::size_t>& best = place.earlier ? earlier_ : best_;
    if (better(at_, best)) best = at_;
  }
  if (at_ < places_.size() || !earlier_ || !best_) return;
  // Two generations may be alike, line by line. Then it is a copy of the newer one; and if that is
  // the one it goes further than, what is behind is new.
  const Checkpoint& further = formers_[places_[*earlier_].former].checkpoint;
  const Checkpoint& other = formers_[places_[*best_].former].checkpoint;
  const bool one_generation =
      further.origin == other.origin && further.origin != base::Origin::none;
  const bool goes_on = one_generation ? places_[*earlier_].offset > places_[*best_].offset
                                      : further.seen_us > other.seen_us;
  if (!goes_on) earlier_.reset();
}

// `bytes`: what is behind the earlier place.
void FormerSearch::answer_rest(std::string_view bytes) {
  ASSERT(earlier_);
  const bool there_it_ends = bytes.size() < reading_.bytes_max;
  if (there_it_ends && reading_.delimiter.find(bytes) == std::string_view::npos) {
    best_ = earlier_;
    whole_bytes_ = places_[*earlier_].end() + bytes.size();
  }
  earlier_.reset();
}

Former* FormerSearch::found() {
  ASSERT(!next());
  return best_ ? &formers_[places_[*best_].former] : nullptr;
}

}  // namespace sources
