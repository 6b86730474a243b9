#include "tests/sim/cached_file.h"

#include <algorithm>

namespace sim {

void CachedFile::touch(std::size_t sector) {
  if (states_.size() <= sector) states_.resize(sector + 1, State::clean);
  State& state = states_[sector];
  if (state == State::clean) {
    touched_.push_back(sector);
    const std::size_t start = sector * kSectorBytes;
    const std::size_t end = std::min<std::size_t>(bytes_.size(), durable_size_);
    if (start < end) device_[sector] = bytes_.substr(start, std::min(kSectorBytes, end - start));
  }
  state = State::dirty;
}

void CachedFile::write(std::string_view bytes, std::uint64_t offset) {
  if (bytes.empty()) return;
  const std::uint64_t first = std::min<std::uint64_t>(offset, bytes_.size());
  const std::uint64_t end = offset + bytes.size();
  for (std::size_t s = first / kSectorBytes; s <= (end - 1) / kSectorBytes; ++s) touch(s);
  if (bytes_.size() < end) bytes_.resize(end);
  std::copy(bytes.begin(), bytes.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
}

void CachedFile::truncate(std::uint64_t size) {
  if (size < bytes_.size()) {
    for (std::size_t s = size / kSectorBytes; s * kSectorBytes < bytes_.size(); ++s) touch(s);
    bytes_.resize(size);
    truncated_to_ = std::min(truncated_to_, size);
  } else if (size > bytes_.size()) {
    for (std::size_t s = bytes_.size() / kSectorBytes; s * kSectorBytes < size; ++s) touch(s);
    bytes_.resize(size);
  }
}

void CachedFile::sync() {
  std::erase_if(touched_, [this](std::size_t sector) {
    if (states_[sector] == State::lost) return false;
    states_[sector] = State::clean;
    device_.erase(sector);
    return true;
  });
  durable_size_ = bytes_.size();
  truncated_to_ = kNotTruncated;
}

void CachedFile::fail_sync(SimRandom& random) {
  const std::uint64_t written_percent = random.below(2) * random.below(100);
  std::erase_if(touched_, [&](std::size_t sector) {
    if (states_[sector] == State::dirty && random.below(100) < written_percent) {
      states_[sector] = State::clean;
      device_.erase(sector);
      return true;
    }
    states_[sector] = State::lost;
    return false;
  });
}

// Puts the device's bytes of one sector back, from byte `from_byte` of the sector on.
void CachedFile::revert(std::size_t sector, std::size_t from_byte) {
  const std::size_t start = sector * kSectorBytes;
  const std::size_t end = std::min(start + kSectorBytes, bytes_.size());
  const auto found = device_.find(sector);
  for (std::size_t at = start + from_byte; at < end; ++at) {
    const std::size_t in_sector = at - start;
    bytes_[at] = found != device_.end() && in_sector < found->second.size()
                     ? found->second[in_sector]
                     : '\0';
  }
}

void CachedFile::evict(SimRandom& random) {
  const bool all = random.below(2) == 0;
  std::erase_if(touched_, [&](std::size_t sector) {
    if (states_[sector] != State::lost || (!all && random.below(2) == 0)) return false;
    revert(sector, 0);
    states_[sector] = State::clean;
    device_.erase(sector);
    return true;
  });
}

void CachedFile::drop_device_from(std::uint64_t size) {
  for (auto at = device_.begin(); at != device_.end();) {
    const std::uint64_t start = at->first * kSectorBytes;
    if (start + at->second.size() > size) {
      at->second.resize(start >= size ? 0 : static_cast<std::size_t>(size - start));
    }
    at = at->second.empty() ? device_.erase(at) : std::next(at);
  }
  durable_size_ = std::min(durable_size_, size);
}

// A shortening is one journalled step: it happened, or neither it nor anything after it did.
void CachedFile::decide_truncation(SimRandom& random) {
  if (truncated_to_ == kNotTruncated) return;
  if (random.below(2) == 0) {
    bytes_.resize(durable_size_);
    for (const std::size_t sector : touched_) revert(sector, 0);
    settle();
  } else {
    drop_device_from(truncated_to_);
  }
  truncated_to_ = kNotTruncated;
}

void CachedFile::cut_power(SimRandom& random) {
  decide_truncation(random);
  if (clean()) return;
  enum Mode : std::uint8_t { all, nothing, prefix, sectors, pages };
  const auto mode = static_cast<Mode>(random.below(5));
  const std::uint64_t shorter = std::min<std::uint64_t>(durable_size_, bytes_.size());
  const std::uint64_t longer = std::max<std::uint64_t>(durable_size_, bytes_.size());
  const std::uint64_t cut = random.between(0, longer);
  const std::uint64_t salt = random.next();
  for (const std::size_t sector : touched_) {
    const std::uint64_t start = sector * kSectorBytes;
    bool keep = mode == all;
    if (mode == prefix) keep = start + kSectorBytes <= cut;
    if (mode == sectors) keep = random.below(2) == 0;
    if (mode == pages) keep = (SimRandom(salt ^ (sector / kSectorsPerPage)).next() & 1U) != 0;
    const bool lost = states_[sector] == State::lost;
    if (keep && !lost) continue;
    std::size_t torn_at = 0;
    if (!lost && mode == prefix && start < cut) torn_at = static_cast<std::size_t>(cut - start);
    if (!lost && mode >= sectors && random.below(8) == 0) torn_at = random.below(kSectorBytes);
    revert(sector, torn_at);
  }
  std::uint64_t size = mode == all ? bytes_.size() : durable_size_;
  if (mode >= prefix && random.below(4) != 0) {
    size = random.below(2) == 0 ? longer : random.between(shorter, longer);
  }
  bytes_.resize(size);
  settle();
}

void CachedFile::settle() {
  for (const std::size_t sector : touched_) states_[sector] = State::clean;
  touched_.clear();
  device_.clear();
  durable_size_ = bytes_.size();
}

}  // namespace sim
