#include "sources/registrations.h"

namespace sources {

bool Registrations::is_stale(const Checkpoint& checkpoint, base::ReactorId from, bool registers) {
  const bool generation = checkpoint.identity.device == 0;  // its number was drawn
  if (checkpoint.identity.birth_ns != 0 || generation) return false;
  const std::string key = checkpoint_key(checkpoint.flow, checkpoint.identity);
  if (registers) {
    note(key, {.from = from, .origin = checkpoint.origin, .number = ++last_});
    return false;
  }
  if (checkpoint.origin == base::Origin::none) return false;
  const auto found = entries_.find(key);
  return found != entries_.end() && found->second.from != from &&
         found->second.origin != checkpoint.origin;
}

bool Registrations::is_stale(const std::string& key, base::Origin origin) const {
  if (origin == base::Origin::none) return false;
  const auto found = entries_.find(key);
  return found != entries_.end() && found->second.origin != origin;
}

void Registrations::note(const std::string& key, const Entry& entry) {
  entries_.insert_or_assign(key, entry);
  order_.emplace_back(key, entry.number);
  while (order_.size() > kMost) {
    const auto oldest = entries_.find(order_.front().first);
    if (oldest != entries_.end() && oldest->second.number == order_.front().second) {
      entries_.erase(oldest);
    }
    order_.pop_front();
  }
}

}  // namespace sources
