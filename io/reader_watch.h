// ReaderWatch: the news that nobody reads a pipe, socket or terminal of ours any more, although we
// are not writing to it.
//
// A thread of its own sleeps in poll(2): a Unix pipe tells its writer of a reader's end by an error
// condition that needs no write. On a regular file it never has news.
#pragma once

#include <functional>
#include <thread>

#include "base/result.h"
#include "io/io.h"
#include "io/wake_signal.h"

namespace io {

class ReaderWatch {
 public:
  // `gone` is called at most once, on the watch's thread. `out` stays open.
  ReaderWatch(Handle out, std::function<void()> gone);
  ~ReaderWatch();  // `gone` will not be called any more
  ReaderWatch(const ReaderWatch&) = delete;
  ReaderWatch& operator=(const ReaderWatch&) = delete;

 private:
  void watch();

  Handle out_;
  std::function<void()> gone_;
  WakeSignal ended_;
  std::jthread thread_;  // none without a descriptor for ended_ or a task: a write has to tell
};

}  // namespace io
