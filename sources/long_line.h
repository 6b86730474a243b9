// LongLine: what a FileTail remembers of an unfinished last line that is long, so that it need not
// be held and is not scanned twice: how far there is no delimiter, and what to do when it is found.
//
//   scan ──newline, or the file is let go──▶ hold   read it whole, at most line_bytes_max, and
//   deliver it
//                                       └──▶ cut    too long: read its beginning, pass over the
//                                       rest (F45)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pipeline/framer.h"
#include "sources/file_identity.h"

namespace sources {

// An unfinished line shorter than this is simply read again with every growth.
constexpr std::size_t kRescanBytes = std::size_t{64} << 10;

class LongLine {
 public:
  enum class Step : std::uint8_t { scan, hold, cut };

  // `beginning`: all that is known of the line, without a delimiter in it; not empty.
  LongLine(std::string_view beginning, const pipeline::FramerOptions& options);

  Step step() const { return step_; }
  // Scanning: where to go on reading, relative to the line's first byte: the last tail().size()
  // bytes already scanned are read again, as proof that the line is still the same.
  std::uint64_t scan_offset() const { return scanned_ - tail().size(); }
  std::string_view tail() const;
  // Takes what follows the scanned part. Changes the step when it is time.
  void scan(std::string_view fresh);
  // The same for so many NULs, kTailBytes or more, that need not be read.
  void pass_nuls(std::uint64_t bytes);
  // No more will come: what was scanned is the whole line.
  void end();

  // Step hold: bytes to read from the line's beginning so that the framer can take something.
  std::size_t hold_bytes() const { return options_.certain_bytes(); }
  // Step cut: the line's length without delimiter; whether it has one; the bytes before its end.
  std::uint64_t line_bytes() const { return scanned_; }
  bool terminated() const { return terminated_; }

  std::uint64_t scanned() const { return scanned_; }

 private:
  std::size_t end_of_line(std::string_view fresh, std::uint64_t& line_bytes) const;
  void remember(std::string_view bytes);
  void decide();

  pipeline::FramerOptions options_;
  Step step_ = Step::scan;
  bool terminated_ = false;
  std::uint64_t scanned_ = 0;            // bytes of the line without a delimiter
  std::array<char, kTailBytes> tail_{};  // the last bytes seen, the delimiter included once found
  std::size_t tail_bytes_ = 0;
};

}  // namespace sources
