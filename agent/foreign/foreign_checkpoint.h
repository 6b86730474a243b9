// ForeignCheckpoint: how far another agent has read a file, in that agent's own words.
//
// What it says about which file it means differs from agent to agent; `state import` takes over
// only what those words prove. One reader per agent, each in a file of its own that names where the
// format is described. All block, change nothing and are called by the command line only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/files.h"

namespace agent {

// A hash of a file's first bytes.
struct HeadHash {
  enum class Kind : std::uint8_t {
    crc64_line,   // CRC-64/ECMA-182 of the first line with its newline, as a decimal number
    sha256_1024,  // SHA-256 of the first 1,024 bytes, as hexadecimal digits
    siphash_512,  // SipHash-2-4 of the first 512 bytes, key 00 01 … 0f, its bytes as hexadecimal
  };
  Kind kind = Kind::crc64_line;
  std::string value;
};

constexpr std::size_t kTailHashBytesMax = 32;  // Fluent Bit takes no more

// A hash of the last bytes before the offset: XXH3, 64 bits.
struct TailHash {
  std::size_t bytes = 0;  // 1 to kTailHashBytesMax
  std::uint64_t value = 0;
};

struct ForeignCheckpoint {
  std::string name;  // what to call it in a table: its path, or what stands for one
  std::string path;  // absolute; empty: the agent does not say
  std::uint64_t offset = 0;
  // What proves which file it is; at least one of these, or it is refused.
  std::optional<std::uint64_t> device;  // as st_dev
  std::optional<std::uint64_t> inode;
  std::optional<HeadHash> head;
  std::optional<std::int64_t> there_at_ns;  // since the epoch: the file had its name then
  // Proves no file by itself, but that it was not refilled since.
  std::optional<TailHash> tail;
  std::string refusal;  // not empty: why it cannot be taken over at all
};

using ForeignCheckpoints = std::vector<ForeignCheckpoint>;

// The agents there are, as `--from` calls them.
std::span<const std::string_view> foreign_agents();
// `agent`: one of foreign_agents(). Errors say what is wrong with `path` or what is in it; an
// unknown version of the format is one.
base::Result<ForeignCheckpoints> read_foreign(io::Files& files, std::string_view agent,
                                              const std::string& path);

base::Result<ForeignCheckpoints> read_kinesis_agent(const std::string& path);
base::Result<ForeignCheckpoints> read_fluent_bit(const std::string& path);
base::Result<ForeignCheckpoints> read_vector(io::Files& files, const std::string& path);
base::Result<ForeignCheckpoints> read_filebeat(io::Files& files, const std::string& path);
base::Result<ForeignCheckpoints> read_promtail(io::Files& files, const std::string& path);
base::Result<ForeignCheckpoints> read_rsyslog(io::Files& files, const std::string& path);

constexpr std::size_t kForeignBytesMax = std::size_t{64} << 20;  // of one file of another agent's

// The whole of `text` as a number without a sign; nullopt when it is none or does not fit.
std::optional<std::uint64_t> parse_number(std::string_view text, int base = 10);

}  // namespace agent
