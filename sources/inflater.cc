#include "sources/inflater.h"

#include <algorithm>
#include <array>

#include "base/assert.h"

namespace sources {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kGzip = "\x1f\x8b"sv;
constexpr std::string_view kZstd = "\x28\xb5\x2f\xfd"sv;
// After a first byte of 0x50 … 0x5f: a frame to be skipped, as pzstd writes before each other one.
constexpr std::string_view kZstdSkippable = "\x2a\x4d\x18"sv;

bool first_of_skippable(char byte) { return (static_cast<unsigned char>(byte) & 0xf0U) == 0x50U; }

// As far as there are bytes, they are the beginning's.
bool agree(std::string_view head, std::string_view magic) {
  const std::size_t common = std::min(head.size(), magic.size());
  return head.substr(0, common) == magic.substr(0, common);
}

}  // namespace

Compression compression_of(std::string_view head) {
  if (head.starts_with(kGzip)) return Compression::gzip;
  if (head.starts_with(kZstd)) return Compression::zstd;
  if (head.size() >= kMagicBytes && first_of_skippable(head[0]) &&
      head.substr(1).starts_with(kZstdSkippable)) {
    return Compression::zstd;
  }
  return Compression::none;
}

bool may_become_compressed(std::string_view head) {
  if (head.size() >= kMagicBytes || compression_of(head) != Compression::none) return false;
  if (head.empty() || agree(head, kGzip) || agree(head, kZstd)) return true;
  return first_of_skippable(head[0]) && agree(head.substr(1), kZstdSkippable);
}

std::unique_ptr<Inflater> make_inflater(Compression compression) {
  ASSERT(compression != Compression::none);
  return compression == Compression::gzip ? make_gzip_inflater() : make_zstd_inflater();
}

}  // namespace sources
