// Conservation: every record that was read is somewhere: skipped because it is stored already,
// delivered, dropped for a reason that is counted, a dead letter, or still on its way.
//
//   read = skipped + delivered + dropped + dead letters + in flight
//
// `unaccounted` is by how much that is not so; it must stay 0. While reactors run, the parts are
// read in the order in which a record could not have passed them yet (first who came home, last who
// was read), so a difference is a mistake of ours and never a matter of timing. When all is quiet
// the check is an equality.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "agent/reactor.h"

namespace agent {

struct Conservation {  // records of this run, all flows
  std::uint64_t read = 0;
  std::uint64_t skipped = 0;
  std::uint64_t delivered = 0;
  std::uint64_t dropped = 0;
  std::uint64_t dead_letters = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t unaccounted = 0;
};

// Any thread. `quiet`: nothing is under way.
Conservation conservation(std::span<const std::unique_ptr<Reactor>> reactors, bool quiet);

}  // namespace agent
