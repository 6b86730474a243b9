#include "store/marks.h"

#include <algorithm>
#include <cstring>

#include "base/packed_record.h"
#include "store/block.h"

namespace store {

void Marks::renew_runs(std::string_view runs, base::Instant now) {
  base::RunHeader header;
  while (front_run(runs, header)) {
    if (header.origin != base::Origin::none) renew(header.origin, header.end_offset, now);
    runs.remove_prefix(base::kRunHeaderBytes + header.bytes);
  }
}

void Marks::renew_block(std::string_view payload, base::Instant now) {
  for (; payload.size() >= sizeof(Mark); payload.remove_prefix(sizeof(Mark))) {
    Mark mark;
    std::memcpy(&mark, payload.data(), sizeof mark);
    renew(base::Origin{mark.origin}, mark.end_offset, now);
  }
}

void Marks::renew(base::Origin origin, std::uint64_t end_offset, base::Instant now) {
  Entry& entry = marks_[base::value(origin)];
  entry.end_offset = std::max(entry.end_offset, end_offset);
  entry.renewed = now;
}

void Marks::keep(std::span<const base::Origin> origins, base::Instant instant) {
  for (const base::Origin origin : origins) {
    const auto found = marks_.find(base::value(origin));
    if (found == marks_.end()) continue;
    found->second.renewed = std::max(found->second.renewed, instant);
  }
}

void Marks::forget_before(base::Instant instant) {
  std::erase_if(marks_, [&](const auto& item) { return item.second.renewed < instant; });
}

void Marks::list(std::vector<Mark>& into) const {
  into.clear();
  for (const auto& [origin, entry] : marks_) into.push_back({origin, entry.end_offset});
  std::sort(into.begin(), into.end(),
            [](const Mark& a, const Mark& b) { return a.origin < b.origin; });
}

}  // namespace store
