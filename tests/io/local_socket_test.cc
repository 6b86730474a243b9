// Talking to a daemon that is there and does nothing.
#include "io/local_socket.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/io/real_world.h"
#include "tests/test.h"

using namespace std::chrono_literals;

namespace {

// One who listens and accepts nobody, with as many before us as it lets wait.
class Deaf {
 public:
  Deaf() {
    REQUIRE(listening_);
    while ((last_ = io::connect_local(path_, 50ms)) && connected_.size() < 10'000) {
      connected_.push_back(*last_);
    }
  }
  Deaf(const Deaf&) = delete;
  Deaf& operator=(const Deaf&) = delete;
  ~Deaf() {
    for (const io::Handle each : connected_) ::close(each);
    ::close(*listening_);
  }

  const std::string& path() const { return path_; }
  const base::Result<io::Handle>& last() const { return last_; }

 private:
  io_test::ScratchDirectory directory_;
  std::string path_ = directory_.path() + "/s";
  base::Result<io::Handle> listening_ = io::listen_local(path_);
  std::vector<io::Handle> connected_;
  base::Result<io::Handle> last_;
};

// Interrupts the thread that made it, again and again.
class Interruptions {
 public:
  Interruptions() {
    struct sigaction quiet{};
    quiet.sa_handler = [](int) {};
    ::sigaction(SIGUSR1, &quiet, &before_);
    sender_ = std::thread([this, whom = ::pthread_self()] {
      while (!over_) {
        ::pthread_kill(whom, SIGUSR1);
        std::this_thread::yield();
      }
    });
  }
  Interruptions(const Interruptions&) = delete;
  Interruptions& operator=(const Interruptions&) = delete;
  ~Interruptions() {
    over_ = true;
    sender_.join();
    ::sigaction(SIGUSR1, &before_, nullptr);
  }

 private:
  struct sigaction before_{};
  std::atomic<bool> over_{false};
  std::thread sender_;
};

}  // namespace

TEST_CASE("local sockets: who is not accepted does not wait for ever", "[io]") {
  const Deaf deaf;
  REQUIRE_FALSE(deaf.last());
  CHECK(deaf.last().error().code == base::ErrorCode::limit);
}

TEST_CASE("local sockets: a signal does not end the wait for being accepted", "[io]") {
  const Deaf deaf;
  const Interruptions interruptions;
  const auto connected = io::connect_local(deaf.path(), 50ms);
  REQUIRE_FALSE(connected);
  CHECK(connected.error().message == "nobody accepts on " + deaf.path());
}
