#include "bench/agent/page_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace agent_bench {

namespace {

constexpr std::uint64_t kStepBytes = std::uint64_t{16} << 20;
constexpr std::uint64_t kFreeBytes = std::uint64_t{512} << 20;
constexpr std::uint64_t kMoreBytes = std::uint64_t{1} << 30;  // renews what is free even then

std::uint64_t meminfo(const std::string& name) {
  std::ifstream file("/proc/meminfo");
  std::string word;
  std::uint64_t kib = 0;
  while (file >> word) {
    if (word == name && file >> kib) return kib << 10;
  }
  return 0;
}

}  // namespace

PageCache::PageCache(const std::string& directory)
    : path_(directory + "/holes"),
      file_(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
  // Twice the memory, so that what is read next has always been dropped.
  if (::ftruncate(file_, static_cast<off_t>(2 * meminfo("MemTotal:"))) != 0) std::abort();
}

PageCache::~PageCache() {
  ::close(file_);
  std::filesystem::remove(path_);
}

void PageCache::fill() {
  std::vector<char> into(kStepBytes);
  const std::uint64_t end = 2 * meminfo("MemTotal:");
  std::uint64_t more = 0;
  // The kernel may keep more free than we like: not more than once around.
  for (std::uint64_t read = 0; read < end && more < kMoreBytes; read += kStepBytes) {
    if (::pread(file_, into.data(), into.size(), static_cast<off_t>(next_)) <= 0) std::abort();
    next_ = (next_ + kStepBytes) % (end - kStepBytes);
    if (meminfo("MemFree:") < kFreeBytes) more += kStepBytes;
  }
}

}  // namespace agent_bench
