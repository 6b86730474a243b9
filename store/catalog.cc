#include "store/catalog.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/assert.h"
#include "store/keyed_log.h"
#include "store/stream_text.h"

namespace store {

namespace {

constexpr std::string_view kKeyPrefix = "stream/";
constexpr const char* kCatalogStream = "_catalog";

std::string log_directory(const std::string& data_dir) {
  return shard_directory(data_dir, kCatalogStream, base::ShardNumber{0});
}

void sort_by_name(std::vector<StreamInfo>& streams) {
  std::sort(streams.begin(), streams.end(),
            [](const StreamInfo& a, const StreamInfo& b) { return a.name < b.name; });
}

void add_entry(std::string_view key, std::string_view value, std::vector<StreamInfo>& streams) {
  if (!key.starts_with(kKeyPrefix)) return;
  StreamInfo stream;
  stream.name = key.substr(kKeyPrefix.size());
  if (parse_stream(value, stream)) streams.push_back(std::move(stream));
}

// `count` ranges that cover 0 … 2^128-1, all as wide, but for the last, which takes the rest.
std::vector<ShardInfo> even_shards(std::uint32_t count, std::int64_t created_us) {
  std::vector<ShardInfo> shards;
  // 2^128 / count, without a number that needs 129 bits. For one shard it is never used.
  const base::HashKey width = (base::kHashKeyMax - count + 1) / count + 1;
  for (std::uint32_t i = 0; i < count; ++i) {
    const base::HashKey start = width * i;
    const base::HashKey end = i + 1 == count ? base::kHashKeyMax : start + width - 1;
    shards.push_back({base::ShardNumber{i}, start, end, created_us});
  }
  return shards;
}

}  // namespace

struct Catalog::State {
  const io::Environment& environment;
  std::unique_ptr<KeyedLog> log;
  std::vector<StreamInfo> streams;

  base::Result<void> save(const StreamInfo& stream);
};

base::Result<std::unique_ptr<Catalog>> Catalog::open(const io::Environment& environment,
                                                     const std::string& data_dir) {
  auto log = TRY(KeyedLog::open(environment, log_directory(data_dir),
                                {.stream_id = 0, .stream = kCatalogStream, .shard = {}}));
  log->attach(environment);
  auto state = std::unique_ptr<State>(new State{environment, std::move(log), {}});
  state->log->visit(
      [&](std::string_view key, std::string_view value) { add_entry(key, value, state->streams); });
  sort_by_name(state->streams);
  return std::unique_ptr<Catalog>(new Catalog(std::move(state)));
}

base::Result<std::vector<StreamInfo>> Catalog::read(io::Files& files, const std::string& data_dir) {
  std::vector<StreamInfo> streams;
  TRY(KeyedLog::read(
      files, log_directory(data_dir),
      [&](std::string_view key, std::string_view value) { add_entry(key, value, streams); }));
  sort_by_name(streams);
  return streams;
}

Catalog::Catalog(std::unique_ptr<State> state) : state_(std::move(state)) {}
Catalog::~Catalog() = default;

base::Result<void> Catalog::State::save(const StreamInfo& stream) {
  struct Answer {
    bool done = false;
    int error = 0;
  } answer;
  KeyedLog::Write write;
  write.owner = &answer;
  write.done = [](void* owner, KeyedLog::Write&, int error) {
    *static_cast<Answer*>(owner) = {true, error};
  };
  write.synced = true;
  const std::string key = std::string(kKeyPrefix) + stream.name;
  const std::string value = format_stream(stream);
  const KeyedLogChange change{.key = key, .value = value};
  log->write(write, {&change, 1});
  while (!answer.done || !log->idle()) {
    environment.io.run_once(std::chrono::milliseconds(100));
    log->tick(environment.clock.monotonic());
  }
  for (const std::string& path : log->retire()) (void)environment.files.remove(path);
  if (answer.error != 0) return base::fail_system(answer.error, "write the catalogue");
  return {};
}

base::Result<StreamInfo> Catalog::ensure(const std::string& stream, std::uint32_t shards,
                                         const ShardOptions& options) {
  ASSERT(shards > 0);
  auto& streams = state_->streams;
  auto at = std::find_if(streams.begin(), streams.end(),
                         [&](const StreamInfo& info) { return info.name == stream; });
  if (at == streams.end()) {
    io::Random& random = state_->environment.random;
    StreamInfo info;
    info.name = stream;
    info.id = base::HashKey{random.next()} << 64 | random.next();
    info.created_us = state_->environment.clock.wall().time_since_epoch().count();
    info.shards = even_shards(shards, info.created_us);
    info.options = options;
    TRY_VOID(state_->save(info));
    streams.push_back(info);
    sort_by_name(streams);
    return info;
  }
  if (at->shards.size() != shards) {
    return base::fail(base::ErrorCode::invalid,
                      "stream " + stream + " has " + std::to_string(at->shards.size()) +
                          " shards and cannot be given " + std::to_string(shards));
  }
  if (at->options == options) return *at;
  StreamInfo changed = *at;
  changed.options = options;
  TRY_VOID(state_->save(changed));
  *at = changed;
  return changed;
}

const std::vector<StreamInfo>& Catalog::streams() const { return state_->streams; }

std::string shard_directory(const std::string& data_dir, const std::string& stream,
                            base::ShardNumber shard) {
  return data_dir + "/" + stream + "/" + std::to_string(base::index(shard));
}

}  // namespace store
