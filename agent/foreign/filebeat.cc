// Filebeat: the registry, by default /var/lib/filebeat/registry/filebeat.
//
// A directory (libbeat/statestore/backend/memlog): meta.json {"version":"1"}; <txid>.json, a list
// of everything at that transaction, each {"_key":…, …}; log.json, what changed since: pairs of
// lines {"op":"set"|"remove","id":txid} and {"k":key,"v":value}. active.dat names the list that
// counts; the highest number is it. The log may end in the middle of its last pair, as a crash
// leaves it; anything else that is out of order would be entries that are silently missing.
//
// Values of the inputs that read files:
//   filestream  key filestream::<input>::<identity>, {"cursor":{"offset":N},
//               "meta":{"source":path,"identifier_name":…},"ttl":…}
//   log         key filebeat::logs::<identity>, {"source":path,"offset":N,
//               "FileStateOS":{"inode":…,"device":…},"ttl":…}
// <identity>: native::<inode>-<device>, fingerprint::<SHA-256 of the first 1,024 bytes>,
// inode_marker::<inode>-<text> or path::<path>; the last proves nothing. ttl 0: taken out.
#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "agent/foreign/foreign_checkpoint.h"
#include "agent/foreign/json_tree.h"
#include "config/text_file.h"

namespace agent {

namespace {

using Entries = std::map<std::string, JsonValue>;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

base::Result<JsonValue> read_json(io::Files& files, const std::string& path) {
  const std::string text = TRY(config::read_text_file(files, path, kForeignBytesMax));
  auto root = parse_json(text);
  if (!root) return base::fail(root.error().code, path + ": " + root.error().message);
  return root;
}

std::unexpected<base::Error> damaged(const std::string& what) {
  return base::fail(base::ErrorCode::corrupt, what + "; the registry is damaged");
}

// The list of everything with the highest number: that number, and its entries. 0: there is none.
base::Result<std::uint64_t> read_snapshot(io::Files& files, const std::string& directory,
                                          Entries& entries) {
  std::uint64_t newest = 0;
  for (const io::DirectoryEntry& entry : TRY(files.list(directory))) {
    constexpr std::string_view kEnd = ".json";
    if (!entry.name.ends_with(kEnd)) continue;
    const auto number = parse_number(entry.name.substr(0, entry.name.size() - kEnd.size()));
    newest = std::max(newest, number.value_or(0));
  }
  if (newest == 0) return 0;
  const std::string path = directory + "/" + std::to_string(newest) + ".json";
  const JsonValue root = TRY(read_json(files, path));
  if (root.kind != JsonValue::Kind::list) return damaged(path + " is no list");
  for (const JsonValue& item : root.items) {
    const std::string* key = item.string("_key");
    if (key == nullptr) return damaged(path + " has an entry without a key");
    entries.insert_or_assign(*key, item);
  }
  return newest;
}

// False: it makes no sense.
bool apply(const std::string& op, const JsonValue& change, Entries& entries) {
  // Written in lower case today, in upper case by early versions.
  const std::string* key = change.string("k") ? change.string("k") : change.string("K");
  const JsonValue* value = change.find("v") ? change.find("v") : change.find("V");
  if (key == nullptr) return false;
  if (op == "remove") {
    entries.erase(*key);
    return true;
  }
  if (op != "set" || value == nullptr) return false;
  entries.insert_or_assign(*key, *value);
  return true;
}

// The whole lines of the log, in pairs. `path` is for what errors say.
class LogReader {
 public:
  // `transaction`: what `entries` are as of.
  LogReader(std::string path, std::uint64_t transaction, Entries& entries)
      : path_(std::move(path)), transaction_(transaction), entries_(entries) {}

  base::Result<void> read(std::string_view text) {
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end + 1);
      ++number_;
      if (line.empty()) continue;
      const auto document = parse_json(line);
      if (!document) return wrong(document.error().message);
      if (op_.empty()) {
        TRY_VOID(begin(*document));
      } else {
        if (!old_ && !apply(op_, *document, entries_)) return wrong("no change of an entry");
        op_.clear();
      }
    }
    return {};
  }

 private:
  base::Result<void> begin(const JsonValue& operation) {
    const std::string* name = operation.string("op");
    const std::string* id = operation.number("id");
    const auto transaction = id == nullptr ? std::nullopt : parse_number(*id);
    if (name == nullptr || !transaction) return wrong("no operation");
    old_ = *transaction <= transaction_;  // the log was not cut when the list was written
    if (!old_ && *transaction != transaction_ + 1) {
      return wrong("operation " + *id + " follows " + std::to_string(transaction_));
    }
    if (!old_) transaction_ = *transaction;
    op_ = *name;
    return {};
  }

  std::unexpected<base::Error> wrong(const std::string& what) const {
    return damaged(path_ + ":" + std::to_string(number_) + ": " + what);
  }

  const std::string path_;
  std::uint64_t transaction_;
  Entries& entries_;
  std::uint64_t number_ = 0;  // of the line
  std::string op_;            // empty: the next line is an operation
  bool old_ = false;
};

std::string_view after(std::string_view text, std::string_view what) {
  const std::size_t at = text.find(what);
  return at == text.npos ? std::string_view() : text.substr(at + what.size());
}

// The digits `text` begins with.
std::string_view digits(std::string_view text) {
  return text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
}

void read_identity(std::string_view key, ForeignCheckpoint& into) {
  if (const std::string_view native = after(key, "native::"); !native.empty()) {
    into.inode = parse_number(digits(native));
    into.device = parse_number(digits(after(native, "-")));
    if (into.inode && into.device) return;
  } else if (const std::string_view hash = after(key, "::fingerprint::"); !hash.empty()) {
    into.head = HeadHash{.kind = HeadHash::Kind::sha256_1024, .value = std::string(hash)};
    into.head->value.resize(std::min<std::size_t>(hash.size(), 64));
    return;
  } else if (const std::string_view marker = after(key, "inode_marker::"); !marker.empty()) {
    into.inode = parse_number(digits(marker));
    if (into.inode) return;
  }
  into.refusal = "its file identity proves nothing about the file";
}

ForeignCheckpoint read_entry(const std::string& key, const JsonValue& value) {
  ForeignCheckpoint each;
  const JsonValue* cursor = value.find("cursor");
  const JsonValue* meta = value.find("meta");
  const std::string* source = value.string("source");
  if (source == nullptr && meta != nullptr) source = meta->string("source");
  const std::string* offset = value.number("offset");
  if (offset == nullptr && cursor != nullptr) offset = cursor->number("offset");
  each.name = source == nullptr ? key : *source;
  if (source != nullptr) each.path = *source;
  const auto number = offset == nullptr ? std::nullopt : parse_number(*offset);
  each.offset = number.value_or(0);
  if (source == nullptr) {
    each.refusal = "it is not about a file";
  } else if (!number) {
    each.refusal = "it holds no offset";
  } else {
    read_identity(key, each);
  }
  return each;
}

}  // namespace

base::Result<ForeignCheckpoints> read_filebeat(io::Files& files, const std::string& path) {
  const io::FileStatus status = TRY(files.status(path, true));
  // A file of the registry stands for all of it: one alone says too little or what is old.
  const std::string directory = status.kind == io::FileKind::directory ? path : parent_of(path);
  const JsonValue meta = TRY(read_json(files, directory + "/meta.json"));
  const std::string* version = meta.string("version");
  if (version == nullptr || *version != "1") {
    return base::fail(base::ErrorCode::unsupported, directory + " is no registry of version 1");
  }
  Entries entries;
  const std::uint64_t transaction = TRY(read_snapshot(files, directory, entries));
  const std::string log_path = directory + "/log.json";
  const auto log = config::read_text_file(files, log_path, kForeignBytesMax);
  if (log) {
    TRY_VOID(LogReader(log_path, transaction, entries).read(*log));
  } else if (log.error().system != ENOENT) {
    return std::unexpected(log.error());
  } else if (transaction == 0) {
    return base::fail(base::ErrorCode::unsupported,
                      directory + " has neither a list of entries nor a log of them");
  }
  ForeignCheckpoints all;
  for (const auto& [key, value] : entries) {
    const std::string* ttl = value.number("ttl");
    if (ttl != nullptr && *ttl == "0") continue;
    all.push_back(read_entry(key, value));
  }
  return all;
}

}  // namespace agent
