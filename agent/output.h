// Output: standard output in large writes, and the news that nobody reads it any more.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

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
  void flush();
  // A write failed: the reader has gone (`head` has enough), or the disk is full.
  bool closed() const { return error_ != 0; }
  // 0 when the reader merely has enough; otherwise says what is wrong and returns kExitInternal.
  int exit_code() const;

  static constexpr std::size_t kBufferBytes = 256 << 10;

 private:
  std::string buffer_;
  int error_ = 0;  // errno of the first write that failed
};

}  // namespace agent
