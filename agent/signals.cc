#include "agent/signals.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

namespace agent {

namespace {

std::atomic<Control*> signalled{nullptr};
std::atomic<bool> stopping{false};
// Asked for, perhaps while nobody could hear it.
std::atomic<bool> report{false};
std::atomic<bool> reload{false};

void on_signal(int number) {
  Control* control = signalled.load();
  if (number == SIGHUP) {
    if (control != nullptr) {
      control->request_reload();
    } else {
      reload.store(true);
      // Whoever came in between may have looked before that.
      control = signalled.load();
      if (control != nullptr && reload.exchange(false)) control->request_reload();
    }
    return;
  }
  if (number == SIGUSR1) {
    report.store(true);
    control = signalled.load();  // who comes after this looks himself
    if (control != nullptr) control->wake();
    return;
  }
  if (control == nullptr) return;
  if (stopping.exchange(true)) ::_exit(128 + number);
  control->request_stop();
}

void handle(int number, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(number, &action, nullptr);
}

}  // namespace

void Signals::expect_requests() {
  handle(SIGHUP, &on_signal);
  handle(SIGUSR1, &on_signal);
}

Signals::Signals(Control& control, bool reloads) {
  stopping.store(false);
  signalled.store(&control);
  if (reloads) handle(SIGHUP, &on_signal);
  if (reload.exchange(false)) control.request_reload();
  handle(SIGTERM, &on_signal);
  handle(SIGINT, &on_signal);
  handle(SIGUSR1, &on_signal);
  handle(SIGPIPE, SIG_IGN);
  if (report.load()) control.wake();
}

Signals::~Signals() {
  handle(SIGTERM, SIG_DFL);
  handle(SIGINT, SIG_DFL);
  handle(SIGUSR1, SIG_IGN);  // what comes late must not end the process; SIGHUP finds nobody
  signalled.store(nullptr);
}

bool Signals::take_report_request() { return report.exchange(false); }

}  // namespace agent
