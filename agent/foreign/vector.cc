// Vector's file source: checkpoints.json in the source's data directory.
//
// {"version":"1","checkpoints":[{"fingerprint":{KIND:…},"position":N,"modified":"…"}]}
// (lib/file-source, checkpointer.rs and fingerprinter.rs). It has no paths, so the files that flows
// follow are searched for the fingerprint. Kinds: "first_lines_checksum": CRC-64/ECMA-182 of the
// first line, newline included, with the default settings (lines: 1, ignored_header_bytes: 0);
// "dev_inode": [device, inode]. Others are of versions before 0.14 and mean something else.
#include <utility>

#include "agent/foreign/foreign_checkpoint.h"
#include "agent/foreign/json_tree.h"
#include "config/text_file.h"

namespace agent {

namespace {

void read_fingerprint(const JsonValue& fingerprint, ForeignCheckpoint& into) {
  const std::string* checksum = fingerprint.number("first_lines_checksum");
  const JsonValue* inode = fingerprint.find("dev_inode");
  if (checksum != nullptr) {
    into.name = "first_lines_checksum " + *checksum;
    into.head = HeadHash{.kind = HeadHash::Kind::crc64_line, .value = *checksum};
  } else if (inode != nullptr && inode->items.size() == 2) {
    into.name = "dev_inode " + inode->items[0].text + " " + inode->items[1].text;
    into.device = parse_number(inode->items[0].text);
    into.inode = parse_number(inode->items[1].text);
    if (!into.device || !into.inode) into.refusal = "its fingerprint makes no sense";
  } else {
    into.name = fingerprint.members.empty() ? "?" : fingerprint.members.front().name;
    into.refusal = "its kind of fingerprint is not known";
  }
}

}  // namespace

base::Result<ForeignCheckpoints> read_vector(io::Files& files, const std::string& path) {
  const std::string text = TRY(config::read_text_file(files, path, kForeignBytesMax));
  const auto root = parse_json(text);
  if (!root) return base::fail(root.error().code, path + ": " + root.error().message);
  const std::string* version = root->string("version");
  const JsonValue* checkpoints = root->find("checkpoints");
  if (version == nullptr || *version != "1" || checkpoints == nullptr ||
      checkpoints->kind != JsonValue::Kind::list) {
    return base::fail(base::ErrorCode::unsupported, path + " is no checkpoints.json of version 1");
  }
  ForeignCheckpoints all;
  for (const JsonValue& item : checkpoints->items) {
    ForeignCheckpoint each;
    const JsonValue* fingerprint = item.find("fingerprint");
    const std::string* position = item.number("position");
    if (fingerprint == nullptr) {
      each.name = "?";
      each.refusal = "it holds no fingerprint";
    } else {
      read_fingerprint(*fingerprint, each);
    }
    const auto number = position == nullptr ? std::nullopt : parse_number(*position);
    each.offset = number.value_or(0);
    if (!number) each.refusal = "it holds no position";
    all.push_back(std::move(each));
  }
  return all;
}

}  // namespace agent
