// A target that takes nothing for a while (rule F62): memory stays where it is, reading stands
// still, and both end as soon as it takes something again. On the ring and on epoll.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <string>

#include "tests/agent/log_place.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using process::Background;
using process::LogPlace;
using Clock = std::chrono::steady_clock;

// What a sanitizer keeps for itself would be counted as the program's memory.
#if defined(TAILRACE_SANITIZED)
constexpr bool kMemoryIsItsOwn = false;
#else
constexpr bool kMemoryIsItsOwn = true;
#endif

constexpr std::size_t kLines = 48'000;
constexpr std::size_t kLineBytes = 1024;
constexpr std::size_t kBudgetBytes = 4 << 20;

std::string line(std::size_t number) {
  std::string text = std::to_string(number) + " ";
  text.resize(kLineBytes - 1, 'x');
  return text + "\n";
}

std::size_t peak_kib(const Background& agent) {
  const std::string status = process::read_file("/proc/" + std::to_string(agent.pid()) + "/status");
  const std::size_t peak = status.find("VmHWM:");
  REQUIRE(peak != std::string::npos);
  return std::stoul(status.substr(peak + 6));
}

// The reader of what the agent prints, which reads when it is told to.
class Reader {
 public:
  explicit Reader(const std::string& path) {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    descriptor_ = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(descriptor_ >= 0);
  }
  ~Reader() { ::close(descriptor_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool anything() const {
    int bytes = 0;
    ::ioctl(descriptor_, FIONREAD, &bytes);
    return bytes > 0;
  }
  // Reads until there is so much in all, but not for longer.
  bool take(std::string& all, std::size_t bytes, std::chrono::seconds longest) const {
    const Clock::time_point end = Clock::now() + longest;
    std::string piece(1 << 16, '\0');
    while (all.size() < bytes) {
      pollfd query{.fd = descriptor_, .events = POLLIN, .revents = 0};
      if (::poll(&query, 1, 100) <= 0 && Clock::now() > end) return false;
      const ssize_t got = ::read(descriptor_, piece.data(), piece.size());
      if (got > 0) all.append(piece, 0, static_cast<std::size_t>(got));
    }
    return true;
  }

 private:
  int descriptor_;
};

}  // namespace

TEST_CASE("backpressure: a target that stands costs no memory, and goes on within a second (F62)",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  CAPTURE(backend);
  const LogPlace place({.backend = backend});
  place.write("c.yaml", "data_dir: " + place.path("data") + "\nio: " + backend +
                            "\nreactors: 1\nmemory: 4MiB\nflows:\n  f:\n    from: { files: [\"" +
                            place.path("logs/*.log") +
                            "\"], start: beginning, reconcile: 1h }\n    to: stdout\n");
  std::string wanted;
  for (std::size_t i = 0; i < kLines; ++i) wanted += line(i);
  place.write("logs/a.log", wanted);
  const Reader reader(place.path("out"));
  const Background agent("sh -c 'exec " + place.command() + " >" + place.path("out") + "'",
                         place.log_path());
  REQUIRE(process::running(place));
  REQUIRE(process::eventually([&] { return reader.anything(); }));
  const auto read = [&] { return process::sample(place, "bytes_read{flow=\"f\"}"); };
  // It reads what its budget holds, and no more.
  std::size_t before = 0;
  int quiet = 0;
  REQUIRE(process::eventually([&] {
    const std::size_t now = read();
    quiet = now == before ? quiet + 1 : 0;
    before = now;
    return quiet >= 50;
  }));
  CHECK(before <= kBudgetBytes + (1 << 20));  // and what the pipe has
  CHECK(process::sample(place, "bytes_dropped{flow=\"f\",reason=\"lost_unread\"}") == 0);
  if (kMemoryIsItsOwn) CHECK(peak_kib(agent) < 32 * 1024);
  // More than was under way: to have it, the file must be read again.
  std::string all;
  const Clock::time_point recovered = Clock::now();
  CHECK(reader.take(all, 4 * kBudgetBytes, 10s));
  CHECK(Clock::now() - recovered < 1s);
  REQUIRE(reader.take(all, wanted.size(), 60s));
  CHECK((all == wanted));
  if (kMemoryIsItsOwn) CHECK(peak_kib(agent) < 32 * 1024);
}
