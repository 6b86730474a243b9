// The simulator's own promises: what survives which crash, what a fault does and does not, and that
// one seed is one story.
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

// Runs `story` for many seeds and gathers the different endings.
template <typename Story>
std::set<std::string> endings(Story story) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) seen.insert(story(seed));
  return seen;
}

struct Answer {
  std::int64_t result = -9999;
  int count = 0;
  void done(std::int64_t r) {
    result = r;
    ++count;
  }
};

io::Handle create(sim::Process& process, const std::string& path) {
  return process.files().open(path, io::Open::create_new).value();
}

std::int64_t finish(SimWorld& world, sim::Process& process, Answer& answer) {
  for (int i = 0; answer.count == 0 && i < 10'000; ++i) {
    process.io().run_once(io::Io::kForever);
    world.advance(process, std::chrono::seconds(1));
  }
  return answer.result;
}

}  // namespace

TEST_CASE("disk: a killed process loses nothing it wrote", "[sim][disk]") {
  const auto seen = endings([](std::uint64_t seed) {
    SimWorld world(seed);
    auto process = world.start_process();
    REQUIRE(process->files().make_directories("/d"));
    const io::Handle file = create(*process, "/d/a");
    REQUIRE(process->files().write_at(file, "hello", 0));
    world.crash(*process, Crash::process);
    return world.disk().content("/d/a");
  });
  CHECK(seen == std::set<std::string>{"hello"});
}

TEST_CASE("disk: a power cut keeps what was synced together with its name", "[sim][disk]") {
  const auto seen = endings([](std::uint64_t seed) {
    SimWorld world(seed);
    auto process = world.start_process();
    io::Files& files = process->files();
    REQUIRE(files.make_directories("/d"));
    REQUIRE(files.sync_directory("/"));
    const io::Handle file = create(*process, "/d/a");
    REQUIRE(files.write_at(file, "hello", 0));
    REQUIRE(files.sync(file));
    REQUIRE(files.sync_directory("/d"));
    world.crash(*process, Crash::power);
    return world.disk().content("/d/a");
  });
  CHECK(seen == std::set<std::string>{"hello"});
}

TEST_CASE("disk: a synced file whose directory was not synced may be gone", "[sim][disk]") {
  const auto seen = endings([](std::uint64_t seed) {
    SimWorld world(seed);
    auto process = world.start_process();
    world.disk().put("/d/other", "");
    const io::Handle file = create(*process, "/d/a");
    REQUIRE(process->files().write_at(file, "hello", 0));
    REQUIRE(process->files().sync(file));
    world.crash(*process, Crash::power);
    return world.disk().exists("/d/a") ? world.disk().content("/d/a") : std::string("gone");
  });
  CHECK(seen == std::set<std::string>{"hello", "gone"});
}

TEST_CASE("disk: an unsynced append survives whole, torn, as zeros, or not", "[sim][disk]") {
  std::set<std::string> kinds;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    SimWorld world(seed);
    world.disk().put("/d/a", std::string(700, 'o'));
    sim::Node& node = *world.disk().find("/d/a");
    world.disk().append(node, std::string(9000, 'n'));
    world.disk().cut_power();
    const std::string content = world.disk().content("/d/a");
    REQUIRE(content.substr(0, 700) == std::string(700, 'o'));
    const std::string tail = content.substr(700);
    REQUIRE(tail.size() <= 9000);
    REQUIRE(tail.find_first_not_of(std::string("n\0", 2)) == std::string::npos);
    const bool zeros = tail.find('\0') != std::string::npos;
    kinds.insert(tail.empty()         ? "nothing"
                 : zeros              ? "holes"
                 : tail.size() < 9000 ? "short"
                                      : "whole");
  }
  CHECK(kinds == std::set<std::string>{"nothing", "holes", "short", "whole"});
}

TEST_CASE("disk: an unsynced overwrite leaves old bytes, new bytes or both", "[sim][disk]") {
  std::set<bool> mixed;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SimWorld world(seed);
    world.disk().put("/d/a", std::string(4096, 'o'));
    world.disk().write(*world.disk().find("/d/a"), std::string(2048, 'n'), 1024);
    world.disk().cut_power();
    const std::string content = world.disk().content("/d/a");
    REQUIRE(content.size() == 4096);
    REQUIRE(content.find_first_not_of("no") == std::string::npos);
    const std::size_t fresh =
        static_cast<std::size_t>(std::count(content.begin(), content.end(), 'n'));
    mixed.insert(fresh != 0 && fresh != 2048);
  }
  CHECK(mixed.size() == 2);
}

TEST_CASE("disk: after a failed sync the next one succeeds over the hole", "[sim][disk]") {
  const auto seen = endings([](std::uint64_t seed) {
    SimWorld world(seed);
    auto process = world.start_process();
    world.disk().put("/d/a", "");
    world.faults().set("/d", {});
    const io::Handle file = process->files().open("/d/a", io::Open::update).value();
    REQUIRE(process->files().write_at(file, "lost" + std::string(508, '.'), 0));
    world.faults().set("/d", {.sync_error = 1});
    REQUIRE(!process->files().sync(file));
    world.faults().set("/d", {});
    REQUIRE(process->files().write_at(file, std::string(1000, 'x'), 512));
    REQUIRE(process->files().sync(file));
    world.crash(*process, Crash::power);
    return world.disk().content("/d/a").substr(0, 4);
  });
  CHECK(seen == std::set<std::string>{"lost", std::string(4, '\0')});
}

TEST_CASE("disk: what a failed sync lost may leave memory without a power cut", "[sim][disk]") {
  const auto seen = endings([](std::uint64_t seed) {
    SimWorld world(seed);
    auto process = world.start_process();
    world.disk().put("/d/a", "old!");
    world.faults().set("/d", {});
    const io::Handle file = process->files().open("/d/a", io::Open::update).value();
    REQUIRE(process->files().write_at(file, "new!", 0));
    world.faults().set("/d", {.sync_error = 1});
    REQUIRE(!process->files().sync(file));
    world.crash(*process, Crash::process);
    return world.disk().content("/d/a");
  });
  CHECK(seen == std::set<std::string>{"old!", "new!"});
}

TEST_CASE("disk: a rename is one step, durable when its directory is synced", "[sim][disk]") {
  for (const bool synced : {false, true}) {
    const auto seen = endings([synced](std::uint64_t seed) {
      SimWorld world(seed);
      world.disk().put("/d/a", "content");
      REQUIRE(world.disk().rename("/d/a", "/d/b") == 0);
      if (synced) world.disk().sync(*world.disk().find("/d"));
      world.disk().cut_power();
      return world.disk().content("/d/a") + "|" + world.disk().content("/d/b");
    });
    CHECK(seen == (synced ? std::set<std::string>{"|content"}
                          : std::set<std::string>{"content|", "|content"}));
  }
}

TEST_CASE("disk: a rename between directories never leaves two files or none", "[sim][disk]") {
  const auto seen = endings([](std::uint64_t seed) {
    SimWorld world(seed);
    world.disk().put("/d/a", "content");
    world.disk().put("/e/x", "");
    REQUIRE(world.disk().rename("/d/a", "/e/b") == 0);
    if (seed % 2 == 0) world.disk().sync(*world.disk().find("/d"));
    world.disk().cut_power();
    return world.disk().content("/d/a") + "|" + world.disk().content("/e/b");
  });
  CHECK(seen == std::set<std::string>{"content|", "|content"});
}

TEST_CASE("disk: replacing by rename leaves the old or the new file", "[sim][disk]") {
  const auto seen = endings([](std::uint64_t seed) {
    SimWorld world(seed);
    world.disk().put("/d/a", "old");
    sim::NodeRef node;
    REQUIRE(world.disk().create("/d/a.tmp", node) == 0);
    world.disk().write(*node, "new", 0);
    world.disk().sync(*node);
    REQUIRE(world.disk().rename("/d/a.tmp", "/d/a") == 0);
    world.disk().cut_power();
    return world.disk().content("/d/a");
  });
  CHECK(seen == std::set<std::string>{"old", "new"});
}

TEST_CASE("disk: an unsynced truncation happened or did not", "[sim][disk]") {
  const auto seen = endings([](std::uint64_t seed) {
    SimWorld world(seed);
    world.disk().put("/d/a", std::string(2000, 'o'));
    world.disk().truncate(*world.disk().find("/d/a"), 0);
    world.disk().cut_power();
    return std::to_string(world.disk().content("/d/a").size());
  });
  CHECK(seen == std::set<std::string>{"0", "2000"});
}

TEST_CASE("disk: a deleted open file lives on, its number is reused, its birth is not",
          "[sim][disk]") {
  SimWorld world(1);
  auto process = world.start_process();
  world.disk().put("/d/a", "first");
  const io::Handle file = process->files().open("/d/a", io::Open::read).value();
  const io::FileStatus before = process->files().status(file).value();
  REQUIRE(process->files().remove("/d/a"));
  char bytes[8];
  CHECK(process->files().read_at(file, bytes, 0).value() == 5);
  CHECK(process->files().status(file)->links == 0);
  world.disk().put("/d/b", "");
  CHECK(process->files().status("/d/b", true)->inode != before.inode);
  process->files().close(file);
  world.disk().put("/d/c", "");
  const io::FileStatus after = process->files().status("/d/c", true).value();
  CHECK(after.inode == before.inode);
  CHECK(after.birth_ns > before.birth_ns);
}

TEST_CASE("disk: no two files have one number after a power cut", "[sim][disk]") {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    SimWorld world(seed);
    world.disk().put("/d/a", "first");
    REQUIRE(world.disk().remove("/d/a") == 0);
    sim::NodeRef node;
    REQUIRE(world.disk().create("/d/b", node) == 0);
    world.disk().cut_power();
    const sim::NodeRef a = world.disk().find("/d/a");
    const sim::NodeRef b = world.disk().find("/d/b");
    if (a != nullptr) CHECK(a->file.bytes() == "first");
    if (a != nullptr && b != nullptr) CHECK(a->inode != b->inode);
  }
}

TEST_CASE("disk: a full disk takes what fits and says so", "[sim][disk]") {
  SimWorld world(1);
  auto process = world.start_process();
  world.disk().put("/d/a", "");
  world.disk().set_capacity(10);
  const io::Handle file = process->files().open("/d/a", io::Open::update).value();
  const auto written = process->files().write_at(file, "0123456789ab", 0);
  REQUIRE(!written);
  CHECK(written.error().system == ENOSPC);
  CHECK(world.disk().content("/d/a") == "0123456789");
  CHECK(process->files().space("/d")->free_bytes == 0);
  process->files().close(file);
  REQUIRE(process->files().remove("/d/a"));
  CHECK(process->files().space("/d")->free_bytes == 10);
}

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
