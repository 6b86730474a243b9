// File systems that go, come back, or are another device by then (F16, F20, F22).
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

using namespace std::chrono_literals;
using scene::check_exact;
using scene::text_of;

TEST_CASE("volumes: another device number is the same file (F20)", "[sources][volumes]") {
  for (int moment = 1; moment < 60; moment += 3) {
    CAPTURE(moment);
    scene::WholeScene scene({"/log/*.log"}, static_cast<std::uint64_t>(moment));
    const std::string text = text_of(0, 500);
    scene.append("/log/a.log", text);
    scene.append("/log/b.log", text_of(1000, 1400));
    scene.start();
    for (int i = 0; i < moment; ++i) {
      scene.turn();
      if (i % 3 == 0) scene.deliver();
    }
    for (const std::uint64_t device : {2, 3, 1, 2}) {  // there and back again
      scene.stop();
      scene.world.disk().set_device(device);
      scene.start();
      scene.run(device == 3 ? 20ms : 1s);
    }
    check_exact(scene, text + text_of(1000, 1400));
    scene.append("/log/a.log", text_of(500, 510));
    scene.run(1s);
    check_exact(scene, text + text_of(1000, 1400) + text_of(500, 510));
    CHECK(scene.durable.checkpoints.size() == 2);  // none under a former number
  }
}

TEST_CASE("volumes: another device number, and the former place cannot be looked at (F20, F30)",
          "[sources][volumes]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    scene::WholeScene scene({"/log/*.log"}, seed);
    scene.append("/log/a.log", text_of(0, 100));
    scene.append("/log/b.log", text_of(1000, 1100));
    scene.start();
    scene.run(1s);
    scene.stop();
    scene.world.disk().set_device(2);
    scene.world.faults().set("/log", {.look_error = 0.3});
    scene.start();
    scene.run(2s);
    scene.world.faults().set("/log", {});
    scene.run(40s);
    check_exact(scene, text_of(0, 100) + text_of(1000, 1100));
  }
}

TEST_CASE("volumes: a former place that cannot be looked at for good is taken for gone (F20, F30)",
          "[sources][volumes]") {
  scene::WholeScene scene({"/log/*/a.log"});
  scene.world.disk().make_directories("/log/here");
  scene.world.disk().make_directories("/log/there");
  scene.append("/log/here/a.log", text_of(0, 100));
  scene.start();
  scene.run(1s);
  scene.stop();
  REQUIRE(scene.world.disk().rename("/log/here/a.log", "/log/there/a.log") == 0);
  scene.append("/log/there/a.log", text_of(100, 150));
  scene.world.disk().set_device(2);
  scene.world.faults().set("/log/here", {.look_error = 1});
  scene.start();
  scene.run(25s);
  check_exact(scene, text_of(0, 100));
  scene.run(10s);
  check_exact(scene, text_of(0, 150));
  CHECK(scene.world.logged("former place of a file cannot be looked at, taken for gone"));
}

TEST_CASE("volumes: renamed out of the pattern, and another device number (F02, F20)",
          "[sources][volumes]") {
  scene::WholeScene scene({"/log/a.log"});
  scene.append("/log/a.log", text_of(0, 100));
  scene.start();
  scene.run(1s);
  scene.stop();
  scene.append("/log/a.log", text_of(100, 150));
  REQUIRE(scene.world.disk().rename("/log/a.log", "/log/a.log.1") == 0);
  scene.append("/log/a.log", text_of(200, 250));
  scene.world.disk().set_device(2);
  scene.start();
  scene.run(40s);
  check_exact(scene, text_of(0, 150) + text_of(200, 250));
}

TEST_CASE("volumes: the same inode and birth elsewhere is another file as long as both are there",
          "[sources][volumes]") {
  scene::WholeScene scene({"/log/*.log"});
  scene.append("/log/a.log", text_of(0, 100));
  scene.start();
  scene.run(1s);
  scene.stop();
  REQUIRE(scene.durable.checkpoints.size() == 1);
  // A checkpoint that says that the file is on a device that is not there, under a path that is.
  auto known = scene.durable.known();
  known.front().identity.device = 9;
  known.front().path = "/log/b.log";
  scene.durable.checkpoints.clear();
  scene.durable.checkpoints[sources::checkpoint_key("flow", known.front().identity)] =
      sources::encode(known.front());
  scene.append("/log/b.log", "of another file\n");
  scene.start();
  scene.run(1s);
  // The former path has another file by now, so this is it, moved.
  check_exact(scene, text_of(0, 100) + "of another file\n");
}

TEST_CASE("volumes: one that vanishes and returns is not read again (F22)", "[sources][volumes]") {
  for (const base::Duration away : {base::Duration(500ms), base::Duration(100s)}) {
    scene::WholeScene scene({"/log/mount/*.log"});
    scene.world.disk().make_directories("/log/mount");
    scene.append("/log/mount/a.log", text_of(0, 300));
    scene.start();
    scene.run(1s);
    REQUIRE(scene.world.disk().rename("/log/mount", "/log/hidden") == 0);
    scene.run(away);  // several scans
    scene.append("/log/hidden/a.log", text_of(300, 320));
    REQUIRE(scene.world.disk().rename("/log/hidden", "/log/mount") == 0);
    scene.run(40s);
    check_exact(scene, text_of(0, 320));
    CHECK(scene.counters().bytes_lost_unread.value() == 0);
  }
}

TEST_CASE(
    "volumes: the checkpoint under a former number goes also when the file first cannot be read",
    "[sources][volumes]") {
  scene::WholeScene scene({"/log/*.log"});
  scene.append("/log/a.log", text_of(0, 100));
  scene.append("/log/b.log", text_of(200, 300));
  scene.start();
  scene.run(1s);
  scene.stop();
  REQUIRE(scene.durable.checkpoints.size() == 2);
  scene.world.disk().set_device(2);
  // They take turns, so one that cannot be read gives its descriptor back before it is known again.
  scene.open_files_max = 1;
  scene.world.faults().set("/log", {.read_error = 1});
  scene.world.faults().switch_on(true);
  scene.start();
  scene.run(1s);
  CHECK(scene.counters().read_errors.value() > 0);
  CHECK(scene.durable.checkpoints.size() == 2);
  scene.world.faults().switch_on(false);
  scene.append("/log/a.log", text_of(100, 110));
  scene.append("/log/b.log", text_of(300, 310));
  scene.run(20s);
  check_exact(scene, text_of(0, 110) + text_of(200, 310));
  CHECK(scene.durable.checkpoints.size() == 2);
  for (const sources::Checkpoint& each : scene.durable.known()) CHECK(each.identity.device == 2);
}

TEST_CASE("volumes: of notes under two former numbers the one that says more is known (F20)",
          "[sources][volumes]") {
  const bool first = GENERATE(false, true);
  const bool older = GENERATE(false, true);    // else it says nothing of the file's bytes
  const bool renamed = GENERATE(false, true);  // since the other one was written
  const bool present = GENERATE(false, true);  // the good one has the present number
  CAPTURE(first, older, renamed, present);
  scene::WholeScene scene({"/log/*.log"});
  const std::string text = text_of(0, 10);
  scene.append("/log/a.log", text);
  scene.start();
  scene.run(1s);
  scene.stop();
  REQUIRE(scene.durable.known().size() == 1);
  sources::Checkpoint good = scene.durable.known().front();
  scene.durable.checkpoints.clear();
  // As kills and drives that come and go leave them.
  good.identity.device += present ? 0 : first ? 1 : 2;
  sources::Checkpoint other = good;
  other.identity.device += present || first ? 1 : -1;
  other.origin = base::Origin{7};
  other.offset = 0;
  if (renamed) other.path = "/log/former.log";
  if (older) {  // than the one that says more; of the present number it may be the newer one
    other.seen_us += present ? 1'000'000 : -1'000'000;
  } else {
    other.tail_bytes = 0;
  }
  for (const sources::Checkpoint& each : {good, other}) {
    scene.durable.checkpoints[sources::checkpoint_key(each.flow, each.identity)] =
        sources::encode(each);
  }
  scene.start();
  scene.run(1s);
  CHECK(scene.records().size() == 10);
  CHECK(scene.discovery->files() == 1);
}

// Not before: what erases a key may come after what registers it anew.
TEST_CASE("volumes: of two notes of a file the other one is erased when the file is found",
          "[sources][volumes]") {
  for (const bool further : {false, true}) {  // the twin
    CAPTURE(further);
    sim::SimWorld world(1);
    sim::Disk& disk = world.disk();
    for (const char* directory : {"/log", "/old"}) disk.make_directories(directory);
    disk.put("/log/a.log", text_of(0, 10));
    disk.mount("/old", 9);
    disk.put("/old/a.log", text_of(0, 10));
    disk.find("/old/a.log")->inode = disk.find("/log/a.log")->inode;
    disk.find("/old/a.log")->birth_ns = disk.find("/log/a.log")->birth_ns;
    const auto process = world.start_process();
    const io::Environment environment = process->environment();
    sources::Checkpoint twin;
    twin.flow = "flow";
    twin.identity = sources::identity_of(*environment.files.status("/old/a.log", true));
    twin.path = "/old/a.log";
    twin.origin = base::Origin{7};
    twin.offset = twin.tail_bytes = further ? 100 : 50;
    std::vector<sources::Checkpoint> found;
    std::vector<sources::Checkpoint> forgotten;
    std::uint64_t number = 0;
    sources::Discovery::Flow flow{.name = "flow", .files = {}};
    flow.files.patterns = {"/log/*.log"};
    flow.files.start = sources::Start::beginning;
    sources::Discovery discovery(
        environment, {flow}, {twin}, {},
        {.found =
             [&](std::size_t, sources::FoundFile each) {
               number = each.number;
               found.push_back(each.checkpoint);
               environment.files.close(each.handle);
             },
         .look = [](std::size_t, std::uint64_t) {},
         .detached = [](std::size_t, std::uint64_t, const std::string&) {},
         .forgotten = [&](std::size_t,
                          const sources::Checkpoint& gone) { forgotten.push_back(gone); }});
    discovery.start();
    REQUIRE(found.size() == 1);
    REQUIRE(found.front().offset == 0);  // the other one is there as well
    REQUIRE(forgotten.empty());
    sources::Checkpoint resume = found.front();  // its reactor knows better
    resume.origin = twin.origin;
    resume.offset = resume.tail_bytes = 70;
    REQUIRE(disk.rename("/log/a.log", "/log/out") == 0);
    discovery.reconcile_now();
    discovery.closed(0, number, &resume);
    discovery.tick(world.clock().monotonic());
    REQUIRE(forgotten.empty());
    REQUIRE(disk.rename("/log/out", "/log/a.log") == 0);
    discovery.reconcile_now();
    REQUIRE(found.size() == 2);
    REQUIRE(forgotten.size() == (further ? 0 : 1));  // its own is not erased
    if (further) {
      CHECK(found.back().identity == resume.identity);
    } else {
      CHECK(forgotten.front().identity == twin.identity);
      CHECK(forgotten.front().origin == twin.origin);  // one user of its marks less
    }
    discovery.stop();
    while (process->io().pending() > 0) process->io().run_once(base::Duration::zero());
  }
}
