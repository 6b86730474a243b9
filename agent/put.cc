#include "agent/put.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>

#include "base/hash_key.h"
#include "pipeline/router.h"

namespace agent {

namespace {

// Takes the next word up to `end` off `text`. Empty: there is none.
std::string_view take_word(std::string_view& text, char end) {
  const std::size_t size = text.find(end);
  if (size == std::string_view::npos) return {};
  const std::string_view word = text.substr(0, size);
  text.remove_prefix(size + 1);
  return word;
}

bool parse_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

base::HashKey hash_of(const base::Record& record, std::uint64_t random) {
  if (record.hash) return *record.hash;
  if (record.key.empty()) return static_cast<base::HashKey>(random) << 64;
  const std::array<std::string_view, 1> key{record.key};
  std::array<base::HashKey, 1> hash{};
  base::hash_keys(key, hash);
  return hash[0];
}

}  // namespace

std::string encode(const PutRequest& request) {
  return fmt::format("put {} {} {}\n", request.stream, request.record_count,
                     request.packed.size()) +
         request.packed;
}

base::Result<PutRequest> decode_put(std::string_view bytes) {
  constexpr std::size_t kHeaderBytesMax = 256;
  const auto invalid = [] { return base::fail(base::ErrorCode::invalid, "not a put request"); };
  std::string_view rest = bytes;
  const std::string_view line = take_word(rest, '\n');
  if (line.data() == nullptr) {
    if (bytes.size() > kHeaderBytesMax) return invalid();
    return base::fail(base::ErrorCode::limit, "more to come");
  }
  std::string header = std::string(line) + " ";
  std::string_view words = header;
  if (take_word(words, ' ') != "put") return invalid();
  PutRequest request;
  request.stream = take_word(words, ' ');
  std::uint64_t records = 0;
  std::uint64_t size = 0;
  if (!parse_number(take_word(words, ' '), records) || !parse_number(take_word(words, ' '), size) ||
      !words.empty() || records == 0 || size > kPutBytesMax || records > size) {
    return invalid();
  }
  if (rest.size() < size) return base::fail(base::ErrorCode::limit, "more to come");
  if (rest.size() > size) return invalid();
  request.record_count = static_cast<std::uint32_t>(records);
  request.packed = rest;
  return request;
}

base::Result<PutRuns> route_put(const PutRequest& request, const pipeline::ShardMap& map,
                                std::uint64_t random, base::Timestamp arrival) {
  PutRuns runs;
  runs.run.resize(map.size());
  std::vector<base::RunHeader> headers(map.size());
  const char* at = request.packed.data();
  const char* const end = at + request.packed.size();
  for (std::uint32_t i = 0; i < request.record_count; ++i) {
    base::Record record;
    const char* const next = base::unpack(at, end, record);
    if (next == nullptr) return base::fail(base::ErrorCode::invalid, "malformed record in put");
    if (record.key.size() + record.data.size() > kPutRecordBytesMax) {
      return base::fail(base::ErrorCode::invalid,
                        fmt::format("record {} is larger than {} bytes", i, kPutRecordBytesMax));
    }
    const std::uint64_t spread = pipeline::random_hash(base::Origin{random}, i);
    const std::uint32_t shard = base::index(map.find(hash_of(record, spread)));
    std::string& run = runs.run[shard];
    if (run.empty()) run.resize(base::kRunHeaderBytes);
    run.append(at, next);
    runs.places.push_back({.shard = shard, .index = headers[shard].record_count++});
    at = next;
  }
  if (at != end) return base::fail(base::ErrorCode::invalid, "bytes left over in put");
  for (std::size_t shard = 0; shard < runs.run.size(); ++shard) {
    if (runs.run[shard].empty()) continue;
    headers[shard].arrival_us = arrival.time_since_epoch().count();
    headers[shard].bytes =
        static_cast<std::uint32_t>(runs.run[shard].size() - base::kRunHeaderBytes);
    std::memcpy(runs.run[shard].data(), &headers[shard], base::kRunHeaderBytes);
  }
  return runs;
}

std::string answer_put(const PutRuns& runs, const std::vector<base::SequenceNumber>& first) {
  std::string answer;
  for (const PutRuns::Place& place : runs.places) {
    answer += fmt::format("ok {} {}\n", place.shard, first[place.shard] + place.index);
  }
  return answer;
}

std::string control_socket_path(const std::string& data_dir) { return data_dir + "/control.sock"; }

}  // namespace agent
