#include "agent/mark_table.h"

#include <algorithm>
#include <utility>

namespace agent {

void MarkTable::add(base::Origin origin, const std::string& user, const Marks& marks) {
  Entry& entry = entries_[value(origin)];
  entry.users.insert(user);
  entry.marks.resize(std::max(entry.marks.size(), marks.size()));
  for (std::size_t i = 0; i < marks.size(); ++i) {
    entry.marks[i] = std::max(entry.marks[i], marks[i]);
  }
}

MarkTable::Marks MarkTable::take(base::Origin origin, const std::string& user) {
  const auto it = entries_.find(value(origin));
  if (it == entries_.end()) return {};
  Entry& entry = it->second;
  if (entry.users.erase(user) == 0 || !entry.users.empty()) return entry.marks;
  Marks marks = std::move(entry.marks);
  entries_.erase(it);
  return marks;
}

void MarkTable::forget(base::Origin origin, const std::string& user) { take(origin, user); }

const MarkTable::Marks* MarkTable::find(base::Origin origin) const {
  const auto it = entries_.find(value(origin));
  return it == entries_.end() ? nullptr : &it->second.marks;
}

std::vector<base::Origin> MarkTable::origins() const {
  std::vector<base::Origin> origins;
  origins.reserve(entries_.size());
  for (const auto& [origin, entry] : entries_) origins.push_back(base::Origin{origin});
  return origins;
}

}  // namespace agent
