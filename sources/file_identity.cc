#include "sources/file_identity.h"

#include <algorithm>

namespace sources {

FileIdentity identity_of(const io::FileStatus& status) {
  return {.device = status.device, .inode = status.inode, .birth_ns = status.birth_ns};
}

FileIdentity identity_of_generation(std::uint64_t number) {
  return {.device = 0, .inode = number, .birth_ns = 0};
}

namespace {

// FNV-1a, then a mixing step so that short tails that differ in one byte differ everywhere. Written
// to checkpoints: it must never change.
std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  return hash ^ (hash >> 33);
}

}  // namespace

std::uint64_t tail_hash(std::string_view bytes_before_offset) {
  const std::size_t passed =
      bytes_before_offset.size() - std::min(bytes_before_offset.size(), kTailBytes);
  return hash_of(bytes_before_offset.substr(passed));
}

std::uint64_t head_hash(std::string_view first_bytes) {
  return hash_of(first_bytes.substr(0, kHeadBytes));
}

}  // namespace sources
