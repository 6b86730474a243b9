// tailrace stream describe NAME: its shards, their hash ranges, and what they hold.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/commands/commands.h"
#include "agent/commands/store_location.h"
#include "agent/json_text.h"
#include "agent/output.h"
#include "agent/shard_facts.h"
#include "agent/time_text.h"
#include "config/units.h"
#include "io/backends.h"

namespace agent {

namespace {

struct Shard {
  store::ShardInfo info;
  ShardFacts facts;
};

const char* name(store::Compression compression) {
  return compression == store::Compression::lz4 ? "lz4" : "none";
}

const char* name(store::SyncPolicy sync) {
  switch (sync) {
    case store::SyncPolicy::flush:
      return "flush";
    case store::SyncPolicy::interval:
      return "interval";
    case store::SyncPolicy::on_request:
      return "on_request";
    case store::SyncPolicy::os:
      return "os";
  }
  return "unknown";
}

std::string retention(const store::ShardOptions& options) {
  return options.retention_age.count() == 0 ? "for ever"
                                            : config::format_duration(options.retention_age);
}

// Of all shards together; what was configured, less what could not be divided.
std::uint64_t max_bytes(const store::StreamInfo& stream) {
  return stream.options.retention_bytes * stream.shards.size();
}

base::Timestamp created(const store::StreamInfo& stream) {
  return base::Timestamp(std::chrono::microseconds(stream.created_us));
}

std::string time_or(const std::optional<base::Timestamp>& time, const char* otherwise) {
  return time ? rfc3339(*time) : otherwise;
}

std::string quoted_time(const std::optional<base::Timestamp>& time) {
  return time ? "\"" + rfc3339(*time) + "\"" : "null";
}

void print_json(Output& output, const store::StreamInfo& stream, const std::vector<Shard>& shards) {
  std::string text = "{";
  append_json_member(text, "stream", stream.name);
  text += fmt::format(
      ",\"created\":\"{}\",\"compression\":\"{}\",\"sync\":\"{}\",\"retention_seconds\":{},"
      "\"max_bytes\":{},\"shards\":[",
      rfc3339(created(stream)), name(stream.options.compression), name(stream.options.sync),
      stream.options.retention_age / std::chrono::seconds(1), max_bytes(stream));
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const ShardFacts& facts = shards[i].facts;
    // Hash keys as strings: they do not fit into a double.
    text += fmt::format(
        "{}\n {{\"shard\":{},\"hash_start\":\"{}\",\"hash_end\":\"{}\",\"first_sequence\":{},"
        "\"next_sequence\":{},\"records\":{},\"stored_bytes\":{},\"oldest_arrival\":{},"
        "\"newest_arrival\":{}}}",
        i == 0 ? "" : ",", base::index(shards[i].info.shard),
        base::to_decimal(shards[i].info.hash_start), base::to_decimal(shards[i].info.hash_end),
        facts.first, facts.next, facts.records(), facts.stored_bytes, quoted_time(facts.oldest),
        quoted_time(facts.newest));
  }
  output.print("{}]}}\n", text);
}

void print_table(Output& output, const store::StreamInfo& stream,
                 const std::vector<Shard>& shards) {
  output.print(
      "{}: {} shard{}, created {}, compression {}, sync {}, retention {}{}\n\n", stream.name,
      shards.size(), shards.size() == 1 ? "" : "s", rfc3339(created(stream)),
      name(stream.options.compression), name(stream.options.sync), retention(stream.options),
      max_bytes(stream) == 0 ? "" : ", at most " + config::format_bytes(max_bytes(stream)));
  output.print("{:>5}  {:>12}  {:>12}  {:>12}  {:>14}  {:27}  {:27}\n", "SHARD", "FIRST", "NEXT",
               "RECORDS", "STORED BYTES", "OLDEST", "NEWEST");
  for (const Shard& shard : shards) {
    const ShardFacts& facts = shard.facts;
    output.print("{:>5}  {:>12}  {:>12}  {:>12}  {:>14}  {:27}  {:27}\n",
                 base::index(shard.info.shard), facts.first, facts.next, facts.records(),
                 facts.stored_bytes, time_or(facts.oldest, "-"), time_or(facts.newest, "-"));
  }
  output.print("\n{:>5}  {:>39}  {:>39}\n", "SHARD", "FIRST HASH KEY", "LAST HASH KEY");
  for (const Shard& shard : shards) {
    output.print("{:>5}  {:>39}  {:>39}\n", base::index(shard.info.shard),
                 base::to_decimal(shard.info.hash_start), base::to_decimal(shard.info.hash_end));
  }
}

int describe(const StoreLocation& location, const std::string& stream_name, bool json) {
  const std::unique_ptr<io::Files> files = io::make_files();
  int exit_code = kExitOk;
  const auto data_dir = find_data_dir(*files, location, exit_code);
  if (!data_dir) return exit_code;
  const auto streams = read_catalog(*files, *data_dir, exit_code);
  if (!streams) return exit_code;
  const store::StreamInfo* stream = find_stream(*streams, stream_name, exit_code);
  if (stream == nullptr) return exit_code;
  std::vector<Shard> shards;
  for (const store::ShardInfo& info : stream->shards) {
    const auto facts =
        look_at_shard(*files, store::shard_directory(*data_dir, stream->name, info.shard));
    if (!facts) return complain(kExitInternal, facts.error().message);
    shards.push_back({info, *facts});
  }
  Output output;
  if (json) {
    print_json(output, *stream, shards);
  } else {
    print_table(output, *stream, shards);
  }
  return output.finish();
}

}  // namespace

void add_stream_describe_command(CLI::App& stream, int& exit_code) {
  struct Options {
    StoreLocation location;
    std::string name;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = stream.add_subcommand("describe", "Show a stream's shards");
  command->add_option("name", options->name, "Stream")->required();
  add_store_options(*command, options->location);
  command->add_flag("--json", options->json, "For programs");
  command->callback([options, &exit_code] {
    exit_code = describe(options->location, options->name, options->json);
  });
}

}  // namespace agent
