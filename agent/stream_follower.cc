#include "agent/stream_follower.h"

#include <atomic>
#include <csignal>
#include <utility>

#include "io/backends.h"

namespace agent {

namespace {

// A signal handler has no other way to find the follower. Written before the handler is installed.
std::atomic<io::Io*> woken_io{nullptr};
std::atomic<bool> interrupt_received{false};

void interrupt(int /*signal*/) {
  interrupt_received.store(true, std::memory_order_relaxed);
  if (io::Io* io = woken_io.load(std::memory_order_relaxed)) io->wake();
}

}  // namespace

base::Result<std::unique_ptr<StreamFollower>> StreamFollower::make(
    io::Files& files, std::vector<std::string> directories) {
  std::unique_ptr<StreamFollower> follower(new StreamFollower(files, std::move(directories)));
  follower->io_ = TRY(io::make_io(io::Backend::automatic, follower->log_));
  // Without a watch (the kernel's limit) looking again every second is all there is.
  if (const auto watch = files.open_watch()) {
    follower->watch_ = io::UniqueHandle(files, *watch);
    follower->start_watching();
    follower->listen();
  }
  woken_io.store(follower->io_.get(), std::memory_order_relaxed);
  (void)std::signal(SIGINT, &interrupt);
  (void)std::signal(SIGTERM, &interrupt);
  return follower;
}

// Its Log is silent: that the ring is denied does not matter to a reader.
StreamFollower::StreamFollower(io::Files& files, std::vector<std::string> directories)
    : files_(files),
      log_({.owner = nullptr,
            .write = [](void*, base::LogLevel, std::string_view) {},
            .now_us = [](void*) -> std::int64_t { return 0; }}),
      unwatched_(std::move(directories)) {}

StreamFollower::~StreamFollower() {
  (void)std::signal(SIGINT, SIG_DFL);
  (void)std::signal(SIGTERM, SIG_DFL);
  woken_io.store(nullptr, std::memory_order_relaxed);
  if (listening_) {
    io_->cancel(operation_);
    while (listening_) io_->run_once(kLookAgain);
  }
}

void StreamFollower::start_watching() {
  std::erase_if(unwatched_, [this](const std::string& directory) {
    if (!files_.add_watch(watch_.get(), directory)) return false;
    changed_ = true;  // something may have come just before
    return true;
  });
}

void StreamFollower::listen() {
  operation_ = io::on<&StreamFollower::on_events>(*this);
  listening_ = true;
  io_->receive(operation_, watch_.get(), events_);
}

void StreamFollower::on_events(std::int64_t result) {
  listening_ = false;
  changed_ = true;
  if (result > 0 && !interrupted()) listen();
}

void StreamFollower::wait() {
  if (watch_) start_watching();
  if (!std::exchange(changed_, false)) io_->run_once(kLookAgain);
  changed_ = false;
}

bool StreamFollower::interrupted() const {
  return interrupt_received.load(std::memory_order_relaxed);
}

}  // namespace agent
