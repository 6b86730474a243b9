// FileSink: appends each record's data and a newline to one file.
//
// `delivered` means: written. The kernel has the bytes, so they survive our death, but not a power
// cut. At least once: what was written just before a crash may be written again after it.
//
// A write that fails half way (a full disk) is undone by cutting the file back to where the group
// began, so the file never holds half a line while we wait and the group is given again whole. If
// somebody else appended meanwhile nothing is cut: his bytes are worth more than our duplicates.
//
// Belongs to the outlet's reactor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/environment.h"
#include "sinks/line_stream.h"
#include "sinks/sink.h"

namespace sinks {

class FileSink final : public Sink {
 public:
  // `environment` outlives the sink. The file is opened, and created, by the first group; after an
  // error it is opened anew.
  FileSink(const io::Environment& environment, std::string path);
  // Not while a group is out, unless the Io is not run again.
  ~FileSink() override;

  void deliver(Group& group) override;
  std::string reason() const override { return reason_; }

  static constexpr std::size_t kBufferBytes = 256 << 10;  // one write; a group may take several

 private:
  void on_opened(std::int64_t result);
  void on_written(std::int64_t result);
  void begin();
  void write_next();
  base::Result<void> open_end();
  void fail(int error, const char* doing);
  void answer(Outcome outcome);

  io::Environment environment_;
  std::string path_;
  io::UniqueHandle file_;
  std::uint64_t file_bytes_ = 0;   // the file's size as far as we know
  std::uint64_t group_begin_ = 0;  // file_bytes_ before the group in flight
  std::uint64_t half_end_ = 0;     // 0, or: what is in [group_begin_, here) is to be cut off

  Group* group_ = nullptr;  // in flight
  LineStream stream_;
  std::vector<char> buffer_;
  std::string_view piece_;  // of buffer_, being written
  io::Operation operation_;
  std::string reason_;
};

}  // namespace sinks
