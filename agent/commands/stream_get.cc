// tailrace stream get NAME: prints a stream's records, to the end or for ever.
#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/commands/commands.h"
#include "agent/commands/store_location.h"
#include "agent/output.h"
#include "agent/record_printer.h"
#include "agent/standard_error.h"
#include "agent/stream_follower.h"
#include "agent/time_text.h"
#include "config/units.h"
#include "io/backends.h"
#include "store/cursor.h"

namespace agent {

namespace {

struct GetCommand {
  StoreLocation location;
  std::string name;
  std::optional<std::uint32_t> shard;
  std::string from = "trim-horizon";
  bool follow = false;
  bool raw = false;
  bool json = false;
  std::uint64_t limit = ~std::uint64_t{0};
};

constexpr std::uint64_t kTurnRecords = 1024;  // of one shard, then the next has its turn

base::Result<store::StartAt> parse_from(const std::string& text) {
  using Kind = store::StartAt::Kind;
  if (text == "trim-horizon") return store::StartAt{Kind::trim_horizon, 0, {}};
  if (text == "latest") return store::StartAt{Kind::latest, 0, {}};
  if (const auto sequence = config::parse_count(text)) {
    return store::StartAt{Kind::at_sequence, *sequence, {}};
  }
  const auto time = parse_time(text, io::make_clock()->wall());
  if (time) return store::StartAt{Kind::at_time, 0, *time};
  return base::fail(base::ErrorCode::invalid,
                    fmt::format("--from '{}': expected trim-horizon, latest, a sequence number, a "
                                "time such as 2026-11-21T07:04:05Z, or -5m for five minutes ago",
                                text));
}

struct Part {
  base::ShardNumber shard;
  std::string directory;
  store::Cursor cursor;
};

class Get {
 public:
  Get(const GetCommand& options, RecordFormat format)
      : printer_(format, options.name), left_(options.limit) {}

  base::Result<void> open(io::Files& files, const std::string& data_dir,
                          const store::StreamInfo& stream, const GetCommand& options) {
    const store::StartAt start = TRY(parse_from(options.from));
    for (const store::ShardInfo& info : stream.shards) {
      if (options.shard && *options.shard != base::index(info.shard)) continue;
      std::string directory = store::shard_directory(data_dir, stream.name, info.shard);
      store::Cursor cursor = TRY(store::Cursor::open(files, directory, start));
      parts_.push_back({info.shard, std::move(directory), std::move(cursor)});
    }
    if (parts_.empty()) {
      return base::fail(base::ErrorCode::invalid,
                        fmt::format("stream '{}' has no shard {}: it has {}", stream.name,
                                    *options.shard, stream.shards.size()));
    }
    return {};
  }

  // Shard after shard, each to its end.
  base::Result<void> print_all() {
    for (Part& part : parts_) TRY_VOID(print(part, ~std::uint64_t{0}));
    output_.flush();
    return {};
  }

  // For ever, all shards in turn.
  base::Result<void> follow(io::Files& files) {
    std::vector<std::string> directories;
    for (const Part& part : parts_) directories.push_back(part.directory);
    const auto follower = TRY(StreamFollower::make(files, directories));
    while (!finished() && !follower->interrupted()) {
      const std::uint64_t before = left_;
      for (Part& part : parts_) TRY_VOID(print(part, kTurnRecords));
      if (left_ != before) continue;
      output_.flush();
      if (!finished()) follower->wait();
    }
    output_.flush();
    return {};
  }

  int exit_code() const {
    std::uint64_t lost = 0;
    for (const Part& part : parts_) lost += part.cursor.counters().corrupt_records;
    if (lost > 0) {
      print_error("tailrace: {} record{} cannot be read: try `tailrace store verify`\n", lost,
                  lost == 1 ? "" : "s");
    }
    return output_.exit_code();
  }

 private:
  bool finished() const { return left_ == 0 || output_.closed(); }

  base::Result<void> print(Part& part, std::uint64_t records_max) {
    store::StoredRecord record;
    for (; records_max > 0 && !finished(); --records_max) {
      if (!TRY(part.cursor.next(record))) return {};
      printer_.append(output_.buffer(), part.shard, record);
      output_.written();
      --left_;
    }
    return {};
  }

  RecordPrinter printer_;
  Output output_;
  std::vector<Part> parts_;
  std::uint64_t left_;  // records
};

int run_get(const GetCommand& options) {
  const std::unique_ptr<io::Files> files = io::make_files();
  int exit_code = kExitOk;
  const auto data_dir = find_data_dir(*files, options.location, exit_code);
  if (!data_dir) return exit_code;
  const auto streams = read_catalog(*files, *data_dir, exit_code);
  if (!streams) return exit_code;
  const store::StreamInfo* stream = find_stream(*streams, options.name, exit_code);
  if (stream == nullptr) return exit_code;

  Get get(options, options.raw    ? RecordFormat::raw
                   : options.json ? RecordFormat::json
                                  : RecordFormat::human);
  if (const auto opened = get.open(*files, *data_dir, *stream, options); !opened) {
    const bool usage = opened.error().code == base::ErrorCode::invalid;
    return complain(usage ? kExitUsage : kExitInternal, opened.error().message);
  }
  const auto printed = options.follow ? get.follow(*files) : get.print_all();
  if (!printed) return complain(kExitInternal, printed.error().message);
  return get.exit_code();
}

}  // namespace

void add_stream_get_command(CLI::App& stream, int& exit_code) {
  auto options = std::make_shared<GetCommand>();
  CLI::App* command = stream.add_subcommand("get", "Print a stream's records");
  command->add_option("name", options->name, "Stream")->required();
  add_store_options(*command, options->location);
  command->add_option("--shard", options->shard, "Only this shard; else all, one after the other");
  command->add_option("--from", options->from,
                      "trim-horizon (default), latest, a sequence number, a time, or -5m");
  command->add_flag("-f,--follow", options->follow, "Wait for more, all shards in turn");
  CLI::Option* raw =
      command->add_flag("--raw", options->raw, "Each record's data and a newline, nothing else");
  command->add_flag("--json", options->json, "One object per line")->excludes(raw);
  command->add_option("-n,--limit", options->limit, "Stop after so many records");
  command->callback([options, &exit_code] { exit_code = run_get(*options); });
}

}  // namespace agent
