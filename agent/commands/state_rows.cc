#include "agent/commands/state_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <set>
#include <utility>

#include "agent/commands/store_location.h"
#include "agent/commands/typed.h"
#include "agent/json_text.h"
#include "agent/record_printer.h"
#include "agent/shard_facts.h"
#include "agent/standard_error.h"
#include "agent/time_text.h"
#include "config/suggest.h"
#include "store/catalog.h"

namespace agent {

namespace {

std::string_view text_of(FileNow file) {
  switch (file) {
    case FileNow::there:
      return "there";
    case FileNow::renamed:
      return "renamed";
    case FileNow::gone:
      return "gone";
    case FileNow::unknown:
      return "unknown";
  }
  return "unknown";
}

std::string or_dash(const std::optional<std::uint64_t>& number) {
  return number ? std::to_string(*number) : "-";
}

std::string visible(std::string_view text) {
  std::string out;
  append_visible(out, text);
  return out;
}

std::string seen(const sources::Checkpoint& checkpoint) {
  if (checkpoint.seen_us == 0) return "-";
  return rfc3339(base::Timestamp{std::chrono::microseconds(checkpoint.seen_us)});
}

std::string as_json(const StateRow& row) {
  const sources::Checkpoint& checkpoint = row.checkpoint;
  std::string text = "{";
  append_json_member(text, "flow", checkpoint.flow);
  text += ',';
  append_json_member(text, "path", checkpoint.path);
  text += fmt::format(",\"file\":\"{}\"", text_of(row.file));
  if (row.file == FileNow::renamed) {
    text += ',';
    append_json_member(text, "path_now", row.path_now);
  }
  const auto or_null = [](const std::optional<std::uint64_t>& number) {
    return number ? std::to_string(*number) : "null";
  };
  text += fmt::format(
      ",\"offset\":{},\"size\":{},\"lag\":{},\"generation\":{},\"origin\":\"{:016x}\","
      "\"device\":{},\"inode\":{},\"birth_ns\":{}",
      checkpoint.offset, or_null(row.file_bytes), or_null(row.lag_bytes()), checkpoint.generation,
      base::value(checkpoint.origin), checkpoint.identity.device, checkpoint.identity.inode,
      checkpoint.identity.birth_ns);
  text += checkpoint.seen_us == 0 ? ",\"seen\":null}"
                                  : fmt::format(",\"seen\":\"{}\"}}", seen(checkpoint));
  return text;
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

}  // namespace

std::optional<std::uint64_t> StateRow::lag_bytes() const {
  if (!file_bytes) return std::nullopt;
  return sources::unread_bytes(checkpoint, *file_bytes);
}

const FileFinder::Names* FileFinder::names_in(const std::string& directory) {
  const auto [at, fresh] = directories_.try_emplace(directory);
  if (fresh) {
    const auto entries = files_.list(directory);
    if (entries || entries.error().system == ENOENT) at->second.emplace();
    if (entries) {
      for (const io::DirectoryEntry& entry : *entries) {
        (*at->second)[entry.inode].insert(entry.name);
      }
    }
  }
  return at->second ? &*at->second : nullptr;
}

StateRow FileFinder::look_at(const sources::Checkpoint& checkpoint) {
  StateRow row;
  row.checkpoint = checkpoint;
  const auto at_path = files_.status(checkpoint.path, true);
  if (at_path && sources::identity_of(*at_path) == checkpoint.identity) {
    row.file = FileNow::there;
    row.file_bytes = at_path->size;
    return row;
  }
  const std::string directory = parent_of(checkpoint.path);
  const Names* names = names_in(directory);
  if (names == nullptr) return row;
  row.file = FileNow::gone;
  const auto its = names->find(checkpoint.identity.inode);
  if (its == names->end()) return row;
  for (const std::string& name : its->second) {
    const std::string path = (directory == "/" ? "" : directory) + "/" + name;
    const auto status = files_.status(path, false);
    if (!status || sources::identity_of(*status) != checkpoint.identity) continue;
    row.file = FileNow::renamed;
    row.path_now = path;
    row.file_bytes = status->size;
    break;
  }
  return row;
}

std::optional<std::vector<StateRow>> select_rows(io::Files& files, const State& state,
                                                 const Selection& selection, int& exit_code) {
  const std::string& flow = selection.flow;
  std::string path;
  if (!selection.path.empty()) {
    const auto whole = absolute_path(selection.path);
    if (!whole) {
      exit_code = complain(kExitConfiguration, whole.error().message);
      return std::nullopt;
    }
    path = *whole;
  }
  std::vector<StateRow> rows;
  FileFinder finder(files);
  std::set<std::string_view> flows(state.flows_started.begin(), state.flows_started.end());
  std::set<std::string_view> paths;
  for (const sources::Checkpoint& checkpoint : state.checkpoints) {
    flows.insert(checkpoint.flow);
    if (!flow.empty() && checkpoint.flow != flow) continue;
    paths.insert(checkpoint.path);
    if (path.empty() || checkpoint.path == path) rows.push_back(finder.look_at(checkpoint));
  }
  if (!flow.empty() && !flows.contains(flow)) {
    const std::vector<std::string_view> known(flows.begin(), flows.end());
    exit_code =
        complain(kExitConfiguration, fmt::format("no flow '{}' ever ran here{}", visible(flow),
                                                 config::did_you_mean(flow, known)));
    return std::nullopt;
  }
  if (rows.empty() && !path.empty() && selection.any_name) {
    const auto there = files.status(path, true);
    for (const sources::Checkpoint& checkpoint : state.checkpoints) {
      if (!flow.empty() && checkpoint.flow != flow) continue;
      if (!there || checkpoint.identity != sources::identity_of(*there)) continue;
      rows.push_back(finder.look_at(checkpoint));
    }
  }
  if (rows.empty() && !path.empty()) {
    const std::vector<std::string_view> known(paths.begin(), paths.end());
    exit_code =
        complain(kExitConfiguration, fmt::format("no checkpoint of '{}'{}{}", visible(path),
                                                 flow.empty() ? "" : " in flow '" + flow + "'",
                                                 config::did_you_mean(path, known)));
    return std::nullopt;
  }
  return rows;
}

void print_rows(Output& output, std::span<const StateRow> rows, bool json) {
  if (json) {
    std::string text = "[";
    for (const StateRow& row : rows) text += (text.size() > 1 ? ",\n " : "") + as_json(row);
    output.print("{}]\n", text);
    return;
  }
  std::size_t width = 4;
  for (const StateRow& row : rows) width = std::max(width, row.checkpoint.flow.size());
  output.print("{:{}}  {:>14}  {:>14}  {:>12}  {:>3}  {:7}  {:27}  {}\n", "FLOW", width, "OFFSET",
               "SIZE", "LAG", "GEN", "FILE", "SEEN", "PATH");
  for (const StateRow& row : rows) {
    output.print("{:{}}  {:>14}  {:>14}  {:>12}  {:>3}  {:7}  {:27}  {}\n", row.checkpoint.flow,
                 width, row.checkpoint.offset, or_dash(row.file_bytes), or_dash(row.lag_bytes()),
                 row.checkpoint.generation, text_of(row.file), seen(row.checkpoint),
                 visible(row.checkpoint.path));
  }
}

void print_row_whole(Output& output, const StateRow& row) {
  const sources::Checkpoint& checkpoint = row.checkpoint;
  std::string file(text_of(row.file));
  if (row.file == FileNow::renamed) file += " to " + visible(row.path_now);
  output.print(
      "path        {}\nflow        {}\nfile        {}\nsize        {}\noffset      {}\n"
      "lag         {}\ngeneration  {}\norigin      {:016x}\nidentity    device {} inode {} "
      "birth {} ns\nseen        {}\n",
      visible(checkpoint.path), checkpoint.flow, file, or_dash(row.file_bytes), checkpoint.offset,
      or_dash(row.lag_bytes()), checkpoint.generation, base::value(checkpoint.origin),
      checkpoint.identity.device, checkpoint.identity.inode, checkpoint.identity.birth_ns,
      seen(checkpoint));
}

bool lost(io::Files& files, const std::string& data_dir, const State& state) {
  bool stored = false;
  if (state.empty()) {
    const auto streams = store::Catalog::read(files, data_dir);
    for (const store::StreamInfo& stream : streams ? *streams : std::vector<store::StreamInfo>{}) {
      for (const store::ShardInfo& shard : stream.shards) {
        const auto facts =
            look_at_shard(files, store::shard_directory(data_dir, stream.name, shard.shard));
        stored = stored || (facts && facts->records() > 0);
      }
    }
  }
  if (state.damaged == 0 && !stored) return false;
  complain(kExitConfiguration,
           "the state is damaged or missing: let the agent start with 'on_state_error: beginning' "
           "or 'end' first, or use 'tailrace state reset'");
  return true;
}

void tell_unreadable(const State& state) {
  if (state.damaged > 0) {
    print_error("tailrace: {} entries of the state are damaged and not shown\n", state.damaged);
  }
  if (state.unreadable > 0) {
    print_error("tailrace: {} entries of the state are of another version and not shown\n",
                state.unreadable);
  }
}

}  // namespace agent
