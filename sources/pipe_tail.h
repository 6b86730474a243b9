// PipeTail: reads what comes out of standard input or a FIFO, on one reactor, and can read none of
// it twice: what was read and is not stored when the machine or the process dies is lost. There is
// no checkpoint, no rotation and no lag to know of.
//
// Standard input may be a pipe, a terminal, a socket or a file; it is read until its end, and ends
// the source. It belongs to whoever started us as well: neither its flags nor its life is changed.
//
// A FIFO is opened without waiting for a writer; one that is missing, or is something else, is
// tried again. When all its writers have left, the line they did not finish is taken as it stands,
// and the FIFO is opened anew, since only a new descriptor waits for the next writer instead of
// telling again and again that the last has left. The old one is closed after that, when it says
// so a second time: a FIFO always has a reader, so no writer is ever refused, and what came in
// between is read. (A writing end of our own would keep the end from being told, and so whether the
// last line is whole.) One that was removed and made anew under its path is noticed as well.
//
// Without credit there is no read: the pipe fills, and its writers wait.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/ids.h"
#include "io/environment.h"
#include "io/files.h"
#include "pipeline/budget.h"
#include "pipeline/intake.h"
#include "sources/pipe_lines.h"

namespace sources {

struct PipeInput {
  std::string fifo;  // its path; empty: standard input

  bool standard_input() const { return fifo.empty(); }
  bool operator==(const PipeInput&) const = default;
};

class PipeTail {
 public:
  static constexpr io::Handle kStandardInput = 0;
  // A FIFO that cannot be opened is tried again: soon at first, since whoever makes it is often
  // started with us.
  static constexpr base::Duration kRetryMin = std::chrono::milliseconds(50);
  static constexpr base::Duration kRetryMax = std::chrono::seconds(1);
  // While nothing has come out of a FIFO: is it still the one under its path?
  static constexpr base::Duration kLookMin = std::chrono::milliseconds(100);
  static constexpr base::Duration kLookMax = std::chrono::seconds(2);
  // Writers that leave without a word must not keep us opening it.
  static constexpr base::Duration kEmptyInterval = std::chrono::milliseconds(100);
  // More is in no pipe, unless root made it larger. Somebody may write all the time.
  static constexpr std::uint64_t kDrainBytesMax = std::uint64_t{1} << 20;

  struct Parts {  // references outlive the tail
    const io::Environment& environment;
    pipeline::Intake& intake;
    pipeline::Budget& budget;
    PipeInput input;
    base::Duration partial_line_timeout{0};  // as TailOptions'
    bool once = false;                       // a FIFO ends with its first writers
    io::Handle standard_input = kStandardInput;
  };
  explicit PipeTail(Parts parts);
  ~PipeTail();  // idle, or its Io is gone: nothing may be in flight
  PipeTail(const PipeTail&) = delete;
  PipeTail& operator=(const PipeTail&) = delete;

  void tick(base::Instant now);         // opens, reads within the budget, takes what is due
  base::Instant next_deadline() const;  // Instant::max(): none
  // Takes what is in the pipe, which is gone when nobody has it open, up to kDrainBytesMax, as it
  // stands; settlement continues.
  void stop();
  void abandon();  // nobody takes what is read, or will be
  bool idle() const { return !reading() && all_settled(); }
  bool all_settled() const { return lines_.all_settled(); }
  bool reading() const { return receiving_ || opening_ || draining_; }  // or waiting to
  bool at_end() const { return ended_; }               // nothing will come any more
  bool input_failed() const { return input_failed_; }  // standard input, and that was its end
  const PipeCounters& counters() const { return counters_; }

 private:
  enum class Phase : std::uint8_t {
    closed,  // there is no descriptor: opens one
    open,    // reads
    left,    // all writers have: opens the next
  };

  bool is_fifo() const { return !parts_.input.standard_input(); }
  void tick_fifo(base::Instant now);
  void start_opening();
  void opened(std::int64_t result);
  base::Duration next_retry();
  base::Duration next_look();
  void open_failed(const std::string& error);
  void keep_opened(io::UniqueHandle handle, const io::FileStatus& status);
  void change_over();
  void start_receiving();
  void received(std::int64_t result);
  void failed(int error);
  void all_left();
  void finish();
  void drain();
  bool drain(io::Handle pipe);
  bool is_present(io::Handle fifo) const;

  Parts parts_;
  PipeCounters counters_;
  PipeLines lines_;
  io::Operation open_;
  io::Operation receive_;
  std::uint64_t credit_bytes_ = 0;  // of the read in flight

  Phase phase_ = Phase::closed;
  bool input_failed_ = false;
  bool opening_ = false;
  bool receiving_ = false;
  bool cancelled_ = false;  // the read in flight
  bool stopped_ = false;
  bool abandoned_ = false;
  bool draining_ = false;  // stopped, and there may be something in the pipe
  std::uint64_t drained_bytes_ = 0;
  bool ended_ = false;

  // A FIFO's.
  io::UniqueHandle fifo_;
  io::UniqueHandle next_fifo_;  // read when the present one has come to its end
  bool last_read_ = false;      // the present one is at its end, but for what came meanwhile
  bool anything_came_ = false;  // since it was opened
  bool anything_new_ = false;   // since all writers had left
  std::uint64_t device_ = 0, inode_ = 0;  // of the one opened last
  base::Duration look_ = kLookMin;        // until the next look at its path
  base::Duration retry_ = kRetryMin;      // until the next try to open it
  base::Instant open_at_{};               // open it, or look at its path, then; max: not
  std::string complaint_;                 // what was said last of its not being there
};

}  // namespace sources
