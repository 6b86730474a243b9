// What could not be looked at or opened: it is said once and tried again, for no event tells when
// it can be. A one-off error is as common as a lasting one.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sources/discovery_state.h"
#include "sources/paths.h"

namespace sources {

void Discovery::State::look_again(bool fresh) {
  refused_anew = refused_anew || fresh;
  scan_soon(retries.fail(fresh, environment.clock.monotonic()));
}

// `shut`: the directory whose search permission is missing, if that is the reason.
void Discovery::State::could_not_look(const std::string& path, const base::Error& error,
                                      std::string_view shut) {
  counters.scan_errors.add();
  uncertain.push_back(path);
  for (std::size_t flow = 0; flow < flows.size(); ++flow) {
    if (!flows[flow].name.empty()) note_unseen(path, {flow});
  }
  const bool fresh = unsearchable.insert(path).second;
  look_again(fresh);
  if (!fresh) return;
  constexpr std::string_view kMessage = "directory cannot be searched";
  if (shut.empty()) {
    environment.log.warn(kMessage, {{"path", path}, {"error", error.message}});
  } else {
    environment.log.warn(
        kMessage, {{"path", path}, {"error", error.message}, {"needs_x", std::string(shut)}});
  }
}

void Discovery::State::cannot_open(const std::string& path, Name& entry, const base::Error& error,
                                   std::string_view shut) {
  const int code = error.system == 0 ? EIO : error.system;
  if (code != EACCES && code != EPERM) counters.scan_errors.add();
  const bool fresh = entry.error != code;
  look_again(fresh);
  constexpr std::string_view kMessage = "file cannot be opened";
  const char* const text = std::strerror(code);
  if (fresh && shut.empty()) {
    environment.log.warn(kMessage, {{"path", path}, {"error", text}});
  } else if (fresh) {
    environment.log.warn(kMessage,
                         {{"path", path}, {"error", text}, {"needs_x", std::string(shut)}});
  }
  set_error(entry, code);
}

// Where files begin that are there when a flow is looked at for the first time may not depend on
// whether the look succeeds. `path`: listed, or a directory.
void Discovery::State::note_unseen(const std::string& path, const std::vector<std::size_t>& by) {
  for (const std::size_t flow : by) {
    if (unseen_by(flow, path) != nullptr) continue;
    if (is_new(flow)) {
      refused_at_first[path].push_back(
          {.flow = flow, .when = environment.clock.wall(), .was_there = true});
    } else if (const UnseenBy* const above = unseen_above(flow, path)) {
      refused_at_first[path].push_back({.flow = flow, .when = above->when, .was_there = false});
    }
  }
}

const UnseenBy* Discovery::State::unseen_by(std::size_t flow, const std::string& path) const {
  const auto noted = refused_at_first.find(path);
  if (noted == refused_at_first.end()) return nullptr;
  const auto it = std::ranges::find(noted->second, flow, &UnseenBy::flow);
  return it == noted->second.end() ? nullptr : &*it;
}

// A directory it lies in.
const UnseenBy* Discovery::State::unseen_above(std::size_t flow, const std::string& path) const {
  if (refused_at_first.empty()) return nullptr;
  for (std::string above = directory_in(path);; above = directory_in(above)) {
    if (const UnseenBy* const noted = unseen_by(flow, above)) return noted;
    if (above == "/" || above.empty()) return nullptr;
  }
}

// Was it there when its flow was new, and could not be looked at? Of what lies in a directory that
// could not be listed only a time of birth can tell.
bool Discovery::State::was_unseen(std::size_t flow, const std::string& path,
                                  const io::FileStatus& status) const {
  const UnseenBy* const itself = unseen_by(flow, path);
  if (itself != nullptr && itself->was_there) return true;
  const UnseenBy* const noted = itself != nullptr ? itself : unseen_above(flow, path);
  return noted != nullptr && status.birth_ns != 0 &&
         std::chrono::nanoseconds(status.birth_ns) < noted->when.time_since_epoch();
}

// It was looked at, and what is in it too, or is noted by its own name; or it is gone.
void Discovery::State::forget_unseen(const std::string& path) { refused_at_first.erase(path); }

void Discovery::State::forget_unseen(const std::string& path, std::size_t flow) {
  const auto noted = refused_at_first.find(path);
  if (noted == refused_at_first.end()) return;
  std::erase_if(noted->second, [flow](const UnseenBy& by) { return by.flow == flow; });
  if (noted->second.empty()) refused_at_first.erase(noted);
}

}  // namespace sources
