// The state's commands as an operator runs them: the built program, as a process.
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/agent/state_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using process::contains;
using process::Ran;
using state_test::StatePlace;

}  // namespace

TEST_CASE("state: list shows offset, size and lag of every file", "[agent][state]") {
  const StatePlace place;
  place.write("logs/a.log", "one\ntwo\n");
  place.write("logs/b.log", "three\n");
  place.once_well();
  place.append("logs/a.log", "more\n");
  const Ran json = place.state("list --json");
  INFO(json.out);
  CHECK(json.exit_code == 0);
  CHECK(contains(json, "\"flow\":\"f\",\"path\":\"" + place.path("logs/a.log") +
                           "\",\"file\":\"there\",\"offset\":8,\"size\":13,\"lag\":5,"
                           "\"generation\":0,\"origin\":\""));
  CHECK(contains(json, "\"offset\":6,\"size\":6,\"lag\":0"));
  const Ran table = place.state("list");
  CHECK(table.out.starts_with("FLOW "));
  CHECK(contains(table, place.path("logs/b.log") + "\n"));
}

TEST_CASE("state: list tells a renamed file from one that is gone", "[agent][state]") {
  const StatePlace place;
  place.write("logs/a.log", "one\n");
  place.write("logs/b.log", "two\n");
  place.once_well();
  fs::rename(place.path("logs/a.log"), place.path("logs/a.old"));
  fs::remove(place.path("logs/b.log"));
  const Ran json = place.state("list --json");
  INFO(json.out);
  CHECK(contains(json, "\"file\":\"renamed\",\"path_now\":\"" + place.path("logs/a.old") +
                           "\",\"offset\":4,\"size\":4,\"lag\":0"));
  CHECK(contains(json, "\"file\":\"gone\",\"offset\":4,\"size\":null,\"lag\":null"));
}

TEST_CASE("state: of several names a renamed file has, the first is told (F19)", "[agent][state]") {
  const StatePlace place;
  place.write("logs/a.log", "one\n");
  place.once_well();
  const int count = 20;
  for (int i = count; i > 0; --i) {
    fs::create_hard_link(place.path("logs/a.log"), place.path("logs/b." + std::to_string(100 + i)));
  }
  const std::string known = "path        " + place.path("logs/a.log") + "\n";
  CHECK(contains(place.state("show " + place.path("logs/b.117")), known));
  fs::remove(place.path("logs/a.log"));
  CHECK(contains(place.state("list --json"), "\"path_now\":\"" + place.path("logs/b.101") + "\""));
  CHECK(contains(place.state("show " + place.path("logs/b.117")), known));
  CHECK(place.state("show " + place.path("logs/b.117") + " --flow g").exit_code == 78);
  CHECK(place.state("forget " + place.path("logs/b.117")).exit_code == 78);
  CHECK(place.state("show " + place.path("logs/b.121")).exit_code == 78);
}

TEST_CASE("state: nothing is listed where nothing was read", "[agent][state]") {
  const StatePlace place;
  fs::create_directory(place.data_dir());
  const Ran ran = place.state("list --json");
  CHECK(ran.exit_code == 0);
  CHECK(ran.out == "[]\n");
}

TEST_CASE("state: show has every flow and every file that had the name", "[agent][state]") {
  const StatePlace place;
  place.configure("beginning", "",
                  "  g:\n    from: { files: [" + place.path("logs/a.log") +
                      "], start: beginning }\n    to: { stream: s }\n");
  place.write("logs/a.log", "one\n");
  place.once_well();
  fs::rename(place.path("logs/a.log"), place.path("logs/a.1"));
  place.write("logs/a.log", "another\n");
  place.once_well();
  const Ran all = place.state("show " + place.path("logs/a.log") + " --json");
  INFO(all.out);
  CHECK(all.exit_code == 0);
  CHECK(contains(all, "\"flow\":\"g\""));
  CHECK(contains(all, "\"path_now\":\"" + place.path("logs/a.1") + "\",\"offset\":4"));
  CHECK(contains(all, "\"file\":\"there\",\"offset\":8"));
  const Ran one = place.state("show " + place.path("logs/a.log") + " --flow g --json");
  CHECK_FALSE(contains(one, "\"flow\":\"f\""));
  const Ran text = place.state("show " + place.path("logs/a.log"));
  CHECK(contains(text, "offset      8\n"));
  CHECK(contains(text, "file        renamed to " + place.path("logs/a.1") + "\n"));
}

TEST_CASE("state: an unknown path or flow is answered with the nearest known one",
          "[agent][state]") {
  const StatePlace place;
  place.write("logs/access.log", "one\n");
  place.once_well();
  const Ran path = place.state("show " + place.path("logs/acces.log"));
  CHECK(path.exit_code == 78);
  CHECK(contains(path, "did you mean '" + place.path("logs/access.log") + "'?"));
  const Ran forget = place.state("forget " + place.path("logs/acces.log"));
  CHECK(forget.exit_code == 78);
  CHECK(contains(forget, "did you mean '" + place.path("logs/access.log") + "'?"));
  const Ran flow = place.state("reset --flow ff --dry-run");
  CHECK(flow.exit_code == 78);
  CHECK(contains(flow, "no flow 'ff' ever ran here, did you mean 'f'?"));
}

TEST_CASE("state: a path may be given relative to where one is", "[agent][state]") {
  const StatePlace place;
  place.write("logs/a.log", "one\n");
  place.once_well();
  const Ran ran = process::shell("cd " + place.path("logs") + " && " + TAILRACE_PROGRAM +
                                 " state show ../logs/a.log -c " + place.path("c.yaml"));
  INFO(ran.out);
  CHECK(ran.exit_code == 0);
}

TEST_CASE("state: a forgotten file is read again, the others are not", "[agent][state]") {
  const std::string start = GENERATE("beginning", "end");
  CAPTURE(start);
  const StatePlace place(start);
  place.once_well();  // the flow has run: what comes now is read from its beginning
  place.write("logs/a.log", "one\ntwo\n");
  place.write("logs/b.log", "three\n");
  place.once_well();
  const std::string before = place.stored();
  const Ran dry = place.state("forget " + place.path("logs/a.log") + " --dry-run");
  INFO(dry.out);
  CHECK(dry.exit_code == 0);
  CHECK(contains(dry, "1 checkpoint would be forgotten"));
  place.once_well();
  CHECK(place.stored() == before);
  const Ran wet = place.state("forget " + place.path("logs/a.log"));
  INFO(wet.out);
  CHECK(wet.exit_code == 0);
  CHECK(contains(wet, "1 checkpoint forgotten; files still there are read again"));
  place.once_well();
  CHECK(place.stored() == before + "one\ntwo\n");
  place.once_well();
  CHECK(place.stored() == before + "one\ntwo\n");
}

TEST_CASE("state: forget leaves other flows alone when one is named", "[agent][state]") {
  const StatePlace place;
  place.configure("beginning", "",
                  "  g:\n    from: { files: [" + place.path("logs/a.log") +
                      "], start: beginning }\n    to: { stream: s }\n");
  place.write("logs/a.log", "one\n");
  place.once_well();
  CHECK(place.state("forget " + place.path("logs/a.log") + " --flow g").exit_code == 0);
  const Ran left = place.state("list --json");
  CHECK(contains(left, "\"flow\":\"f\""));
  CHECK_FALSE(contains(left, "\"flow\":\"g\""));
  place.once_well();
  CHECK(place.stored() == "one\none\none\n");
}

TEST_CASE("state: reset wants to be confirmed and makes the next start a first one",
          "[agent][state]") {
  const StatePlace place("beginning");
  place.write("logs/a.log", "one\n");
  place.once_well();
  const Ran unsure = place.state("reset");
  CHECK(unsure.exit_code == 64);
  CHECK(contains(unsure, "--yes"));
  const Ran dry = place.state("reset --dry-run");
  CHECK(dry.exit_code == 0);
  CHECK(contains(dry, "1 checkpoint would be forgotten; all flows start over"));
  place.once_well();
  CHECK(place.stored() == "one\n");
  CHECK(place.state("reset --yes").exit_code == 0);
  CHECK(place.state("list --json").out == "[]\n");
  const Ran again = place.once_well();
  CHECK(place.stored() == "one\none\n");
  CHECK_FALSE(contains(again, "no checkpoints although"));  // it was asked for
  CHECK(place.state("reset --flow f --yes").exit_code == 0);
  place.configure("end");
  place.once_well();  // where `start` says
  CHECK(place.stored() == "one\none\n");
}

TEST_CASE("state: nothing is changed while an agent holds the data directory", "[agent][state]") {
  const StatePlace place;
  place.write("logs/a.log", "one\n");
  const process::Background agent(place.run_command());
  REQUIRE(process::eventually([&] { return contains(place.state("list"), "a.log"); }));
  for (const std::string& command :
       {"forget " + place.path("logs/a.log"), std::string("reset --yes")}) {
    CAPTURE(command);
    const Ran ran = place.state(command);
    INFO(ran.out);
    CHECK(ran.exit_code == 78);
    CHECK(contains(ran, "is in use by pid "));
  }
  CHECK(place.state("forget " + place.path("logs/a.log") + " --dry-run").exit_code == 0);
  CHECK(contains(place.state("list"), "a.log"));
}

TEST_CASE("state: an import whose result cannot be written says that it was made",
          "[agent][state]") {
  const StatePlace place("end");
  place.write("logs/a.log", "one\ntwo\n");
  place.write("positions.yaml", "positions:\n  " + place.path("logs/a.log") + ": \"4\"\n");
  const std::string import = "import --from promtail " + place.path("positions.yaml");
  const Ran dry = place.state(import + " --dry-run >/dev/full");
  CHECK(dry.exit_code == 70);
  CHECK_FALSE(contains(dry, "all the same"));
  const Ran ran = place.state(import + " >/dev/full");
  INFO(ran.out);
  CHECK(ran.exit_code == 70);
  CHECK(contains(ran, "what could be imported is, all the same"));
  place.once_well();
  CHECK(place.stored() == "two\n");
}

TEST_CASE("state: an empty path or flow is a mistake, not all of them", "[agent][state]") {
  const StatePlace place;
  place.write("logs/a.log", "one\n");
  place.once_well();
  const std::string before = place.checkpoints();
  const std::string path = place.path("logs/a.log");
  for (const std::string& command :
       {std::string("forget ''"), std::string("show ''"), std::string("show '' --json"),
        "forget " + path + " --flow ''", std::string("reset --yes --flow ''"),
        std::string("reset --yes --flow="), std::string("list --flow ''"),
        "show " + path + " --flow ''"}) {
    CAPTURE(command);
    const Ran ran = place.state(command);
    INFO(ran.out);
    CHECK(ran.exit_code == 64);
    CHECK_FALSE(contains(ran, "GEN"));
  }
  CHECK(contains(place.state("forget ''"), "path: is empty"));
  CHECK(place.checkpoints() == before);
}

TEST_CASE("state: usage mistakes exit 64", "[agent][state]") {
  const StatePlace place;
  CHECK(process::shell(std::string(TAILRACE_PROGRAM) + " state").exit_code == 64);
  CHECK(process::shell(std::string(TAILRACE_PROGRAM) + " state list").exit_code == 64);
  CHECK(place.state("forget").exit_code == 64);
  const Ran ran = place.state("lits");
  CHECK(ran.exit_code == 64);
  CHECK(contains(ran, "unknown command 'lits', did you mean 'list'?"));
}

TEST_CASE("state: forget and reset leave a directory alone that is not tailrace's",
          "[agent][state]") {
  const StatePlace place;
  fs::create_directory(place.data_dir());
  for (const char* command : {"reset --yes", "reset --dry-run", "forget /a.log"}) {
    CAPTURE(command);
    const Ran ran = place.state(command);
    INFO(ran.out);
    CHECK(ran.exit_code == 78);
    CHECK(contains(ran, place.data_dir() + " is no data directory of tailrace"));
    CHECK(fs::is_empty(place.data_dir()));
  }
}

TEST_CASE("state: root is refused where another user's agent runs", "[agent][state]") {
  if (::geteuid() != 0) return;  // nobody else can give files away
  const bool ran_before = GENERATE(false, true);
  CAPTURE(ran_before);
  const StatePlace place;
  place.write("logs/a.log", "one\n");
  place.write("state", "positions:\n  " + place.path("logs/a.log") + ": \"4\"\n");
  fs::create_directory(place.data_dir());
  const std::string import = "import --from promtail " + place.path("state");
  if (ran_before) {
    place.once_well();
    REQUIRE(::chown((place.data_dir() + "/LOCK").c_str(), 54321, 0) == 0);
    CHECK(place.state("reset --yes").exit_code == 78);
    CHECK(place.state("reset --dry-run").exit_code == 78);
    CHECK(place.state("forget --dry-run " + place.path("logs/a.log")).exit_code == 78);
  } else {
    REQUIRE(::chown(place.data_dir().c_str(), 54321, 0) == 0);
  }
  const Ran ran = place.state(import + GENERATE("", " --dry-run"));
  INFO(ran.out);
  CHECK(ran.exit_code == 78);
  CHECK(contains(ran, place.data_dir() + " belongs to user 54321: do this as that user"));
  if (!ran_before) CHECK(fs::is_empty(place.data_dir()));
}

// A volume that is the agent's by its group; a file server that knows no root.
TEST_CASE("state: who may write to a directory need not own it", "[agent][state]") {
  if (::geteuid() != 0) return;  // nobody else can give files away
  const StatePlace place;
  fs::permissions(place.path(""), fs::perms(0755));
  place.write("logs/a.log", "one\n");
  place.write("state", "positions:\n  " + place.path("logs/a.log") + ": \"4\"\n");
  fs::copy_file(TAILRACE_PROGRAM, place.path("tailrace"));  // where any user may run it
  fs::create_directory(place.data_dir());
  const std::string import =
      " state import --from promtail " + place.path("state") + " -c " + place.path("c.yaml");
  SECTION("its group's") {
    REQUIRE(::chown(place.data_dir().c_str(), 0, 54321) == 0);
    fs::permissions(place.data_dir(), fs::perms(02775));
    const Ran ran = process::shell("setpriv --reuid 54320 --regid 54321 --clear-groups " +
                                   place.path("tailrace") + import);
    INFO(ran.out);
    CHECK(ran.exit_code == 0);
  }
  SECTION("nobody's") {
    REQUIRE(::chown(place.data_dir().c_str(), 65534, 65534) == 0);
    const Ran ran = process::shell(place.path("tailrace") + import);
    INFO(ran.out);
    CHECK(ran.exit_code == 0);
  }
}
