// Flows that come and go, as the control thread sees them.
#include <algorithm>
#include <utility>

#include "agent/control.h"
#include "agent/reload.h"
#include "base/assert.h"

namespace agent {

void Control::set_reload(std::unique_ptr<Reload> reload) { reload_ = std::move(reload); }

std::size_t Control::free_place() const {
  return static_cast<std::size_t>(std::ranges::find(flows_, std::string{}) - flows_.begin());
}

std::size_t Control::place_of(const std::string& flow) const {
  const auto it = std::ranges::find(flows_, flow);
  ASSERT(it != flows_.end());
  return static_cast<std::size_t>(it - flows_.begin());
}

void Control::add_flow(std::size_t place, sources::Discovery::Flow flow,
                       std::vector<sources::Checkpoint> known, MarkTable marks) {
  if (place == flows_.size()) {
    flows_.emplace_back();
    marks_.emplace_back();
    homes_.emplace_back();
  }
  ASSERT(flows_[place].empty());
  flows_[place] = flow.name;
  marks_[place] = std::move(marks);
  left_behind_.erase(flow.name);
  discovery_->add(place, std::move(flow), std::move(known));
}

void Control::remove_flow(std::size_t place, const std::vector<base::Origin>& marks_needed) {
  discovery_->remove(place);
  homes_[place].clear();
  std::vector<base::Origin> all = marks_[place].origins();
  all.insert(all.end(), marks_needed.begin(), marks_needed.end());
  if (!all.empty()) left_behind_[flows_[place]] = std::move(all);
  marks_[place] = {};
}

void Control::set_pace(const Options& options) {
  options_.shutdown_grace = options.shutdown_grace;
  options_.care = options.care;
  next_care_ = std::min(next_care_, environment_.clock.monotonic() + interval(options_.care));
}

}  // namespace agent
