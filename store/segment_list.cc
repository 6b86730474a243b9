#include "store/segment_list.h"

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace store {

namespace {

constexpr std::size_t kDigits = 20;  // of 2^64-1
constexpr std::string_view kSuffix = ".seg";

std::string stem(const std::string& directory, SegmentId id) {
  const std::string number = std::to_string(id.first_sequence);
  std::string path = directory + "/" + std::string(kDigits - number.size(), '0') + number;
  if (id.generation > 0) path += "-" + std::to_string(id.generation);
  return path;
}

bool parse_number(std::string_view text, auto& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::string segment_path(const std::string& directory, SegmentId id) {
  return stem(directory, id) + std::string(kSuffix);
}

bool parse_segment_name(std::string_view name, SegmentId& id) {
  if (!name.ends_with(kSuffix)) return false;
  name.remove_suffix(kSuffix.size());
  if (name.size() < kDigits || !parse_number(name.substr(0, kDigits), id.first_sequence))
    return false;
  name.remove_prefix(kDigits);
  id.generation = 0;
  if (name.empty()) return true;
  return name.front() == '-' && parse_number(name.substr(1), id.generation) && id.generation > 0;
}

base::Result<std::vector<SegmentId>> list_segments(io::Files& files, const std::string& directory) {
  std::vector<SegmentId> segments;
  auto entries = files.list(directory);
  if (!entries) {
    if (entries.error().system == ENOENT) return segments;
    return std::unexpected(std::move(entries.error()));
  }
  for (const io::DirectoryEntry& entry : *entries) {
    SegmentId id;
    if (parse_segment_name(entry.name, id)) segments.push_back(id);
  }
  std::sort(segments.begin(), segments.end());
  return segments;
}

}  // namespace store
