#include "sources/compressed_names.h"

#include <array>

namespace sources {
namespace {

constexpr std::array<std::string_view, 9> kSuffixes = {".gz",  ".bz2", ".xz", ".zst", ".zip",
                                                       ".lz4", ".Z",   ".7z", ".tgz"};

}  // namespace

std::string_view compressed_suffix(std::string_view name) {
  for (const std::string_view suffix : kSuffixes) {
    if (name.ends_with(suffix)) return name.substr(name.size() - suffix.size());
  }
  return {};
}

bool can_inflate(std::string_view suffix) { return suffix == ".gz" || suffix == ".zst"; }

std::string_view without_compressed_suffix(std::string_view name) {
  return name.substr(0, name.size() - compressed_suffix(name).size());
}

bool passed_over(CompressedFiles mode, std::string_view last_part, std::string_view name) {
  if (mode == CompressedFiles::raw) return false;
  const std::string_view suffix = compressed_suffix(name);
  if (suffix.empty()) return false;
  if (!can_inflate(suffix)) return true;
  return mode == CompressedFiles::skip && !last_part.ends_with(suffix);
}

}  // namespace sources
