// StdoutSink: writes each record's data and a newline to standard output, for people and for pipes.
//
// `delivered` means: the terminal or pipe took it. A slow reader holds us back through the pipe.
// When a write fails half way, what was written is remembered and not written again.
//
// Belongs to the outlet's reactor. The process must ignore SIGPIPE or want to die of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/environment.h"
#include "sinks/line_stream.h"
#include "sinks/sink.h"

namespace sinks {

class StdoutSink final : public Sink {
 public:
  // `environment` outlives the sink; `out` stays open.
  explicit StdoutSink(const io::Environment& environment, io::Handle out = kStandardOutput);

  void deliver(Group& group) override;
  std::string reason() const override { return reason_; }

  // The reader has closed its end: nothing will ever be delivered again. Groups keep answering
  // `retry`; whoever runs us should end.
  bool reader_gone() const { return reader_gone_; }
  bool gone() const override { return reader_gone_; }

  static constexpr io::Handle kStandardOutput = 1;
  static constexpr std::size_t kBufferBytes = 64 << 10;  // a pipe's capacity

 private:
  void on_written(std::int64_t result);
  void write_next();
  void fail(int error);

  io::Environment environment_;
  io::Handle out_;
  Group* group_ = nullptr;  // in flight
  LineStream stream_;
  std::uint64_t group_bytes_ = 0;  // written of group_
  std::uint64_t ahead_bytes_ = 0;  // written of what will be given again
  std::vector<char> buffer_;
  std::string_view piece_;  // of buffer_, being written
  io::Operation operation_;
  bool reader_gone_ = false;
  std::string reason_;
};

}  // namespace sinks
