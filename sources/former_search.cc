#include "sources/former_search.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/assert.h"
#include "sources/file_identity.h"

namespace sources {

FormerSearch::FormerSearch(std::vector<Former> formers, Reading reading)
    : formers_(std::move(formers)), reading_(reading), marks_(formers_.size()) {
  ASSERT(reading_.bytes_max > kTailBytes);
  for (std::size_t i = 0; i < formers_.size(); ++i) {
    add_offset(i);
    add_line_ends(i);
  }
  const bool nuls = !reading_.delimiter.has_nul();
  text_known_ = !nuls || std::ranges::count(places_, Kind::head, &Place::kind) == 0;
  sort_places();
}

void FormerSearch::sort_places() {
  std::ranges::stable_sort(places_, {}, [](const Place& each) { return each.begin; });
}

void FormerSearch::add_offset(std::size_t former) {
  const Checkpoint& known = formers_[former].checkpoint;
  const std::vector<std::uint64_t>& marks = formers_[former].marks;
  const std::uint64_t stored = marks.empty() ? 0 : std::ranges::max(marks);
  if (known.tail_bytes == 0 || known.tail_bytes >= reading_.bytes_max) return;
  if (known.offset == 0 && stored == 0) return;  // to go on as that one is to begin
  const bool head = known.offset == 0;
  const std::uint64_t begin = head ? 0 : known.offset - known.tail_bytes;
  places_.push_back({former, begin, known.tail_bytes, known.tail_hash, known.offset,
                     head ? Kind::head : Kind::offset});
  add_marks(former, begin + known.tail_bytes);
}

void FormerSearch::add_line_ends(std::size_t former) {
  for (const LineEnd& each : formers_[former].checkpoint.line_ends) {
    if (each.offset < (formers_[former].ended ? kProofBytes : kCoveredBytesMin)) continue;
    const std::size_t bytes = std::min<std::uint64_t>(each.offset, kTailBytes);
    places_.push_back({former, each.offset - bytes, bytes, each.hash, each.offset, Kind::earlier});
  }
}

void FormerSearch::add_marks(std::size_t former, std::uint64_t beyond) {
  const std::string_view delimiter = reading_.delimiter.bytes();
  if (formers_[former].rewritten) return;  // nothing is hidden by them
  for (const std::uint64_t mark : formers_[former].marks) {
    if (mark <= beyond) continue;
    marks_[former].beyond = true;
    if (mark < delimiter.size()) continue;
    places_.push_back({former, mark - delimiter.size(), delimiter.size(), tail_hash(delimiter),
                       mark, Kind::mark});
  }
}

// One read answers for so many places.
std::size_t FormerSearch::answered_at_once() const {
  std::size_t end = at_ + 1;
  const std::uint64_t from = places_[at_].begin;
  while (end < places_.size() && places_[end].end() + 1 - from <= reading_.bytes_max) ++end;
  return end - at_;
}

std::optional<FormerSearch::Wanted> FormerSearch::next() const {
  if (!text_known_) return Wanted{.from = text_, .bytes = reading_.bytes_max};
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
    const Former& former = formers_[places_[each].former];
    return std::tuple(former.likely, places_[each].offset, places_[each].bytes, former.number);
  };
  return rank(*than) < rank(place);
}

void FormerSearch::answer(std::string_view bytes) {
  if (!text_known_) return answer_text(bytes);
  if (at_ == places_.size()) return answer_rest(bytes);
  const std::uint64_t from = places_[at_].begin;
  const std::size_t end = at_ + answered_at_once();
  for (; at_ < end; ++at_) {
    const Place& place = places_[at_];
    const auto skipped = std::min<std::uint64_t>(place.begin - from, bytes.size());
    compare(at_, bytes.substr(skipped, place.bytes + 1));
  }
  if (at_ == places_.size()) choose();
}

void FormerSearch::pass_hole(std::uint64_t data) { text_ = std::max(text_, data); }

// `bytes`: what follows the NULs that are known.
void FormerSearch::answer_text(std::string_view bytes) {
  const std::size_t nuls = std::min(bytes.find_first_not_of('\0'), bytes.size());
  text_ += nuls;
  text_known_ = nuls < bytes.size() || bytes.size() < reading_.bytes_max;
  if (!text_known_) return;
  for (Place& each : places_) {
    if (each.kind == Kind::head) each.begin = text_;
  }
  sort_places();
}

// `here`: one byte more than the place has, if there is one.
void FormerSearch::compare(std::size_t place, std::string_view here) {
  const Place& asked = places_[place];
  if (here.size() < asked.bytes) return;
  const bool equal = head_hash(here.substr(0, asked.bytes)) == asked.hash;
  const bool there_it_ends = here.size() == asked.bytes;
  if (asked.kind == Kind::mark) {  // a last line may be stored without its end
    (equal || there_it_ends ? marks_[asked.former].met : marks_[asked.former].refuted) = true;
    return;
  }
  const bool all = (asked.begin == 0 || asked.kind == Kind::head) &&
                   (asked.kind == Kind::earlier || there_it_ends || formers_[asked.former].ended);
  if (equal && (asked.bytes >= kProofBytes || all)) alike_.push_back(place);
}

bool FormerSearch::stands(std::size_t place) const {
  const Place& alike = places_[place];
  const Marks& marks = marks_[alike.former];
  if (alike.kind == Kind::earlier || !marks.beyond) return true;
  // A log that was truncated may have grown after it was copied. One that is gone did so in vain, so
  // a shorter one is more likely to be another that only begins alike.
  const bool truncated = formers_[alike.former].checkpoint.identity.device == 0;
  return !marks.refuted && (marks.met || (truncated && alike.bytes >= kProofBytes));
}

void FormerSearch::choose() {
  for (const std::size_t place : alike_) {
    if (!stands(place)) continue;
    std::optional<std::size_t>& best = places_[place].kind == Kind::earlier ? earlier_ : best_;
    if (better(place, best)) best = place;
  }
  if (!earlier_ || !best_) return;
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

base::Duration FormerSearch::unchanged(const Look& look, base::Instant now) {
  if (look_ != look) unchanged_since_ = now;
  look_ = look;
  return now - unchanged_since_;
}

Former* FormerSearch::found() {
  ASSERT(!next());
  return best_ ? &formers_[places_[*best_].former] : nullptr;
}

}  // namespace sources
