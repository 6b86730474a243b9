#include "agent/conservation.h"

namespace agent {

namespace {

std::uint64_t excess(std::uint64_t part, std::uint64_t whole) {
  return part > whole ? part - whole : 0;
}

// `home` ⊆ `out` ⊆ `sent`; the same when all is quiet.
std::uint64_t astray(std::uint64_t home, std::uint64_t out, std::uint64_t sent, bool quiet) {
  const std::uint64_t more = excess(home, out) + excess(out, sent);
  return quiet ? more + excess(out, home) + excess(sent, out) : more;
}

}  // namespace

Conservation conservation(std::span<const std::unique_ptr<Reactor>> reactors, bool quiet) {
  Conservation sums;
  Amount home;
  for (const auto& reactor : reactors) home += reactor->home();
  for (const auto& reactor : reactors) {
    const Reactor::Out out = reactor->out();
    sums.delivered += out.delivered;
    sums.dropped += out.dropped;
    sums.dead_letters += out.dead_letters;
  }
  for (const auto& reactor : reactors) {
    sums.sent += reactor->handed();
    sums.records_skipped += reactor->records_skipped();
  }
  for (const auto& reactor : reactors) sums.records_read += reactor->records_read();
  Amount out = sums.delivered;
  out += sums.dropped;
  out += sums.dead_letters;
  const Amount& sent = sums.sent;
  sums.in_flight = {.records = excess(sent.records, home.records),
                    .bytes = excess(sent.bytes, home.bytes)};
  sums.unaccounted = {.records = astray(home.records, out.records, sent.records, quiet),
                      .bytes = astray(home.bytes, out.bytes, sent.bytes, quiet)};
  const std::uint64_t known = sent.records + sums.records_skipped;
  sums.unaccounted.records += excess(known, sums.records_read);
  if (quiet) sums.unaccounted.records += excess(sums.records_read, known);
  return sums;
}

}  // namespace agent
