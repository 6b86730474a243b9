// Sockets, pipes and inotify: what the real backends promise beyond files.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <random>

#include "tests/io/contract.h"
#include "tests/io/real_world.h"

using io_test::Call;
using io_test::EpollWorld;
using io_test::finish;
using io_test::UringWorld;

namespace {

struct Pair {
  explicit Pair(int flags, bool sockets = false) {
    int ends[2];
    REQUIRE((sockets ? ::socketpair(AF_UNIX, SOCK_STREAM | flags, 0, ends)
                     : ::pipe2(ends, flags)) == 0);
    in = ends[0];
    out = ends[1];
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    ::close(in);
    close_out();
  }
  void close_out() {
    if (out >= 0) ::close(out);
    out = -1;
  }
  int in = -1;
  int out = -1;
};

int listen_on_loopback(sockaddr_in& address, int flags) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener, 8) == 0);
  socklen_t bytes = sizeof address;
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &bytes) == 0);
  return listener;
}

template <typename Address>
std::string_view bytes_of(const Address& address) {
  return {reinterpret_cast<const char*>(&address), sizeof address};
}

std::string text_of(std::size_t bytes) {
  std::string text(bytes, ' ');
  for (std::size_t i = 0; i < bytes; ++i)
    text[i] = static_cast<char>('a' + i * 7 % 26 + i / 4096 % 3);
  return text;
}

// Sends `text` cut into pieces and receives it at the other end, all through `io`.
void carry(io::Io& io, int from, int to, const std::string& text, std::size_t piece_bytes,
           bool as_write) {
  std::vector<std::string_view> pieces;
  for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
    pieces.push_back(std::string_view(text).substr(at, piece_bytes));
    pieces.emplace_back();
  }
  Call out;
  if (as_write) {
    io.write(out.operation, from, pieces, io::Io::kAtEnd);
  } else {
    io.send(out.operation, from, pieces);
  }
  std::string got;
  std::string buffer(50'000, ' ');
  while (got.size() < text.size()) {
    Call in;
    io.receive(in.operation, to, buffer);
    const std::int64_t bytes = finish(io, in);
    REQUIRE(bytes > 0);
    got.append(buffer, 0, static_cast<std::size_t>(bytes));
  }
  while (out.calls == 0) io.run_once(io::Io::kForever);
  CHECK(out.result == static_cast<std::int64_t>(text.size()));
  CHECK((got == text));  // not printed
}

}  // namespace

TEMPLATE_TEST_CASE("io: receive waits until there is something", "[io]", UringWorld, EpollWorld) {
  TestType world;
  const bool sockets = GENERATE(false, true);
  const int flags = GENERATE(0, O_NONBLOCK);
  CAPTURE(sockets, flags);
  Pair pair(flags, sockets);
  std::array<char, 16> buffer{};
  Call call;
  world.io().receive(call.operation, pair.in, buffer);
  for (int i = 0; i < 3; ++i) world.io().run_once(std::chrono::milliseconds(1));
  CHECK(call.calls == 0);
  SECTION("data") {
    REQUIRE(::write(pair.out, "hello", 5) == 5);
    CHECK(finish(world.io(), call) == 5);
    CHECK(std::string_view(buffer.data(), 5) == "hello");
  }
  SECTION("the end") {
    pair.close_out();
    CHECK(finish(world.io(), call) == 0);
  }
  SECTION("cancel, and again") {
    world.io().cancel(call.operation);
    world.io().cancel(call.operation);
    CHECK(finish(world.io(), call) == -ECANCELED);
    Call again;
    world.io().receive(again.operation, pair.in, buffer);
    REQUIRE(::write(pair.out, "x", 1) == 1);
    CHECK(finish(world.io(), again) == 1);
  }
  SECTION("cancel when the data is there already") {
    REQUIRE(::write(pair.out, "x", 1) == 1);
    world.io().cancel(call.operation);
    const std::int64_t result = finish(world.io(), call);
    CHECK((result == 1 || result == -ECANCELED));
  }
}

TEMPLATE_TEST_CASE("io: everything sent arrives, through buffers smaller than it", "[io]",
                   UringWorld, EpollWorld) {
  TestType world;
  const int flags = GENERATE(0, O_NONBLOCK);
  CAPTURE(flags);
  const std::string text = text_of(3'000'000);
  SECTION("socket, many pieces") {
    Pair pair(flags, true);
    carry(world.io(), pair.out, pair.in, text, 700, false);
  }
  SECTION("socket, one piece") {
    Pair pair(flags, true);
    carry(world.io(), pair.out, pair.in, text, text.size(), false);
  }
  SECTION("pipe by send") {
    Pair pair(flags);
    carry(world.io(), pair.out, pair.in, text, 70'000, false);
  }
  SECTION("pipe by write") {
    Pair pair(flags);
    carry(world.io(), pair.out, pair.in, text, 1500, true);
  }
}

TEMPLATE_TEST_CASE("io: a full pipe does not block the thread, and its write can be cancelled",
                   "[io]", UringWorld, EpollWorld) {
  TestType world;
  Pair pair(GENERATE(0, O_NONBLOCK));
  const std::string text = text_of(1'000'000);
  const std::string_view piece = text;
  Call call;
  world.io().write(call.operation, pair.out, std::span(&piece, 1), io::Io::kAtEnd);
  for (int i = 0; i < 3; ++i) world.io().run_once(std::chrono::milliseconds(1));
  CHECK(call.calls == 0);
  world.io().cancel(call.operation);
  CHECK(finish(world.io(), call) == -ECANCELED);
}

TEMPLATE_TEST_CASE("io: sending to nobody is EPIPE, not a signal", "[io]", UringWorld, EpollWorld) {
  TestType world;
  Pair pair(0, true);
  ::shutdown(pair.in, SHUT_RD);
  const std::string_view text = "x";
  Call call;
  world.io().send(call.operation, pair.out, std::span(&text, 1));
  CHECK(finish(world.io(), call) == -EPIPE);
}

TEMPLATE_TEST_CASE("io: receives on one socket are served in the order they were started", "[io]",
                   EpollWorld) {
  TestType world;
  Pair pair(0, true);
  std::array<char, 1> first_byte{};
  std::array<char, 1> second_byte{};
  Call first;
  Call second;
  world.io().receive(first.operation, pair.in, first_byte);
  world.io().receive(second.operation, pair.in, second_byte);
  REQUIRE(::write(pair.out, "12", 2) == 2);
  while (second.calls == 0) world.io().run_once(io::Io::kForever);
  CHECK(first_byte[0] == '1');
  CHECK(second_byte[0] == '2');
}

TEMPLATE_TEST_CASE("io: connects, accepts and talks both ways", "[io]", UringWorld, EpollWorld) {
  TestType world;
  const int flags = GENERATE(0, SOCK_NONBLOCK);
  CAPTURE(flags);
  sockaddr_in address{};
  const int listener = listen_on_loopback(address, flags);
  Call accepting;
  world.io().accept(accepting.operation, listener);
  world.io().run_once(base::Duration::zero());
  CHECK(accepting.calls == 0);
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  Call connecting;
  world.io().connect(connecting.operation, client, bytes_of(address));
  CHECK(finish(world.io(), connecting) == 0);
  while (accepting.calls == 0) world.io().run_once(io::Io::kForever);
  REQUIRE(accepting.result >= 0);
  const int server = static_cast<int>(accepting.result);
  CHECK((::fcntl(server, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(client, F_GETFL) & O_NONBLOCK) == (flags == 0 ? 0 : O_NONBLOCK));
  carry(world.io(), client, server, text_of(500'000), 60'000, false);
  carry(world.io(), server, client, text_of(500'000), 100, false);
  for (const int each : {client, server, listener}) ::close(each);
}

TEMPLATE_TEST_CASE("io: connecting where nobody listens is refused", "[io]", UringWorld,
                   EpollWorld) {
  TestType world;
  sockaddr_in address{};
  ::close(listen_on_loopback(address, 0));
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Call tcp;
  world.io().connect(tcp.operation, client, bytes_of(address));
  CHECK(finish(world.io(), tcp) == -ECONNREFUSED);
  ::close(client);

  sockaddr_un missing{};
  missing.sun_family = AF_UNIX;
  std::strcpy(missing.sun_path, "/nowhere/at/all");
  const int local = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Call unix_call;
  world.io().connect(unix_call.operation, local, bytes_of(missing));
  CHECK(finish(world.io(), unix_call) == -ENOENT);
  ::close(local);
}

TEMPLATE_TEST_CASE("io: wrong descriptors fail sockets' operations", "[io]", UringWorld,
                   EpollWorld) {
  TestType world;
  const auto file = io_test::new_file(world, "file", "x");
  std::array<char, 4> buffer{};
  const std::string_view text = "x";
  Call receiving;
  world.io().receive(receiving.operation, io::kNoHandle, buffer);
  CHECK(finish(world.io(), receiving) == -EBADF);
  Call sending;
  world.io().send(sending.operation, io::kNoHandle, std::span(&text, 1));
  CHECK(finish(world.io(), sending) == -EBADF);
  Call accepting;
  world.io().accept(accepting.operation, file.get());
  CHECK(finish(world.io(), accepting) == -ENOTSOCK);
}

TEMPLATE_TEST_CASE("io: a descriptor's number may be closed and used anew", "[io]", UringWorld,
                   EpollWorld) {
  TestType world;
  std::array<char, 4> buffer{};
  for (int i = 0; i < 20; ++i) {
    Pair pair(O_NONBLOCK, i % 2 == 0);  // mostly the same numbers again
    Call call;
    world.io().receive(call.operation, pair.in, buffer);
    world.io().run_once(base::Duration::zero());
    REQUIRE(::write(pair.out, "x", 1) == 1);
    CHECK(finish(world.io(), call) == 1);
  }
}

TEMPLATE_TEST_CASE("io: watch events are received like bytes from a socket", "[io]", UringWorld,
                   EpollWorld) {
  TestType world;
  const auto watch = world.files().open_watch();
  REQUIRE(watch.has_value());
  const io::UniqueHandle owner(world.files(), *watch);
  const auto number = world.files().add_watch(*watch, world.directory());
  REQUIRE(number.has_value());
  alignas(8) std::array<char, 4096> buffer{};
  Call call;
  world.io().receive(call.operation, *watch, buffer);
  world.io().run_once(base::Duration::zero());
  CHECK(call.calls == 0);
  REQUIRE(world.files().open(world.directory() + "/new.log", io::Open::create_new).has_value());
  const std::int64_t bytes = finish(world.io(), call);
  REQUIRE(bytes > 0);
  const auto events =
      io::parse_watch_events(std::string_view(buffer.data(), static_cast<std::size_t>(bytes)));
  REQUIRE(events.size() == 1);
  CHECK(events[0].watch == *number);
  CHECK(events[0].what == io::kWatchCreated);
  CHECK(events[0].name == "new.log");
}

TEMPLATE_TEST_CASE("io: many sockets with random traffic and cancels lose and double nothing",
                   "[io]", UringWorld, EpollWorld) {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  TestType world;
  struct Line {
    Pair pair{0, true};
    Call call;
    std::array<char, 64> buffer{};
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    bool receiving = false;
  };
  std::deque<Line> lines(100);
  std::uint64_t cancelled = 0;
  const auto settle = [&](Line& line) {
    if (line.call.calls == 0) return;
    REQUIRE(line.call.calls == 1);
    if (line.call.result >= 0) {
      line.received += static_cast<std::uint64_t>(line.call.result);
    } else {
      REQUIRE(line.call.result == -ECANCELED);
      ++cancelled;
    }
    line.call.calls = 0;
    line.receiving = false;
  };
  for (int turn = 0; turn < 20'000; ++turn) {
    Line& line = lines[random() % lines.size()];
    settle(line);
    switch (random() % 4) {
      case 0:
        if (!line.receiving) {
          world.io().receive(line.call.operation, line.pair.in, line.buffer);
          line.receiving = true;
        }
        break;
      case 1:
        if (line.sent - line.received < 1000) {
          const std::size_t bytes = 1 + random() % line.buffer.size();
          REQUIRE(::write(line.pair.out, line.buffer.data(), bytes) == static_cast<ssize_t>(bytes));
          line.sent += bytes;
        }
        break;
      case 2:
        if (random() % 4 == 0) world.io().cancel(line.call.operation);
        break;
      default:
        world.io().run_once(base::Duration::zero());
    }
  }
  for (Line& line : lines) {
    line.pair.close_out();
    while (true) {
      while (line.receiving && line.call.calls == 0) world.io().run_once(io::Io::kForever);
      const bool at_end = line.receiving && line.call.result == 0;
      settle(line);
      if (at_end) break;
      world.io().receive(line.call.operation, line.pair.in, line.buffer);
      line.receiving = true;
    }
    CHECK(line.received == line.sent);
  }
  CHECK(cancelled > 0);
}
