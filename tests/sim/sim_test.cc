// The simulator's own promises: operations, watches, faults, streams, and that one seed is one
// story. The disk's are in sim_disk_test.cc.
#include <sys/inotify.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace {

using sim::Crash;
using sim::SimWorld;

constexpr int kSeeds = 200;

struct Answer {
  std::int64_t result = -9999;
  int count = 0;
  void done(std::int64_t r) {
    result = r;
    ++count;
  }
};

std::int64_t finish(SimWorld& world, sim::Process& process, Answer& answer) {
  for (int i = 0; answer.count == 0 && i < 10'000; ++i) {
    process.io().run_once(io::Io::kForever);
    world.advance(process, std::chrono::seconds(1));
  }
  return answer.result;
}

}  // namespace

TEST_CASE("files: a lock has one holder until close or crash", "[sim][files]") {
  SimWorld world(1);
  auto first = world.start_process();
  auto second = world.start_process();
  const io::Handle lock = first->files().lock("/LOCK").value();
  REQUIRE(first->files().write_at(lock, "pid 7", 0));
  const auto refused = second->files().lock("/LOCK");
  REQUIRE(!refused);
  CHECK(refused.error().code == base::ErrorCode::busy);
  CHECK(refused.error().message == "pid 7");
  world.crash(*first, Crash::process);
  CHECK(second->files().lock("/LOCK"));
}

TEST_CASE("io: every operation answers once, in its own time, with the file's bytes", "[sim][io]") {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    SimWorld world(seed);
    auto process = world.start_process();
    world.faults().set("", {.short_read = 0.3, .delay = 0.5});
    world.disk().put("/d/a", "0123456789");
    Answer opened;
    io::Operation open = io::on<&Answer::done>(opened);
    process->io().open(open, "/d/a", io::Open::read);
    CHECK(opened.count == 0);
    const auto file = static_cast<io::Handle>(finish(world, *process, opened));
    REQUIRE(file >= 0);
    Answer answers[3];
    io::Operation reads[3];
    char bytes[3][4];
    for (int i = 0; i < 3; ++i) {
      reads[i] = io::on<&Answer::done>(answers[i]);
      process->io().read(reads[i], file, bytes[i], static_cast<std::uint64_t>(i) * 4);
    }
    for (int i = 0; i < 3; ++i) {
      const std::int64_t count = finish(world, *process, answers[i]);
      REQUIRE(count >= 1);
      CHECK(std::string_view(bytes[i], static_cast<std::size_t>(count)) ==
            std::string_view("0123456789")
                .substr(static_cast<std::size_t>(i) * 4, static_cast<std::size_t>(count)));
    }
    for (int i = 0; i < 10; ++i) process->io().run_once(io::Io::kForever);
    for (const Answer& answer : answers) CHECK(answer.count == 1);
    CHECK(process->io().pending() == 0);
  }
}

TEST_CASE("io: a write in flight at a crash happened, in part, or not at all", "[sim][io]") {
  std::set<std::string> kinds;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SimWorld world(seed);
    auto process = world.start_process();
    world.disk().put("/d/a", "");
    const io::Handle file = process->files().open("/d/a", io::Open::update).value();
    Answer answer;
    io::Operation write = io::on<&Answer::done>(answer);
    const std::string_view pieces[] = {"0123", "4567"};
    process->io().write(write, file, pieces, 0);
    world.crash(*process, Crash::process);
    const std::string content = world.disk().content("/d/a");
    REQUIRE(content == std::string("01234567").substr(0, content.size()));
    kinds.insert(content.empty() ? "none" : content.size() < 8 ? "part" : "whole");
    process->io().run_once(io::Io::kForever);
    CHECK(answer.count == 1);
    CHECK(answer.result == -ECANCELED);
    CHECK(world.disk().content("/d/a") == content);
  }
  CHECK(kinds == std::set<std::string>{"none", "part", "whole"});
}

TEST_CASE("io: a cancelled wait ends, a dead process changes nothing", "[sim][io]") {
  SimWorld world(1);
  auto process = world.start_process();
  const io::Handle watch = process->files().open_watch().value();
  Answer answer;
  io::Operation receive = io::on<&Answer::done>(answer);
  char bytes[512];
  process->io().receive(receive, watch, bytes);
  process->io().run_once(io::Io::kForever);
  CHECK(answer.count == 0);
  CHECK(process->io().next_event() == base::Instant::max());
  process->io().cancel(receive);
  CHECK(finish(world, *process, answer) == -ECANCELED);
  world.crash(*process, Crash::process);
  CHECK(!process->files().open("/x", io::Open::append));
  CHECK(!process->files().make_directories("/y"));
  CHECK(world.disk().list("/").empty());
}

TEST_CASE("io: a wake ends the wait", "[sim][io]") {
  SimWorld world(1);
  auto process = world.start_process();
  process->io().run_once(io::Io::kForever);
  CHECK(process->io().next_event() == base::Instant::max());
  process->io().wake();
  CHECK(process->io().next_event() == world.clock().monotonic());
  process->io().run_once(std::chrono::seconds(5));
  CHECK(process->io().next_event() == world.clock().monotonic());
  process->io().run_once(std::chrono::seconds(5));
  CHECK(process->io().next_event() == world.clock().monotonic() + std::chrono::seconds(5));
}

TEST_CASE("watch: tells creation, growth, renames with one cookie, and the directory's end",
          "[sim][watch]") {
  SimWorld world(1);
  auto process = world.start_process();
  REQUIRE(process->files().make_directories("/log"));
  const io::Handle watch = process->files().open_watch().value();
  const int number = process->files().add_watch(watch, "/log").value();
  CHECK(process->files().add_watch(watch, "/log").value() == number);
  sim::NodeRef node;
  REQUIRE(world.disk().create("/log/a", node) == 0);
  world.disk().append(*node, "x");
  world.disk().append(*node, "y");
  REQUIRE(world.disk().rename("/log/a", "/log/b") == 0);
  REQUIRE(world.disk().remove("/log/b") == 0);
  REQUIRE(world.disk().remove_directory("/log") == 0);
  Answer answer;
  io::Operation receive = io::on<&Answer::done>(answer);
  char bytes[4096];
  process->io().receive(receive, watch, bytes);
  const auto count = static_cast<std::size_t>(finish(world, *process, answer));
  std::vector<std::uint32_t> masks;
  std::vector<std::uint32_t> cookies;
  for (std::size_t at = 0; at < count;) {
    inotify_event event;
    std::memcpy(&event, bytes + at, sizeof event);
    CHECK(event.wd == number);
    masks.push_back(event.mask);
    if (event.cookie != 0) cookies.push_back(event.cookie);
    at += sizeof event + event.len;
  }
  CHECK(masks == std::vector<std::uint32_t>{IN_CREATE, IN_MODIFY, IN_MOVED_FROM, IN_MOVED_TO,
                                            IN_DELETE, IN_DELETE_SELF, IN_IGNORED});
  REQUIRE(cookies.size() == 2);
  CHECK(cookies[0] == cookies[1]);
}

TEST_CASE("faults: are where the plan says, and stop when switched off", "[sim][faults]") {
  SimWorld world(1);
  auto process = world.start_process();
  world.disk().put("/data/a", "x");
  world.disk().put("/log/a", "x");
  world.faults().set("/data", {.read_error = 1, .open_error = 0, .look_error = 1});
  const io::Handle data = process->files().open("/data/a", io::Open::read).value();
  const io::Handle log = process->files().open("/log/a", io::Open::read).value();
  char byte[1];
  CHECK(process->files().read_at(data, byte, 0).error().system == EIO);
  CHECK(process->files().read_at(log, byte, 0));
  CHECK(process->files().list("/data").error().system == EACCES);
  world.faults().switch_on(false);
  CHECK(process->files().read_at(data, byte, 0));
  CHECK(process->files().list("/data"));
  CHECK(world.faults().strikes() == 2);
}

TEST_CASE("network: bytes arrive in order in pieces, then the end", "[sim][network]") {
  SimWorld world(3);
  auto process = world.start_process();
  const io::Handle listener = process->listen("here");
  const io::Handle client = process->make_socket();
  Answer connected;
  Answer accepted;
  io::Operation connect = io::on<&Answer::done>(connected);
  io::Operation accept = io::on<&Answer::done>(accepted);
  process->io().accept(accept, listener);
  process->io().connect(connect, client, "here");
  CHECK(finish(world, *process, connected) == 0);
  const auto server = static_cast<io::Handle>(finish(world, *process, accepted));
  REQUIRE(server >= 0);
  Answer sent;
  io::Operation send = io::on<&Answer::done>(sent);
  const std::string_view pieces[] = {"hello ", "world"};
  process->io().send(send, client, pieces);
  CHECK(finish(world, *process, sent) == 11);
  process->files().close(client);
  std::string got;
  while (true) {
    Answer received;
    io::Operation receive = io::on<&Answer::done>(received);
    char bytes[32];
    process->io().receive(receive, server, bytes);
    const std::int64_t count = finish(world, *process, received);
    if (count <= 0) {
      CHECK(count == 0);
      break;
    }
    got.append(bytes, static_cast<std::size_t>(count));
  }
  CHECK(got == "hello world");
}

namespace {

std::uint64_t story_hash(std::uint64_t seed) {
  SimWorld world(seed);
  world.faults().set("", {.short_read = 0.2,
                          .read_error = 0.05,
                          .write_error = 0.05,
                          .write_full = 0.05,
                          .sync_error = 0.05,
                          .open_error = 0.05,
                          .delay = 0.5});
  REQUIRE(world.disk().make_directories("/d") == 0);
  for (int life = 0; life < 4; ++life) {
    auto process = world.start_process();
    const auto file = process->files().open("/d/a", io::Open::append);
    Answer answers[20];
    io::Operation operations[20];
    const std::string_view pieces[] = {"some bytes"};
    for (int i = 0; file && i < 20; ++i) {
      operations[i] = io::on<&Answer::done>(answers[i]);
      if (i % 3 == 0) {
        process->io().sync(operations[i], *file);
      } else {
        process->io().write(operations[i], *file, pieces, io::Io::kAtEnd);
      }
      process->io().run_once(io::Io::kForever);
      world.advance(*process, std::chrono::milliseconds(3));
    }
    world.crash(*process, life % 2 == 0 ? Crash::process : Crash::power);
    for (const char c : world.disk().content("/d/a")) {
      world.trace().add("byte", static_cast<unsigned char>(c));
    }
  }
  return world.trace().hash();
}

}  // namespace

TEST_CASE("world: one seed is one story, another seed another", "[sim][world]") {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    const std::uint64_t hash = story_hash(seed);
    CHECK(story_hash(seed) == hash);
    hashes.insert(hash);
  }
  CHECK(hashes.size() == 50);
}
