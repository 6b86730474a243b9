// The simulated disk's promises: what survives which crash.
#include "tests/sim/sim_disk.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>

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

io::Handle create(sim::Process& process, const std::string& path) {
  return process.files().open(path, io::Open::create_new).value();
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
  world.disk().write_back();
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
