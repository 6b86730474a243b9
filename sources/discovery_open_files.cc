// Finding files by who writes to them (F23a): of those that match, the ones a running process has
// open for writing, so that rotated ones are left alone whatever their names are. A file that was
// found once is followed like any other.
//
// The patterns are compared with the path the kernel has for a descriptor; what is behind it, with
// what is behind that path here.
#include <algorithm>

#include "sources/discovery_state.h"
#include "sources/paths.h"

namespace sources {

bool Discovery::State::finds_open(std::size_t flow) const {
  return flows[flow].files.discover == Discover::open;
}

// Is a file of this path worth a second look?
bool Discovery::State::may_find(std::string_view path) const {
  std::vector<std::string> parts;
  return std::ranges::any_of(patterns, [&](const FlowPattern& pattern) {
    if (pattern.parts.empty() || !finds_open(pattern.flow)) return false;
    // Most of what a machine has open is elsewhere.
    const std::string& first = pattern.parts.front();
    if (!has_wildcard(first) && path.substr(1, first.size()) != first) return false;
    if (parts.empty()) parts = split_path(path);
    return glob_match_parts(pattern.parts, parts);
  });
}

// Among those that match: does the flow want it?
bool Discovery::State::is_found(std::size_t flow, const io::FileStatus& status) {
  if (!finds_open(flow)) return true;
  const Node node{status.device, status.inode};
  if (written.contains(node) || written_next.contains(node)) return true;
  const FlowFile file{flow, identity_of(status)};
  if (by_identity.contains(file) || known.contains(file)) return true;
  // Under another device number it is known as well; so it is when nobody can tell now.
  const auto elsewhere = known_elsewhere(flow, file.identity);
  return !elsewhere || *elsewhere != known.end();
}

void Discovery::State::look_for_open_files() {
  if (next_open_scan == base::Instant::max()) return;
  const base::Instant begin = environment.clock.monotonic();
  const auto all = environment.files.written_files(
      [this](std::string_view path) { return may_find(path); }, open_scan_process);
  counters.open_file_scans.add();
  if (!all) {
    if (!std::exchange(warned_of_hidden, true)) {
      environment.log.warn("cannot see which files are open, so none is found by that",
                           {{"error", all.error().message}});
    }
    open_scan_process = 0;  // a new pass
    written_next.clear();
    processes_hidden = 0;
    next_open_scan = begin + kOpenFilesInterval;
    return;
  }
  processes_hidden += all->processes_hidden;
  for (const io::WrittenFile& file : all->files) found_open(file);
  open_scan_process = all->next_process;
  if (open_scan_process == 0) {
    tell_hidden(*all);
    written = std::exchange(written_next, {});
  }
  announce();
  const base::Instant end = environment.clock.monotonic();
  next_open_scan = end + std::max<base::Duration>(kOpenFilesInterval, 100 * (end - begin));
}

void Discovery::State::found_open(const io::WrittenFile& file) {
  const Node node{file.device, file.inode};
  const bool fresh = !written.contains(node);
  if (!written_next.insert(node).second || !fresh) return;
  const auto directory = directories.find(directory_in(file.path));
  if (directory == directories.end()) {
    scan_soon(base::Duration::zero());
    return;
  }
  examine(*directory->second, std::string(name_in(file.path)), 0, false, true);
}

void Discovery::State::tell_hidden(const io::WrittenFiles& all) {
  counters.processes_hidden.set(std::exchange(processes_hidden, 0));
  const bool hidden = counters.processes_hidden.value() > 0 || all.others_hidden;
  if (!hidden || std::exchange(warned_of_hidden, true)) return;
  environment.log.warn(
      "other users' processes do not show which files they have open, so these are not found; "
      "give the agent CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, and no ProtectProc=invisible",
      {{"processes_hidden", std::to_string(counters.processes_hidden.value())}});
}

}  // namespace sources
