#include "store/stream_text.h"

#include <array>
#include <charconv>
#include <chrono>
#include <vector>

namespace store {

namespace {

std::string hexadecimal(base::HashKey value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(32, '0');
  for (std::size_t i = text.size(); i-- > 0; value >>= 4) {
    text[i] = kDigits[static_cast<std::size_t>(value & 15U)];
  }
  return text;
}

bool parse(std::string_view text, base::HashKey& value) {
  if (text.empty() || text.size() > 32) return false;
  value = 0;
  for (const char c : text) {
    unsigned digit = 0;
    if (std::from_chars(&c, &c + 1, digit, 16).ec != std::errc{}) return false;
    value = value << 4 | digit;
  }
  return true;
}

template <typename Number>
bool parse(std::string_view text, Number& value)
  requires(std::is_integral_v<Number> && sizeof(Number) <= 8)
{
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
}

bool parse(std::string_view text, base::Duration& value) {
  std::int64_t count = 0;
  if (!parse(text, count)) return false;
  value = base::Duration(count);
  return true;
}

constexpr std::array<std::string_view, 2> kCompressions{"none", "lz4"};
constexpr std::array<std::string_view, 4> kPolicies{"flush", "interval", "os", "on_request"};

template <typename Enum>
bool parse_word(std::string_view text, const auto& words, Enum& value) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == text) {
      value = static_cast<Enum>(i);
      return true;
    }
  }
  return false;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const auto end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

bool parse_shard(const std::vector<std::string_view>& words, StreamInfo& stream) {
  ShardInfo shard;
  std::uint32_t number = 0;
  if (words.size() < 5 || !parse(words[1], number) || !parse(words[2], shard.hash_start) ||
      !parse(words[3], shard.hash_end) || !parse(words[4], shard.created_us)) {
    return false;
  }
  shard.shard = base::ShardNumber{number};
  stream.shards.push_back(shard);
  return true;
}

bool parse_line(const std::vector<std::string_view>& words, StreamInfo& stream) {
  if (words.size() < 2) return true;
  const std::string_view name = words[0], value = words[1];
  ShardOptions& options = stream.options;
  if (name == "id") return parse(value, stream.id);
  if (name == "created_us") return parse(value, stream.created_us);
  if (name == "shard") return parse_shard(words, stream);
  if (name == "compression") return parse_word(value, kCompressions, options.compression);
  if (name == "sync") return parse_word(value, kPolicies, options.sync);
  if (name == "sync_interval_ns") return parse(value, options.sync_interval);
  if (name == "unsynced_bytes_max") return parse(value, options.unsynced_bytes_max);
  if (name == "segment_bytes_max") return parse(value, options.segment_bytes_max);
  if (name == "segment_age_max_ns") return parse(value, options.segment_age_max);
  if (name == "retention_age_ns") return parse(value, options.retention_age);
  if (name == "retention_bytes") return parse(value, options.retention_bytes);
  return true;
}

}  // namespace

std::string format_stream(const StreamInfo& stream) {
  const ShardOptions& options = stream.options;
  const auto line = [](std::string_view name, const std::string& value) {
    return std::string(name) + " " + value + "\n";
  };
  const auto words = [](std::string_view word) { return std::string(word); };
  std::string text =
      line("id", hexadecimal(stream.id)) + line("created_us", std::to_string(stream.created_us)) +
      line("compression", words(kCompressions.at(static_cast<std::size_t>(options.compression)))) +
      line("sync", words(kPolicies.at(static_cast<std::size_t>(options.sync)))) +
      line("sync_interval_ns", std::to_string(options.sync_interval.count())) +
      line("unsynced_bytes_max", std::to_string(options.unsynced_bytes_max)) +
      line("segment_bytes_max", std::to_string(options.segment_bytes_max)) +
      line("segment_age_max_ns", std::to_string(options.segment_age_max.count())) +
      line("retention_age_ns", std::to_string(options.retention_age.count())) +
      line("retention_bytes", std::to_string(options.retention_bytes));
  for (const ShardInfo& shard : stream.shards) {
    text += line("shard", std::to_string(base::index(shard.shard)) + " " +
                              hexadecimal(shard.hash_start) + " " + hexadecimal(shard.hash_end) +
                              " " + std::to_string(shard.created_us));
  }
  return text;
}

bool parse_stream(std::string_view text, StreamInfo& stream) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (!parse_line(words_of(text.substr(0, end)), stream)) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return !stream.shards.empty();
}

}  // namespace store
