#include "agent/runner.h"

#include <malloc.h>
#include <sysexits.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <latch>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "agent/descriptor_limit.h"
#include "agent/report.h"
#include "agent/signals.h"
#include "config/validate.h"
#include "io/backends.h"
#include "io/reader_watch.h"
#include "io/service_notice.h"
#include "sinks/stdout_sink.h"

namespace agent {

namespace {

// The parts one thread talks to the kernel with.
struct Outside {
  std::unique_ptr<io::Io> io;
  std::unique_ptr<io::Random> random = io::make_random();
  std::unique_ptr<io::Environment> environment;
};

struct Shared {
  std::unique_ptr<io::Files> files = io::make_files();
  std::unique_ptr<io::Clock> clock = io::make_clock();
};

base::Result<Outside> make_outside(io::Backend backend, Shared& shared, base::Log& log) {
  Outside outside;
  outside.io = TRY(io::make_io(backend, log));
  outside.environment.reset(
      new io::Environment{*outside.io, *shared.files, *shared.clock, *outside.random, log});
  return outside;
}

// A reactor's thread. Its Io must be made on it: a ring has one issuer. The thread waits for the
// wiring between start() and go().
class ReactorThread {
 public:
  void start(io::Backend backend, Shared& shared, base::Log& log) {
    try {
      thread_ = std::jthread([this, backend, &shared, &log] { body(backend, shared, log); });
    } catch (const std::system_error& refused) {
      outside_ =
          base::fail(base::ErrorCode::limit,
                     "no thread for a reactor (TasksMax? ulimit -u?): " + refused.code().message());
      return;
    }
    ready_.wait();
  }
  const base::Result<Outside>& outside() const { return outside_; }
  // Runs the reactor until stop(); nullptr: the thread ends without one.
  void go(Reactor* reactor) {
    reactor_ = reactor;
    go_.count_down();
  }
  void stop() {
    stopping_.store(true, std::memory_order_release);
    if (outside_) outside_->io->wake();
  }
  void wait_stopped() {
    if (thread_.joinable()) stopped_.wait();
  }
  bool stopped() const { return !thread_.joinable() || stopped_.try_wait(); }
  // When every thread has stopped: until then another reactor may wake ours.
  void end() {
    end_.count_down();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void body(io::Backend backend, Shared& shared, base::Log& log) {
    outside_ = make_outside(backend, shared, log);
    ready_.count_down();
    go_.wait();
    if (reactor_ != nullptr) run_reactor();
    stopped_.count_down();
    end_.wait();                         // nobody wakes the Io any more
    if (outside_) outside_->io.reset();  // on its own thread; what the agent's end needs stays
  }

  void run_reactor() {
    std::size_t trimmed_bytes = 0;
    while (!stopping_.load(std::memory_order_acquire)) {
      reactor_->tick();
      trimmed_bytes += reactor_->take_trimmed_bytes();
      if (trimmed_bytes < kTrimBytesMin) continue;
      trimmed_bytes = 0;
      malloc_trim(0);  // malloc keeps what lies below anything still in use
    }
  }

  static constexpr std::size_t kTrimBytesMin = std::size_t{256} << 10;

  std::latch ready_{1};
  std::latch go_{1};
  std::latch stopped_{1};
  std::latch end_{1};
  base::Result<Outside> outside_ = base::fail(base::ErrorCode::invalid, "not started");
  Reactor* reactor_ = nullptr;
  std::atomic<bool> stopping_{false};
  std::jthread thread_;
};

// Never freed and never used again, but held: a leak checker calls lost what nothing points to.
// volatile, because a pointer that nobody reads is not stored otherwise.
struct LeftBehind {
  std::unique_ptr<Agent> agent;
  std::vector<std::unique_ptr<ReactorThread>> threads;
};
LeftBehind* volatile left_behind = nullptr;

// After the grace: a reactor may sit in a call the kernel does not answer, and never stop. Nothing
// can be ended under it but the process; the state is as after a kill, which is always safe.
void wait_or_leave(const std::vector<std::unique_ptr<ReactorThread>>& threads,
                   const io::Environment& control) {
  constexpr base::Duration kLookAgain = std::chrono::milliseconds(5);  // a latch has no limit
  const base::Instant until = control.clock.monotonic() + std::chrono::seconds(1);
  const auto runs = [](const auto& thread) { return !thread->stopped(); };
  while (std::ranges::any_of(threads, runs)) {
    if (control.clock.monotonic() >= until) {
      control.log.error(
          "reactors do not stop, ending without them; what is not noted is read again",
          {{"reactors", std::to_string(std::ranges::count_if(threads, runs))}});
      std::_Exit(EX_SOFTWARE);
    }
    control.io.run_once(kLookAgain);
  }
}

std::uint32_t reactor_count(const config::Config& config) {
  if (config.reactors != 0) return config.reactors;
  const unsigned cores = std::thread::hardware_concurrency();
  return cores == 0 ? 1 : cores;
}

// A flow that prints has nothing more to do when nobody reads: `tailrace tail FILE | head -1` ends.
std::unique_ptr<io::ReaderWatch> watch_reader(const config::Config& config, Control& control) {
  const auto printing = std::ranges::find_if(config.flows, [](const config::Flow& flow) {
    return std::holds_alternative<config::StdoutTarget>(flow.to);
  });
  if (printing == config.flows.end()) return nullptr;
  return std::make_unique<io::ReaderWatch>(sinks::StdoutSink::kStandardOutput, [&config, &control] {
    for (const config::Flow& flow : config.flows) {
      if (std::holds_alternative<config::StdoutTarget>(flow.to)) control.target_gone(flow.name);
    }
  });
}

constexpr const char* kReady = "READY=1\n";

// A service manager takes the agent for busy until the reload is over, whatever came of it.
ReloadSource with_notices(ReloadSource source, io::Clock& clock) {
  source.notice = [&clock](bool begins) {
    io::notify_service(begins ? io::reloading_notice(clock.monotonic()) : kReady);
  };
  return source;
}

base::Result<RunEnd> drive(Agent& agent, const config::Config& config, const RunnerOptions& options,
                           Shared& shared, base::Log& log) {
  Control& control = agent.control();
  Signals signals(control, control.reload() != nullptr);
  const std::unique_ptr<io::ReaderWatch> reader = watch_reader(config, control);
  Report report(agent, *shared.clock, log, options.progress);
  if (options.report_interval > base::Duration::zero()) {
    control.every(options.report_interval, [&report] { report.line(); });
  }
  control.start();
  log.info("running", {{"io", agent.reactors().front()->environment().io.name()},
                       {"reactors", std::to_string(agent.reactors().size())},
                       {"files", std::to_string(control.files())}});
  io::notify_service(kReady);
  bool stopping = false;
  while (!control.finished()) {
    control.tick();
    if (control.stopping() && !std::exchange(stopping, true)) io::notify_service("STOPPING=1\n");
    if (signals.take_report_request()) {
      agent.status(false, [&report](const AgentStatus& status) { report.counters(status); });
    }
  }
  report.finish(!control.cut_short() && !control.abandoned());
  if (control.cut_short()) {
    return base::fail(base::ErrorCode::limit,
                      "stopped before everything was delivered; it will be read again");
  }
  return RunEnd{.not_read = control.not_read()};
}

}  // namespace

base::Result<RunEnd> run(const config::Config& config, RunnerOptions options, base::Log& log) {
  const std::uint64_t needed = config::memory_needed(config, reactor_count(config));
  if (config.memory_bytes < needed) {
    return base::fail(base::ErrorCode::invalid,
                      "memory: " + std::to_string(config.memory_bytes) + " bytes are too few for " +
                          std::to_string(config.flows.size()) + " flows on " +
                          std::to_string(reactor_count(config)) + " reactors: at least " +
                          std::to_string(needed) + " are needed");
  }
  if (options.reload) Signals::expect_requests();
  const std::uint64_t descriptors_max = raise_descriptor_limit();
  Shared shared;
  if (options.reload) options.reload = with_notices(std::move(*options.reload), *shared.clock);
  const Outside control = TRY(make_outside(config.io, shared, log));
  // What the control's Io fell back to is what the reactors use, without a second notice.
  const io::Backend backend =
      std::string(control.io->name()) == "epoll" ? io::Backend::epoll : config.io;
  std::vector<std::unique_ptr<ReactorThread>> threads;
  std::vector<const io::Environment*> environments;
  base::Result<RunEnd> result;
  for (std::uint32_t i = 0; i < reactor_count(config) && result; ++i) {
    threads.push_back(std::make_unique<ReactorThread>());
    threads.back()->start(backend, shared, log);
    const base::Result<Outside>& outside = threads.back()->outside();
    if (outside) {
      environments.push_back(outside->environment.get());
    } else {
      result = std::unexpected(outside.error());
    }
  }
  std::unique_ptr<Agent> agent;
  if (result) {
    auto made = Agent::create(config,
                              {.once = options.once,
                               .control_socket = true,
                               .descriptors_max = descriptors_max,
                               .start_at = options.start_at,
                               .reload = std::move(options.reload)},
                              *control.environment, environments);
    if (made) {
      agent = std::move(*made);
    } else {
      result = std::unexpected(made.error());
    }
  }
  for (std::size_t i = 0; i < threads.size(); ++i) {
    threads[i]->go(agent ? agent->reactors()[i].get() : nullptr);
  }
  if (agent) result = drive(*agent, config, options, shared, log);
  for (const auto& thread : threads) thread->stop();
  const bool cut_short = agent && agent->control().cut_short();
  if (cut_short) wait_or_leave(threads, *control.environment);
  for (const auto& thread : threads) thread->wait_stopped();
  // What the kernel may still write to must not be freed, nor what was given up and is still owned
  // by a flow; the process ends right after. To end an Io would be to wait for what it has started,
  // and that may be a read nobody ever answers.
  if (!cut_short) {
    for (const auto& thread : threads) thread->end();
  }
  if (agent && !cut_short) agent->note_settled();
  if (cut_short || (agent && agent->control().abandoned())) {
    left_behind = std::make_unique<LeftBehind>(std::move(agent), std::move(threads)).release();
  }
  return result;
}

}  // namespace agent
