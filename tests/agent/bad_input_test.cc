// Bad input as an operator meets it: the built program, as a process, with files, directories and
// command lines that are not as they should be.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/agent/process.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using process::contains;
using process::Ran;
using process::shell;

const std::string kProgram = TAILRACE_PROGRAM;

// What a sanitizer keeps for itself would be counted as the program's memory.
#if defined(TAILRACE_SANITIZED)
constexpr bool kMemoryIsItsOwn = false;
#else
constexpr bool kMemoryIsItsOwn = true;
#endif

// A directory with logs, a configuration and a data directory.
class Place {
 public:
  explicit Place(const std::string& from_more = "", const std::string& stream_more = "") {
    std::string name = (fs::temp_directory_path() / "tailrace-bad-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
    fs::permissions(root_, fs::perms(0777));
    fs::create_directory(root_ / "logs");
    write("c.yaml", "data_dir: " + data_dir() + "\nreactors: 2\nstreams:\n  s: { shards: 1" +
                        stream_more + " }\nflows:\n  f:\n    from: { files: [" +
                        (root_ / "logs/*.log").string() + "], start: beginning }\n" + from_more +
                        "    to: { stream: s }\n");
  }
  ~Place() { fs::remove_all(root_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(root_ / name, std::ios::binary) << text;
  }
  std::string path(const std::string& name) const { return (root_ / name).string(); }
  std::string data_dir() const { return (root_ / "data").string(); }
  std::string run_command() const { return "timeout 60 " + kProgram + " run -c " + path("c.yaml"); }
  Ran once() const { return shell(run_command() + " --once"); }
  std::string stored(const std::string& stream = "s") const {
    return shell(kProgram + " stream get " + stream + " --raw --data-dir " + data_dir() +
                 " 2>/dev/null")
        .out;
  }
  std::vector<fs::path> segments(const std::string& stream) const {
    std::vector<fs::path> all;
    for (const auto& entry : fs::recursive_directory_iterator(root_ / "data" / stream)) {
      if (entry.path().extension() == ".seg") all.push_back(entry.path());
    }
    std::ranges::sort(all);
    return all;
  }

 private:
  fs::path root_;
};

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("bad input: what is no regular file is named once and the rest is read",
          "[agent][process]") {
  const Place place;
  fs::create_directory(place.path("logs/dir.log"));
  REQUIRE(::mkfifo(place.path("logs/fifo.log").c_str(), 0600) == 0);
  place.write("logs/ok.log", "fine\n");
  const Ran ran = place.once();
  INFO(ran.out);
  CHECK(ran.exit_code == 0);
  CHECK(count(ran.out, "passed over path=" + place.path("logs/dir.log")) == 1);
  CHECK(count(ran.out, "passed over path=" + place.path("logs/fifo.log")) == 1);
  CHECK(place.stored() == "fine\n");
}

TEST_CASE("bad input: a file without permission is named once and the rest is read",
          "[agent][process]") {
  const Place place;
  place.write("logs/secret.log", "hidden\n");
  place.write("logs/ok.log", "fine\n");
  fs::permissions(place.path("logs/secret.log"), fs::perms::none);
  // Root without its right to open everything; another user might not get at the program.
  const std::string drop =
      ::geteuid() == 0 ? "setpriv --bounding-set=-dac_override,-dac_read_search " : "";
  const Ran ran = shell(drop + place.run_command() + " --once");
  INFO(ran.out);
  CHECK(ran.exit_code == 66);
  CHECK(contains(ran, "not everything was read: 1 input could not be"));
  CHECK(count(ran.out, "cannot be opened path=" + place.path("logs/secret.log")) == 1);
  CHECK(contains(ran, "Permission denied"));
  CHECK(place.stored() == "fine\n");
}

TEST_CASE("bad input: --once says by its exit code that something could not be read",
          "[agent][process]") {
  const Place place;
  place.write("logs/ok.log", "fine\n");
  fs::create_directory(place.path("logs/shut"));
  fs::create_directory(place.path("dir"));
  fs::create_symlink(place.path("none"), place.path("dangling"));
  const std::string without =
      ::geteuid() == 0 ? "setpriv --bounding-set=-dac_override,-dac_read_search " : "";
  const std::string tail = "timeout 20 " + kProgram + " tail ";
  const auto exit_of = [](const std::string& command) {
    const Ran ran = shell(command);
    INFO(command << "\n" << ran.out);
    CHECK((ran.exit_code == 0 || ran.exit_code == 66));
    return ran.exit_code;
  };
  CHECK(exit_of(tail + "--once " + place.path("logs/ok.log")) == 0);
  CHECK(exit_of(tail + "--once '" + place.path("logs/*.none") + "'") == 0);
  CHECK(exit_of(tail + "--once " + place.path("dir")) == 66);
  CHECK(exit_of(tail + "--once " + place.path("dangling") + " " + place.path("logs/ok.log")) == 66);
  CHECK(exit_of(tail + "- < " + place.path("logs/ok.log")) == 0);
  CHECK(exit_of(tail + "- < " + place.path("dir")) == 66);
  CHECK(exit_of(tail + "- <&-") == 66);
  fs::permissions(place.path("logs/shut"), fs::perms::none);
  CHECK(exit_of(without + tail + "--once '" + place.path("logs/**/*.log") + "'") == 66);
  CHECK(exit_of(without + tail + "--once '" + place.path("logs/shut/a.log") + "'") == 66);
  fs::permissions(place.path("logs/shut"), fs::perms::owner_all);
  fs::permissions(place.path("logs/ok.log"), fs::perms::none);
  CHECK(exit_of(without + tail + "--once " + place.path("logs/ok.log")) == 66);
}

TEST_CASE("bad input: --once does not wait for ever for a file that cannot be read",
          "[agent][process]") {
  if (!fs::exists("/sys/class/net/lo/speed")) return;  // every read of it fails (EINVAL)
  const Place place;
  place.write("logs/ok.log", "fine\n");
  fs::create_symlink("/sys/class/net/lo/speed", place.path("logs/bad.log"));
  const Ran ran = shell("timeout 30 " + kProgram + " run --once -c " + place.path("c.yaml"));
  INFO(ran.out);
  CHECK(ran.exit_code == 66);
  CHECK(contains(ran, "not everything was read: 1 input could not be"));
  CHECK(place.stored() == "fine\n");
}

TEST_CASE("bad input: --once ends at once when there is nothing to read", "[agent][process]") {
  const Place place;
  const Ran ran = shell("timeout 10 " + kProgram + " run --once -c " + place.path("c.yaml"));
  INFO(ran.out);
  CHECK(ran.exit_code == 0);
  CHECK(shell("timeout 10 " + kProgram + " tail --once " + place.path("none")).exit_code == 66);
}

TEST_CASE("bad input: binary junk comes back byte for byte", "[agent][process]") {
  const Place place;
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::string junk(1 << 20, '\0');
  for (char& c : junk) c = static_cast<char>(random());
  // One CR before a newline belongs to the line's end, not to the line (rule F40).
  for (std::size_t i = 1; i < junk.size(); ++i) {
    if (junk[i] == '\n' && junk[i - 1] == '\r') junk[i - 1] = 'r';
  }
  if (junk[junk.size() - 2] == '\r') junk[junk.size() - 2] = 'r';
  junk.back() = '\n';
  if (junk.front() == '\0') junk.front() = 'j';  // leading NULs are passed over (rule F07)
  place.write("logs/junk.log", junk);
  REQUIRE(place.once().exit_code == 0);
  CHECK((place.stored() == junk));
}

TEST_CASE("bad input: a line of 100 MB leaves its neighbours alone", "[agent][process]") {
  const std::string policy = GENERATE("split", "truncate", "reject");
  CAPTURE(policy);
  const Place place("    long_lines: " + policy + "\n");
  {
    std::ofstream log(place.path("logs/long.log"), std::ios::binary);
    const std::string piece(1 << 20, 'x');
    log << "before\n";
    for (int i = 0; i < 100; ++i) log << piece;
    log << "\nafter\n";
  }
  const process::Background agent(kProgram + " run -c " + place.path("c.yaml"));
  std::string stored;
  REQUIRE(process::eventually([&] {
    stored = place.stored();
    return stored.ends_with("after\n");
  }));
  const std::string status = process::read_file("/proc/" + std::to_string(agent.pid()) + "/status");
  const std::size_t peak = status.find("VmHWM:");
  REQUIRE(peak != std::string::npos);
  if (kMemoryIsItsOwn) CHECK(std::stoul(status.substr(peak + 6)) < 64 * 1024);  // KiB
  CHECK(stored.starts_with("before\n"));
  CHECK(stored.ends_with("\nafter\n"));
  const auto x = static_cast<std::size_t>(std::ranges::count(stored, 'x'));
  if (policy == "split") CHECK(x == 100U << 20);
  if (policy == "truncate") CHECK(x == 1U << 20);
  if (policy == "reject") {
    CHECK(stored == "before\nafter\n");
    CHECK(std::ranges::count(place.stored("_dead_letter"), 'x') > 0);
  }
}

TEST_CASE("bad input: a damaged segment costs its damaged records only, counted exactly",
          "[agent][process]") {
  const Place place("", ", compression: none");
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "line " + std::to_string(i) + "\n";
  place.write("logs/a.log", lines);
  REQUIRE(place.once().exit_code == 0);
  place.write("logs/b.log", "second run\n");
  REQUIRE(place.once().exit_code == 0);
  const fs::path segment = place.segments("s").front();
  const std::size_t at = process::read_file(segment.string()).find("line 50");
  REQUIRE(at != std::string::npos);
  {
    std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.put('L');
  }
  place.write("logs/c.log", "after the damage\n");
  const Ran ran = place.once();
  INFO(ran.out);
  CHECK(ran.exit_code == 0);
  CHECK(count(ran.out, "segment damaged") == 1);
  const std::string stored = place.stored();
  CHECK(stored.ends_with("second run\nafter the damage\n"));
  const auto lost = 102 - std::ranges::count(stored, '\n');
  CHECK(lost > 0);
  CHECK(contains(ran, "records_lost=" + std::to_string(lost)));
  const Ran verified = shell(kProgram + " store verify --data-dir " + place.data_dir());
  CHECK(verified.exit_code == 1);
  CHECK(contains(verified, "; " + std::to_string(lost) + " records lost"));
}

TEST_CASE("bad input: a shard whose segments are gone goes on above its numbers and says so once",
          "[agent][process]") {
  const bool directory = GENERATE(false, true);
  CAPTURE(directory);
  const Place place;
  place.write("logs/a.log", "one\ntwo\nthree\n");
  REQUIRE(place.once().exit_code == 0);
  if (directory) {
    fs::remove_all(place.data_dir() + "/s/0");
  } else {
    for (const fs::path& segment : place.segments("s")) fs::remove(segment);
  }
  const std::string verify = kProgram + " store verify --data-dir " + place.data_dir();
  const Ran verified = shell(verify);
  CHECK(verified.exit_code == 1);
  CHECK(contains(verified, place.data_dir() + "/s/0: 3 records missing at the end"));

  const Ran ran = place.once();
  INFO(ran.out);
  CHECK(ran.exit_code == 0);
  CHECK(count(ran.out, "last segment missing, going on after its numbers") == 1);
  CHECK(contains(ran, "records_lost=3"));
  CHECK(place.stored().empty());  // the checkpoint is beyond them
  const Ran again = place.once();
  CHECK_FALSE(contains(again, "segment missing"));
  place.write("logs/b.log", "four\n");
  CHECK(place.once().exit_code == 0);
  CHECK(contains(shell(kProgram + " stream get s --json --data-dir " + place.data_dir()),
                 "\"sequence\":3"));
  CHECK(shell(verify).exit_code == 0);
}

TEST_CASE("bad input: the numbers of a shard are noted while the agent runs, not only at its end",
          "[agent][process]") {
  const Place place;
  place.write("logs/a.log", "one\ntwo\n");
  {
    const process::Background agent(kProgram + " run -c " + place.path("c.yaml"));
    REQUIRE(process::eventually([&] {
      return contains(shell(kProgram + " store dump _checkpoints --data-dir " + place.data_dir()),
                      "s/0");
    }));
    REQUIRE(::kill(agent.pid(), SIGKILL) == 0);
  }
  for (const fs::path& segment : place.segments("s")) fs::remove(segment);
  const Ran ran = place.once();
  CHECK(contains(ran, "last segment missing"));
  CHECK(contains(ran, "records_lost=2"));
}

TEST_CASE("bad input: repair forgets a shard whose directory is gone, and only that",
          "[agent][process]") {
  const Place place;
  place.write("logs/a.log", "one\ntwo\nthree\n");
  REQUIRE(place.once().exit_code == 0);
  fs::remove_all(place.data_dir() + "/s");
  const std::string verify = kProgram + " store verify --data-dir " + place.data_dir();
  CHECK(shell(verify).exit_code == 1);
  CHECK(shell(verify).exit_code == 1);
  const Ran repaired = shell(verify + " --repair");
  CHECK(repaired.exit_code == 1);
  CHECK(contains(repaired, "s/0: its directory is gone"));
  const Ran after = shell(verify);
  CHECK(after.exit_code == 0);
  CHECK_FALSE(contains(shell(verify + " --repair"), "gone"));
  // Where files are read on from is as it was.
  CHECK(contains(shell(kProgram + " state list --data-dir " + place.data_dir()), "a.log"));
}

TEST_CASE("bad input: the dead letters may be deleted while no agent runs, and nobody misses them",
          "[agent][process]") {
  const Place place("    long_lines: reject\n    max_line: 4KiB\n");
  place.write("logs/a.log", "one\n" + std::string(9000, 'x') + "\ntwo\n");
  REQUIRE(place.once().exit_code == 0);
  REQUIRE_FALSE(place.segments("_dead_letter").empty());
  fs::remove_all(place.data_dir() + "/_dead_letter");
  const std::string verify = kProgram + " store verify --data-dir " + place.data_dir();
  CHECK(shell(verify).exit_code == 0);
  place.write("logs/b.log", std::string(9000, 'y') + "\n");
  const Ran ran = place.once();
  INFO(ran.out);
  CHECK(ran.exit_code == 0);
  CHECK_FALSE(contains(ran, "missing"));
  CHECK(contains(shell(kProgram + " stream get _dead_letter --json --data-dir " + place.data_dir()),
                 "\"sequence\":1"));
  CHECK(shell(verify).exit_code == 0);
}

TEST_CASE("bad input: without readable checkpoints verify says so and looks at everything else",
          "[agent][process]") {
  const Place place;
  place.write("logs/a.log", "one\ntwo\nthree\n");
  REQUIRE(place.once().exit_code == 0);
  fs::remove_all(place.data_dir() + "/_checkpoints");
  std::ofstream(place.data_dir() + "/_checkpoints") << "no directory";
  const Ran verified = shell(kProgram + " store verify --data-dir " + place.data_dir());
  CHECK(verified.exit_code == 0);
  CHECK(contains(verified, "cannot read how far the shards were written"));
  CHECK(contains(verified, "clean: 2 shards"));  // the stream and the catalogue
  const Ran put = shell(kProgram + " stream put s four --data-dir " + place.data_dir());
  CHECK(put.exit_code == 0);
  CHECK(contains(put, "sequence 3"));
}

TEST_CASE("bad input: a followed stream shows a new record within a second", "[agent][process]") {
  const Place place;
  REQUIRE(place.once().exit_code == 0);
  const process::Background agent(kProgram + " run -c " + place.path("c.yaml"));
  const process::Background follower(
      kProgram + " stream get s --raw --follow --data-dir " + place.data_dir(), place.path("out"));
  const std::string put = kProgram + " stream put s fresh --data-dir " + place.data_dir();
  REQUIRE(shell(put).exit_code == 0);
  CHECK(process::eventually([&] { return process::read_file(place.path("out")) == "fresh\n"; }));
}

TEST_CASE("bad input: damaged or missing checkpoints cost doubles, never lines",
          "[agent][process]") {
  const bool remove = GENERATE(true, false);
  CAPTURE(remove);
  const Place place;
  place.write("logs/a.log", "one\ntwo\n");
  REQUIRE(place.once().exit_code == 0);
  for (const fs::path& segment : place.segments("_checkpoints")) {
    if (remove) {
      fs::remove(segment);
    } else {
      std::ofstream(segment, std::ios::binary) << std::string(5000, 'j');
    }
  }
  const Ran ran = place.once();
  INFO(ran.out);
  CHECK(ran.exit_code == 0);
  CHECK(count(ran.out, "files are read again") == 1);
  CHECK(place.stored().starts_with("one\ntwo\n"));
}

TEST_CASE("bad input: a second agent is told who holds the directory", "[agent][process]") {
  const Place place;
  const process::Background first(place.run_command());
  REQUIRE(process::eventually([&] { return fs::exists(place.path("data/control.sock")); }));
  const Ran second = place.once();
  CHECK(second.exit_code == 78);
  CHECK(contains(second, "is in use by pid "));
}

TEST_CASE("bad input: a put finds an agent that is just starting", "[agent][process]") {
  const Place place;
  REQUIRE(place.once().exit_code == 0);
  const process::Background agent(place.run_command());
  REQUIRE(process::eventually([&] {
    const Ran ran = shell(kProgram + " stream put s hello --data-dir " + place.data_dir());
    INFO(ran.out);
    CHECK(ran.exit_code == 0);
    return fs::exists(place.path("data/control.sock"));
  }));
  CHECK(place.stored().starts_with("hello\n"));
}

TEST_CASE("bad input: a full disk is waited for, said once, and nothing doubles",
          "[agent][process]") {
  const Place place("", ", compression: none");
  fs::create_directory(place.data_dir());
  if (::mount("none", place.data_dir().c_str(), "tmpfs", 0, "size=4m") != 0) {
    WARN("not allowed to mount a small disk");
    return;
  }
  struct Unmount {
    std::string path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } const unmount{place.data_dir()};
  REQUIRE(place.once().exit_code == 0);
  place.write("data/filler", std::string(3 << 20, 'f'));
  std::string lines;
  for (int i = 0; i < 40000; ++i)
    lines += "a line of some forty bytes, number " + std::to_string(i) + "\n";
  place.write("logs/a.log", lines);
  const process::Background agent(place.run_command(), place.path("log"));
  const auto log = [&] { return process::read_file(place.path("log")); };
  CHECK(process::eventually([&] { return contains(log(), "No space left"); }));
  fs::remove(place.path("data/filler"));
  CHECK(process::eventually([&] { return place.stored() == lines; }));
  INFO(log());
  CHECK(count(log(), "delivery failing") == 1);
}

TEST_CASE("bad input: a data directory that cannot be written is said, with exit 78",
          "[agent][process]") {
  const Place place;
  place.write("data", "a file, no directory");
  const Ran ran = place.once();
  INFO(ran.out);
  CHECK(ran.exit_code == 78);
  CHECK(contains(ran, place.data_dir()));
}

// A sanitizer that starts a thread of its own cannot do without.
#if !defined(__SANITIZE_THREAD__)
TEST_CASE("bad input: threads that cannot be started are said, or done without",
          "[agent][process]") {
  const Place place;
  std::string lines;
  for (int i = 0; i < 100'000; ++i) lines += "line " + std::to_string(i) + "\n";
  place.write("logs/a.log", lines);
  fs::create_directory(place.data_dir());
  fs::permissions(place.data_dir(), fs::perms(0777));
  fs::copy_file(kProgram, place.path("tailrace"));  // where any user may run it
  // The limit is a user's, and root has none.
  const std::string user = ::geteuid() == 0 ? "setpriv --reuid 64998 --clear-groups " : "";
  const auto run_with_tasks = [&](int most) {
    // A leak checker starts a thread at the end.
    return shell("ASAN_OPTIONS=detect_leaks=0 timeout 60 " + user +
                 "prlimit --nproc=" + std::to_string(most) + " " + place.path("tailrace") +
                 " run --once -c " + place.path("c.yaml"));
  };
  for (int most = 0; most < 3; ++most) {
    const Ran ran = run_with_tasks(most);
    INFO(ran.out);
    CHECK(ran.exit_code == 70);
    CHECK(contains(ran, "no thread for a reactor"));
  }
  if (::geteuid() != 0) return;       // this user's other processes count
  const Ran ran = run_with_tasks(3);  // the control and two reactors: none for the pools
  INFO(ran.out);
  CHECK(ran.exit_code == 0);
  CHECK(place.stored() == lines);
}
#endif

TEST_CASE("bad input: tail ends by itself when its reader has enough", "[agent][process]") {
  const Place place;
  place.write("logs/a.log", "one\ntwo\nthree\n");
  const Ran ran = shell("( timeout 10 " + kProgram + " tail " + place.path("logs/a.log") +
                        "; echo exit $? >&2 ) | head -1");
  CHECK(contains(ran, "one\n"));
  CHECK(contains(ran, "exit 0\n"));
  CHECK_FALSE(contains(ran, "delivery failing"));
}

TEST_CASE("bad input: senseless numbers on the command line exit 64", "[agent][process]") {
  const Place place;
  CHECK(shell(place.run_command() + " --once --report -5").exit_code == 64);
  CHECK(shell(place.run_command() + " --onec").exit_code == 64);
}
