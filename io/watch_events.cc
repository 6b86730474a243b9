// Decoding of struct inotify_event (man 7 inotify).
#include <sys/inotify.h>

#include <cstring>

#include "io/files.h"

namespace io {
namespace {

std::uint32_t what_happened(std::uint32_t mask) {
  std::uint32_t what = 0;
  if ((mask & IN_MODIFY) != 0) what |= kWatchModified;
  if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0) what |= kWatchCreated;
  if ((mask & (IN_DELETE | IN_MOVED_FROM)) != 0) what |= kWatchRemoved;
  if ((mask & IN_ATTRIB) != 0) what |= kWatchAttributes;
  if ((mask & IN_Q_OVERFLOW) != 0) what |= kWatchOverflow;
  if ((mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0) what |= kWatchGone;
  return what;
}

}  // namespace

std::vector<WatchEvent> parse_watch_events(std::string_view bytes) {
  std::vector<WatchEvent> events;
  while (bytes.size() >= sizeof(inotify_event)) {
    inotify_event raw{};  // copied: the bytes need not be aligned
    std::memcpy(&raw, bytes.data(), sizeof raw);
    bytes.remove_prefix(sizeof raw);
    if (raw.len > bytes.size())
      break;  // the kernel never cuts an event; a damaged one ends the list
    // Padded with zeros to the alignment of the next event.
    const std::string_view padded = bytes.substr(0, raw.len);
    events.push_back({.watch = raw.wd,
                      .what = what_happened(raw.mask),
                      .cookie = raw.cookie,
                      .is_directory = (raw.mask & IN_ISDIR) != 0,
                      .name = padded.substr(0, padded.find('\0'))});
    bytes.remove_prefix(raw.len);
  }
  return events;
}

}  // namespace io
