#include "agent/state_import.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <utility>

#include "agent/foreign/fingerprints.h"
#include "sources/discovery.h"

namespace agent {

namespace {

constexpr std::size_t kFirstLineBytesMax = 100 * 1024;  // Vector's max_line_bytes: its hash's end

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

base::Result<std::string> read_range(io::Files& files, io::Handle file, std::uint64_t offset,
                                     std::size_t bytes) {
  std::string text(bytes, '\0');
  text.resize(TRY(files.read_at(file, text, offset)));
  return text;
}

// Its first bytes as `kind` hashes them; nullopt: there are too few yet.
std::optional<std::string> head_hash(io::Files& files, io::Handle file, HeadHash::Kind kind) {
  const auto head = read_range(files, file, 0, kFirstLineBytesMax);
  if (!head) return std::nullopt;
  const std::string_view bytes = *head;
  switch (kind) {
    case HeadHash::Kind::crc64_line: {
      const std::size_t newline = bytes.find('\n');
      if (newline == bytes.npos && bytes.size() < kFirstLineBytesMax) return std::nullopt;
      return std::to_string(
          crc64_ecma(bytes.substr(0, newline == bytes.npos ? newline : newline + 1)));
    }
    case HeadHash::Kind::sha256_1024:
      if (bytes.size() < 1024) return std::nullopt;
      return sha256_hex(bytes.substr(0, 1024));
    case HeadHash::Kind::siphash_512:
      if (bytes.size() < 512) return std::nullopt;
      return siphash_hex(bytes.substr(0, 512));
  }
  return std::nullopt;
}

class Judge {
 public:
  Judge(const io::Environment& environment, const FollowedFiles& followed, const State& state)
      : environment_(environment), files_(environment.files), followed_(followed) {
    for (const sources::Checkpoint& checkpoint : state.checkpoints) {
      known_[sources::checkpoint_key(checkpoint.flow, checkpoint.identity)] = checkpoint.offset;
    }
  }

  ImportRow judge(const ForeignCheckpoint& foreign) {
    ImportRow row{.name = foreign.name, .offset = foreign.offset, .checkpoint = {}, .refusal = {}};
    row.refusal = foreign.refusal;
    if (!row.refusal.empty()) return row;
    if (foreign.path.empty()) {
      by_proof(foreign, row);
    } else {
      by_path(foreign, row);
    }
    return row;
  }

 private:
  // The file behind the path must be the one that is meant.
  void by_path(const ForeignCheckpoint& foreign, ImportRow& row) {
    if (!foreign.path.starts_with('/')) {
      row.refusal = "its path is not absolute";
      return;
    }
    const auto status = files_.status(foreign.path, true);
    if (!status) {
      const int error = status.error().system;
      row.refusal =
          error == ENOENT || error == ENOTDIR ? "the file is gone" : status.error().message;
      return;
    }
    row.refusal = doubt(foreign, *status);
    if (!row.refusal.empty()) return;
    const auto at = followed_.find(sources::identity_of(*status));
    if (at == followed_.end()) {
      row.refusal = "no flow of this configuration follows it";
      return;
    }
    take(foreign, at->second, row);
  }

  // Why the file of this status may not be the one that is meant; "" when it is.
  static std::string doubt(const ForeignCheckpoint& foreign, const io::FileStatus& status) {
    const bool other_inode = foreign.inode && *foreign.inode != status.inode;
    if (other_inode || (foreign.device && *foreign.device != status.device)) {
      return "another file has its name now";
    }
    if (foreign.inode || foreign.head) return {};
    if (!foreign.there_at_ns) return "nothing says which file had this name";
    if (status.birth_ns == 0) return "the file system does not say how old the file is";
    if (status.birth_ns > *foreign.there_at_ns) return "the file is newer than what is said of it";
    return {};
  }

  // No path: of all followed files exactly one must be as described.
  void by_proof(const ForeignCheckpoint& foreign, ImportRow& row) {
    std::vector<const FollowedFile*> found;
    if (foreign.head) {
      const auto [begin, end] = heads(foreign.head->kind).equal_range(foreign.head->value);
      for (auto at = begin; at != end; ++at) found.push_back(at->second);
    } else {
      for (const auto& [identity, file] : followed_) {
        if (identity.inode == foreign.inode && identity.device == foreign.device) {
          found.push_back(&file);
        }
      }
    }
    if (found.size() == 1) {
      row.name = found.front()->path;
      take(foreign, *found.front(), row);
      return;
    }
    row.refusal = found.empty() ? "no file that a flow follows is like this"
                                : std::to_string(found.size()) + " files are like this";
  }

  using Heads = std::multimap<std::string, const FollowedFile*>;

  const Heads& heads(HeadHash::Kind kind) {
    const auto [at, fresh] = heads_.try_emplace(kind);
    if (!fresh) return at->second;
    for (const auto& [identity, file] : followed_) {
      const auto opened = files_.open(file.path, io::Open::read);
      if (!opened) continue;
      const io::UniqueHandle handle(files_, *opened);
      if (auto hash = head_hash(files_, handle.get(), kind)) {
        at->second.emplace(std::move(*hash), &file);
      }
    }
    return at->second;
  }

  // It is `file`. Is the offset one to go on at?
  void take(const ForeignCheckpoint& foreign, const FollowedFile& file, ImportRow& row) {
    if (file.flows.size() > 1) {
      row.refusal = "several flows follow it: " + joined(file.flows);
      return;
    }
    if (file.transcoded) {
      row.refusal = "its flow reads it as UTF-16, where offsets are others";
      return;
    }
    const auto opened = files_.open(file.path, io::Open::read);
    if (!opened) {
      row.refusal = opened.error().message;
      return;
    }
    const io::UniqueHandle handle(files_, *opened);
    const auto status = files_.status(handle.get());
    if (!status || sources::identity_of(*status) != file.identity) {
      row.refusal = "another file has its name now";
      return;
    }
    if (foreign.head &&
        head_hash(files_, handle.get(), foreign.head->kind) != foreign.head->value) {
      row.refusal = "its beginning is not what it was";
      return;
    }
    if (foreign.offset > status->size) {
      row.refusal = "offset " + std::to_string(foreign.offset) + " is beyond its end at " +
                    std::to_string(status->size);
      return;
    }
    const auto bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(foreign.offset, sources::kTailBytes));
    const auto tail = read_range(files_, handle.get(), foreign.offset - bytes, bytes);
    if (!tail || tail->size() != bytes) {
      row.refusal = "the bytes before its offset cannot be read";
      return;
    }
    if (foreign.tail &&
        xxh3(std::string_view(*tail).substr(bytes - foreign.tail->bytes)) != foreign.tail->value) {
      row.refusal = "the bytes before its offset are not what they were";
      return;
    }
    if (!tail->empty() && !tail->ends_with(file.delimiter.bytes())) {
      row.refusal = "offset " + std::to_string(foreign.offset) + " is inside a line";
      return;
    }
    write_down(foreign, file, *tail, row);
  }

  void write_down(const ForeignCheckpoint& foreign, const FollowedFile& file,
                  const std::string& tail, ImportRow& row) {
    sources::Checkpoint checkpoint;
    checkpoint.flow = file.flows.front();
    checkpoint.identity = file.identity;
    checkpoint.path = file.path;
    checkpoint.offset = foreign.offset;
    checkpoint.tail_bytes = static_cast<std::uint32_t>(tail.size());
    checkpoint.tail_hash = tail.empty() ? 0 : sources::tail_hash(tail);
    checkpoint.seen_us = environment_.clock.wall().time_since_epoch().count();
    const auto known = known_.find(sources::checkpoint_key(checkpoint.flow, checkpoint.identity));
    row.there_already = known != known_.end() && known->second == foreign.offset;
    if (known != known_.end() && !row.there_already) {
      row.refusal = "tailrace is at offset " + std::to_string(known->second) + " of it already";
      return;
    }
    row.checkpoint = std::move(checkpoint);
  }

  const io::Environment& environment_;
  io::Files& files_;
  const FollowedFiles& followed_;
  std::map<std::string, std::uint64_t> known_;  // key → offset
  std::map<HeadHash::Kind, Heads> heads_;       // as they are asked for
};

// Two words about one file: which one to believe would be a guess.
void refuse_contradictions(std::vector<ImportRow>& rows) {
  std::map<std::string, std::vector<ImportRow*>> files;
  for (ImportRow& row : rows) {
    if (!row.checkpoint) continue;
    files[sources::checkpoint_key(row.checkpoint->flow, row.checkpoint->identity)].push_back(&row);
  }
  for (const auto& [key, same] : files) {
    const auto other = [&same](const ImportRow* row) { return row->offset != same[0]->offset; };
    if (std::ranges::none_of(same, other)) continue;
    for (ImportRow* row : same) {
      row->checkpoint.reset();
      row->refusal = std::to_string(same.size()) + " entries disagree about its offset";
    }
  }
}

}  // namespace

FollowedFiles find_followed_files(const config::Config& config,
                                  const io::Environment& environment) {
  FollowedFiles followed;
  std::vector<sources::Discovery::Flow> flows;
  flows.reserve(config.flows.size());
  for (const config::Flow& flow : config.flows) {
    flows.push_back({.name = flow.name, .files = flow.from, .fingerprint = 0});
    // It passes over files without state, and what is imported is a state: what the other agent
    // has not read of an old file is still to be read.
    flows.back().files.ignore_older = {};
  }
  sources::Discovery discovery(environment, std::move(flows), {}, {config.data_dir},
                               {.found =
                                    [&](std::size_t flow, const sources::FoundFile& found) {
                                      environment.files.close(found.handle);
                                      FollowedFile& file = followed[found.checkpoint.identity];
                                      file.identity = found.checkpoint.identity;
                                      file.path = found.checkpoint.path;
                                      file.flows.push_back(config.flows[flow].name);
                                      file.delimiter = config.flows[flow].program.framer.delimiter;
                                      file.transcoded = config.flows[flow].tail.encoding !=
                                                        sources::Encoding::utf8;
                                    },
                                .look = [](std::size_t, std::uint64_t) {},
                                .detached = [](std::size_t, std::uint64_t, const std::string&) {}});
  discovery.start();
  discovery.stop();
  while (!discovery.idle()) environment.io.run_once(std::chrono::milliseconds(10));
  return followed;
}

std::vector<ImportRow> judge_import(const io::Environment& environment,
                                    const ForeignCheckpoints& foreign,
                                    const FollowedFiles& followed, const State& state) {
  Judge judge(environment, followed, state);
  std::vector<ImportRow> rows;
  rows.reserve(foreign.size());
  for (const ForeignCheckpoint& each : foreign) rows.push_back(judge.judge(each));
  refuse_contradictions(rows);
  return rows;
}

}  // namespace agent
