// Descriptors: the handles one simulated process has open. The lowest free number is given next, as
// the kernel does, so that use after close meets somebody else's file here too.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/io.h"
#include "tests/sim/faults.h"
#include "tests/sim/fifo.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/watch_queue.h"

namespace sim {

struct Descriptor {  // exactly one of these is set, or both of a FIFO's
  OpenFile file;     // a file or a directory
  std::unique_ptr<FifoReader> fifo;
  std::shared_ptr<WatchQueue> watch;
  StreamRef stream;
  ListenerRef listener;

  io::Open how = io::Open::read;
  std::string path;  // as it was opened
  bool holds_lock = false;
  bool read_failed = false;   // the last one
  std::uint32_t handles = 0;  // the file's when it was opened
  const FaultPlan* plan = nullptr;

  bool stale() const { return file && file->handles != handles; }
  bool writable() const {
    return how == io::Open::update || how == io::Open::create_new || how == io::Open::append;
  }
};
using DescriptorRef =
    std::shared_ptr<Descriptor>;  // an operation in flight keeps it, as the kernel does

class Descriptors {
 public:
  static constexpr io::Handle kFirst = 3;

  io::Handle add(DescriptorRef descriptor) {
    std::size_t slot = lowest_free_;
    while (slot < slots_.size() && slots_[slot] != nullptr) ++slot;
    if (slot == slots_.size()) slots_.emplace_back();
    slots_[slot] = std::move(descriptor);
    lowest_free_ = slot + 1;
    return static_cast<io::Handle>(slot) + kFirst;
  }
  // nullptr: not open.
  DescriptorRef get(io::Handle handle) const {
    const auto slot = static_cast<std::size_t>(handle - kFirst);
    return handle < kFirst || slot >= slots_.size() ? nullptr : slots_[slot];
  }
  bool close(io::Handle handle) {
    const auto slot = static_cast<std::size_t>(handle - kFirst);
    if (get(handle) == nullptr) return false;
    if (slots_[slot]->holds_lock) slots_[slot]->file->locked = false;
    slots_[slot].reset();
    if (slot < lowest_free_) lowest_free_ = slot;
    return true;
  }
  void close_all() {
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
      close(static_cast<io::Handle>(slot) + kFirst);
    }
    slots_.clear();
    lowest_free_ = 0;
  }
  std::size_t count() const {
    std::size_t open = 0;
    for (const DescriptorRef& slot : slots_) open += slot != nullptr ? 1U : 0U;
    return open;
  }

 private:
  std::vector<DescriptorRef> slots_;
  std::size_t lowest_free_ = 0;
};

}  // namespace sim
