#include "agent/report.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "agent/standard_error.h"

namespace agent {

namespace {

double seconds(base::Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string rate(std::uint64_t now, std::uint64_t before, double over) {
  return fmt::format("{:.0f}", over > 0 ? static_cast<double>(now - before) / over : 0.0);
}

}  // namespace

Report::Report(const Agent& agent, io::Clock& clock, base::Log& log, bool progress)
    : agent_(agent),
      clock_(clock),
      log_(log),
      progress_(progress),
      started_(clock.monotonic()),
      last_(started_) {}

Report::Totals Report::totals() const {
  Totals sums;
  for (const base::Sample& sample : agent_.samples()) {
    if (sample.name == "records_read") sums.records += sample.value;
    if (sample.name == "bytes_read") sums.bytes += sample.value;
    if (sample.name == "records_delivered") sums.delivered += sample.value;
    if (sample.name == "records_dropped") sums.dropped += sample.value;
    if (sample.name == "files_open") sums.files_open += sample.value;
    if (sample.name == "files_waiting_for_descriptor") sums.files_waiting += sample.value;
  }
  for (const auto& reactor : agent_.reactors()) sums.lag_bytes += reactor->lag_bytes();
  return sums;
}

void Report::line() {
  const base::Instant now = clock_.monotonic();
  const Totals sums = totals();
  const double over = seconds(now - last_);
  const std::string lines = rate(sums.records, before_.records, over);
  const std::string bytes = rate(sums.bytes, before_.bytes, over);
  if (progress_) {
    print_error("\r\x1b[K{} records, {} lines/s, {:.1f} MB/s, {} bytes behind", sums.records, lines,
                static_cast<double>(sums.bytes - before_.bytes) / 1e6 / (over > 0 ? over : 1),
                sums.lag_bytes);
    std::fflush(stderr);
  } else {
    log_.info("progress", {{"records_read", std::to_string(sums.records)},
                           {"records_delivered", std::to_string(sums.delivered)},
                           {"lines_per_second", lines},
                           {"bytes_per_second", bytes},
                           {"lag_bytes", std::to_string(sums.lag_bytes)},
                           {"files_open", std::to_string(sums.files_open)},
                           {"files_waiting_for_descriptor", std::to_string(sums.files_waiting)}});
  }
  last_ = now;
  before_ = sums;
  for (const auto& reactor : agent_.reactors()) reactor->request_lag();
}

void Report::counters(const AgentStatus& status) {
  std::size_t zero = 0;
  std::uint64_t unaccounted = 0;
  for (const base::Sample& sample : status.samples) {
    if (sample.name == "records_unaccounted") unaccounted = sample.value;
    if (sample.value == 0) {
      ++zero;
      continue;
    }
    log_.answer("counter", {{"name", sample.name},
                            {"labels", sample.labels.empty() ? "-" : sample.labels},
                            {"value", base::value_text(sample)}});
  }
  log_.answer("all other counters are 0", {{"counters", std::to_string(zero)},
                                           {"records_unaccounted", std::to_string(unaccounted)}});
}

void Report::finish(bool quiet) {
  if (progress_) print_error("\r\x1b[K");
  const Totals sums = totals();
  const Conservation records = agent_.conservation(quiet);
  if (records.unaccounted.records != 0 || records.unaccounted.bytes != 0) {
    log_.error("records are not accounted for, which is a defect of tailrace",
               {{"records", std::to_string(records.unaccounted.records)},
                {"bytes", std::to_string(records.unaccounted.bytes)}});
  }
  log_.info("stopped",
            {{"records_read", std::to_string(sums.records)},
             {"bytes_read", std::to_string(sums.bytes)},
             {"records_delivered", std::to_string(sums.delivered)},
             {"records_dropped", std::to_string(sums.dropped)},
             {"records_in_flight", std::to_string(records.in_flight.records)},
             {"seconds", fmt::format("{:.3f}", seconds(clock_.monotonic() - started_))}});
}

}  // namespace agent
