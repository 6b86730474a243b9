// rsyslog's imfile: one JSON file per followed file in rsyslog's workDirectory.
//
// Its name is imfile-state:<inode>, and for files of 512 bytes and more :<hash> after it, SipHash
// of the first 512 bytes. {"filename":path,"prev_was_nl":…,"curr_offs":N,"strt_offs":N}, and
// "prev_line_segment" and "prev_msg_segment" when a line or a message was not complete
// (plugins/imfile/imfile.c, since 8.35; before, the files were no JSON). What those two hold was
// read and not yet handed on, so going on at curr_offs would lose it.
#include <algorithm>
#include <utility>

#include "agent/foreign/foreign_checkpoint.h"
#include "agent/foreign/json_tree.h"
#include "config/text_file.h"

namespace agent {

namespace {

constexpr std::string_view kPrefix = "imfile-state:";
constexpr std::size_t kStateBytesMax = std::size_t{1} << 20;  // of one file; there may be many

bool holds_text(const JsonValue& state, std::string_view name) {
  const std::string* text = state.string(name);
  return text != nullptr && !text->empty();
}

void read_state_file(io::Files& files, const std::string& path, std::string_view id,
                     ForeignCheckpoint& into) {
  const std::size_t colon = std::min(id.find(':'), id.size());
  into.inode = parse_number(id.substr(0, colon));
  if (colon < id.size()) {
    into.head =
        HeadHash{.kind = HeadHash::Kind::siphash_512, .value = std::string(id.substr(colon + 1))};
  }
  const auto text = config::read_text_file(files, path, kStateBytesMax);
  if (!text) {
    into.refusal = text.error().message;
    return;
  }
  const auto state = parse_json(*text);
  if (!into.inode || !state) {
    into.refusal = "it is not of rsyslog 8.35 or later";
    return;
  }
  const std::string* name = state->string("filename");
  const std::string* offset = state->number("curr_offs");
  if (name != nullptr) into.name = into.path = *name;
  const auto number = offset == nullptr ? std::nullopt : parse_number(*offset);
  into.offset = number.value_or(0);
  if (name == nullptr || !number) {
    into.refusal = "it holds no file name or no offset";
  } else if (holds_text(*state, "prev_line_segment") || holds_text(*state, "prev_msg_segment")) {
    into.refusal = "it holds part of a message that was not handed on";
  }
}

}  // namespace

base::Result<ForeignCheckpoints> read_rsyslog(io::Files& files, const std::string& path) {
  const io::FileStatus status = TRY(files.status(path, true));
  std::vector<std::string> paths;
  if (status.kind == io::FileKind::directory) {
    for (const io::DirectoryEntry& entry : TRY(files.list(path))) {
      if (entry.name.starts_with(kPrefix)) paths.push_back(path + "/" + entry.name);
    }
    if (paths.empty()) {
      return base::fail(base::ErrorCode::unsupported, path + " holds no imfile-state file");
    }
    std::ranges::sort(paths);
  } else {
    paths.push_back(path);
  }
  ForeignCheckpoints all;
  for (const std::string& each_path : paths) {
    const std::string name = each_path.substr(each_path.rfind('/') + 1);
    if (!name.starts_with(kPrefix)) {
      return base::fail(base::ErrorCode::unsupported,
                        path + " is no imfile-state file and no directory of them");
    }
    ForeignCheckpoint each;
    each.name = name;
    read_state_file(files, each_path, std::string_view(name).substr(kPrefix.size()), each);
    all.push_back(std::move(each));
  }
  return all;
}

}  // namespace agent
