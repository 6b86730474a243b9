// What discovery says of files when somebody asks: those no reactor has, and those nobody can open.
#include <algorithm>
#include <chrono>
#include <cstring>

#include "sources/discovery_state.h"

namespace sources {

namespace {

FileState state_of(std::uint64_t number, const File& file, base::Timestamp wall) {
  const Resting& resting = *file.resting;
  FileState state{.number = number,
                  .path = file.path.empty() ? file.home : file.path,
                  .state = "at rest",
                  .trouble = file.failures > 0,
                  .offset = resting.rest.checkpoint.offset};
  if (file.ignored) {
    state.state = "ignored, not written for so long";
    return state;
  }
  // Of a compressed file the offset is of what is in it, which says nothing about its end.
  const bool comparable = resting.rest.checkpoint.compressed_bytes == 0;
  if (resting.wanted && comparable && resting.rest.size > state.offset) {
    state.lag_bytes = resting.rest.size - state.offset;
    const base::Duration age = wall.time_since_epoch() -
                               base::Duration(std::chrono::nanoseconds(resting.rest.modified_ns));
    state.lag = std::max(age, base::Duration::zero());
  }
  if (file.failures > 0) {
    state.state = "could not be read, is tried again";
  } else if (resting.postponed) {
    state.state = "waits for the file it was made of";
  } else if (resting.wanted) {
    state.state = "waits for a descriptor";
  }
  return state;
}

}  // namespace

FilesSurvey Discovery::survey(std::size_t flow, bool all, std::size_t list_max) const {
  FilesSurvey survey;
  const base::Timestamp wall = state_->environment.clock.wall();
  for (const auto& [number, file] : state_->files) {
    if (file.flow != flow || !file.resting) continue;
    if (file.resting->wanted && file.failures == 0 && !file.resting->postponed) ++survey.waiting;
    if (!file.resting->wanted) ++survey.idle;
    survey.add(state_of(number, file, wall), all, list_max);
  }
  return survey;
}

FilesSurvey Discovery::unreadable(std::size_t list_max) const {
  FilesSurvey survey;
  for (const auto& [path, directory] : state_->directories) {
    for (const auto& [name, entry] : directory->names) {
      if (entry.error == 0) continue;
      survey.add({.path = directory->path_of(name),
                  .state = std::string("cannot be opened: ") + std::strerror(entry.error),
                  .trouble = true},
                 false, list_max);
    }
  }
  for (const std::string& path : state_->unsearchable) {
    survey.add({.path = path, .state = "directory cannot be searched", .trouble = true}, false,
               list_max);
  }
  return survey;
}

}  // namespace sources
