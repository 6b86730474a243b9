// on_rewrite: continue. Files that were written anew while the ones they replaced had no
// descriptor, or while we were stopped (F21). Of those that are followed their reactor knows more:
// tail_set_rewrites.cc.
#include <algorithm>

#include "sources/discovery_state.h"
#include "sources/paths.h"

namespace sources {
namespace {

// Each rewriting of a path leaves a note for a while; only the last ones are asked about.
constexpr std::size_t kReplacedMax = 8;
// A directory that may never be listed shall not hold a file back for long.
constexpr base::Duration kSearchWait = std::chrono::seconds(2);

}  // namespace

// Notes of the files that had its path before, the newest first.
std::vector<FlowFile> Discovery::State::replaced_by(const File& file) const {
  std::vector<std::pair<std::int64_t, FlowFile>> notes;
  for (const auto& [other, checkpoint] : known) {
    const bool known_bytes =
        checkpoint.offset > 0 &&
        checkpoint.tail_bytes == std::min<std::uint64_t>(checkpoint.offset, kTailBytes);
    if (other.flow == file.flow && checkpoint.path == path_of(file) && known_bytes &&
        checkpoint.compressed_bytes == 0 && !checkpoint.transcoded) {
      notes.emplace_back(checkpoint.seen_us, other);
    }
  }
  std::ranges::sort(notes, std::greater<>{}, &std::pair<std::int64_t, FlowFile>::first);
  if (notes.size() > kReplacedMax) notes.resize(kReplacedMax);
  std::vector<FlowFile> replaced;
  for (const auto& [unused, other] : notes) replaced.push_back(other);
  return replaced;
}

// Where rotation takes a log of this path: its directory, or one below.
bool Discovery::State::search_near(const std::string& path, const Wanted& wanted) {
  const std::string place = directory_in(path);
  Searched searched;
  const bool all = search(wanted, {place}, searched);
  return search_below(wanted, {place}, searched) && all;
}

// Only those that are nowhere else: one that was rotated is no former version of what has its name
// now. What editors keep of one is. False: not every place could be looked at, and that may pass.
bool Discovery::State::add_replaced(const File& file, std::vector<Former>& formers) {
  if (flows[file.flow].on_rewrite == OnRewrite::as_new || file.detached ||
      !is_fresh(file.resting->rest.checkpoint)) {
    return true;
  }
  const std::vector<FlowFile> replaced = replaced_by(file);
  if (replaced.empty()) return true;
  const std::string path = path_of(file);
  Wanted wanted;
  for (const FlowFile& each : replaced) wanted[each.identity.inode].push_back(each);
  auto seen_before = std::exchange(seen, {});
  const bool all = search_near(path, wanted);
  const auto seen_now = std::exchange(seen, std::move(seen_before));
  const auto kept = environment.files.status(path + "~", false);
  const bool unsure = !all || (!kept && !not_there(kept.error()));
  const bool late = coarse_now() - file.resting->found_at >= kSearchWait;
  if (unsure && !late) return false;
  for (const FlowFile& each : replaced) {
    const auto it = known.find(each);
    if (it == known.end()) continue;  // it was found, and is to be read on
    const bool is_kept = kept && identity_of(*kept) == each.identity;
    if (!is_kept && (!all || seen_now.contains(each))) continue;
    Former former{.checkpoint = it->second,
                  .marks = {},
                  .likely = true,
                  .ended = true,
                  .rewritten = true,
                  .kept = is_kept};
    former.checkpoint.line_ends.clear();  // a shorter one is another file
    formers.push_back(std::move(former));
  }
  return true;
}

}  // namespace sources
