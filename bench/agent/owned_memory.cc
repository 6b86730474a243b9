#include "bench/agent/owned_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace agent_bench {

namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kStepBytes = std::size_t{512} << 10;
constexpr std::size_t kLeftBytes = std::size_t{512} << 20;  // for everybody else meanwhile

std::size_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  std::size_t kib = 0;
  while (file >> word) {
    if (word == "MemAvailable:" && file >> kib) return kib << 10;
  }
  return 0;
}

}  // namespace

OwnedMemory::OwnedMemory() {
  const std::size_t available = available_bytes();
  if (available <= 2 * kLeftBytes) return;
  bytes_ = (available - kLeftBytes) / kStepBytes * kStepBytes;
  void* const memory =
      ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  begin_ = static_cast<char*>(memory);
  ::madvise(begin_, bytes_, MADV_NOHUGEPAGE);
  ::madvise(begin_, bytes_, MADV_DONTFORK);  // or it would count as every child's
  for (std::size_t at = 0; at < bytes_; at += kPageBytes) begin_[at] = 1;
  for (std::size_t at = 0; at < bytes_; at += kStepBytes) {
    ::madvise(begin_ + at + kPageBytes, kStepBytes - kPageBytes, MADV_DONTNEED);
  }
}

OwnedMemory::~OwnedMemory() {
  if (begin_ != nullptr) ::munmap(begin_, bytes_);
}

}  // namespace agent_bench
