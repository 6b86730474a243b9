// The reading commands as an operator runs them: the built program, as a process, on a store that
// the program itself filled.
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "tests/test.h"

namespace {

namespace fs = std::filesystem;

struct Ran {
  int exit_code;
  std::string out;  // standard output and error together
};

Ran shell(const std::string& command) {
  std::FILE* pipe = ::popen(("{ " + command + "; } 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  Ran ran{.exit_code = -1, .out = {}};
  char buffer[4096];
  while (const std::size_t bytes = std::fread(buffer, 1, sizeof buffer, pipe)) {
    ran.out.append(buffer, bytes);
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) ran.exit_code = WEXITSTATUS(status);
  return ran;
}

std::multiset<std::string> lines(const std::string& text) {
  std::multiset<std::string> all;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) all.insert(line);
  return all;
}

bool contains(const Ran& ran, std::string_view text) {
  return ran.out.find(text) != std::string::npos;
}

// 1,000 lines in a stream of two shards, one of them no UTF-8.
class Store {
 public:
  Store() {
    std::string name = (fs::temp_directory_path() / "tailrace-commands-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
    std::ofstream log(root_ / "a.log");
    for (int i = 0; i < 999; ++i) input_ += "line " + std::to_string(i) + "\n";
    input_ += "\xFF\x01 binary\n";
    log << input_;
    log.close();
    std::ofstream config(root_ / "c.yaml");
    config << "data_dir: " << data_dir() << "\nstreams:\n  access: { shards: 2 }\nflows:\n  f:\n"
           << "    from: { files: [" << (root_ / "*.log").string() << "], start: beginning }\n"
           << "    to: { stream: access }\n";
    config.close();
    const Ran ran = shell(std::string(TAILRACE_PROGRAM) + " run --once -c " + config_path());
    INFO(ran.out);
    REQUIRE(ran.exit_code == 0);
  }
  ~Store() { fs::remove_all(root_); }

  Ran run(const std::string& command) const {
    return shell(std::string(TAILRACE_PROGRAM) + " " + command + " --data-dir " + data_dir());
  }
  std::string data_dir() const { return (root_ / "data").string(); }
  std::string config_path() const { return (root_ / "c.yaml").string(); }
  const std::string& input() const { return input_; }

  // The path of some segment of the stream.
  fs::path segment() const {
    for (const auto& entry : fs::recursive_directory_iterator(root_ / "data" / "access")) {
      if (entry.path().extension() == ".seg") return entry.path();
    }
    FAIL("no segment");
    return {};
  }

 private:
  fs::path root_;
  std::string input_;
};

}  // namespace

TEST_CASE("commands: get --raw gives back every byte that went in", "[agent][commands]") {
  const Store store;
  const Ran ran = store.run("stream get access --raw");
  CHECK(ran.exit_code == 0);
  CHECK(lines(ran.out) == lines(store.input()));
}

TEST_CASE("commands: the shards together are the stream", "[agent][commands]") {
  const Store store;
  const Ran first = store.run("stream get access --raw --shard 0");
  const Ran second = store.run("stream get access --raw --shard 1");
  CHECK(first.out + second.out == store.run("stream get access --raw").out);
  CHECK_FALSE(first.out.empty());
  CHECK_FALSE(second.out.empty());
}

TEST_CASE("commands: get begins where it is told and stops at its limit", "[agent][commands]") {
  const Store store;
  const std::string all = store.run("stream get access --raw --shard 0").out;
  const std::string from_3 = store.run("stream get access --raw --shard 0 --from 3").out;
  CHECK(all.ends_with(from_3));
  CHECK(lines(all).size() == lines(from_3).size() + 3);
  CHECK(lines(store.run("stream get access --raw -n 7").out).size() == 7);
  CHECK(store.run("stream get access --raw -n 0").out.empty());
  CHECK(store.run("stream get access --raw --from latest").out.empty());
  CHECK(lines(store.run("stream get access --raw --from -1h").out).size() == 1000);
  CHECK(store.run("stream get access --raw --from 2999-01-01T00:00:00Z").out.empty());
  CHECK(lines(store.run("stream get access --raw --from 2001-01-01T00:00:00+01:00").out).size() ==
        1000);
}

TEST_CASE("commands: get shows bytes that are no text harmlessly", "[agent][commands]") {
  const Store store;
  const Ran json = store.run("stream get access --json");
  CHECK(contains(json, "\"data_base64\":\"/wEgYmluYXJ5\""));
  CHECK(contains(json, "\"stream\":\"access\""));
  const Ran human = store.run("stream get access");
  CHECK(contains(human, "\\x01 binary"));
  CHECK_FALSE(contains(human, "\x01"));
}

TEST_CASE("commands: a reader that has enough is no error", "[agent][commands]") {
  const Store store;
  const Ran ran =
      shell("( " + std::string(TAILRACE_PROGRAM) + " stream get access --raw --data-dir " +
            store.data_dir() + "; echo exit $? >&2 ) | true");
  CHECK(ran.out == "exit 0\n");
}

TEST_CASE("commands: output that cannot be written is said, with exit 70", "[agent][commands]") {
  const Store store;
  const std::string program = "timeout 20 " TAILRACE_PROGRAM " ";
  const std::string where = " --data-dir " + store.data_dir();
  const std::string log = (fs::path(store.data_dir()).parent_path() / "a.log").string();
  for (const std::string& command :
       {std::string("version"), std::string("version --json"), "check -c " + store.config_path(),
        "stream list" + where, "stream list --json" + where, "stream describe access" + where,
        "stream describe access --json" + where, "store verify" + where,
        "store verify --json" + where, "store dump" + where, "state list" + where,
        "state list --json" + where, "state show " + log + where,
        "state forget --dry-run " + log + where}) {
    for (const char* nowhere : {" >/dev/full", " >&-"}) {
      CAPTURE(command, nowhere);
      const Ran ran = shell(program + command + nowhere);
      INFO(ran.out);
      CHECK(ran.exit_code == 70);
      CHECK(contains(ran, "cannot write to standard output"));
      CHECK_FALSE(contains(ran, "all the same"));
    }
  }
  const Ran put = shell(program + "stream put access one two" + where + " >/dev/full");
  CHECK(put.exit_code == 70);
  CHECK(contains(put, "all is stored all the same"));
  CHECK(lines(store.run("stream get access --raw").out).size() == 1002);
  const Ran forget = shell(program + "state forget " + log + where + " >/dev/full");
  CHECK(forget.exit_code == 70);
  CHECK(contains(forget, "it is forgotten all the same"));
  CHECK(store.run("state list --json").out == "[]\n");
  const Ran reset = shell(program + "state reset --yes" + where + " >/dev/full");
  CHECK(reset.exit_code == 70);
  CHECK(contains(reset, "it is forgotten all the same"));
}

TEST_CASE("commands: list and describe agree about what is there", "[agent][commands]") {
  const Store store;
  CHECK(contains(store.run("stream list --json"),
                 "{\"stream\":\"access\",\"shards\":2,\"records\":1000,"));
  CHECK(contains(store.run("stream list"), "access"));
  const Ran described = store.run("stream describe access --json");
  CHECK(described.exit_code == 0);
  CHECK(contains(described, "\"hash_start\":\"0\""));
  CHECK(contains(described, "\"hash_end\":\"340282366920938463463374607431768211455\""));
  CHECK(contains(store.run("stream describe access"), "2 shards"));
}

TEST_CASE("commands: a wrong stream name is answered with the nearest right one",
          "[agent][commands]") {
  const Store store;
  for (const char* command : {"stream get acess", "stream describe acess", "store dump acess"}) {
    CAPTURE(command);
    const Ran ran = store.run(command);
    CHECK(ran.exit_code == 78);
    CHECK(contains(ran, "no stream 'acess', did you mean 'access'?"));
  }
}

TEST_CASE("commands: usage mistakes exit 64, help exits 0", "[agent][commands]") {
  const Store store;
  CHECK(store.run("stream get access --shard 2").exit_code == 64);
  CHECK(store.run("stream get access --from yesterday").exit_code == 64);
  CHECK(store.run("stream get access --raw --json").exit_code == 64);
  const std::string program = TAILRACE_PROGRAM;
  CHECK(shell(program).exit_code == 64);
  CHECK(shell(program + " nonsense").exit_code == 64);
  CHECK(shell(program + " stream list").exit_code == 64);
  CHECK(shell(program + " --help").exit_code == 0);
  CHECK(shell(program + " stream get --help").exit_code == 0);
  CHECK(contains(shell(program + " version"), "tailrace "));
}

TEST_CASE("commands: a mistyped word is answered with the nearest right one", "[agent][commands]") {
  struct Slip {
    const char* typed;
    const char* answer;
  };
  for (const Slip& slip : {Slip{"chekc -c x", "unknown command 'chekc', did you mean 'check'?"},
                           Slip{"strem list", "unknown command 'strem', did you mean 'stream'?"},
                           Slip{"stream lst", "unknown command 'lst', did you mean 'list'?"},
                           Slip{"run -c x --onec", "'--onec', did you mean '--once'?"}}) {
    const Ran ran = shell(std::string(TAILRACE_PROGRAM) + " " + slip.typed);
    INFO(ran.out);
    CHECK(ran.exit_code == 64);
    CHECK(ran.out.find(slip.answer) != ran.out.npos);
  }
}

TEST_CASE("commands: tail says that a file is not there", "[agent][commands]") {
  const Ran ran = shell("timeout 20 " TAILRACE_PROGRAM " tail --once /nonexistent/file");
  CHECK(ran.out.find("/nonexistent/file does not exist") != ran.out.npos);
}

TEST_CASE("commands: tail reads a file of just that name, whatever it would match as a pattern",
          "[agent][commands]") {
  const Store store;  // for its directory, which is empty but for the store's
  const fs::path place = fs::path(store.data_dir()).parent_path() / "tail";
  fs::create_directory(place);
  const std::string tail =
      "cd " + place.string() + " && timeout 20 " TAILRACE_PROGRAM " tail --once ";
  std::ofstream(place / "a1.log") << "wrong\n";
  for (const char* name : {"a[1].log", "{a1,b}.log", "a\\1.log", "a?.log", "*"}) {
    CAPTURE(name);
    const std::string quoted = " '" + std::string(name) + "'";
    {
      const Ran before = shell(tail + quoted);
      CHECK_FALSE(contains(before, "right"));
    }
    std::ofstream(place / name) << "first\nright\n";
    CHECK(shell(tail + "-n 1" + quoted).out == "right\n");
    const Ran saved = shell(tail + "-n -1 --save c.yaml" + quoted);
    CHECK(contains(saved, "first\nright\n"));
    CHECK(shell("timeout 20 " TAILRACE_PROGRAM " run --once -c " + (place / "c.yaml").string() +
                " 2>/dev/null")
              .out == "first\nright\n");
    fs::remove(place / "c.yaml");
    fs::remove(place / name);
  }
  CHECK(shell(tail + "'a[1].log'").out == "wrong\n");  // a pattern where there is no such file
}

TEST_CASE("commands: tail refuses an empty path", "[agent][commands]") {
  for (const char* arguments : {"''", "/dev/null ''", "/dev/null --save ''"}) {
    const Ran ran = shell("timeout 20 " TAILRACE_PROGRAM " tail --once " + std::string(arguments));
    INFO(ran.out);
    CHECK(ran.exit_code == 64);
    CHECK(contains(ran, "is empty"));
  }
}

TEST_CASE(
    "commands: in a working directory that was removed a relative path is said to be the mistake",
    "[agent][commands]") {
  const Store store;
  const std::string removed =
      "mkdir " + store.data_dir() + ".gone && cd " + store.data_dir() + ".gone && rmdir $PWD && ";
  const std::string program = "timeout 20 " TAILRACE_PROGRAM " ";
  const std::string data_dir = " --data-dir " + store.data_dir();
  for (const std::string& command :
       {std::string("tail --once a.log"), "state show a.log" + data_dir,
        "state forget a.log --dry-run" + data_dir}) {
    const Ran ran = shell(removed + program + command);
    INFO(ran.out);
    CHECK(ran.exit_code == 78);
    CHECK(contains(ran, "cannot tell where 'a.log' is"));
  }
  const Ran piped = shell(removed + "echo line | " + program + "tail -");
  CHECK(piped.exit_code == 0);
  CHECK(contains(piped, "line\n"));
}

TEST_CASE("commands: a data directory that is not there is said, with exit 78",
          "[agent][commands]") {
  const std::string program = TAILRACE_PROGRAM;
  for (const char* command : {"stream list", "stream get x", "store verify", "store dump"}) {
    CAPTURE(command);
    const Ran ran = shell(program + " " + command + " --data-dir /nowhere/at/all");
    CHECK(ran.exit_code == 78);
    CHECK(contains(ran, "no data directory at /nowhere/at/all"));
  }
}

TEST_CASE("commands: dump decodes our own streams", "[agent][commands]") {
  const Store store;
  CHECK(contains(store.run("store dump"), "_checkpoints\naccess\n"));
  const Ran checkpoints = store.run("store dump _checkpoints --json");
  CHECK(contains(checkpoints, "a.log\",\"offset\":" + std::to_string(store.input().size()) + ","));
  CHECK(contains(store.run("store dump _catalog"), "access"));
  CHECK(lines(store.run("store dump access").out).size() == 1000);
}

TEST_CASE("commands: verify finds damage, exits 1, and repair makes the rest readable",
          "[agent][commands]") {
  const Store store;
  const Ran clean = store.run("store verify");
  CHECK(clean.exit_code == 0);
  CHECK(contains(clean, "0 records lost"));
  {
    std::fstream file(store.segment(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(0, std::ios::end);
    const auto middle = file.tellg() / 2;
    file.seekg(middle);
    const char was = static_cast<char>(file.get());
    file.seekp(middle);
    file.put(static_cast<char>(was ^ 0x20));
  }
  const Ran damaged = store.run("store verify");
  INFO(damaged.out);
  CHECK(damaged.exit_code == 1);
  CHECK(contains(damaged, store.segment().string()));
  CHECK(contains(store.run("store verify --json"), "\"clean\":false"));
  const std::size_t left = lines(store.run("stream get access --raw 2>/dev/null").out).size();
  CHECK(left < 1000);
  const Ran repaired = store.run("store verify --repair");
  INFO(repaired.out);
  CHECK(contains(repaired, "repaired"));
  CHECK(lines(store.run("stream get access --raw 2>/dev/null").out).size() == left);
}
