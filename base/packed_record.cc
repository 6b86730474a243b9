#include "base/packed_record.h"

#include "base/assert.h"

namespace base {

std::size_t packed_bytes(const Record& record) {
  const auto tagged = static_cast<std::uint32_t>(record.key.size() << 1 | (record.hash ? 1U : 0U));
  return varint_bytes(tagged) + varint_bytes(static_cast<std::uint32_t>(record.data.size())) +
         (record.hash ? sizeof(HashKey) : 0) + record.key.size() + record.data.size();
}

char* pack(const Record& record, char* out) {
  DEBUG_ASSERT(record.key.size() < (1U << 30) && record.data.size() < (1U << 30));
  out = write_varint(out,
                     static_cast<std::uint32_t>(record.key.size() << 1 | (record.hash ? 1U : 0U)));
  out = write_varint(out, static_cast<std::uint32_t>(record.data.size()));
  if (record.hash) {
    std::memcpy(out, &*record.hash, sizeof(HashKey));
    out += sizeof(HashKey);
  }
  // An empty view may point nowhere, and memcpy must not be given that even for no bytes.
  if (!record.key.empty()) std::memcpy(out, record.key.data(), record.key.size());
  out += record.key.size();
  if (!record.data.empty()) std::memcpy(out, record.data.data(), record.data.size());
  return out + record.data.size();
}

const char* unpack(const char* at, const char* end, Record& record) {
  std::uint32_t tagged = 0;
  std::uint32_t data_bytes = 0;
  at = read_varint(at, end, tagged);
  if (at == nullptr) return nullptr;
  at = read_varint(at, end, data_bytes);
  if (at == nullptr) return nullptr;
  const std::uint64_t key_bytes = tagged >> 1;
  const std::uint64_t hash_bytes = (tagged & 1U) != 0 ? sizeof(HashKey) : 0;
  if (static_cast<std::uint64_t>(end - at) < hash_bytes + key_bytes + data_bytes) return nullptr;
  record.hash.reset();
  if (hash_bytes != 0) {
    HashKey hash{};
    std::memcpy(&hash, at, sizeof hash);
    record.hash = hash;
    at += sizeof hash;
  }
  record.key = {at, static_cast<std::size_t>(key_bytes)};
  at += key_bytes;
  record.data = {at, data_bytes};
  return at + data_bytes;
}

}  // namespace base
