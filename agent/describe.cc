#include "agent/describe.h"

#include <string>

#include "agent/reactor.h"

namespace agent {

namespace {

using Kind = base::Sample::Kind;

void add(base::Samples& samples, const char* name, const std::string& labels,
         const base::Counter& counter, Kind kind = Kind::counter) {
  samples.push_back({name, labels, counter.value(), kind});
}

}  // namespace

void describe(base::Samples& samples, const FlowPart& part) {
  const std::string flow = "flow=\"" + part.flow + "\"";
  const pipeline::ProgramCounters& program = part.intake->program_counters();
  add(samples, "records_read", flow, program.records);
  add(samples, "bytes_read", flow, program.bytes);
  add(samples, "lines_skipped", flow + ",reason=\"empty\"", program.lines_skipped_empty);
  add(samples, "lines_split", flow, program.lines_split);
  add(samples, "lines_truncated", flow, program.lines_truncated);
  add(samples, "lines_rejected", flow, program.lines_rejected);
  add(samples, "lines_grouped", flow, program.lines_grouped);
  add(samples, "groups_cut", flow, program.groups_cut);
  add(samples, "bytes_dropped", flow + ",reason=\"truncated\"", program.bytes_truncated);
  add(samples, "keys_missing", flow, program.keys_missing);
  add(samples, "records_skipped", flow, part.intake->counters().records_skipped);
  add(samples, "records_sent", flow, part.intake->counters().records_in_flight_total);
  add(samples, "bytes_sent", flow, part.intake->counters().bytes_in_flight_total);
  const sources::FileTailCounters& tails = part.tails->counters();
  add(samples, "files_open", flow, tails.files_open, Kind::gauge);
  add(samples, "files_opened", flow, tails.files_opened);
  add(samples, "files_closed", flow, tails.files_closed);
  add(samples, "files_closed_idle", flow, tails.files_closed_idle);
  add(samples, "files_given_up", flow, tails.files_given_up);
  add(samples, "files_stalled", flow, tails.files_stalled, Kind::gauge);
  add(samples, "files_restarted", flow, tails.files_restarted);
  add(samples, "files_rotated", flow, tails.files_rotated);
  add(samples, "files_truncated", flow, tails.files_truncated);
  add(samples, "files_deleted", flow, tails.files_deleted);
  add(samples, "read_errors", flow, tails.read_errors);
  add(samples, "compressed_errors", flow, tails.compressed_errors);
  add(samples, "files_continued_compressed", flow, tails.files_continued_compressed);
  add(samples, "files_continued_copied", flow, tails.files_continued_copied);
  add(samples, "files_continued_rewritten", flow, tails.files_continued_rewritten);
  add(samples, "bytes_dropped", flow + ",reason=\"lost_unread\"", tails.bytes_lost_unread);
  add(samples, "bytes_dropped", flow + ",reason=\"read_error\"", tails.bytes_unreadable);
  add(samples, "unreadable_skipped", flow, tails.unreadable_skipped);
  add(samples, "nul_bytes_skipped", flow, tails.nul_bytes_skipped);
  add(samples, "bom_bytes_skipped", flow, tails.bom_bytes_skipped);
  add(samples, "lines_skipped", flow + ",reason=\"header\"", tails.header_lines_skipped);
  add(samples, "footers", flow, tails.footers);
  add(samples, "footer_bytes_skipped", flow, tails.footer_bytes_skipped);
  add(samples, "files_binary", flow, tails.files_binary);
  add(samples, "utf16_replaced", flow, tails.utf16_replaced);
  if (!part.pipe) return;
  const sources::PipeCounters& pipe = part.pipe->counters();
  add(samples, "read_errors", flow, pipe.read_errors);
  add(samples, "bom_bytes_skipped", flow, pipe.bom_bytes_skipped);
  add(samples, "pipe_ends", flow, pipe.ends);
}

void describe(base::Samples& samples, const Outlet& outlet) {
  const std::string flow = "flow=\"" + outlet.flow + "\"";
  const sinks::DeliveryCounters& counters = outlet.delivery->counters();
  if (outlet.kind == Outlet::Kind::discarding) {
    add(samples, "records_dropped", flow + ",reason=\"too_long\"", counters.records_delivered);
    add(samples, "bytes_dropped", flow + ",reason=\"too_long\"", counters.bytes_delivered);
    return;
  }
  const bool dead = outlet.kind == Outlet::Kind::dead_letters;
  add(samples, dead ? "records_dead_letter" : "records_delivered", flow,
      counters.records_delivered);
  add(samples, dead ? "bytes_dead_letter" : "bytes_delivered", flow, counters.bytes_delivered);
  add(samples, "groups_delivered", flow, counters.groups_delivered);
  add(samples, "groups_retried", flow, counters.groups_retried);
  add(samples, "records_retried", flow, counters.records_retried);
  add(samples, "bytes_retried", flow, counters.bytes_retried);
  add(samples, "records_dropped", flow + ",reason=\"rejected\"", counters.records_rejected);
  add(samples, "bytes_dropped", flow + ",reason=\"rejected\"", counters.bytes_rejected);
}

void describe(base::Samples& samples, const store::Shard& shard) {
  const std::string stream = "stream=\"" + shard.name().stream + "\"";
  const store::ShardCounters& counters = shard.counters();
  add(samples, "store_records_appended", stream, counters.records_appended);
  add(samples, "store_bytes_appended", stream, counters.bytes_appended);
  add(samples, "store_bytes_written", stream, counters.bytes_written);
  add(samples, "store_blocks", stream, counters.blocks);
  add(samples, "store_syncs", stream, counters.syncs);
  add(samples, "store_segments_created", stream, counters.segments_created);
  add(samples, "store_segments_retired", stream, counters.segments_retired);
  add(samples, "store_write_errors", stream, counters.write_errors);
  add(samples, "store_sync_errors", stream, counters.sync_errors);
  add(samples, "store_torn_bytes", stream, counters.torn_bytes);
  add(samples, "store_corrupt_blocks", stream, counters.corrupt_blocks);
  add(samples, "store_corrupt_records", stream, counters.corrupt_records);
  add(samples, "store_segments_set_aside", stream, counters.segments_set_aside);
}

void describe(base::Samples& samples, const CheckpointLogCounters& counters) {
  add(samples, "state_commits", {}, counters.commits);
  add(samples, "state_commits_failed", {}, counters.commits_failed);
  samples.push_back({"state_commit_seconds", "", counters.micros.value(), Kind::counter, true});
  samples.push_back(
      {"state_commit_seconds_max", "", counters.micros_max.value(), Kind::peak, true});
}

void describe(base::Samples& samples, const sources::DiscoveryCounters& counters) {
  const auto plain = [&samples](const char* name, const base::Counter& counter) {
    add(samples, name, {}, counter);
  };
  const auto gauge = [&samples](const char* name, const base::Counter& counter) {
    add(samples, name, {}, counter, Kind::gauge);
  };
  plain("files_found", counters.files_found);
  gauge("files_unreadable", counters.files_unreadable);
  gauge("files_not_regular", counters.files_not_regular);
  gauge("files_waiting_for_descriptor", counters.files_waiting_for_descriptor);
  gauge("files_ignored_old", counters.files_ignored_old);
  plain("files_passed_over_copied", counters.files_passed_over_copied);
  plain("gone_forgotten", counters.gone_forgotten);
  plain("files_removed", counters.files_removed);
  plain("bytes_removed", counters.bytes_removed);
  plain("remove_errors", counters.remove_errors);
  plain("files_given_back", counters.files_given_back);
  gauge("files_skipped_compressed", counters.files_skipped_compressed);
  plain("files_vanished", counters.files_vanished);
  plain("files_reused", counters.files_reused);
  plain("files_lost_unread", counters.files_lost_unread);
  add(samples, "bytes_dropped", "reason=\"lost_without_descriptor\"", counters.bytes_lost_unread);
  plain("open_file_scans", counters.open_file_scans);
  gauge("processes_hidden", counters.processes_hidden);
  plain("scans", counters.scans);
  plain("scan_errors", counters.scan_errors);
  gauge("watches", counters.watches);
  plain("watch_events", counters.watch_events);
  plain("watch_overflows", counters.watch_overflows);
  plain("watch_errors", counters.watch_errors);
  plain("files_skipped", counters.files_skipped);
  add(samples, "bytes_dropped", "reason=\"state_lost\"", counters.bytes_skipped);
}

}  // namespace agent
