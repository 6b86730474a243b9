// tailrace stream list: which streams are there?
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "agent/commands/commands.h"
#include "agent/commands/store_location.h"
#include "agent/json_text.h"
#include "agent/output.h"
#include "agent/shard_facts.h"
#include "config/units.h"
#include "io/backends.h"

namespace agent {

namespace {

struct Row {
  const store::StreamInfo* stream;
  std::uint64_t records = 0;
  std::uint64_t stored_bytes = 0;
};

std::string as_json(const Row& row) {
  std::string text = "{";
  append_json_member(text, "stream", row.stream->name);
  text += fmt::format(",\"shards\":{},\"records\":{},\"stored_bytes\":{}}}",
                      row.stream->shards.size(), row.records, row.stored_bytes);
  return text;
}

void print(Output& output, const std::vector<Row>& rows, bool json) {
  if (json) {
    std::string text = "[";
    for (const Row& row : rows) text += (text.size() > 1 ? ",\n " : "") + as_json(row);
    output.print("{}]\n", text);
    return;
  }
  std::size_t width = 6;
  for (const Row& row : rows) width = std::max(width, row.stream->name.size());
  output.print("{:{}}  {:>6}  {:>14}  {:>16}  {}\n", "STREAM", width, "SHARDS", "RECORDS",
               "STORED BYTES", "RETENTION");
  for (const Row& row : rows) {
    const base::Duration retention = row.stream->options.retention_age;
    output.print("{:{}}  {:>6}  {:>14}  {:>16}  {}\n", row.stream->name, width,
                 row.stream->shards.size(), row.records, row.stored_bytes,
                 retention.count() == 0 ? "for ever" : config::format_duration(retention));
  }
}

int list(const StoreLocation& location, bool json) {
  const std::unique_ptr<io::Files> files = io::make_files();
  int exit_code = kExitOk;
  const auto data_dir = find_data_dir(*files, location, exit_code);
  if (!data_dir) return exit_code;
  const auto streams = read_catalog(*files, *data_dir, exit_code);
  if (!streams) return exit_code;
  std::vector<Row> rows;
  for (const store::StreamInfo& stream : *streams) {
    Row row{.stream = &stream};
    for (const store::ShardInfo& shard : stream.shards) {
      const auto facts =
          look_at_shard(*files, store::shard_directory(*data_dir, stream.name, shard.shard));
      if (!facts) return complain(kExitInternal, facts.error().message);
      row.records += facts->records();
      row.stored_bytes += facts->stored_bytes;
    }
    rows.push_back(row);
  }
  Output output;
  print(output, rows, json);
  return output.finish();
}

}  // namespace

void add_stream_list_command(CLI::App& stream, int& exit_code) {
  struct Options {
    StoreLocation location;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = stream.add_subcommand("list", "List the streams");
  add_store_options(*command, options->location);
  command->add_flag("--json", options->json, "For programs");
  command->callback([options, &exit_code] { exit_code = list(options->location, options->json); });
}

}  // namespace agent
