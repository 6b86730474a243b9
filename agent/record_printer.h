// RecordPrinter: a stored record as bytes, as JSON, or for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/ids.h"
#include "store/cursor.h"

namespace agent {

enum class RecordFormat : std::uint8_t {
  human,  // 2026-11-21T07:04:05.123456Z  0/42  data, control bytes escaped
  raw,    // the data and a newline, nothing else
  json,   // one object per line
};

// Appends `data` with its control bytes escaped: a terminal must not be steered by what was logged.
void append_visible(std::string& out, std::string_view data);

class RecordPrinter {
 public:
  RecordPrinter(RecordFormat format, std::string stream)
      : format_(format), stream_(std::move(stream)) {}

  // Appends one record of `shard` to `out`.
  void append(std::string& out, base::ShardNumber shard, const store::StoredRecord& record);

 private:
  void append_human(std::string& out, base::ShardNumber shard, const store::StoredRecord& record);
  void append_json(std::string& out, base::ShardNumber shard, const store::StoredRecord& record);
  const std::string& time_text(base::Timestamp time);

  RecordFormat format_;
  std::string stream_;
  base::Timestamp last_time_{};  // records of one run share their time: formatted once
  std::string last_time_text_;
};

}  // namespace agent
