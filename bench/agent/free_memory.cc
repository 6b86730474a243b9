#include "bench/agent/free_memory.h"

#include <sys/mman.h>

namespace agent_bench {

namespace {

constexpr std::size_t kPageBytes = 4096;

}  // namespace

int touch_free_memory(std::size_t bytes) {
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  ::madvise(memory, bytes, MADV_HUGEPAGE);
  volatile char* const begin = static_cast<char*>(memory);
  for (std::size_t at = 0; at < bytes; at += kPageBytes) begin[at] = 1;
  ::munmap(memory, bytes);
  return 0;
}

}  // namespace agent_bench
