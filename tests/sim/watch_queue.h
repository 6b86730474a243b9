// WatchQueue: one inotify descriptor: the directories it watches and the events nobody has read
// yet, as the bytes the kernel would give (man 7 inotify).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tests/sim/faults.h"

namespace sim {

struct Node;

class WatchQueue {
 public:
  static constexpr std::size_t kEventsMax = 16384;  // fs.inotify.max_queued_events

  explicit WatchQueue(Faults& faults) : faults_(faults) {}
  WatchQueue(const WatchQueue&) = delete;
  WatchQueue& operator=(const WatchQueue&) = delete;
  ~WatchQueue();

  // Watching a directory twice gives the same number.
  int add(const std::shared_ptr<Node>& directory, const FaultPlan& plan);
  void remove(int number);

  // Called by the disk. `mask`: IN_… bits.
  void event(int number, std::uint32_t mask, std::uint32_t cookie, std::string_view name);
  // The directory is gone: IN_DELETE_SELF and IN_IGNORED, and the watch is over.
  void directory_gone(int number);

  bool readable() const { return !events_.empty(); }
  // Whole events, as many as fit. -EINVAL: not even the first one does.
  std::int64_t read(std::span<char> into);

 private:
  struct Watch {
    std::shared_ptr<Node> directory;
    const FaultPlan* plan;
  };
  void push(int number, std::uint32_t mask, std::uint32_t cookie, std::string_view name);
  Faults& faults_;
  std::map<int, Watch> watches_;
  std::deque<std::string> events_;
  int next_number_ = 1;
};

}  // namespace sim
