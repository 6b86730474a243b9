// Flows that come and go while others are followed, and what each of them is made of.
#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "sources/discovery_state.h"

namespace sources {
namespace {

// Without braces, cut into parts. A trailing ** means every file below.
std::vector<std::vector<std::string>> compile(const std::vector<std::string>& globs) {
  std::vector<std::vector<std::string>> compiled;
  for (const std::string& glob : globs) {
    for (const std::string& alternative : expand_braces(glob)) {
      std::vector<std::string> parts = split_path(alternative);
      if (parts.empty()) continue;
      if (parts.back() == "**") parts.emplace_back("*");
      compiled.push_back(std::move(parts));
    }
  }
  return compiled;
}

}  // namespace

bool FilesOptions::inflate() const {
  if (compressed != CompressedFiles::skip) return compressed == CompressedFiles::read;
  return std::ranges::any_of(compile(patterns), [](const std::vector<std::string>& parts) {
    return can_inflate(compressed_suffix(parts.back()));
  });
}

bool FilesOptions::may_match_copies() const {
  return std::ranges::any_of(compile(patterns), [](const std::vector<std::string>& parts) {
    return parts.back().find_first_of("*?[") != std::string::npos;
  });
}

namespace {

// Whose file was truncated while nobody looked needs them; those were written to until then.
void keep_newest_line_ends(std::vector<Checkpoint>& checkpoints) {
  constexpr std::size_t kMost = 1024;
  if (checkpoints.size() <= kMost) return;
  const auto alive = std::ranges::partition(checkpoints, &Checkpoint::gone);  // of those all
  if (alive.size() <= kMost) return;
  const auto old = alive.begin() + kMost;
  std::ranges::nth_element(alive.begin(), old, alive.end(), std::greater{}, &Checkpoint::seen_us);
  for (Checkpoint& each : std::ranges::subrange(old, alive.end())) each.line_ends = {};
}

}  // namespace

void Discovery::State::wire(std::size_t flow) {
  const FilesOptions& options = flows[flow].files;
  for (auto& parts : compile(options.patterns)) {
    FlowPattern pattern{flow, std::move(parts), options.compressed};
    const auto free =
        std::ranges::find_if(patterns, [](const FlowPattern& each) { return each.parts.empty(); });
    if (free == patterns.end()) {
      patterns.push_back(std::move(pattern));
    } else {
      *free = std::move(pattern);
    }
  }
  const std::size_t count = flows.size();
  excludes.resize(count);
  inflates.resize(count);
  matches_copies.resize(count);
  said_compressed.resize(count);
  muted.resize(count);
  excludes[flow] = compile(options.exclude);
  inflates[flow] = options.inflate();
  matches_copies[flow] = flows[flow].copies && options.may_match_copies();
  said_compressed[flow] = muted[flow] = false;
  set_intervals();
}

void Discovery::State::set_intervals() {
  std::optional<base::Duration> shortest;
  bool any_open = false;
  for (std::size_t flow = 0; flow < flows.size(); ++flow) {
    if (flows[flow].name.empty()) continue;
    const base::Duration its = flows[flow].files.reconcile_interval;
    shortest = std::min(shortest.value_or(its), its);
    any_open = any_open || finds_open(flow);
  }
  reconcile_interval = shortest.value_or(FilesOptions{}.reconcile_interval);
  if (!any_open) {
    next_open_scan = base::Instant::max();
  } else if (next_open_scan == base::Instant::max()) {
    next_open_scan = base::Instant{};
  }
}

void Discovery::State::know(std::vector<Checkpoint> checkpoints) {
  keep_newest_line_ends(checkpoints);
  for (Checkpoint& checkpoint : checkpoints) {
    const auto flow = std::ranges::find(flows, checkpoint.flow, &Flow::name);
    if (flow == flows.end()) continue;  // another configuration's: kept in the log, not ours
    const FlowFile file{static_cast<std::size_t>(flow - flows.begin()), checkpoint.identity};
    (void)births.reused(checkpoint.identity);
    if (checkpoint.gone) {
      gone_files.insert_or_assign(file, std::move(checkpoint));
    } else {
      remember(file, std::move(checkpoint));
    }
  }
}

void Discovery::State::forget_files(std::size_t flow) {
  std::vector<std::uint64_t> its;
  for (const auto& [number, file] : files) {
    if (file.flow == flow) its.push_back(number);
  }
  for (const std::uint64_t number : its) erase_file(number);
  const auto of_flow = [flow](const auto& entry) { return entry.first.flow == flow; };
  std::erase_if(known, of_flow);
  std::erase_if(missing, of_flow);
  std::erase_if(known_by_birth, of_flow);
  std::erase_if(outdated, of_flow);
  std::erase_if(former_keys, of_flow);
  std::erase_if(former_orders, of_flow);
  std::erase_if(former_unseen, of_flow);
  std::erase_if(gone_files, of_flow);
  for (auto& [path, by] : refused_at_first) {
    std::erase_if(by, [flow](const UnseenBy& each) { return each.flow == flow; });
  }
  std::erase_if(refused_at_first, [](const auto& each) { return each.second.empty(); });
  std::erase_if(doubted, of_flow);
  std::erase_if(lost, [flow](const Lost& each) { return each.file.flow == flow; });
}

// Names that no other flow wants are not known any more.
void Discovery::State::forget_names(std::size_t flow) {
  for (const auto& [path, directory] : directories) {
    std::erase_if(directory->states, [this, flow](const GlobState& state) {
      return patterns[state.pattern].flow == flow;
    });
    while (!directory->compressed.empty()) {  // perhaps another's, too: the next scan notes it anew
      forget_compressed(*directory, std::string(*directory->compressed.begin()));
    }
    std::vector<std::string> unwanted;
    for (auto& [name, entry] : directory->names) {
      std::erase_if(entry.numbers, [flow](const auto& each) { return each.first == flow; });
      if (flows_matching(*directory, name).empty()) unwanted.push_back(name);
    }
    for (const std::string& name : unwanted) name_gone(*directory, name);
  }
}

void Discovery::State::forget_flow(std::size_t flow) {
  forget_names(flow);
  forget_files(flow);
  for (FlowPattern& pattern : patterns) {
    if (pattern.flow == flow) pattern.parts.clear();
  }
  excludes[flow].clear();
  flows[flow] = {};
  set_intervals();
}

void Discovery::add(std::size_t number, Flow flow, std::vector<Checkpoint> known) {
  ASSERT(number <= state_->flows.size());
  if (number == state_->flows.size()) state_->flows.emplace_back();
  ASSERT(state_->flows[number].name.empty());
  state_->flows[number] = std::move(flow);
  state_->wire(number);
  state_->know(std::move(known));
  state_->added.insert(number);
}

void Discovery::search_added() {
  for (const auto& [path, directory] : state_->directories) {
    for (auto& [name, entry] : directory->names) entry.compare_anew = true;
  }
  state_->search_unmatched = state_->below_due = true;
  state_->searches_below = kSearchesBelow;
  state_->scan();
  state_->open_scan_process = 0;  // a pass that goes on did not look for their files
  state_->written_next.clear();
  state_->processes_hidden = 0;
  do {  // all of them: `start` says something else for files that come later
    state_->look_for_open_files();
  } while (state_->open_scan_process != 0);
  state_->added.clear();
}

// What its files hold they hold until the flow has left, which may take long: nobody waits for an
// answer of one that reads no more.
void Discovery::State::mute(std::size_t flow) {
  for (auto& [number, file] : files) {
    if (file.flow != flow || !file.holds) continue;
    holders.move(file.holder, Holders::Is::muted);
  }
  muted[flow] = true;
  untold = true;  // others are asked instead
}

void Discovery::mute(std::size_t flow) { state_->mute(flow); }

void Discovery::keep_all(bool on) { state_->keeps_all = on; }

void Discovery::remove(std::size_t flow) {
  state_->forget_flow(flow);
  state_->scan_soon(base::Duration::zero());  // directories nobody looks into any more
}

void Discovery::set_open_files_max(std::size_t open_files_max) {
  state_->open_files_max = state_->open_files_now = open_files_max;
  state_->untold = true;  // others may be opened, or have to yield
}

}  // namespace sources
