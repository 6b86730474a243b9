#include "tests/sim/sim_world.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace sim {
namespace {

base::Log::Output log_output(SimWorld& world) {
  return {.owner = &world,
          .write =
              [](void* owner, base::LogLevel, std::string_view line) {
                static_cast<SimWorld*>(owner)->log_lines().emplace_back(line);
              },
          .now_us =
              [](void* owner) { return static_cast<SimWorld*>(owner)->clock().wall_ns() / 1000; }};
}

}  // namespace

Process::Process(SimWorld& world, std::uint32_t io_count)
    : world_(world), files_(world.machine(), descriptors_), log_(log_output(world)) {
  for (std::uint32_t i = 0; i < io_count; ++i) {
    ios_.push_back(std::make_unique<SimIo>(world.machine(), descriptors_, files_));
  }
}

Process::~Process() {
  if (alive_) die();
}

io::Environment Process::environment(std::uint32_t index) {
  return {.io = *ios_[index],
          .files = files_,
          .clock = world_.clock(),
          .random = world_.random(),
          .log = log_};
}

io::Handle Process::listen(const std::string& address) {
  auto opened = std::make_shared<Descriptor>();
  opened->listener = world_.machine().network.listen(address);
  opened->plan = &world_.faults().plan(address);
  return descriptors_.add(std::move(opened));
}

io::Handle Process::make_socket() {
  auto opened = std::make_shared<Descriptor>();
  opened->stream = std::make_shared<StreamEnd>();
  opened->plan = &world_.faults().plan("");
  return descriptors_.add(std::move(opened));
}

void Process::die() {
  for (const auto& io : ios_) io->die();
  files_.die();
  descriptors_.close_all();
  alive_ = false;
}

void SimWorld::crash(Process& process, Crash how) {
  ASSERT(process.alive());
  machine_.trace.add(how == Crash::power ? "power cut" : "kill");
  const bool faults_on = machine_.faults.on();
  machine_.faults.switch_on(false);  // the crash itself decides what becomes of things in flight
  process.die();
  machine_.faults.switch_on(faults_on);
  if (how == Crash::power) {
    machine_.disk.cut_power();
  } else {
    machine_.disk.kill_process();
  }
}

bool SimWorld::advance(Process& process, base::Duration step_max, base::Instant other) {
  base::Instant next = other;
  for (std::uint32_t i = 0; i < process.io_count(); ++i) {
    next = std::min(next, process.io(i).next_event());
  }
  const base::Instant latest = clock().monotonic() + step_max;
  clock().advance_to(std::min(next, latest));
  return next != base::Instant::max();
}

bool SimWorld::logged(std::string_view text) const {
  return std::any_of(log_lines_.begin(), log_lines_.end(), [text](const std::string& line) {
    return line.find(text) != std::string::npos;
  });
}

}  // namespace sim
