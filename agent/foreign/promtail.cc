// Promtail and Grafana Alloy (loki.source.file): positions.yaml.
//
//   Promtail  positions: { /var/log/a.log: "1234" }
//   Alloy     the same with keys that are maps: ? { path: /var/log/a.log, labels: '{…}' } : "1234"
// (clients/pkg/promtail/positions; internal/component/common/loki/positions). Keys that begin with
// "cursor-" or "journal-" are not files. It says nothing of which file had the name but this: the
// file is written every few seconds and at the end, so a file that was created after it was written
// is another one.
#include <utility>

#include "agent/foreign/foreign_checkpoint.h"
#include "config/syntax.h"
#include "config/text_file.h"
#include "config/yaml.h"

namespace agent {

namespace {

std::string path_of(const config::NodeEntry& entry) {
  for (const config::NodeEntry& part : entry.key_entries) {
    if (part.key == "path") return part.value.text;
  }
  return entry.key;
}

base::Result<config::Node> read_yaml(io::Files& files, const std::string& path) {
  const std::string text = TRY(config::read_text_file(files, path, kForeignBytesMax));
  if (const auto mistake = config::text_mistake(text)) {
    return base::fail(base::ErrorCode::corrupt, path + ": " + mistake->message);
  }
  config::Mistakes mistakes;
  auto root = config::parse_yaml(text, mistakes, config::YamlKeys::also_maps);
  if (!mistakes.empty()) {
    return base::fail(base::ErrorCode::corrupt, path + ": " + mistakes.take().front().message);
  }
  return root ? std::move(*root) : config::Node{};
}

}  // namespace

base::Result<ForeignCheckpoints> read_promtail(io::Files& files, const std::string& path) {
  const config::Node root = TRY(read_yaml(files, path));
  const io::FileStatus written = TRY(files.status(path, true));
  if (root.entries.size() != 1 || root.entries.front().key != "positions") {
    return base::fail(base::ErrorCode::unsupported, path + " is no positions.yaml");
  }
  ForeignCheckpoints all;
  for (const config::NodeEntry& entry : root.entries.front().value.entries) {
    ForeignCheckpoint each;
    each.name = each.path = path_of(entry);
    each.there_at_ns = written.modified_ns;
    const auto number = parse_number(entry.value.text);
    each.offset = number.value_or(0);
    if (each.path.starts_with("cursor-") || each.path.starts_with("journal-")) {
      each.refusal = "it is not about a file";
    } else if (!number) {
      each.refusal = "it holds no offset";
    }
    all.push_back(std::move(each));
  }
  return all;
}

}  // namespace agent
