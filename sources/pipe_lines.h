// PipeLines: the bytes of a pipe that are no records yet, and their way to the flow's Intake.
//
// What a pipe gave cannot be read again, so an unfinished line or an open group is kept here, in
// front of where the next read goes. That is bounded: by the longest line, and the longest group if
// there are groups. Of a line that is too long and not to be split, the part that is kept stays
// here, and what follows is only counted, up to its newline (F45).
//
// There is no origin: nothing of a pipe is ever read twice, so no mark could be of use.
//
// One per PipeTail, on its reactor. In steady state nothing allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/ids.h"
#include "base/metrics.h"
#include "io/clock.h"
#include "pipeline/budget.h"
#include "pipeline/intake.h"
#include "pipeline/source.h"

namespace sources {

struct PipeCounters {  // one set per PipeTail
  base::Counter reads;
  base::Counter read_errors;
  base::Counter ends;               // all writers had left, after something came
  base::Counter bom_bytes_skipped;  // UTF-8's byte order mark before the first record
};

class PipeLines final : public pipeline::Source {
 public:
  static constexpr std::size_t kReadBytesMin = std::size_t{64} << 10;  // what a pipe holds
  static constexpr std::size_t kBufferBytes = std::size_t{256} << 10;  // more only for long lines

  struct Parts {  // references outlive the lines
    pipeline::Intake& intake;
    pipeline::Budget& budget;
    io::Clock& clock;
    base::Duration partial_line_timeout{0};  // as TailOptions'
    PipeCounters& counters;
  };
  // What may be taken although its end is not in view.
  enum class Due : std::uint8_t {
    nothing,
    group,  // time is up for a group of whole lines
    line,   // time is up for an unfinished line
    end,    // nothing follows: the line ends here
  };

  explicit PipeLines(const Parts& parts);

  // Where the next read goes: kReadBytesMin or more. Stays in place until the next call.
  std::span<char> room();
  std::size_t buffer_bytes() const { return capacity_; }

  // `fresh` bytes came into the room(). Sends away what is complete, or due. `credit_bytes`: taken
  // for it from the budget; see Intake::take.
  void take(std::size_t fresh, Due due, std::uint64_t credit_bytes);

  bool empty() const { return begin_ == end_ && passed_over_ == 0; }
  bool unfinished() const { return line_ < end_ || passed_over_ > 0; }  // has no newline
  Due due(base::Instant now) const;
  base::Instant due_at() const;  // Instant::max(): nothing will be

  void settled(pipeline::Parcel& parcel) override;
  bool all_settled() const { return parcels_out_ == 0; }

 private:
  std::string_view view() const { return {buffer_.get() + begin_, end_ - begin_}; }
  std::size_t line_bytes_max() const { return parts_.intake.framer_options().line_bytes_max; }
  std::size_t held_bytes_max() const;
  void grow(std::size_t bytes);
  bool nothing_new(std::size_t fresh_begin) const;
  bool pass_over(Due due);
  void begin_to_pass_over();
  bool skip_newline();
  void skip_byte_order_mark();
  void hand_over(Due due, std::uint64_t credit_bytes);
  void take_chunk(Due due, std::uint64_t credit_bytes);
  void sent(const pipeline::Intake::Taken& taken);

  Parts parts_;
  std::unique_ptr<char[]> buffer_;  // kPaddingBytes more than capacity_
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;          // of what is no record yet, in the buffer
  std::size_t line_ = 0;           // of the unfinished last line; before it, an open group's
  std::size_t end_ = 0;            // of what came
  std::uint64_t passed_over_ = 0;  // bytes of a line that is too long; 0: there is none
  std::uint64_t offset_ = 0;       // of begin_, bytes since the pipe's beginning
  bool ended_by_time_ = false;     // the last line was; should its newline come, it is no line
  base::Instant last_growth_{};
  std::uint32_t easy_reads_ = 0;  // since the larger buffer was needed
  std::uint64_t parcels_out_ = 0;
};

}  // namespace sources
