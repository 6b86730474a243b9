#include "sources/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace sources {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kVersionCompressed = 2;
constexpr std::uint8_t kVersionTranscoded = 3;
constexpr std::size_t kFixedBytes = 1 + 8 + 8 + 4 + 8 + 4 + 8 + 8 + 4;
constexpr std::uint8_t kVersionLineEnds = 4;
constexpr std::uint8_t kVersionTarget = 5;
constexpr std::uint8_t kWhole = 128;  // added to any of them
constexpr std::uint8_t kGone = 1;
constexpr std::uint8_t kGoesOn = 2;
constexpr std::uint8_t kPastFooter = 4;
constexpr std::uint8_t kCut = 8;
constexpr std::size_t kCompressedBytes = 8 + 1;  // what version 2 has more
constexpr std::size_t kTranscodedBytes = 8 + 8;  // what version 3 has more than that
constexpr std::size_t kLineEndBytes = 4 + 8;

template <typename T>
void put(std::string& out, T value) {  // little-endian, whatever the machine is
  auto bits = static_cast<std::make_unsigned_t<T>>(value);
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<char>(bits & 0xFFU));
    if constexpr (sizeof(T) > 1) bits = static_cast<std::make_unsigned_t<T>>(bits >> 8);
  }
}

template <typename T>
T get(std::string_view& in) {
  std::make_unsigned_t<T> bits = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    if constexpr (sizeof(T) > 1) bits = static_cast<std::make_unsigned_t<T>>(bits << 8);
    bits = static_cast<std::make_unsigned_t<T>>(bits | static_cast<unsigned char>(in[i]));
  }
  in.remove_prefix(sizeof(T));
  return static_cast<T>(bits);
}

// Takes the number after the last blank of `text` away from it. False: there is none.
template <typename T>
bool take_last_number(std::string_view& text, T& number) {
  const std::size_t blank = text.rfind(' ');
  if (blank == std::string_view::npos) return false;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + blank + 1, end, number);
  text = text.substr(0, blank);
  return error == std::errc{} && at == end;
}

}  // namespace

std::vector<LineEnd> joined(const std::vector<LineEnd>& before, const std::vector<LineEnd>& later,
                            std::uint64_t offset, std::size_t most) {
  const std::uint64_t until = later.empty() ? offset + 1 : later.front().offset;
  std::vector<LineEnd> all;
  for (const LineEnd& each : before) {
    if (each.offset < until && offset - each.offset <= UINT32_MAX) all.push_back(each);
  }
  all.insert(all.end(), later.begin(), later.end());
  if (all.size() > most) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(most));
  return all;
}

void put_line_ends(std::string& out, const Checkpoint& checkpoint) {
  put(out, static_cast<std::uint16_t>(checkpoint.line_ends.size()));
  for (const LineEnd& end : checkpoint.line_ends) {
    put(out, static_cast<std::uint32_t>(checkpoint.offset - end.offset));
    put(out, end.hash);
  }
}

bool take_line_ends(std::string_view& in, Checkpoint& checkpoint) {
  if (in.size() < 2) return false;
  const auto count = get<std::uint16_t>(in);
  if (count > kLineEndsMax || in.size() < count * kLineEndBytes) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const auto below = get<std::uint32_t>(in);
    const auto hash = get<std::uint64_t>(in);
    if (below > checkpoint.offset) return false;
    checkpoint.line_ends.push_back({checkpoint.offset - below, hash});
  }
  return true;
}

bool is_fresh(const Checkpoint& checkpoint) {
  return checkpoint.origin == base::Origin::none && checkpoint.offset == 0 &&
         checkpoint.compressed_bytes == 0 && checkpoint.seen_us == 0;
}

bool is_unread(const Checkpoint& checkpoint) {
  return checkpoint.offset == 0 && checkpoint.compressed_bytes == 0 && checkpoint.tail_bytes == 0;
}

bool covers(const Checkpoint& checkpoint, std::uint64_t file_bytes) {
  const bool raw = checkpoint.transcoded || checkpoint.compressed_bytes > 0;
  return file_bytes == (raw ? checkpoint.compressed_bytes : checkpoint.offset);
}

std::uint64_t unread_bytes(const Checkpoint& checkpoint, std::uint64_t file_bytes) {
  const std::uint64_t read = checkpoint.compressed_bytes > 0 ? checkpoint.compressed_bytes
                             : checkpoint.transcoded         ? checkpoint.point.raw
                                                             : checkpoint.offset;
  return file_bytes > read && !covers(checkpoint, file_bytes) ? file_bytes - read : 0;
}

std::optional<base::Timestamp> last_seen(std::span<const Checkpoint> checkpoints) {
  const auto last = std::ranges::max_element(checkpoints, {}, &Checkpoint::seen_us);
  if (last == checkpoints.end()) return std::nullopt;
  return base::Timestamp(std::chrono::microseconds(last->seen_us));
}

void mark_seen(Checkpoint& checkpoint, base::Timestamp now) {
  checkpoint.seen_us =
      std::max<std::int64_t>(now.time_since_epoch().count(), checkpoint.seen_us + 1);
}

std::string checkpoint_key(std::string_view flow, const FileIdentity& identity) {
  std::string key(flow);
  for (const std::uint64_t number : {identity.device, identity.inode}) {
    key += ' ';
    key += std::to_string(number);
  }
  key += ' ';
  key += std::to_string(identity.birth_ns);
  return key;
}

std::string encode(const Checkpoint& checkpoint) {
  std::string value;
  const bool line_ends = !checkpoint.line_ends.empty() && !checkpoint.transcoded;
  const bool more = checkpoint.compressed_bytes > 0 || checkpoint.gone || checkpoint.goes_on ||
                    checkpoint.past_footer || checkpoint.transcoded;
  value.reserve(kFixedBytes + kCompressedBytes + kTranscodedBytes +
                checkpoint.line_ends.size() * kLineEndBytes + checkpoint.path.size());
  if (!checkpoint.target.empty()) {
    const std::string target = checkpoint.target.path();
    put(value, kVersionTarget);
    put(value, static_cast<std::uint32_t>(target.size()));
    value += target;
  }
  const std::uint8_t version = line_ends               ? kVersionLineEnds
                               : checkpoint.transcoded ? kVersionTranscoded
                               : more                  ? kVersionCompressed
                                                       : kVersion;
  put(value, static_cast<std::uint8_t>(version | (checkpoint.whole ? kWhole : 0)));
  put(value, base::value(checkpoint.origin));
  put(value, checkpoint.flow_fingerprint);
  put(value, checkpoint.generation);
  put(value, checkpoint.offset);
  put(value, checkpoint.tail_bytes);
  put(value, checkpoint.tail_hash);
  put(value, checkpoint.seen_us);
  if (more || line_ends) {
    put(value, checkpoint.compressed_bytes);
    const std::uint8_t whole = checkpoint.gone ? kGone : checkpoint.goes_on ? kGoesOn : 0;
    const std::uint8_t cut = checkpoint.cut ? kCut : 0;
    put(value, static_cast<std::uint8_t>(whole | (checkpoint.past_footer ? kPastFooter : 0) | cut));
  }
  if (checkpoint.transcoded) {
    put(value, checkpoint.point.offset);
    put(value, checkpoint.point.raw);
  }
  if (line_ends) put_line_ends(value, checkpoint);
  put(value, static_cast<std::uint32_t>(checkpoint.path.size()));
  value += checkpoint.path;
  return value;
}

// Takes away what only version 5 has. False: it is cut.
bool take_target(std::string_view& in, Checkpoint& checkpoint) {
  if (in.empty() || static_cast<std::uint8_t>(in.front()) != kVersionTarget) return true;
  in.remove_prefix(1);
  if (in.size() < sizeof(std::uint32_t)) return false;
  const auto bytes = get<std::uint32_t>(in);
  if (bytes == 0 || in.size() < bytes) return false;
  checkpoint.target = LinkTarget(std::string(in.substr(0, bytes)));
  in.remove_prefix(bytes);
  return true;
}

std::optional<Checkpoint> decode_checkpoint(std::string_view key, std::string_view value) {
  Checkpoint checkpoint;
  if (!take_last_number(key, checkpoint.identity.birth_ns) ||
      !take_last_number(key, checkpoint.identity.inode) ||
      !take_last_number(key, checkpoint.identity.device)) {
    return std::nullopt;
  }
  checkpoint.flow = key;
  if (!take_target(value, checkpoint) || value.size() < kFixedBytes) return std::nullopt;
  const auto first = get<std::uint8_t>(value);
  checkpoint.whole = (first & kWhole) != 0;
  const auto version = static_cast<std::uint8_t>(first & ~kWhole);
  if (version < kVersion || version > kVersionLineEnds) return std::nullopt;
  checkpoint.origin = base::Origin{get<std::uint64_t>(value)};
  checkpoint.flow_fingerprint = get<std::uint64_t>(value);
  checkpoint.generation = get<std::uint32_t>(value);
  checkpoint.offset = get<std::uint64_t>(value);
  checkpoint.tail_bytes = get<std::uint32_t>(value);
  checkpoint.tail_hash = get<std::uint64_t>(value);
  checkpoint.seen_us = get<std::int64_t>(value);
  if (version >= kVersionCompressed) {
    if (value.size() < kCompressedBytes + 4) return std::nullopt;
    checkpoint.compressed_bytes = get<std::uint64_t>(value);
    const auto what = get<std::uint8_t>(value);
    checkpoint.cut = (what & kCut) != 0;
    checkpoint.past_footer = (what & kPastFooter) != 0;
    checkpoint.goes_on = (what & kGoesOn) != 0;
    checkpoint.gone = (what & kGone) != 0;
  }
  if (version == kVersionTranscoded) {
    if (value.size() < kTranscodedBytes + 4) return std::nullopt;
    checkpoint.transcoded = true;
    checkpoint.point.offset = get<std::uint64_t>(value);
    checkpoint.point.raw = get<std::uint64_t>(value);
    if (checkpoint.point.offset > checkpoint.offset) return std::nullopt;
  }
  if (version == kVersionLineEnds && !take_line_ends(value, checkpoint)) return std::nullopt;
  if (value.size() < 4) return std::nullopt;
  const auto path_bytes = get<std::uint32_t>(value);
  if (value.size() != path_bytes) return std::nullopt;
  if (checkpoint.tail_bytes > (checkpoint.offset == 0 ? kHeadBytes : kTailBytes)) {
    return std::nullopt;
  }
  if (checkpoint.offset > 0 && checkpoint.tail_bytes > checkpoint.offset) return std::nullopt;
  checkpoint.path = value;
  return checkpoint;
}

}  // namespace sources
