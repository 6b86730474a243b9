#include "agent/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <utility>
#include <vector>

#include "agent/json_text.h"
#include "agent/record_printer.h"

namespace agent {

namespace {

constexpr std::string_view kWord = "status ";
constexpr std::array<std::pair<std::string_view, StatusFormat>, 3> kFormats{
    {{"text", StatusFormat::text},
     {"json", StatusFormat::json},
     {"metrics", StatusFormat::metrics}}};
constexpr std::size_t kRequestBytesMax = 64;

double seconds(base::Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string visible(std::string_view text) {
  std::string out;
  append_visible(out, text);
  return out;
}

// Of `name`, over all labels; `flow`: of this one only, unless it is empty.
std::uint64_t sum(const AgentStatus& status, std::string_view name, std::string_view flow = {}) {
  const std::string label = fmt::format("flow=\"{}\"", flow);
  std::uint64_t total = 0;
  for (const base::Sample& sample : status.samples) {
    if (sample.name != name) continue;
    const bool ours =
        flow.empty() || sample.labels == label || sample.labels.starts_with(label + ",");
    if (ours) total += sample.value;
  }
  return total;
}

// Counters that should be 0.
bool alarming(const base::Sample& sample) {
  static constexpr std::array<std::string_view, 17> kNames{
      "bytes_dropped",        "bytes_unaccounted",     "files_given_up",
      "files_lost_unread",    "files_stalled",         "outlets_failing",
      "reactors_silent",      "read_errors",           "records_dropped",
      "records_unaccounted",  "reload_last_refused",   "state_commits_failed",
      "store_corrupt_blocks", "store_corrupt_records", "store_segments_set_aside",
      "store_sync_errors",    "store_write_errors"};
  if (sample.value == 0) return false;
  return std::ranges::find(kNames, sample.name) != kNames.end();
}

void append_file(std::string& out, const std::string& flow, const sources::FileState& file) {
  fmt::format_to(std::back_inserter(out), "  {:12} {:>14} {:>14} {:>8.0f}  {}: {}\n", flow,
                 file.offset, file.lag_bytes, seconds(file.lag), visible(file.path),
                 visible(file.state));
  const auto also = [&out](std::string_view what) {
    fmt::format_to(std::back_inserter(out), "{:55}also {}\n", "", what);
  };
  for (std::size_t i = 1; i < file.names.size(); ++i) also(visible(file.names[i]));
  if (file.names_left_out > 0) also(fmt::format("{} more names", file.names_left_out));
}

void append_files(std::string& out, const AgentStatus& status, bool all) {
  std::string rows;
  std::uint64_t left_out = status.survey.unreadable.left_out;
  for (const FlowSurvey& flow : status.survey.flows) {
    for (const sources::FileState& file : flow.files.list) append_file(rows, flow.flow, file);
    left_out += flow.files.left_out;
  }
  for (const sources::FileState& file : status.survey.unreadable.list) append_file(rows, "-", file);
  if (rows.empty()) {
    out += all ? "no files\n" : "no file is in trouble\n";
    return;
  }
  out += all ? "files\n" : "files in trouble\n";
  out += fmt::format("  {:12} {:>14} {:>14} {:>8}  {}\n", "FLOW", "OFFSET", "LAG BYTES", "LAG S",
                     "PATH: STATE");
  out += rows;
  if (left_out > 0) out += fmt::format("  and {} more\n", left_out);
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

void append_reload(std::string& out, const ReloadStatus& reload) {
  if (reload.taken > 0 || reload.refused > 0) {
    out += fmt::format("configuration taken over {} times, refused {} times\n", reload.taken,
                       reload.refused);
  }
  if (reload.last_refused) {
    out += fmt::format("configuration not taken over: {}\n", visible(reload.last_refusal));
  }
  if (!reload.under_way) return;
  out += "configuration is being taken over";
  if (!reload.leaving.empty()) out += "; waits until all is delivered of " + joined(reload.leaving);
  out += "\n";
}

std::string as_text(const AgentStatus& status, bool all) {
  std::string out =
      fmt::format("running for {:.0f} s, {}, {} reactor{}\n", seconds(status.running_for),
                  status.backend, status.reactors, status.reactors == 1 ? "" : "s");
  if (status.reload) append_reload(out, *status.reload);
  for (const std::uint32_t reactor : status.survey.silent) {
    out += fmt::format("reactor {} does not answer: what is below lacks its part\n", reactor);
  }
  for (const FlowSurvey& flow : status.survey.flows) {
    const auto total = [&](std::string_view name) { return sum(status, name, flow.flow); };
    out += fmt::format("flow {}\n", flow.flow);
    out += fmt::format("  files      {} followed, {} open, {} idle, {} behind, {} waiting\n",
                       flow.files.files, total("files_open"), flow.files.idle, flow.files.behind,
                       flow.files.waiting);
    out += fmt::format("  lag        {} bytes, {:.1f} s\n", flow.files.lag_bytes,
                       seconds(flow.files.lag));
    out += fmt::format("  read       {} records, {} bytes; {} skipped, stored before\n",
                       total("records_read"), total("bytes_read"), total("records_skipped"));
    out += fmt::format("  delivered  {} records, {} dead letters, {} dropped\n",
                       total("records_delivered"), total("records_dead_letter"),
                       total("records_dropped"));
    out += fmt::format("  queued     {} records, {} bytes, the oldest for {:.1f} s{}\n",
                       flow.queue_records, flow.queue_bytes, seconds(flow.queue_oldest),
                       flow.outlets_failing > 0 ? "; the target takes nothing" : "");
    out += fmt::format("  unsettled  the oldest for {:.1f} s\n", seconds(flow.oldest_unsettled));
  }
  out += fmt::format("in flight {} records, unaccounted {}\n", sum(status, "records_in_flight"),
                     sum(status, "records_unaccounted"));
  append_files(out, status, all);
  for (const base::Sample& sample : status.samples) {
    if (!alarming(sample)) continue;
    out += fmt::format("worth a look: {}{} {}\n", sample.name,
                       sample.labels.empty() ? "" : "{" + sample.labels + "}",
                       base::value_text(sample));
  }
  return out;
}

void append_json_names(std::string& out, const sources::FileState& file) {
  const bool text = std::ranges::all_of(file.names, is_utf8);
  out += text ? "\"names\":[" : "\"names_base64\":[";
  for (const std::string& name : file.names) {
    if (!out.ends_with('[')) out += ',';
    if (text) {
      append_json_string(out, name);
    } else {
      out += '"';
      append_base64(out, name);
      out += '"';
    }
  }
  fmt::format_to(std::back_inserter(out), "],\"names_left_out\":{},", file.names_left_out);
}

void append_json_file(std::string& out, const std::string& flow, const sources::FileState& file) {
  out += out.ends_with('[') ? "\n {" : ",\n {";
  append_json_member(out, "flow", flow);
  out += ',';
  append_json_member(out, "path", file.path);
  out += ',';
  if (!file.names.empty()) append_json_names(out, file);
  append_json_member(out, "state", file.state);
  fmt::format_to(std::back_inserter(out),
                 ",\"trouble\":{},\"offset\":{},\"lag_bytes\":{},\"lag_seconds\":{:.3f}}}",
                 file.trouble, file.offset, file.lag_bytes, seconds(file.lag));
}

std::string json_flow(const AgentStatus& status, const FlowSurvey& flow) {
  std::string out = "\n {";
  append_json_member(out, "flow", flow.flow);
  const auto number = [&](std::string_view name, std::uint64_t value) {
    fmt::format_to(std::back_inserter(out), ",\"{}\":{}", name, value);
  };
  const auto age = [&](std::string_view name, base::Duration value) {
    fmt::format_to(std::back_inserter(out), ",\"{}\":{:.3f}", name, seconds(value));
  };
  number("files_followed", flow.files.files);
  number("files_open", sum(status, "files_open", flow.flow));
  number("files_idle", flow.files.idle);
  number("files_behind", flow.files.behind);
  number("files_waiting", flow.files.waiting);
  number("lag_bytes", flow.files.lag_bytes);
  age("lag_seconds", flow.files.lag);
  for (const std::string_view name :
       {"records_read", "bytes_read", "records_skipped", "records_delivered", "records_dead_letter",
        "records_dropped"}) {
    number(name, sum(status, name, flow.flow));
  }
  number("queue_records", flow.queue_records);
  number("queue_bytes", flow.queue_bytes);
  age("queue_oldest_seconds", flow.queue_oldest);
  age("oldest_unsettled_seconds", flow.oldest_unsettled);
  number("outlets_failing", flow.outlets_failing);
  return out + "}";
}

std::string json_reload(const ReloadStatus& reload) {
  std::string out =
      fmt::format("\"reload\":{{\"taken\":{},\"refused\":{},\"last_refused\":{},\"under_way\":{},",
                  reload.taken, reload.refused, reload.last_refused, reload.under_way);
  append_json_member(out, "last_refusal", reload.last_refusal);
  out += ',';
  append_json_member(out, "leaving", joined(reload.leaving));
  return out + "},";
}

std::string as_json(const AgentStatus& status) {
  std::string out = fmt::format(
      "{{\"running_seconds\":{:.3f},\"io\":\"{}\",\"reactors\":{},\"reactors_silent\":{},"
      "\"records_in_flight\":{},\"records_unaccounted\":{},{}\"flows\":[",
      seconds(status.running_for), status.backend, status.reactors, status.survey.silent.size(),
      sum(status, "records_in_flight"), sum(status, "records_unaccounted"),
      status.reload ? json_reload(*status.reload) : "");
  std::uint64_t left_out = status.survey.unreadable.left_out;
  for (std::size_t i = 0; i < status.survey.flows.size(); ++i) {
    if (i > 0) out += ',';
    out += json_flow(status, status.survey.flows[i]);
    left_out += status.survey.flows[i].files.left_out;
  }
  out += "],\"files\":[";
  for (const FlowSurvey& flow : status.survey.flows) {
    for (const sources::FileState& file : flow.files.list) append_json_file(out, flow.flow, file);
  }
  for (const sources::FileState& file : status.survey.unreadable.list) {
    append_json_file(out, "-", file);
  }
  out += fmt::format("],\"files_left_out\":{},\"counters\":[", left_out);
  for (const base::Sample& sample : status.samples) {
    out += out.ends_with('[') ? "\n {" : ",\n {";
    append_json_member(out, "name", sample.name);
    out += ',';
    append_json_member(out, "labels", sample.labels);
    out += ",\"value\":" + base::value_text(sample) + "}";
  }
  return out + "]}\n";
}

std::string as_metrics(const AgentStatus& status) {
  std::string out;
  std::string_view before;
  for (const base::Sample& sample : status.samples) {
    const bool counter = sample.kind == base::Sample::Kind::counter;
    if (sample.name != before) {
      out += fmt::format("# TYPE tailrace_{} {}\n", sample.name, counter ? "counter" : "gauge");
    }
    before = sample.name;
    out += fmt::format("tailrace_{}{} {}\n", sample.name,
                       sample.labels.empty() ? "" : "{" + sample.labels + "}",
                       base::value_text(sample));
  }
  return out;
}

}  // namespace

std::string encode(const StatusRequest& request) {
  for (const auto& [name, format] : kFormats) {
    if (format != request.format) continue;
    return fmt::format("{}{}{}\n", kWord, name, request.files ? " files" : "");
  }
  return {};
}

bool is_status_request(std::string_view bytes) {
  return kWord.starts_with(bytes.substr(0, kWord.size())) && !bytes.empty();
}

base::Result<StatusRequest> decode_status(std::string_view bytes) {
  const auto invalid = [] { return base::fail(base::ErrorCode::invalid, "not a status request"); };
  if (bytes.size() > kRequestBytesMax) return invalid();
  const std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos) return base::fail(base::ErrorCode::limit, "more to come");
  if (end + 1 != bytes.size()) return invalid();
  for (const auto& [name, format] : kFormats) {
    for (const bool files : {false, true}) {
      const StatusRequest request{.format = format, .files = files};
      if (encode(request) == bytes) return request;
    }
  }
  return invalid();
}

std::string render(const StatusRequest& request, const AgentStatus& status) {
  switch (request.format) {
    case StatusFormat::text:
      return as_text(status, request.files);
    case StatusFormat::json:
      return as_json(status);
    case StatusFormat::metrics:
      return as_metrics(status);
  }
  return {};
}

}  // namespace agent
