#include "tests/sim/sim_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace sim {

SimIo::Flight& SimIo::start(io::Operation& operation, Kind kind, io::Handle handle) {
  DEBUG_ASSERT(std::none_of(flights_.begin(), flights_.end(),
                            [&](const Flight& f) { return f.operation == &operation; }));
  Flight flight{};
  flight.operation = &operation;
  flight.kind = kind;
  flight.due = machine_.clock.monotonic();
  if (!dead_ && kind != Kind::open) flight.descriptor = descriptors_.get(handle);
  if (flight.descriptor != nullptr) {
    const FaultPlan& plan = *flight.descriptor->plan;
    if (machine_.faults.strike(plan.delay)) {
      flight.due += base::Duration(
          machine_.random.below(static_cast<std::uint64_t>(plan.delay_max.count()) + 1));
    }
  }
  return flights_.emplace_back(std::move(flight));
}

void SimIo::open(io::Operation& operation, const char* path, io::Open how) {
  Flight& flight = start(operation, Kind::open, io::kNoHandle);
  flight.path = path;
  flight.how = how;
  maybe_apply_early(flight);
}

void SimIo::read(io::Operation& operation, io::Handle handle, std::span<char> into,
                 std::uint64_t offset) {
  Flight& flight = start(operation, Kind::read, handle);
  flight.into = into;
  flight.offset = offset;
  maybe_apply_early(flight);
}

void SimIo::write(io::Operation& operation, io::Handle handle,
                  std::span<const std::string_view> pieces, std::uint64_t offset) {
  Flight& flight = start(operation, Kind::write, handle);
  flight.pieces = pieces;
  flight.offset = offset;
  maybe_apply_early(flight);
}

void SimIo::sync(io::Operation& operation, io::Handle handle) {
  maybe_apply_early(start(operation, Kind::sync, handle));
}

void SimIo::receive(io::Operation& operation, io::Handle handle, std::span<char> into) {
  start(operation, Kind::receive, handle).into = into;
}

void SimIo::send(io::Operation& operation, io::Handle handle,
                 std::span<const std::string_view> pieces) {
  Flight& flight = start(operation, Kind::send, handle);
  flight.pieces = pieces;
  maybe_apply_early(flight);
}

void SimIo::accept(io::Operation& operation, io::Handle listener) {
  start(operation, Kind::accept, listener);
}

void SimIo::connect(io::Operation& operation, io::Handle handle, std::string_view address) {
  Flight& flight = start(operation, Kind::connect, handle);
  flight.address = address;
  maybe_apply_early(flight);
}

void SimIo::cancel(io::Operation& operation) {
  for (Flight& flight : flights_) {
    if (flight.operation == &operation) flight.cancelled = true;
  }
}

void SimIo::maybe_apply_early(Flight& flight) {
  if (!dead_ && machine_.random.below(2) == 0) apply(flight);
}

std::string SimIo::joined(std::span<const std::string_view> pieces) {
  std::string bytes;
  for (const std::string_view piece : pieces) bytes += piece;
  return bytes;
}

void SimIo::apply(Flight& flight) {
  flight.applied = true;
  if (flight.kind == Kind::open) {
    flight.result = files_.open_now(flight.path, flight.how);
    return;
  }
  if (flight.descriptor == nullptr) {
    flight.result = -EBADF;
    return;
  }
  switch (flight.kind) {
    case Kind::open:
      break;
    case Kind::read:
      flight.result = apply_read(flight);
      break;
    case Kind::write:
      flight.result = files_.write_now(*flight.descriptor, joined(flight.pieces), flight.offset);
      break;
    case Kind::sync:
      flight.result = files_.sync_now(*flight.descriptor);
      break;
    case Kind::receive:
      flight.result = apply_receive(flight);
      break;
    case Kind::send:
      flight.result = apply_send(flight);
      break;
    case Kind::accept:
      flight.result = apply_accept(flight);
      break;
    case Kind::connect:
      flight.result = apply_connect(flight);
      break;
  }
}

std::int64_t SimIo::apply_read(Flight& flight) {
  std::span<char> into = flight.into;
  if (into.size() > 1 && machine_.faults.strike(flight.descriptor->plan->short_read)) {
    into = into.first(1 + machine_.random.below(into.size() - 1));
  }
  return files_.read_now(*flight.descriptor, into, flight.offset);
}

std::int64_t SimIo::apply_receive(Flight& flight) {
  if (flight.descriptor->watch != nullptr) return flight.descriptor->watch->read(flight.into);
  if (flight.descriptor->fifo != nullptr) return take(flight.descriptor->fifo->bytes(), flight);
  if (flight.descriptor->stream == nullptr) return -EINVAL;
  StreamEnd& stream = *flight.descriptor->stream;
  if (stream.reset) return -ECONNRESET;
  if (!stream.connected) return -ENOTCONN;
  return take(stream.arrived, flight);
}

std::int64_t SimIo::take(std::string& arrived, Flight& flight) {
  const std::size_t most = std::min(flight.into.size(), arrived.size());
  const std::size_t count = most == 0 ? 0 : 1 + machine_.random.below(most);
  if (count > 0) std::memcpy(flight.into.data(), arrived.data(), count);
  arrived.erase(0, count);
  return static_cast<std::int64_t>(count);
}

std::int64_t SimIo::apply_send(Flight& flight) {
  if (flight.descriptor->stream == nullptr) return -ENOTSOCK;
  StreamEnd& stream = *flight.descriptor->stream;
  if (machine_.faults.strike(flight.descriptor->plan->reset)) stream.reset_both();
  if (stream.reset) return -ECONNRESET;
  const StreamRef peer = stream.peer.lock();
  if (!stream.connected) return -ENOTCONN;
  if (peer == nullptr) return -EPIPE;
  const std::string bytes = joined(flight.pieces);
  peer->arrived += bytes;
  return static_cast<std::int64_t>(bytes.size());
}

std::int64_t SimIo::apply_accept(Flight& flight) {
  if (flight.descriptor->listener == nullptr) return -EINVAL;
  Listener& listener = *flight.descriptor->listener;
  if (machine_.faults.strike(flight.descriptor->plan->open_error)) return -EMFILE;
  auto accepted = std::make_shared<Descriptor>();
  accepted->plan = flight.descriptor->plan;
  accepted->stream = std::move(listener.waiting.front());
  listener.waiting.pop_front();
  return descriptors_.add(std::move(accepted));
}

std::int64_t SimIo::apply_connect(Flight& flight) {
  if (flight.descriptor->stream == nullptr) return -ENOTSOCK;
  if (flight.descriptor->stream->connected) return -EISCONN;
  if (machine_.faults.strike(flight.descriptor->plan->reset)) return -ECONNREFUSED;
  return -machine_.network.connect(flight.descriptor->stream, flight.address);
}

// Has nothing to give until somebody else acts.
bool SimIo::waits_for_peer(const Flight& flight) const {
  if (flight.applied || flight.cancelled || dead_ || flight.descriptor == nullptr) return false;
  const Descriptor& descriptor = *flight.descriptor;
  if (flight.kind == Kind::accept) {
    return descriptor.listener != nullptr && descriptor.listener->waiting.empty();
  }
  if (flight.kind != Kind::receive) return false;
  if (descriptor.watch != nullptr) return !descriptor.watch->readable();
  if (descriptor.fifo != nullptr) return !descriptor.fifo->readable();
  return descriptor.stream != nullptr && descriptor.stream->connected &&
         !descriptor.stream->readable();
}

base::Instant SimIo::next_event() const {
  if (woken_) return machine_.clock.monotonic();
  base::Instant next = sleeps_until_;
  for (const Flight& flight : flights_) {
    if (flight.cancelled || dead_) return machine_.clock.monotonic();
    if (!waits_for_peer(flight)) next = std::min(next, flight.due);
  }
  return next;
}

void SimIo::collect_due() {
  const base::Instant now = machine_.clock.monotonic();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < flights_.size(); ++i) {
    Flight& flight = flights_[i];
    bool complete = false;
    if (dead_) {
      complete = true;
    } else if (!waits_for_peer(flight)) {
      const bool waiting_kind = flight.kind == Kind::receive || flight.kind == Kind::accept;
      if (!flight.applied && !flight.cancelled && !waiting_kind) maybe_apply_early(flight);
      complete = (flight.due <= now || flight.cancelled) &&
                 (++flight.passed_over > kPassedOverMax || machine_.random.below(4) != 0);
    }
    if (!complete) {
      if (kept != i) flights_[kept] = std::move(flight);
      ++kept;
      continue;
    }
    if (dead_ || (flight.cancelled && !flight.applied)) {
      flight.result = -ECANCELED;
    } else if (!flight.applied) {
      apply(flight);
    }
    flight.operation->result = flight.result;
    completed_.push_back(flight.operation);
    machine_.trace.add("done", static_cast<std::uint64_t>(flight.kind),
                       static_cast<std::uint64_t>(flight.result));
  }
  flights_.resize(kept);
}

void SimIo::call_done() {
  machine_.random.shuffle(completed_);
  std::vector<io::Operation*> completed;
  completed.swap(completed_);
  for (io::Operation* operation : completed) operation->done(operation->owner, operation->result);
}

bool SimIo::run_once(base::Duration wait_max) {
  const base::Instant now = machine_.clock.monotonic();
  const bool for_ever = wait_max > base::Instant::max() - now;
  sleeps_until_ = for_ever ? base::Instant::max() : now + wait_max;
  collect_due();
  while (waits_ && completed_.empty() && !woken_) {
    const base::Instant next = next_event();
    if (next == base::Instant::max()) break;  // nothing will ever happen
    machine_.clock.advance_to(next);
    if (next >= sleeps_until_ && sleeps_until_ != base::Instant::max()) {
      collect_due();
      break;
    }
    collect_due();
  }
  const bool any = !completed_.empty() || woken_;
  if (any) sleeps_until_ = machine_.clock.monotonic();
  woken_ = false;
  call_done();
  return any;
}

// What a kill leaves of one operation the kernel was working on.
void SimIo::interrupt(Flight& flight) {
  const std::uint64_t choice = machine_.random.below(3);
  if (choice == 0 || flight.applied || flight.cancelled) return;
  if (flight.kind == Kind::open) apply(flight);
  if (flight.descriptor == nullptr) return;
  if (flight.kind == Kind::sync) apply(flight);
  if (flight.kind != Kind::write && flight.kind != Kind::send) return;
  if (choice == 1 || flight.kind == Kind::send) {
    apply(flight);
    return;
  }
  const std::string bytes = joined(flight.pieces);
  files_.write_now(*flight.descriptor,
                   std::string_view(bytes).substr(0, machine_.random.below(bytes.size() + 1)),
                   flight.offset);
}

void SimIo::die() {
  machine_.random.shuffle(flights_);
  for (Flight& flight : flights_) {
    interrupt(flight);
    flight.descriptor.reset();
  }
  dead_ = true;
}

}  // namespace sim
