// What could not be looked at or opened: it is said once and tried again, for no event tells when
// it can be. A one-off error is as common as a lasting one.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sources/discovery_state.h"
#include "sources/paths.h"

namespace sources {

void Discovery::State::look_again(bool fresh) { scan_soon(retries.fail(fresh)); }

// `shut`: the directory whose search permission is missing, if that is the reason.
void Discovery::State::could_not_look(const std::string& path, const base::Error& error,
                                      std::string_view shut) {
  counters.scan_errors.add();
  uncertain.push_back(path);
  for (std::size_t flow = 0; flow < flows.size(); ++flow) {
    if (is_new(flow)) note_unseen(path, {flow});
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
// whether the look succeeds.
void Discovery::State::note_unseen(const std::string& path, const std::vector<std::size_t>& by) {
  const base::Timestamp now = environment.clock.wall();
  for (const std::size_t flow : by) {
    if (is_new(flow)) refused_at_first.try_emplace({path, flow}, now);
  }
}

// Was it there when its flow was new, and could not be looked at? Of what lies in a directory that
// could not be listed only a time of birth can tell.
bool Discovery::State::was_unseen(std::size_t flow, const std::string& path,
                                  const io::FileStatus& status) const {
  if (refused_at_first.empty()) return false;
  if (refused_at_first.contains({path, flow})) return true;
  if (status.birth_ns == 0) return false;
  for (std::string above = directory_in(path);; above = directory_in(above)) {
    const auto it = refused_at_first.find({above, flow});
    if (it != refused_at_first.end() &&
        std::chrono::nanoseconds(status.birth_ns) < it->second.time_since_epoch()) {
      return true;
    }
    if (above == "/" || above.empty()) return false;
  }
}

// All in it was looked at, or is noted by its own name.
void Discovery::State::forget_unseen(const std::string& directory) {
  if (refused_at_first.empty()) return;
  std::erase_if(refused_at_first, [&](const auto& each) { return each.first.first == directory; });
}

}  // namespace sources
