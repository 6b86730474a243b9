#include "agent/put_local.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "agent/number_notes.h"
#include "pipeline/shard_map.h"
#include "store/catalog.h"
#include "store/data_dir.h"
#include "store/shard.h"

namespace agent {

namespace {

base::Result<base::SequenceNumber> append_and_wait(const io::Environment& environment,
                                                   store::Shard& shard, const std::string& run) {
  struct Wait {
    bool over = false;
    int error = 0;
  } wait;
  const std::string_view view = run;
  store::Append append;
  append.runs = {&view, 1};
  append.owner = &wait;
  append.done = [](void* owner, store::Append&, int error) {
    *static_cast<Wait*>(owner) = {.over = true, .error = error};
  };
  shard.append(append);
  while (!wait.over || !shard.idle()) {
    const base::Instant deadline = shard.next_deadline();
    const base::Instant now = environment.clock.monotonic();
    environment.io.run_once(deadline == base::Instant::max()
                                ? io::Io::kForever
                                : std::max(deadline - now, base::Duration::zero()));
    shard.tick(environment.clock.monotonic());
  }
  if (wait.error != 0) return base::fail_system(wait.error, "append to " + shard.directory());
  return append.first_sequence;
}

}  // namespace

base::Result<std::string> put_local(const io::Environment& environment, const std::string& data_dir,
                                    const PutRequest& request) {
  const store::DataDir lock = TRY(store::DataDir::lock(environment, data_dir));
  const std::vector<store::StreamInfo> streams =
      TRY(store::Catalog::read(environment.files, data_dir));
  const auto stream = std::find_if(streams.begin(), streams.end(),
                                   [&](const auto& each) { return each.name == request.stream; });
  if (stream == streams.end()) {
    return base::fail(base::ErrorCode::not_found,
                      "no stream '" + request.stream + "' in " + data_dir);
  }
  std::vector<base::HashKey> starts;
  for (const store::ShardInfo& shard : stream->shards) starts.push_back(shard.hash_start);
  const PutRuns runs = TRY(route_put(request, pipeline::ShardMap(std::move(starts)),
                                     environment.random.next(), environment.clock.wall()));
  auto known = read_known_numbers(environment.files, data_dir);
  if (!known) {  // what is missing of the shards goes unnoticed; that is no reason to take nothing
    environment.log.warn("cannot read how far the shards were written",
                         {{"error", known.error().message}});
    known.emplace();
  }
  std::vector<base::SequenceNumber> first(runs.run.size());
  for (std::size_t i = 0; i < runs.run.size(); ++i) {
    if (runs.run[i].empty()) continue;
    const store::ShardInfo& info = stream->shards[i];
    const auto shard = TRY(store::Shard::open(
        environment, store::shard_directory(data_dir, stream->name, info.shard),
        {.stream_id = stream->id, .stream = stream->name, .shard = info.shard}, stream->options,
        known_number(*known, stream->name, info.shard), may_be_removed(stream->name)));
    shard->attach(environment);
    first[i] = TRY(append_and_wait(environment, *shard, runs.run[i]));
  }
  return answer_put(runs, first);
}

}  // namespace agent
