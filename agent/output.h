// Output: standard output in large writes, and the news that nobody reads it any more.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace agent {

class Output {
 public:
  // From here on a reader that goes away ends our writing, not our process.
  Output();
  // Writes what is buffered.
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // The buffer to append to. Call written() after each piece.
  std::string& buffer() { return buffer_; }
  void written() {
    if (buffer_.size() >= kBufferBytes) flush();
  }
  template <typename... Args>
  void print(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(buffer_), format, std::forward<Args>(args)...);
    written();
  }
  void flush();
  // A write failed: the reader has gone (`head` has enough), or the disk is full.
  bool closed() const { return error_ != 0; }
  // 0 when the reader merely has enough; otherwise says what is wrong and returns kExitInternal.
  int exit_code() const;
  // Writes what is left and tells how that went, as exit_code().
  int finish() {
    flush();
    return exit_code();
  }

  static constexpr std::size_t kBufferBytes = 256 << 10;

 private:
  std::string buffer_;
  int error_ = 0;  // errno of the first write that failed
};

}  // namespace agent
