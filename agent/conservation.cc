#include "agent/conservation.h"

namespace agent {

namespace {

std::uint64_t excess(std::uint64_t part, std::uint64_t whole) {
  return part > whole ? part - whole : 0;
}

}  // namespace

Conservation conservation(std::span<const std::unique_ptr<Reactor>> reactors, bool quiet) {
  Conservation sums;
  std::uint64_t home = 0;
  std::uint64_t handed = 0;
  for (const auto& reactor : reactors) home += reactor->records_home();
  for (const auto& reactor : reactors) {
    const Reactor::RecordsOut out = reactor->records_out();
    sums.delivered += out.delivered;
    sums.dropped += out.dropped;
    sums.dead_letters += out.dead_letters;
  }
  for (const auto& reactor : reactors) {
    handed += reactor->records_handed();
    sums.skipped += reactor->records_skipped();
  }
  for (const auto& reactor : reactors) sums.read += reactor->records_read();
  const std::uint64_t out = sums.delivered + sums.dropped + sums.dead_letters;
  sums.in_flight = excess(handed, home);
  sums.unaccounted =
      excess(home, out) + excess(out, handed) + excess(handed + sums.skipped, sums.read);
  if (quiet) {
    sums.unaccounted +=
        excess(out, home) + excess(handed, out) + excess(sums.read, handed + sums.skipped);
  }
  return sums;
}

}  // namespace agent
