// Standard input and FIFOs as an operator uses them: the built program, real pipes, writers that
// come, leave and die.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/agent/process.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using process::Background;
using process::contains;
using process::eventually;
using process::LogPlace;
using process::Ran;
using process::shell;

const std::string kProgram = TAILRACE_PROGRAM;

// What a sanitizer keeps for itself would be counted as the program's memory.
#if defined(TAILRACE_SANITIZED)
constexpr bool kMemoryIsItsOwn = false;
#else
constexpr bool kMemoryIsItsOwn = true;
#endif

std::string each_backend() { return GENERATE(std::string("auto"), std::string("epoll")); }

// A place whose flow 'f' reads `from` instead of its logs.
struct Place : LogPlace {
  explicit Place(const std::string& backend, const std::string& from, const std::string& more = "")
      : LogPlace({.backend = backend}) {
    configure(backend, from, more);
  }
  void configure(const std::string& backend, const std::string& from,
                 const std::string& more = "") const {
    write("c.yaml", "data_dir: " + path("data") + "\nio: " + backend +
                        "\nreactors: 2\nstreams:\n  s: { shards: 1, sync: os }\nflows:\n  f:\n" +
                        "    from: " + from + "\n    to: { stream: s, flush: { age: 20ms } }\n" +
                        more);
  }
  void make_fifo(const std::string& name) const {
    REQUIRE(::mkfifo(path(name).c_str(), 0600) == 0);
  }
};

// Our end of a FIFO; with O_RDWR it needs nobody at the other.
struct End {
  End(const std::string& path, int flags) : descriptor(::open(path.c_str(), flags | O_CLOEXEC)) {
    REQUIRE(descriptor >= 0);
  }
  ~End() { close(); }
  End(const End&) = delete;
  End& operator=(const End&) = delete;
  bool write(std::string_view bytes) const {
    return ::write(descriptor, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  }
  std::size_t waiting() const {
    int bytes = 0;
    ::ioctl(descriptor, FIONREAD, &bytes);
    return static_cast<std::size_t>(bytes);
  }
  void close() {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
  }
  int descriptor;
};

// Within a moment: the other end may be about to make it so.
bool ready(int descriptor, short events) {
  pollfd query{.fd = descriptor, .events = events, .revents = 0};
  return ::poll(&query, 1, 20) > 0;
}

// Its exit code, as soon as it has ended; -1: it does not.
int exit_code(const Background& agent) {
  siginfo_t info{};
  const bool ended = eventually([&] {
    info.si_pid = 0;
    ::waitid(P_PID, static_cast<id_t>(agent.pid()), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == agent.pid();
  });
  return ended && info.si_code == CLD_EXITED ? info.si_status : -1;
}

std::size_t peak_kib(const Background& agent) {
  const std::string status = process::read_file("/proc/" + std::to_string(agent.pid()) + "/status");
  const std::size_t peak = status.find("VmHWM:");
  REQUIRE(peak != std::string::npos);
  return std::stoul(status.substr(peak + 6));
}

std::string numbers(int first, int last) {
  std::string text;
  for (int i = first; i <= last; ++i) text += std::to_string(i) + "\n";
  return text;
}

}  // namespace

TEST_CASE("pipes: standard input is stored line for line, and its end is the program's",
          "[agent][process]") {
  const Place place(each_backend(), "{ files: '-' }");
  const std::string once = GENERATE("", " --once");
  place.write("in", numbers(1, 200'000) + "the last");
  const std::string run = "timeout 60 " + place.command() + once;
  const std::string command = GENERATE(0, 1) == 0
                                  ? "cat " + place.path("in") + " | " + run  // a pipe
                                  : run + " < " + place.path("in");          // the file itself
  const Ran ran = shell(command);
  INFO(ran.out);
  CHECK(ran.exit_code == 0);
  CHECK(contains(ran, "records_delivered=200001"));
  CHECK((place.stored() == numbers(1, 200'000) + "the last\n"));
}

TEST_CASE("pipes: tail prints what comes from standard input or a FIFO", "[agent][process]") {
  const Place place("auto", "{ files: '-' }");
  CHECK(shell("printf 'a\\nb' | timeout 20 " + kProgram + " tail -").out == "a\nb\n");
  CHECK(shell("timeout 20 " + kProgram + " tail --once - < /dev/null").out.empty());
  place.make_fifo("fifo");
  CHECK(shell("{ printf 'c\\nd' > " + place.path("fifo") + " & } ; timeout 20 " + kProgram +
              " tail --once " + place.path("fifo") + "; wait")
            .out == "c\nd\n");
  const Ran mixed = shell("timeout 20 " + kProgram + " tail - " + place.path("c.yaml"));
  CHECK(mixed.exit_code == 64);
  CHECK(contains(mixed, "followed alone"));
  const std::string saved = " --save " + place.path("saved.yaml");
  CHECK(shell("echo e | timeout 20 " + kProgram + " tail -" + saved).exit_code == 0);
  CHECK(shell("echo f | timeout 20 " + kProgram + " run -c " + place.path("saved.yaml") +
              " 2>/dev/null")
            .out == "f\n");
}

TEST_CASE("pipes: a FIFO that tail has read to its end was there", "[agent][process]") {
  const Place place("auto", "{ files: '-' }");
  place.make_fifo("fifo");
  const std::string once = "timeout 20 " + kProgram + " tail --once ";
  const Ran fifo =
      shell("{ echo a > " + place.path("fifo") + " & } ; " + once + place.path("fifo"));
  CHECK(fifo.out == "a\n");
  CHECK(fifo.exit_code == 0);
  const Ran input = shell("echo b | " + once + "/dev/stdin");
  CHECK(input.out == "b\n");
  CHECK(input.exit_code == 0);
}

TEST_CASE("pipes: a closed standard input is none of our own files", "[agent][process]") {
  const Place place(each_backend(), "{ files: '-' }");
  const Ran ran = shell("timeout 20 " + place.command() + " <&-");
  INFO(ran.out);
  CHECK(ran.exit_code == 66);
  CHECK(contains(ran, "standard input cannot be read, this is its end"));
  CHECK(contains(ran, "Bad file descriptor"));
  CHECK(place.stored().empty());
}

TEST_CASE("pipes: an ended standard input does not end the other flows", "[agent][process]") {
  const Place place(each_backend(), "{ files: '-' }");
  const std::string logs = "  g:\n    from: { files: " + place.path("logs/*.log") +
                           ", start: beginning }\n    to: { stream: s, flush: { age: 20ms } }\n";
  place.configure("auto", "{ files: '-' }", logs);
  place.write("in", "from the pipe\n");
  const Background agent(place.command() + " < " + place.path("in"), place.log_path());
  REQUIRE(place.stores({"from the pipe"}));
  place.write("logs/a.log", "from a file\n");
  CHECK(place.stores({"from the pipe", "from a file"}));
}

TEST_CASE("pipes: an agent that waits for standard input or a FIFO stops when told",
          "[agent][process]") {
  const bool fifo = GENERATE(false, true);
  const std::string backend = each_backend();
  const Place place(backend, "{ files: '-' }");
  if (fifo) place.configure(backend, "{ fifo: " + place.path("in") + " }");
  place.make_fifo("in");
  const End writer(place.path("in"), O_RDWR);  // before the shell opens it
  const Background agent(place.command() + (fifo ? "" : " < " + place.path("in")),
                         place.log_path());
  REQUIRE(writer.write("one\nunfinished"));
  REQUIRE(place.stores({"one"}));
  ::kill(agent.pid(), SIGTERM);
  CHECK(exit_code(agent) == 0);
  CHECK(place.stores({"one", "unfinished"}));
}

TEST_CASE("pipes: a line without end costs no memory and is treated as the flow says",
          "[agent][process]") {
  const std::string policy = GENERATE("split", "truncate", "reject");
  const std::string backend = each_backend();
  const Place place(backend, "{ files: '-' }\n    long_lines: " + policy);
  place.make_fifo("in");
  End writer(place.path("in"), O_RDWR);
  const Background agent(place.command() + " < " + place.path("in"), place.log_path());
  shell("{ echo before; head -c 100M /dev/zero | tr '\\0' x; echo; echo after; } > " +
        place.path("in"));
  std::string stored;
  REQUIRE(eventually([&] {
    stored = place.stored();
    return stored.ends_with("after\n");
  }));
  if (kMemoryIsItsOwn) CHECK(peak_kib(agent) < 64 * 1024);
  CHECK(process::counter(place, agent, "bytes_read") == 7 + (100U << 20) + 1 + 6);
  writer.close();
  CHECK(exit_code(agent) == 0);
  CHECK(stored.starts_with("before\n"));
  const auto x = static_cast<std::size_t>(std::ranges::count(stored, 'x'));
  CHECK(x == (policy == "split" ? 100U << 20 : policy == "truncate" ? 1U << 20 : 0));
}

TEST_CASE("pipes: what a killed writer wrote is stored", "[agent][process]") {
  const std::string backend = each_backend();
  const Place place(backend, "{ files: '-' }");
  place.configure(backend, "{ fifo: " + place.path("fifo") + " }");
  place.make_fifo("fifo");
  const Background agent(place.command(), place.log_path());
  {
    const Background writer("sh -c 'printf \"whole\\nhalf\"; exec sleep 1000'", place.path("fifo"));
    REQUIRE(place.stores({"whole"}));
    ::kill(writer.pid(), SIGKILL);
  }
  CHECK(place.stores({"whole", "half"}));
}

TEST_CASE("pipes: a FIFO's writers come and go, many at once, and nothing is lost",
          "[agent][process]") {
  const std::string backend = each_backend();
  const Place place(backend, "{ files: '-' }");
  place.configure(backend, "{ fifo: " + place.path("fifo") + " }");
  const Background agent(place.command(), place.log_path());
  REQUIRE(eventually([&] { return contains(place.log(), "FIFO cannot be opened"); }));
  place.make_fifo("fifo");
  constexpr int kRounds = 200;
  constexpr int kLines = 50;
  std::vector<std::string> expected;
  std::vector<std::thread> writers;
  for (const char name : {'a', 'b', 'c'}) {
    for (int i = 0; i < kRounds * kLines; ++i) {
      expected.push_back(name + std::to_string(i));
    }
    writers.emplace_back([&place, name] {
      for (int round = 0; round < kRounds; ++round) {
        std::string lines;  // less than PIPE_BUF: no other writer comes in between
        for (int i = 0; i < kLines; ++i) lines += name + std::to_string(round * kLines + i) + "\n";
        const int fifo = ::open(place.path("fifo").c_str(), O_WRONLY | O_CLOEXEC);
        if (::write(fifo, lines.data(), lines.size()) < 0) return;
        ::close(fifo);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(place.stores(expected));
  CHECK(process::counter(place, agent, "records_unaccounted") == 0);
  CHECK(process::counter(place, agent, "pipe_ends") > 0);
}

TEST_CASE("pipes: once, a FIFO is read until its writers have left", "[agent][process]") {
  const std::string backend = each_backend();
  const Place place(backend, "{ files: '-' }");
  place.configure(backend, "{ fifo: " + place.path("fifo") + " }");
  place.make_fifo("fifo");
  const Background agent(place.command() + " --once", place.log_path());
  End first(place.path("fifo"), O_WRONLY), second(place.path("fifo"), O_WRONLY);
  REQUIRE(first.write("one\n"));
  first.close();
  REQUIRE(place.stores({"one"}));
  REQUIRE(second.write("two"));
  second.close();
  CHECK(exit_code(agent) == 0);
  CHECK(place.stores({"one", "two"}));
}

TEST_CASE("pipes: a target that does not take anything stops the writer, not the machine",
          "[agent][process]") {
  const Place place("auto", "{ files: '-' }");
  place.make_fifo("in");
  place.make_fifo("out");
  End in(place.path("in"), O_RDWR | O_NONBLOCK);
  const End out(place.path("out"), O_RDWR | O_NONBLOCK);
  const Background agent(kProgram + " tail - < " + place.path("in"), place.path("out"));
  const std::string line = std::string(1023, 'x') + "\n";
  std::size_t written = 0;
  // Both pipes are full, and the program does nothing about it: until then it takes what it can
  // hold.
  const auto full = [&] {
    const std::size_t before = written;
    while (ready(in.descriptor, POLLOUT) && in.write(line)) ++written;
    return written == before && out.waiting() > 0;
  };
  int quiet = 0;  // looks in a row without news
  REQUIRE(
      eventually([&] { return (quiet = full() ? quiet + 1 : 0) >= 25; }, std::chrono::seconds(60)));
  CHECK(written * line.size() < 80 << 20);
  if (kMemoryIsItsOwn) CHECK(peak_kib(agent) < 96 * 1024);
  std::size_t lines = 0;
  std::string bytes(1 << 16, '\0');
  const auto all_out = [&] {
    while (ready(out.descriptor, POLLIN)) {
      const ssize_t got = ::read(out.descriptor, bytes.data(), bytes.size());
      REQUIRE(got > 0);
      lines += static_cast<std::size_t>(std::count(bytes.begin(), bytes.begin() + got, '\n'));
    }
    return lines >= written;
  };
  CHECK(eventually(all_out, std::chrono::seconds(60)));
  in.close();
  CHECK(exit_code(agent) == 0);
  all_out();
  CHECK(lines == written);
}
