// Other agents' state files when they are damaged: fewer entries or an error, never a crash.
#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>

#include "agent/foreign/foreign_checkpoint.h"
#include "io/backends.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;

class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "tailrace-foreign-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
  }
  ~Directory() { fs::remove_all(root_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string path(const std::string& name) const { return (root_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(root_ / name, std::ios::binary) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(root_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  fs::path root_;
};

// One entry each, in `directory`; returns the file that will be damaged.
std::string make_state(const Directory& directory, const std::string& agent) {
  if (agent == "vector") {
    directory.write("state", R"({"version":"1","checkpoints":[{"fingerprint":{"dev_inode":[1,2]},)"
                             R"("position":3,"modified":"2026-11-20T10:00:00Z"}]})");
    return "state";
  }
  if (agent == "promtail") {
    directory.write("state",
                    "positions:\n  /a.log: \"12\"\n  ? path: /b\n    labels: '{}'\n  : '3'\n");
    return "state";
  }
  if (agent == "filebeat") {
    directory.write("meta.json", R"({"version":"1"})");
    directory.write("log.json",
                    "{\"op\":\"set\",\"id\":1}\n{\"k\":\"filestream::x::native::1-2\",\"v\":{"
                    "\"cursor\":{\"offset\":3},\"meta\":{\"source\":\"/a\"},\"ttl\":-1}}\n");
    return "log.json";
  }
  if (agent == "rsyslog") {
    directory.write("imfile-state:12", R"({"filename":"/a","curr_offs":3,"strt_offs":3})");
    return "imfile-state:12";
  }
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(directory.path("state").c_str(), &database) == SQLITE_OK);
  const char* statements =
      agent == "fluent-bit"
          ? "CREATE TABLE in_tail_files (id INTEGER PRIMARY KEY, name TEXT NOT NULL, offset "
            "INTEGER,"
            " inode INTEGER, created INTEGER, rotated INTEGER DEFAULT 0);"
            "INSERT INTO in_tail_files (name, offset, inode, created) VALUES ('/a', 3, 12, 1);"
          : "create table FILE_CHECKPOINTS(flow text, path text, fileId text, lastModifiedTime "
            "bigint, size bigint, offset bigint, lastUpdated datetime, primary key (flow, path));"
            "insert into FILE_CHECKPOINTS values('f','/a','(dev=1,ino=2)',0,9,3,'');";
  CHECK(sqlite3_exec(database, statements, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
  return "state";
}

}  // namespace

TEST_CASE("foreign: cut or changed anywhere, a state is an error or says less",
          "[agent][foreign]") {
  const std::string agent{
      GENERATE("kinesis-agent", "fluent-bit", "vector", "filebeat", "promtail", "rsyslog")};
  CAPTURE(agent);
  const Directory directory;
  const std::string name = make_state(directory, agent);
  const auto files = io::make_files();
  const auto whole = agent::read_foreign(*files, agent, directory.path(name));
  REQUIRE(whole);
  REQUIRE_FALSE(whole->empty());
  CHECK(whole->front().refusal.empty());
  CHECK(whole->back().offset == 3);

  const std::string bytes = directory.read(name);
  const std::size_t step = bytes.size() > 1000 ? 61 : 1;  // databases are pages of almost nothing
  for (std::size_t cut = 0; cut < bytes.size(); cut += step) {
    directory.write(name, bytes.substr(0, cut));
    const auto read = agent::read_foreign(*files, agent, directory.path(name));
    CAPTURE(cut);
    CHECK((!read || read->size() <= whole->size()));
  }
  std::mt19937 random(1);
  INFO("seed 1");
  for (int i = 0; i < 300; ++i) {
    std::string changed = bytes;
    for (int k = 0; k < 4; ++k) changed[random() % changed.size()] = static_cast<char>(random());
    directory.write(name, changed);
    (void)agent::read_foreign(*files, agent, directory.path(name));
  }
}

TEST_CASE("foreign: a registry of Filebeat's that is damaged is an error, not fewer entries",
          "[agent][foreign]") {
  const Directory directory;
  const auto files = io::make_files();
  const auto entries = [&] {
    const auto read = agent::read_foreign(*files, "filebeat", directory.path(""));
    if (!read) CHECK(read.error().code == base::ErrorCode::corrupt);
    return read ? static_cast<int>(read->size()) : -1;
  };
  const auto pair = [](const std::string& id, const std::string& file) {
    return "{\"op\":\"set\",\"id\":" + id + "}\n{\"k\":\"filestream::x::native::" + file +
           "-2\",\"v\":{\"cursor\":{\"offset\":3},\"meta\":{\"source\":\"/a\"},\"ttl\":-1}}\n";
  };
  const std::string log = pair("1", "1") + pair("2", "2") + pair("3", "3");
  directory.write("meta.json", R"({"version":"1"})");
  directory.write("log.json", log);
  REQUIRE(entries() == 3);
  for (std::size_t at = 0; at < log.size(); ++at) {
    std::string damaged = log;
    damaged[at] = '\0';
    directory.write("log.json", damaged);
    CAPTURE(at, damaged);
    CHECK(entries() == (at + 1 == log.size() ? 2 : -1));  // the last line is as if unfinished
    directory.write("log.json", log.substr(0, at));       // cut off anywhere it counts so far
    CHECK(entries() ==
          std::count(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(at), '\n') / 2);
  }
  directory.write("log.json", pair("1", "1") + pair("3", "3"));
  CHECK(entries() == -1);
  directory.write("log.json", "{\"op\":\"set\",\"id\":1}\n{\"k\":\"a\"}\n");
  CHECK(entries() == -1);
  directory.write("log.json", "{\"op\":\"move\",\"id\":1}\n{\"k\":\"a\",\"v\":{}}\n");
  CHECK(entries() == -1);
  directory.write("log.json", pair("1", "1"));
  for (const char* list : {"{}", "1", "[{}]", "[1]", "[", ""}) {
    CAPTURE(list);
    directory.write("7.json", list);
    CHECK(entries() == -1);
  }
  directory.write("7.json", "[]");
  CHECK(entries() == 0);
}

TEST_CASE("foreign: a directory that holds no state of the agent is an error", "[agent][foreign]") {
  const std::string agent{GENERATE("filebeat", "rsyslog")};
  const Directory directory;
  directory.write("meta.json", R"({"version":"1"})");
  const auto files = io::make_files();
  const auto read = agent::read_foreign(*files, agent, directory.path(""));
  REQUIRE_FALSE(read);
  CHECK(read.error().code == base::ErrorCode::unsupported);
}
