// Files that are deleted when they were read (delete_after).
//
// All of what must be true of one is known here while it rests: it was read to its end, all of that
// is settled, and it did not change since. It is looked at once more through a descriptor and
// through its name, immediately before. What somebody writes in between is lost, as it is to anyone
// who deletes a file that is still written to: that is what the time is for.
#include <algorithm>

#include "sources/discovery_state.h"

namespace sources {
namespace {

// The control thread waits for each.
constexpr std::size_t kRemovedAtOnce = 256;

}  // namespace

// All of it was read, and nothing of that is under way. Not who was passed over or begun at its
// end.
bool Discovery::State::is_read(const File& file) {
  if (!file.resting || file.ignored || file.detached || file.failing || file.formerly != 0) {
    return false;
  }
  const Resting& resting = *file.resting;
  const Checkpoint& checkpoint = resting.rest.checkpoint;
  const bool waits = resting.wanted || resting.queued || resting.postponed;
  return !waits && !resting.rest.more && !resting.rest.failed && resting.rest.marks.empty() &&
         checkpoint.origin != base::Origin::none && !checkpoint.gone && !checkpoint.begun_later &&
         resting.rest.size > 0 && covers(checkpoint, resting.rest.size);
}

bool Discovery::State::may_be_removed(const File& file) const {
  const base::Duration after = flows[file.flow].files.delete_after;
  if (after == base::Duration::zero() || file.names != 1 || !is_read(file)) return false;
  if (coarse_now() - file.resting->rest.since <= after)
    return false;  // in whole seconds, so not before
  for (std::size_t flow = 0; flow < flows.size(); ++flow) {
    const auto other = number_of({flow, file.identity});
    if (other && !is_read(files.at(*other))) return false;
  }
  // A compressed form or a copy may wait for it.
  return std::ranges::none_of(postponed, [&](std::uint64_t number) {
    const auto it = files.find(number);
    return it != files.end() && it->second.flow == file.flow;
  });
}

void Discovery::State::remove_read() {
  const auto removes = [](const Flow& flow) {
    return flow.files.delete_after != base::Duration::zero();
  };
  if (starting || stopped || std::ranges::none_of(flows, removes)) return;
  std::vector<std::uint64_t> due;
  for (const auto& [number, file] : files) {
    if (due.size() < kRemovedAtOnce && may_be_removed(file)) due.push_back(number);
  }
  for (const std::uint64_t number : due) {
    if (files.contains(number)) remove(number);
  }
}

void Discovery::State::remove(std::uint64_t number) {
  File& file = files.at(number);
  const auto [directory, name] = name_of(number);
  if (directory == nullptr || directory->names.at(name).symlink) return;
  const std::string path = directory->path_of(name);
  const auto is_same = [&](const base::Result<io::FileStatus>& status) {
    const Rest& rest = file.resting->rest;
    return status && status->kind == io::FileKind::regular && status->links == 1 &&
           identity_of(*status) == file.identity && status->size == rest.size &&
           status->modified_ns == rest.modified_ns;
  };
  const auto opened = environment.files.open(path, io::Open::read);
  const io::UniqueHandle handle(environment.files, opened.value_or(io::kNoHandle));
  if (!opened || !is_same(environment.files.status(handle.get())) ||
      !is_same(environment.files.status(path, false))) {
    file.resting->rest.since = coarse_now();
    examine(*directory, std::string(name), 0, false, true);
    return;
  }
  const std::uint64_t bytes = file.resting->rest.size;
  if (const auto removed = environment.files.remove(path); !removed) {
    file.resting->rest.since = coarse_now();
    counters.remove_errors.add();
    environment.log.warn("file was read and cannot be deleted",
                         {{"path", path}, {"error", removed.error().message}});
    return;
  }
  counters.files_removed.add();
  counters.bytes_removed.add(bytes);
  environment.log.info("file was read, and is deleted",
                       {{"path", path}, {"bytes", std::to_string(bytes)}});
  file.unlinked = true;
  name_gone(*directory, std::string(name));
}

}  // namespace sources
