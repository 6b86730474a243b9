#include "tests/sim/watch_queue.h"

#include <sys/inotify.h>

#include <cerrno>
#include <cstring>

#include "tests/sim/sim_disk.h"

namespace sim {

WatchQueue::~WatchQueue() {
  while (!watches_.empty()) remove(watches_.begin()->first);
}

int WatchQueue::add(const std::shared_ptr<Node>& directory, const FaultPlan& plan) {
  for (const auto& [number, watch] : watches_) {
    if (watch.directory == directory) return number;
  }
  const int number = next_number_++;
  watches_[number] = {directory, &plan};
  directory->watchers.push_back({this, number});
  return number;
}

void WatchQueue::remove(int number) {
  const auto found = watches_.find(number);
  if (found == watches_.end()) return;
  std::erase_if(found->second.directory->watchers, [&](const Node::Watcher& watcher) {
    return watcher.queue == this && watcher.number == number;
  });
  watches_.erase(found);
}

void WatchQueue::event(int number, std::uint32_t mask, std::uint32_t cookie,
                       std::string_view name) {
  const FaultPlan& plan = *watches_.at(number).plan;
  if (faults_.strike(plan.watch_loss)) return;
  if (faults_.strike(plan.watch_overflow) || events_.size() >= kEventsMax) {
    events_.clear();
    push(-1, IN_Q_OVERFLOW, 0, {});
    return;
  }
  push(number, mask, cookie, name);
}

void WatchQueue::directory_gone(int number) {
  push(number, IN_DELETE_SELF, 0, {});
  push(number, IN_IGNORED, 0, {});
  remove(number);
}

void WatchQueue::push(int number, std::uint32_t mask, std::uint32_t cookie, std::string_view name) {
  inotify_event header{};
  header.wd = number;
  header.mask = mask;
  header.cookie = cookie;
  if (!name.empty()) {  // the kernel pads names with zeros to whole headers
    header.len = static_cast<std::uint32_t>((name.size() / sizeof header + 1) * sizeof header);
  }
  std::string bytes(sizeof header + header.len, '\0');
  std::memcpy(bytes.data(), &header, sizeof header);
  name.copy(bytes.data() + sizeof header, name.size());
  if (!events_.empty() && events_.back() == bytes) return;  // the kernel tells equal ones once
  events_.push_back(std::move(bytes));
}

std::int64_t WatchQueue::read(std::span<char> into) {
  std::size_t count = 0;
  while (!events_.empty() && count + events_.front().size() <= into.size()) {
    std::memcpy(into.data() + count, events_.front().data(), events_.front().size());
    count += events_.front().size();
    events_.pop_front();
  }
  return count == 0 ? -EINVAL : static_cast<std::int64_t>(count);
}

}  // namespace sim
