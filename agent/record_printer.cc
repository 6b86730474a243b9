#include "agent/record_printer.h"

#include <fmt/format.h>

#include <iterator>

#include "agent/json_text.h"
#include "agent/time_text.h"

namespace agent {

void append_visible(std::string& out, std::string_view data) {
  for (const char c : data) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
}

void RecordPrinter::append(std::string& out, base::ShardNumber shard,
                           const store::StoredRecord& record) {
  switch (format_) {
    case RecordFormat::raw:
      out += record.record.data;
      break;
    case RecordFormat::json:
      append_json(out, shard, record);
      break;
    case RecordFormat::human:
      append_human(out, shard, record);
      break;
  }
  out += '\n';
}

void RecordPrinter::append_human(std::string& out, base::ShardNumber shard,
                                 const store::StoredRecord& record) {
  fmt::format_to(std::back_inserter(out), "{}  {}/{}  ", time_text(record.arrival),
                 base::index(shard), record.sequence);
  append_visible(out, record.record.data);
}

void RecordPrinter::append_json(std::string& out, base::ShardNumber shard,
                                const store::StoredRecord& record) {
  out += '{';
  append_json_member(out, "stream", stream_);
  fmt::format_to(std::back_inserter(out), ",\"shard\":{},\"sequence\":{},\"arrival\":\"{}\",",
                 base::index(shard), record.sequence, time_text(record.arrival));
  append_json_member(out, "key", record.record.key);
  out += ',';
  append_json_member(out, "data", record.record.data);
  out += '}';
}

const std::string& RecordPrinter::time_text(base::Timestamp time) {
  if (last_time_text_.empty() || time != last_time_) {
    last_time_ = time;
    last_time_text_ = rfc3339(time);
  }
  return last_time_text_;
}

}  // namespace agent
