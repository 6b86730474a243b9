// SimIo: io::Io on a simulated machine. It keeps the promises of io/io.h and uses every freedom
// they leave: when an operation takes effect (at once, later, just before its completion), when and
// in which order completions come, how much of a read is given.
//
// Never blocks. run_once() does what is due at the machine's time; next_event() tells the scheduler
// up to when nothing will happen here unless somebody else does something.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/io.h"
#include "tests/sim/machine.h"
#include "tests/sim/sim_files.h"

namespace sim {

class SimIo final : public io::Io {
 public:
  SimIo(Machine& machine, Descriptors& descriptors, SimFiles& files)
      : machine_(machine), descriptors_(descriptors), files_(files) {}

  void open(io::Operation& operation, const char* path, io::Open how) override;
  void read(io::Operation& operation, io::Handle handle, std::span<char> into,
            std::uint64_t offset) override;
  void write(io::Operation& operation, io::Handle handle, std::span<const std::string_view> pieces,
             std::uint64_t offset) override;
  void sync(io::Operation& operation, io::Handle handle) override;
  void receive(io::Operation& operation, io::Handle handle, std::span<char> into) override;
  void send(io::Operation& operation, io::Handle handle,
            std::span<const std::string_view> pieces) override;
  void accept(io::Operation& operation, io::Handle listener) override;
  void connect(io::Operation& operation, io::Handle handle, std::string_view address) override;
  void cancel(io::Operation& operation) override;
  bool run_once(base::Duration wait_max) override;
  void wake() noexcept override { woken_ = true; }
  const char* name() const override { return "simulated"; }

  // Instead of returning with nothing, run_once() waits by moving the machine's clock: for tests
  // with one Io and no scheduler.
  void wait_by_advancing(bool on) { waits_ = on; }

  // Operations in flight.
  std::size_t pending() const { return flights_.size(); }
  // When run_once() has something to do or its owner wanted to wake; Instant::max(): never by
  // itself.
  base::Instant next_event() const;

  // The process dies now: what was in flight happened, in part or not at all. From here on every
  // operation ends with -ECANCELED and changes nothing.
  void die();

 private:
  enum class Kind : std::uint8_t { open, read, write, sync, receive, send, accept, connect };
  struct Flight {
    io::Operation* operation;
    Kind kind;
    bool applied;
    bool cancelled;
    io::Open how;
    std::uint8_t passed_over;  // times it was due and not chosen
    const char* path;
    DescriptorRef descriptor;  // nullptr: the handle was not open
    std::span<char> into;
    std::span<const std::string_view> pieces;
    std::string_view address;
    std::uint64_t offset;
    base::Instant due;
    std::int64_t result;
  };

  Flight& start(io::Operation& operation, Kind kind, io::Handle handle);
  void maybe_apply_early(Flight& flight);
  void apply(Flight& flight);
  std::int64_t apply_read(Flight& flight);
  std::int64_t apply_receive(Flight& flight);
  std::int64_t take(std::string& arrived, Flight& flight);
  std::int64_t apply_send(Flight& flight);
  std::int64_t apply_accept(Flight& flight);
  std::int64_t apply_connect(Flight& flight);
  void interrupt(Flight& flight);
  bool waits_for_peer(const Flight& flight) const;
  void collect_due();
  void call_done();
  std::string joined(std::span<const std::string_view> pieces);

  static constexpr std::uint8_t kPassedOverMax = 3;

  Machine& machine_;
  Descriptors& descriptors_;
  SimFiles& files_;
  std::vector<Flight> flights_;
  std::vector<io::Operation*> completed_;
  base::Instant sleeps_until_{};
  bool woken_ = false;
  bool waits_ = false;
  bool dead_ = false;
};

}  // namespace sim
