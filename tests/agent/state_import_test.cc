// state import: other agents' state, written as they write it, and the program that goes on there.
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "agent/foreign/fingerprints.h"
#include "tests/agent/foreign_state.h"
#include "tests/agent/state_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using process::contains;
using process::Ran;
using namespace state_test;

// The state of an agent that has read "one" and "two" of logs/a.log, 8 bytes, under the name
// "state".
struct Fixture {
  const char* agent;
  std::function<void(const StatePlace& place)> write;
};

const Fixture kKinesis = {
    "kinesis-agent", [](const StatePlace& place) {
      const std::string log = place.path("logs/a.log");
      make_database(place.path("state"),
                    kKinesisTable + kinesis_row("kinesis:s", log, java_file_id(log), "8"));
    }};
const Fixture kFluentBit = {
    "fluent-bit", [](const StatePlace& place) {
      const std::string log = place.path("logs/a.log");
      make_database(place.path("state"), kFluentBitTable + fluent_bit_row(log, "8", inode_of(log)));
    }};
// XXH3 of "one\ntwo\n", by its authors' library.
constexpr const char* kMarker = "7954065206909648925";

void mark(const StatePlace& place, const std::string& marker) {
  make_database(place.path("state"),
                "UPDATE in_tail_files SET offset_marker=" + marker + ", offset_marker_size=8;");
}

const Fixture kFluentBit5 = {"fluent-bit", [](const StatePlace& place) {
                               const std::string log = place.path("logs/a.log");
                               make_database(place.path("state"),
                                             std::string(kFluentBitTable) + kFluentBitMarker +
                                                 fluent_bit_row(log, "8", inode_of(log)));
                               mark(place, kMarker);
                             }};

std::string vector_state(const std::string& fingerprint, const std::string& position) {
  return R"({"version":"1","checkpoints":[{"fingerprint":)" + fingerprint + R"(,"position":)" +
         position + R"(,"modified":"2026-11-20T10:00:00.123456789Z"}]})";
}

const Fixture kVector = {"vector", [](const StatePlace& place) {
                           const auto crc = std::to_string(agent::crc64_ecma("one\n"));
                           place.write("state",
                                       vector_state("{\"first_lines_checksum\":" + crc + "}", "8"));
                         }};
const Fixture kVectorInode = {
    "vector", [](const StatePlace& place) {
      const std::string log = place.path("logs/a.log");
      place.write(
          "state",
          vector_state("{\"dev_inode\":[" + device_of(log) + "," + inode_of(log) + "]}", "8"));
    }};

void write_registry(const StatePlace& place, const std::string& log) {
  fs::create_directory(place.path("state"));
  place.write("state/meta.json", "{\"version\":\"1\"}");
  place.write("state/log.json", log);
}

std::string filestream(const std::string& identity, const std::string& path,
                       const std::string& offset) {
  return R"({"k":"filestream::my-id::)" + identity +
         R"(","v":{"ttl":1800000000000,"updated":[507500968,1701686520],"cursor":{"offset":)" +
         offset + R"(},"meta":{"source":")" + path + R"(","identifier_name":"native"}}})" + "\n";
}

const Fixture kFilestream = {
    "filebeat", [](const StatePlace& place) {
      const std::string log = place.path("logs/a.log");
      const std::string identity = "native::" + inode_of(log) + "-" + device_of(log);
      write_registry(place, "{\"op\":\"set\",\"id\":1}\n" + filestream(identity, log, "4") +
                                "{\"op\":\"set\",\"id\":2}\n" + filestream(identity, log, "8"));
    }};
const Fixture kFilebeatLog = {
    "filebeat", [](const StatePlace& place) {
      const std::string log = place.path("logs/a.log");
      const std::string id = "native::" + inode_of(log) + "-" + device_of(log);
      write_registry(place,
                     "{\"op\":\"set\",\"id\":1}\n{\"k\":\"filebeat::logs::" + id +
                         "\",\"v\":{\"id\":\"" + id + "\",\"prev_id\":\"\",\"source\":\"" + log +
                         "\",\"offset\":8,\"timestamp\":[2061883432564,1685451872],\"ttl\":-1,"
                         "\"type\":\"log\",\"FileStateOS\":{\"inode\":" +
                         inode_of(log) + ",\"device\":" + device_of(log) +
                         "},\"identifier_name\":\"native\"}}\n");
    }};

const Fixture kPromtail = {"promtail", [](const StatePlace& place) {
                             place.write("state",
                                         "positions:\n  " + place.path("logs/a.log") + ": \"8\"\n");
                           }};
const Fixture kAlloy = {"promtail", [](const StatePlace& place) {
                          place.write("state", "positions:\n  ? path: " + place.path("logs/a.log") +
                                                   "\n    labels: '{job=\"x\"}'\n  : \"8\"\n");
                        }};

std::string imfile_state(const std::string& path, const std::string& offset,
                         const std::string& more = "") {
  return "{ \"filename\": \"" + path + "\", \"prev_was_nl\": 0, \"curr_offs\": " + offset +
         ", \"strt_offs\": " + offset + more + " }";
}

const Fixture kRsyslog = {"rsyslog", [](const StatePlace& place) {
                            const std::string log = place.path("logs/a.log");
                            fs::create_directory(place.path("state"));
                            place.write("state/imfile-state:" + inode_of(log),
                                        imfile_state(log, "8"));
                          }};

Ran import(const StatePlace& place, const std::string& agent, const std::string& more = "") {
  return place.state("import " + place.path("state") + " --from " + agent + " " + more);
}

}  // namespace

TEST_CASE("state import: the agent goes on where the other one stopped", "[agent][import]") {
  const Fixture fixture = GENERATE(kKinesis, kFluentBit, kFluentBit5, kVector, kVectorInode,
                                   kFilestream, kFilebeatLog, kPromtail, kAlloy, kRsyslog);
  const std::string start = GENERATE("beginning", "end");
  CAPTURE(fixture.agent, start);
  const StatePlace place(start);
  place.write("logs/a.log", "one\ntwo\n");
  place.append("logs/a.log", "three\n");
  fixture.write(place);
  const Ran dry = import(place, fixture.agent, "--dry-run");
  INFO(dry.out);
  CHECK(dry.exit_code == 0);
  CHECK(contains(dry, "1 imported, 0 refused; nothing was written"));
  CHECK_FALSE(fs::exists(place.data_dir()));
  const Ran ran = import(place, fixture.agent);
  INFO(ran.out);
  REQUIRE(ran.exit_code == 0);
  CHECK(contains(ran, "imported  f                  8  " + place.path("logs/a.log") + "\n"));
  CHECK(contains(ran, "1 imported, 0 refused\n"));
  const Ran again = import(place, fixture.agent);
  CHECK(again.exit_code == 0);
  CHECK(contains(again, "(was there already)"));
  place.once_well();
  CHECK(place.stored() == "three\n");
  place.append("logs/a.log", "four\n");
  place.once_well();
  CHECK(place.stored() == "three\nfour\n");
}

TEST_CASE("state import: what would be a guess is refused, the rest is taken", "[agent][import]") {
  const StatePlace place;
  place.configure("beginning", "",
                  "  g:\n    from: { files: [" + place.path("logs/both.log") +
                      "], start: beginning }\n    to: { stream: s }\n");
  const std::string content = "one\ntwo\nthree\n";
  for (const char* name : {"good", "other", "short", "inside", "both", "twice", "mine"}) {
    place.write("logs/" + std::string(name) + ".log", content);
  }
  place.write("elsewhere.log", content);
  const auto path = [&](const std::string& name) { return place.path("logs/" + name + ".log"); };
  const auto row = [&](const std::string& flow, const std::string& name,
                       const std::string& offset) {
    return kinesis_row(flow, path(name), java_file_id(path(name)), offset);
  };
  place.write("logs/gone.log", content);
  std::string rows = row("a", "good", "8") + row("a", "gone", "8") + row("a", "short", "15") +
                     row("a", "inside", "9") + row("a", "both", "8") + row("a", "twice", "4") +
                     row("b", "twice", "8") +
                     kinesis_row("a", path("other"), java_file_id(path("good")), "8") +
                     kinesis_row("a", place.path("elsewhere.log"),
                                 java_file_id(place.path("elsewhere.log")), "8") +
                     kinesis_row("a", "relative.log", java_file_id(path("good")), "8") +
                     kinesis_row("c", path("good"), "0x1234", "8") +
                     kinesis_row("d", path("good"), java_file_id(path("good")), "NULL");
  fs::remove(path("gone"));
  make_database(place.path("state"), kKinesisTable + rows);
  const Ran ran = import(place, "kinesis-agent");
  INFO(ran.out);
  CHECK(ran.exit_code == 1);
  const auto refused = [&](const std::string& file, const std::string& reason) {
    CAPTURE(file, reason);
    CHECK(contains(ran, file + ": " + reason + "\n"));
  };
  refused(path("gone"), "the file is gone");
  refused(path("other"), "another file has its name now");
  refused(path("short"), "offset 15 is beyond its end at 14");
  refused(path("inside"), "offset 9 is inside a line");
  refused(path("both"), "several flows follow it: f, g");
  refused(path("twice"), "2 entries disagree about its offset");
  refused(place.path("elsewhere.log"), "no flow of this configuration follows it");
  refused("relative.log", "its path is not absolute");
  refused(path("good"), "its file id is not one of Linux'");
  refused(path("good"), "it holds no offset");
  CHECK(contains(ran, "1 imported, 11 refused\n"));
  const Ran list = place.state("list --json");
  CHECK(contains(list, "\"path\":\"" + path("good") + "\",\"file\":\"there\",\"offset\":8"));
  CHECK_FALSE(contains(list,
                       "\n"  // one object only
                       " {"));
}

TEST_CASE("state import: what tailrace has read itself is not overwritten", "[agent][import]") {
  const StatePlace place;
  place.write("logs/a.log", "one\ntwo\nthree\n");
  place.once_well();
  kKinesis.write(place);
  const Ran ran = import(place, "kinesis-agent");
  INFO(ran.out);
  CHECK(ran.exit_code == 1);
  CHECK(contains(ran, "tailrace is at offset 14 of it already"));
  place.once_well();
  CHECK(place.stored() == "one\ntwo\nthree\n");
}

TEST_CASE("state import: what is unread of a file is read however old the file is",
          "[agent][import]") {
  const StatePlace place("beginning, ignore_older: 1d");
  place.write("logs/a.log", "one\ntwo\nthree\n");
  kKinesis.write(place);
  fs::last_write_time(place.path("logs/a.log"),
                      fs::file_time_type::clock::now() - std::chrono::hours(72));
  const Ran ran = import(place, "kinesis-agent");
  INFO(ran.out);
  CHECK(ran.exit_code == 0);
  CHECK(contains(ran, "1 imported, 0 refused\n"));
  place.once_well();
  CHECK(place.stored() == "three\n");
  const Ran forgotten = place.state("forget " + place.path("logs/a.log"));
  INFO(forgotten.out);
  CHECK(forgotten.exit_code == 0);
  CHECK(contains(forgotten, "those that 'ignore_older' passes over are not"));
  place.once_well();
  CHECK(place.stored() == "three\n");
}

TEST_CASE("state import: a file refilled before the agent starts is read from its start",
          "[agent][import]") {
  const StatePlace place;
  place.write("logs/a.log", "one\ntwo\nthree\n");
  kKinesis.write(place);
  REQUIRE(import(place, "kinesis-agent").exit_code == 0);
  place.write("logs/a.log", "ONE\nTWO\nTHREE\n");  // the same inode
  place.once_well();
  CHECK(place.stored() == "ONE\nTWO\nTHREE\n");
}

TEST_CASE("state import: refused while an agent holds the data directory", "[agent][import]") {
  const StatePlace place;
  place.write("logs/a.log", "one\ntwo\n");
  kKinesis.write(place);
  const process::Background agent(place.run_command());
  REQUIRE(process::eventually([&] { return contains(place.state("list"), "a.log"); }));
  const Ran ran = import(place, "kinesis-agent");
  CHECK(ran.exit_code == 78);
  CHECK(contains(ran, "is in use by pid "));
}

TEST_CASE("state import: Fluent Bit's marker shows that a file was refilled", "[agent][import]") {
  const StatePlace place;
  place.write("logs/a.log", "one\ntwo\nthree\n");
  kFluentBit5.write(place);
  mark(place, "-7954065206909648925");
  CHECK(
      contains(import(place, "fluent-bit"), "the bytes before its offset are not what they were"));
  mark(place, "1.5");
  CHECK(contains(import(place, "fluent-bit"), "its offset marker makes no sense"));
  mark(place, kMarker);
  place.write("logs/a.log", "ONE\nTWO\nTHREE\n");
  CHECK(
      contains(import(place, "fluent-bit"), "the bytes before its offset are not what they were"));
}

TEST_CASE("state import: Vector's fingerprint must fit exactly one file", "[agent][import]") {
  const StatePlace place;
  place.write("logs/a.log", "banner\none\n");
  place.write("logs/b.log", "banner\ntwo\n");
  const auto crc = std::to_string(agent::crc64_ecma("banner\n"));
  place.write("state", vector_state("{\"first_lines_checksum\":" + crc + "}", "11"));
  const Ran two = import(place, "vector");
  CHECK(two.exit_code == 1);
  CHECK(contains(two, "first_lines_checksum " + crc + ": 2 files are like this"));
  place.write("state", vector_state("{\"first_lines_checksum\":1}", "11"));
  CHECK(contains(import(place, "vector"), "no file that a flow follows is like this"));
  place.write("state", vector_state("{\"checksum\":1}", "11"));
  CHECK(contains(import(place, "vector"), "checksum: its kind of fingerprint is not known"));
  place.write("state", R"({"version":"2","checkpoints":[]})");
  CHECK(import(place, "vector").exit_code == 78);
}

TEST_CASE("state import: Filebeat's registry is its list and what changed since",
          "[agent][import]") {
  const StatePlace place;
  for (const char* name : {"a", "b", "c", "d"}) {
    place.write("logs/" + std::string(name) + ".log", "one\ntwo\n" + std::string(1100, 'x') + "\n");
  }
  const auto path = [&](const std::string& name) { return place.path("logs/" + name + ".log"); };
  const auto native = [&](const std::string& name) {
    return "native::" + inode_of(path(name)) + "-" + device_of(path(name));
  };
  const std::string head = agent::sha256_hex("one\ntwo\n" + std::string(1016, 'x'));
  write_registry(
      place, "{\"op\":\"set\",\"id\":6}\n" + filestream(native("a"), path("a"), "0") +
                 "{\"op\":\"remove\",\"id\":8}\n{\"k\":\"filestream::my-id::" + native("b") +
                 "\"}\n{\"op\":\"set\",\"id\":9}\n" +
                 filestream("fingerprint::" + head, path("c"), "8") +
                 "{\"op\":\"set\",\"id\":10}\n" + filestream("path::" + path("d"), path("d"), "8") +
                 "{\"op\":\"set\",\"id\":11}\n{\"k\":\"filestr");
  const auto listed = [&](const std::string& name) {
    const std::string line = filestream(native(name), path(name), "0.4e+01");  // as Go may write it
    const std::size_t value = line.find("\"v\":{") + 5;
    return "{\"_key\":\"filestream::my-id::" + native(name) + "\"," +
           line.substr(value, line.size() - value - 2);
  };
  place.write("state/7.json", "[" + listed("a") + ",\n" + listed("b") + "\n]");
  const std::string given = GENERATE("", "/log.json", "/7.json");  // all of them mean the registry
  const Ran ran = place.state("import " + place.path("state") + given + " --from filebeat");
  INFO(ran.out);
  CHECK(ran.exit_code == 1);
  CHECK(contains(ran, "imported  f                  4  " + path("a") + "\n"));
  CHECK_FALSE(contains(ran, path("b")));
  CHECK(contains(ran, "imported  f                  8  " + path("c") + "\n"));
  CHECK(contains(ran, path("d") + ": its file identity proves nothing about the file\n"));
  place.write("state/7.json", "{}");
  const Ran damaged = import(place, "filebeat");
  CHECK(damaged.exit_code == 78);
  CHECK(contains(damaged, place.path("state/7.json") + " is no list; the registry is damaged"));
  place.write("state/meta.json", "{\"version\":\"2\"}");
  CHECK(import(place, "filebeat").exit_code == 78);
}

TEST_CASE("state import: a fingerprint that no longer fits is refused", "[agent][import]") {
  const StatePlace place;
  place.write("logs/a.log", "one\ntwo\n" + std::string(1100, 'x') + "\n");
  const std::string log = place.path("logs/a.log");
  const std::string wrong(64, '0');
  write_registry(place,
                 "{\"op\":\"set\",\"id\":1}\n" + filestream("fingerprint::" + wrong, log, "8"));
  CHECK(contains(import(place, "filebeat"), "its beginning is not what it was"));
}

TEST_CASE("state import: Promtail's positions are not of files created later", "[agent][import]") {
  const StatePlace place;
  place.write("logs/a.log", "one\ntwo\n");
  kPromtail.write(place);
  place.append("state", "  cursor-x: \"12\"\n");
  fs::last_write_time(place.path("state"),
                      fs::last_write_time(place.path("logs/a.log")) - std::chrono::hours(1));
  const Ran ran = import(place, "promtail");
  INFO(ran.out);
  CHECK(ran.exit_code == 1);
  CHECK((contains(ran, "the file is newer than what is said of it") ||
         contains(ran, "does not say how old the file is")));
  CHECK(contains(ran, "cursor-x: it is not about a file"));
}

TEST_CASE("state import: rsyslog's hash must fit, and nothing may be half read",
          "[agent][import]") {
  const StatePlace place;
  const std::string content = "one\ntwo\n" + std::string(600, 'x') + "\n";
  for (const char* name : {"a", "b", "c"}) {
    place.write("logs/" + std::string(name) + ".log", content);
  }
  const auto path = [&](const std::string& name) { return place.path("logs/" + name + ".log"); };
  const std::string hash = agent::siphash_hex(content.substr(0, 512));
  fs::create_directory(place.path("state"));
  place.write("state/imfile-state:" + inode_of(path("a")) + ":" + hash,
              imfile_state(path("a"), "8"));
  place.write("state/imfile-state:" + inode_of(path("b")) + ":0123456789abcdef",
              imfile_state(path("b"), "8"));
  place.write("state/imfile-state:" + inode_of(path("c")) + ":" + hash,
              imfile_state(path("c"), "8", ", \"prev_msg_segment\": \"two\""));
  place.write("state/imfile-state:-var-log-old", "<Obj:1:strm:1:\n");
  place.write("state/unrelated", "x");
  const Ran ran = import(place, "rsyslog");
  INFO(ran.out);
  CHECK(ran.exit_code == 1);
  CHECK(contains(ran, "imported  f                  8  " + path("a") + "\n"));
  CHECK(contains(ran, path("b") + ": its beginning is not what it was\n"));
  CHECK(contains(ran, path("c") + ": it holds part of a message that was not handed on\n"));
  CHECK(contains(ran, "imfile-state:-var-log-old: it is not of rsyslog 8.35 or later\n"));
  CHECK(contains(ran, "1 imported, 3 refused"));
}

TEST_CASE("state import: what is no state of that agent is said, with exit 78", "[agent][import]") {
  const StatePlace place;
  place.write("state", "no such thing\n");
  for (const char* agent :
       {"kinesis-agent", "fluent-bit", "vector", "filebeat", "promtail", "rsyslog"}) {
    CAPTURE(agent);
    const Ran ran = import(place, agent);
    INFO(ran.out);
    CHECK(ran.exit_code == 78);
    CHECK(contains(ran, place.path("")));
    CHECK_FALSE(fs::exists(place.data_dir()));
  }
  fs::remove(place.path("state"));
  for (const char* agent : {"kinesis-agent", "vector", "filebeat", "promtail", "rsyslog"}) {
    CAPTURE(agent);
    CHECK(import(place, agent).exit_code == 78);
    CHECK_FALSE(fs::exists(place.path("state")));
  }
  make_database(place.path("state"),
                kFluentBitTable + std::string("ALTER TABLE in_tail_files ADD COLUMN skip_bytes;"));
  const Ran newer = import(place, "fluent-bit");
  CHECK(newer.exit_code == 78);
  CHECK(contains(newer, "has columns this version does not know"));
}

TEST_CASE("state import: an unknown agent is answered with the nearest known one",
          "[agent][import]") {
  const StatePlace place;
  const Ran ran = import(place, "fluentbit");
  CHECK(ran.exit_code == 64);
  CHECK(contains(ran, "unknown agent 'fluentbit', did you mean 'fluent-bit'?"));
}
