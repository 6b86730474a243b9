// SimWorld: a machine and the program that runs on it, again and again.
//
// A Process is one life of the program: its handles, its Files, one Io for each reactor and one for
// the control thread, and its log. crash() ends that life: in-flight operations happened, or in
// part, or not; every handle is closed, every lock released. The objects of the program are still
// there then, cut off from the world (all they start ends with an error), until the test destroys
// them; after that the test lets go of the Process and starts the next.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "io/environment.h"
#include "tests/sim/machine.h"
#include "tests/sim/sim_files.h"
#include "tests/sim/sim_io.h"

namespace sim {

enum class Crash : std::uint8_t { process, power };

class SimWorld;

class Process {
 public:
  Process(SimWorld& world, std::uint32_t io_count);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  // `index` below io_count. Valid as long as the Process.
  io::Environment environment(std::uint32_t index = 0);
  SimIo& io(std::uint32_t index = 0) { return *ios_[index]; }
  std::uint32_t io_count() const { return static_cast<std::uint32_t>(ios_.size()); }
  SimFiles& files() { return files_; }
  bool alive() const { return alive_; }
  std::size_t open_handles() const { return descriptors_.count(); }

  // There is no call for these in io::Files yet; a test plays systemd and hands them over.
  io::Handle listen(const std::string& address);
  io::Handle make_socket();

 private:
  friend class SimWorld;
  void die();

  SimWorld& world_;
  Descriptors descriptors_;
  SimFiles files_;
  std::vector<std::unique_ptr<SimIo>> ios_;
  base::Log log_;
  bool alive_ = true;
};

class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed) : machine_(seed), seed_(seed) {}
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  // One at a time may live, unless a test wants two to fight for a lock.
  std::unique_ptr<Process> start_process(std::uint32_t io_count = 1) {
    return std::make_unique<Process>(*this, io_count);
  }
  // Ends the process; with `power` the whole machine, so whoever else holds an OpenFile must have
  // let go of it before.
  void crash(Process& process, Crash how);

  // Moves time to the first moment at which one of the process' Ios or `other` has something to do,
  // at most `step_max` ahead. False: none of them ever will, time moved by step_max.
  bool advance(Process& process, base::Duration step_max,
               base::Instant other = base::Instant::max());

  std::uint64_t seed() const { return seed_; }
  Machine& machine() { return machine_; }
  Disk& disk() { return machine_.disk; }
  SimClock& clock() { return machine_.clock; }
  SimRandom& random() { return machine_.random; }
  Faults& faults() { return machine_.faults; }
  Trace& trace() { return machine_.trace; }

  // What the program logged, all lives, oldest first.
  std::vector<std::string>& log_lines() { return log_lines_; }
  // Is `text` in any of them?
  bool logged(std::string_view text) const;

 private:
  Machine machine_;
  std::uint64_t seed_;
  std::vector<std::string> log_lines_;
};

}  // namespace sim
