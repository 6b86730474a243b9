// state import of a database: with no more rights than to read it, and without a trace.
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <utility>

#include "tests/agent/foreign_state.h"
#include "tests/agent/state_place.h"
#include "tests/test.h"

namespace fs = std::filesystem;
using process::contains;
using process::Ran;
using namespace state_test;

TEST_CASE("state import: of a database nothing is needed but to read it, and it stays as it is",
          "[agent][import]") {
  const bool crashed = GENERATE(false, true);
  CAPTURE(crashed);
  const StatePlace place;
  place.write("logs/a.log", "one\ntwo\nthree\n");
  const std::string log = place.path("logs/a.log");
  fs::create_directory(place.path("fb"));
  fs::create_directory(place.path("tmp"));
  make_database(place.path("state"),
                kFluentBitTable + fluent_bit_row(log, crashed ? "4" : "8", inode_of(log)));
  if (crashed) {  // the newest is in the log beside the database only
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(place.path("state").c_str(), &database) == SQLITE_OK);
    CHECK(sqlite3_exec(database, "UPDATE in_tail_files SET offset=8", nullptr, nullptr, nullptr) ==
          SQLITE_OK);
    fs::copy_file(place.path("state"), place.path("fb/db"));
    fs::copy_file(place.path("state-wal"), place.path("fb/db-wal"));
    sqlite3_close(database);
  } else {
    fs::copy_file(place.path("state"), place.path("fb/db"));
  }
  const auto before = std::distance(fs::directory_iterator(place.path("fb")), {});
  fs::permissions(place.path("fb"), fs::perms(0555));
  // Root without its right to write everywhere.
  const std::string drop =
      ::geteuid() == 0 ? "setpriv --bounding-set=-dac_override,-dac_read_search " : "";
  for (const std::string& command : {drop, std::string()}) {
    CAPTURE(command);
    const Ran ran = process::shell("TMPDIR=" + place.path("tmp") + " " + command +
                                   TAILRACE_PROGRAM + " state import --dry-run --from fluent-bit " +
                                   place.path("fb/db") + " -c " + place.path("c.yaml"));
    INFO(ran.out);
    CHECK(ran.exit_code == 0);
    CHECK(contains(ran, "imported  f                  8  " + log + "\n"));
    CHECK(std::distance(fs::directory_iterator(place.path("fb")), {}) == before);
    CHECK(fs::is_empty(place.path("tmp")));
  }
  fs::permissions(place.path("fb"), fs::perms(0755));
}

TEST_CASE("state import: what is no database is not copied, however large", "[agent][import]") {
  const StatePlace place;
  fs::create_directory(place.path("tmp"));
  place.write("state", GENERATE("SQLite format 2", "SQL", "SQLite format 3 but of text"));
  fs::resize_file(place.path("state"), 1U << 30);
  const Ran ran = process::shell("ulimit -f 100; TMPDIR=" + place.path("tmp") + " " +
                                 TAILRACE_PROGRAM + " state import --from fluent-bit " +
                                 place.path("state") + " -c " + place.path("c.yaml"));
  INFO(ran.out);
  CHECK(ran.exit_code == 78);
  CHECK(contains(ran, place.path("state") + " is no SQLite database"));
  CHECK(fs::is_empty(place.path("tmp")));
}

TEST_CASE("state import: a database that is being written to is refused", "[agent][import]") {
  const StatePlace place;
  place.write("logs/a.log", "one\ntwo\n");
  const std::string log = place.path("logs/a.log");
  make_database(place.path("state"),
                kKinesisTable + kinesis_row("kinesis:s", log, java_file_id(log), "8"));
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(place.path("state").c_str(), &database) == SQLITE_OK);
  CHECK(sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  const std::string import = "import --from kinesis-agent " + place.path("state");
  const Ran ran = place.state(import);
  INFO(ran.out);
  CHECK(ran.exit_code == 78);
  CHECK(contains(ran, place.path("state") + " is being written to; stop the other agent first"));
  sqlite3_close(database);
  CHECK(place.state(import).exit_code == 0);
}

TEST_CASE("state import: a database in WAL mode is refused while somebody has it open",
          "[agent][import]") {
  const std::string use = GENERATE("open", "exclusive", "read only", "closed");
  CAPTURE(use);
  const StatePlace place;
  place.write("logs/a.log", "one\ntwo\n");
  const std::string log = place.path("logs/a.log");
  make_database(place.path("state"), kFluentBitTable + fluent_bit_row(log, "4", inode_of(log)));
  sqlite3* database = nullptr;
  const int flags = use == "read only" ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  REQUIRE(sqlite3_open_v2(place.path("state").c_str(), &database, flags, nullptr) == SQLITE_OK);
  const auto run = [&](const char* statement) {
    CHECK(sqlite3_exec(database, statement, nullptr, nullptr, nullptr) == SQLITE_OK);
  };
  if (use == "exclusive") run("PRAGMA locking_mode=EXCLUSIVE");
  if (use == "read only") {
    run("SELECT * FROM in_tail_files");
  } else {
    run("UPDATE in_tail_files SET offset=8");
  }
  if (use == "closed") sqlite3_close(std::exchange(database, nullptr));
  const std::string import = "import --dry-run --from fluent-bit " + place.path("state");
  const Ran ran = place.state(import);
  INFO(ran.out);
  CHECK(ran.exit_code == (use == "closed" ? 0 : 78));
  if (use != "closed") CHECK(contains(ran, "; stop the other agent first"));
  sqlite3_close(database);
  CHECK(place.state(import).exit_code == 0);
}
