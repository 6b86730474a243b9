#include "sources/former_search.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/assert.h"
#include "sources/file_identity.h"

namespace sources {
namespace {

// Where the bytes begin that its hash is of.
std::uint64_t begins(const Checkpoint& checkpoint) {
  return checkpoint.offset == 0 ? 0 : checkpoint.offset - checkpoint.tail_bytes;
}

}  // namespace

FormerSearch::FormerSearch(std::vector<Former> formers) : formers_(std::move(formers)) {
  std::erase_if(formers_, [](const Former& each) { return each.checkpoint.tail_bytes == 0; });
  std::ranges::stable_sort(formers_, {},
                           [](const Former& each) { return begins(each.checkpoint); });
}

std::optional<FormerSearch::Wanted> FormerSearch::next() const {
  if (at_ == formers_.size()) return std::nullopt;
  const Checkpoint& checkpoint = formers_[at_].checkpoint;
  return Wanted{.from = begins(checkpoint), .bytes = std::size_t{checkpoint.tail_bytes} + 1};
}

void FormerSearch::answer(std::string_view bytes) {
  ASSERT(at_ < formers_.size());
  const Former& former = formers_[at_];
  const Checkpoint& checkpoint = former.checkpoint;
  const std::size_t known = checkpoint.tail_bytes;
  const bool there =
      bytes.size() >= known && tail_hash(bytes.substr(0, known)) == checkpoint.tail_hash;
  const bool all = begins(checkpoint) == 0 && (bytes.size() == known || former.ended);
  if (there && (known >= kProofBytes || all)) {
    // Names decide between equals, then who knows more of it.
    const auto rank = [](const Former& each) {
      return std::tuple(each.likely, each.checkpoint.offset, each.checkpoint.tail_bytes);
    };
    if (!best_ || rank(formers_[*best_]) < rank(former)) best_ = at_;
  }
  ++at_;
}

Former* FormerSearch::found() {
  ASSERT(at_ == formers_.size());
  return best_ ? &formers_[*best_] : nullptr;
}

}  // namespace sources
