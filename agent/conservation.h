// Conservation: every record that was read is somewhere: skipped because it is stored already,
// delivered, dropped for a reason that is counted, a dead letter, or still on its way.
//
//   read = skipped + delivered + dropped + dead letters + in flight
//
// The same holds for the bytes of the records that were sent on their way (read and not skipped).
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

struct Conservation {  // of this run, all flows
  std::uint64_t records_read = 0;
  std::uint64_t records_skipped = 0;
  Amount sent;  // to outlets
  Amount delivered;
  Amount dropped;
  Amount dead_letters;
  Amount in_flight;
  Amount unaccounted;
};

// Any thread. `quiet`: nothing is under way.
Conservation conservation(std::span<const std::unique_ptr<Reactor>> reactors, bool quiet);

}  // namespace agent
