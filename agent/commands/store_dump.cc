// tailrace store dump [STREAM]: prints what any stream holds, ours included, readable.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/commands/commands.h"
#include "agent/commands/store_location.h"
#include "agent/json_text.h"
#include "agent/output.h"
#include "agent/record_printer.h"
#include "agent/standard_error.h"
#include "agent/time_text.h"
#include "config/suggest.h"
#include "io/backends.h"
#include "sources/checkpoint.h"
#include "store/cursor.h"
#include "store/keyed_log.h"

namespace agent {

namespace {

// These are keyed logs: what counts is the latest value of each key, not the records.
constexpr std::string_view kCheckpoints = "_checkpoints";
constexpr std::string_view kCatalog = "_catalog";

struct DumpCommand {
  StoreLocation location;
  std::string stream;
  bool json = false;
};

void append_checkpoint(std::string& out, const sources::Checkpoint& checkpoint, bool json) {
  const base::Timestamp seen{std::chrono::microseconds(checkpoint.seen_us)};
  if (!json) {
    out += fmt::format("{} {} offset={} generation={} origin={:016x} inode={}:{} seen={}\n",
                       checkpoint.flow, checkpoint.path, checkpoint.offset, checkpoint.generation,
                       base::value(checkpoint.origin), checkpoint.identity.device,
                       checkpoint.identity.inode, rfc3339(seen));
    return;
  }
  out += '{';
  append_json_member(out, "flow", checkpoint.flow);
  out += ',';
  append_json_member(out, "path", checkpoint.path);
  out += fmt::format(
      ",\"offset\":{},\"generation\":{},\"origin\":\"{:016x}\",\"device\":{},\"inode\":{},"
      "\"birth_ns\":{},\"flow_fingerprint\":\"{:016x}\",\"tail_bytes\":{},"
      "\"tail_hash\":\"{:016x}\",\"seen\":\"{}\"}}\n",
      checkpoint.offset, checkpoint.generation, base::value(checkpoint.origin),
      checkpoint.identity.device, checkpoint.identity.inode, checkpoint.identity.birth_ns,
      checkpoint.flow_fingerprint, checkpoint.tail_bytes, checkpoint.tail_hash, rfc3339(seen));
}

void append_entry(std::string& out, std::string_view key, std::string_view value, bool json) {
  if (json) {
    out += '{';
    append_json_member(out, "key", key);
    out += ',';
    append_json_member(out, "value", value);
    out += "}\n";
    return;
  }
  const auto visible = [&out](std::string_view text) {
    if (is_utf8(text)) {
      append_visible(out, text);
    } else {
      out += "base64:";
      append_base64(out, text);
    }
  };
  visible(key);
  out += '\n';
  while (!value.empty()) {  // the catalogue's values are lines of text
    const std::size_t end = std::min(value.find('\n'), value.size());
    out += "    ";
    visible(value.substr(0, end));
    out += '\n';
    value.remove_prefix(std::min(end + 1, value.size()));
  }
}

int dump_keyed(io::Files& files, const std::string& data_dir, const DumpCommand& options,
               const std::string& stream) {
  Output output;
  const auto read = store::KeyedLog::read(
      files, store::shard_directory(data_dir, stream, base::ShardNumber{0}),
      [&](std::string_view key, std::string_view value) {
        const auto checkpoint =
            stream == kCheckpoints ? sources::decode_checkpoint(key, value) : std::nullopt;
        if (checkpoint) {
          append_checkpoint(output.buffer(), *checkpoint, options.json);
        } else {
          append_entry(output.buffer(), key, value, options.json);
        }
        output.written();
      });
  output.flush();
  if (!read) return complain(kExitInternal, read.error().message);
  return output.exit_code();
}

// Directories of shards: they are there even when the catalogue is damaged.
base::Result<std::vector<std::uint32_t>> list_shards(io::Files& files,
                                                     const std::string& directory) {
  std::vector<std::uint32_t> shards;
  for (const io::DirectoryEntry& entry : TRY(files.list(directory))) {
    const bool digits = std::all_of(entry.name.begin(), entry.name.end(),
                                    [](char c) { return c >= '0' && c <= '9'; });
    if (digits && entry.name.size() < 10) {
      shards.push_back(static_cast<std::uint32_t>(std::stoul(entry.name)));
    }
  }
  std::sort(shards.begin(), shards.end());
  return shards;
}

base::Result<void> dump_records(io::Files& files, const std::string& data_dir,
                                const std::string& stream, bool json, Output& output) {
  RecordPrinter printer(json ? RecordFormat::json : RecordFormat::human, stream);
  for (const std::uint32_t number : TRY(list_shards(files, data_dir + "/" + stream))) {
    const base::ShardNumber shard{number};
    store::Cursor cursor =
        TRY(store::Cursor::open(files, store::shard_directory(data_dir, stream, shard), {}));
    store::StoredRecord record;
    while (!output.closed() && TRY(cursor.next(record))) {
      printer.append(output.buffer(), shard, record);
      output.written();
    }
    output.flush();
    if (const auto lost = cursor.counters().corrupt_records; lost > 0) {
      print_error("tailrace: {}/{}: {} records cannot be read\n", stream, number, lost);
    }
  }
  return {};
}

base::Result<std::vector<std::string>> list_streams(io::Files& files, const std::string& data_dir) {
  std::vector<std::string> names;
  for (io::DirectoryEntry& entry : TRY(files.list(data_dir))) {
    const auto status = files.status(data_dir + "/" + entry.name, false);
    if (status && status->kind == io::FileKind::directory) names.push_back(std::move(entry.name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

int dump(const DumpCommand& options) {
  const std::unique_ptr<io::Files> files = io::make_files();
  int exit_code = kExitOk;
  const auto data_dir = find_data_dir(*files, options.location, exit_code);
  if (!data_dir) return exit_code;
  const auto names = list_streams(*files, *data_dir);
  if (!names) return complain(kExitConfiguration, names.error().message);
  if (options.stream.empty()) {
    Output output;
    for (const std::string& name : *names) output.print("{}\n", name);
    return output.finish();
  }
  if (std::find(names->begin(), names->end(), options.stream) == names->end()) {
    const std::vector<std::string_view> known(names->begin(), names->end());
    return complain(kExitConfiguration, fmt::format("no stream '{}'{}", options.stream,
                                                    config::did_you_mean(options.stream, known)));
  }
  if (options.stream == kCheckpoints || options.stream == kCatalog) {
    return dump_keyed(*files, *data_dir, options, options.stream);
  }
  Output output;
  const auto printed = dump_records(*files, *data_dir, options.stream, options.json, output);
  if (!printed) return complain(kExitInternal, printed.error().message);
  return output.exit_code();
}

}  // namespace

void add_store_dump_command(CLI::App& store, int& exit_code) {
  auto options = std::make_shared<DumpCommand>();
  CLI::App* command = store.add_subcommand(
      "dump", "Print what a stream holds, ours (_checkpoints, _catalog, _dead_letter) included");
  command->add_option("stream", options->stream, "Stream; without one: list what could be dumped");
  add_store_options(*command, options->location);
  command->add_flag("--json", options->json, "One object per line");
  command->callback([options, &exit_code] { exit_code = dump(*options); });
}

}  // namespace agent
