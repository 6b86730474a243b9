// on_rewrite: continue. A new file under the path of an older one waits until it is known whether
// that was replaced by it, and how far it was read (F21).
//
// It has its descriptor meanwhile: whoever is replaced in his turn is not lost. What it goes on
// behind is settled, because nobody can read the other one again after a restart.
#include <algorithm>
#include <limits>
#include <utility>

#include "sources/tail_set_state.h"

namespace sources {
namespace {

// Editors write the new file, or delete the old one, a moment after the name has changed hands.
constexpr base::Duration kRewriteWait = std::chrono::seconds(2);
// Somebody may write to the old one for ever. Whoever only waits for its target is waited for.
constexpr base::Duration kReplacedWaitMax = std::chrono::seconds(30);
constexpr base::Duration kLookPause = std::chrono::milliseconds(50);

bool is_rewritten(const Former& former) { return former.rewritten; }

}  // namespace

bool TailSet::State::may_be_rewritten(const FoundFile& found) const {
  if (parts.options.on_rewrite == OnRewrite::as_new || !is_fresh(found.checkpoint)) return false;
  return !found.after.empty() || std::ranges::any_of(found.formers, is_rewritten);
}

void TailSet::State::await_rewritten(const FoundFile& found) {
  const base::Instant now = parts.environment.clock.monotonic();
  Rewrite rewrite{.since = now, .settled_bytes = settled_bytes(found.after)};
  for (const Former& each : found.formers) {
    if (is_rewritten(each)) rewrite.bytes = std::min(rewrite.bytes, each.checkpoint.offset);
  }
  rewrites.emplace(found.number, rewrite);
  next_rewrite = now;
}

std::uint64_t TailSet::State::settled_bytes(const std::vector<std::uint64_t>& numbers) {
  std::uint64_t sum = 0;
  for (const std::uint64_t number : numbers) {
    if (const FileTail* const tail = find(number)) sum += tail->checkpoint().offset;
  }
  return sum;
}

// True: it is known whose rewritten form it may be, and it was told.
bool TailSet::State::knows_replaced(FileTail& tail, const std::vector<std::uint64_t>& after) {
  const auto found = rewrites.find(tail.number());
  if (found == rewrites.end()) return true;
  const Rewrite& rewrite = found->second;
  const base::Instant now = parts.environment.clock.monotonic();
  const bool early = !parts.options.once && now - rewrite.since < kRewriteWait;
  const bool endless =
      now - rewrite.since >= kReplacedWaitMax && settled_bytes(after) != rewrite.settled_bytes;
  std::uint64_t bytes = rewrite.bytes;
  std::vector<Former> formers = rewrite.formers;
  for (const std::uint64_t number : after) {
    const FileTail* const other = find(number);
    if (other == nullptr || turns.gone_on.contains(other->checkpoint().origin)) continue;
    switch (other->replaced_by(tail.checkpoint().path)) {
      case FileTail::Replaced::no:
        break;
      case FileTail::Replaced::perhaps:
        if (early) return false;
        break;
      case FileTail::Replaced::not_yet:
        if (!endless) return false;
        break;
      case FileTail::Replaced::yes:
        formers.push_back(other->as_former());
        bytes = std::min(bytes, formers.back().checkpoint.offset);
        break;
    }
  }
  const bool any = bytes != std::numeric_limits<std::uint64_t>::max();
  if (any && early && !tail.has_bytes(bytes)) return false;
  tail.may_be_rewritten(std::move(formers));
  rewrites.erase(found);
  return true;
}

// Its target took so long that it was let go first.
void TailSet::State::keep_replaced(const FileTail& closing) {
  for (auto& [number, rewrite] : rewrites) {
    const FileTail* const tail = find(number);
    const auto before = held.find(number);
    if (tail == nullptr || before == held.end()) continue;
    if (std::ranges::count(before->second, closing.number()) == 0) continue;
    if (turns.gone_on.contains(closing.checkpoint().origin)) continue;
    if (closing.replaced_by(tail->checkpoint().path) != FileTail::Replaced::yes) continue;
    rewrite.formers.push_back(closing.as_former());
    rewrite.bytes = std::min(rewrite.bytes, rewrite.formers.back().checkpoint.offset);
  }
}

void TailSet::State::look_at_rewrites(base::Instant now) {
  for (const auto& [number, by] : std::exchange(turns.rewritten, {})) {
    FileTail* const tail = find(number);
    const FileTail* const other = find(by);
    if (tail != nullptr && other != nullptr) tail->leave_to(*other);
  }
  if (rewrites.empty() || now < next_rewrite) return;
  next_rewrite = now + kLookPause;
  turns.end_reached = true;
}

}  // namespace sources
