// A page cache that is full, as on a host that has been up for a while.
//
// On a machine that was just started, or that freed much memory, new pages of the page cache may be
// memory the hypervisor has taken away: the first to touch it waits for the host, up to ten times
// as long as for the copy itself, and who that is is chance. With little free memory everybody gets
// pages that were in use a moment ago.
#pragma once

#include <cstdint>
#include <string>

namespace agent_bench {

class PageCache {
 public:
  explicit PageCache(const std::string& directory);  // for a file of holes
  ~PageCache();                                      // removes it
  PageCache(const PageCache&) = delete;
  PageCache& operator=(const PageCache&) = delete;

  // Reads holes until little memory is free, and some more. Takes a minute the first time on a
  // large machine.
  void fill();

 private:
  std::string path_;
  int file_ = -1;
  std::uint64_t next_ = 0;
};

}  // namespace agent_bench
