// More files than descriptors, and files that were closed for being idle: the built program with
// real files, both ways to talk to the kernel. Every line once.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "tests/agent/process.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using process::Background;
using process::eventually;
using Lines = std::vector<std::string>;

const std::string kProgram = TAILRACE_PROGRAM;

Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  return lines;
}

// Logs, a configuration that sends them to one file, and what is expected there.
class Place {
 public:
  Place(const std::string& top, const std::string& from) {
    std::string name = (fs::temp_directory_path() / "tailrace-files-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = fs::canonical(name);
    fs::create_directory(root_ / "logs");
    std::ofstream(root_ / "c.yaml")
        << "data_dir: " << (root_ / "data").string() << "\nreactors: 2\n"
        << top << "\nflows:\n  f:\n    from: { files: \"" << path("*.log")
        << "\", start: beginning, rotate_wait: 1s" << from
        << " }\n    to: { file: " << (root_ / "out").string() << ", flush: { age: 10ms } }\n";
  }
  ~Place() { fs::remove_all(root_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  std::string path(const std::string& name) const { return (root_ / "logs" / name).string(); }
  std::string log() const { return (root_ / "agent.log").string(); }
  std::string command(const std::string& limits = "") const {
    return "/bin/sh -c '" + limits + " exec " + kProgram + " run -c " +
           (root_ / "c.yaml").string() + "'";
  }
  void append(const std::string& name, const std::string& line) {
    std::ofstream(path(name), std::ios::app) << line << '\n';
    expected_.push_back(line);
  }
  // The content of `name` becomes this one line.
  void rewrite(const std::string& name, const std::string& line) {
    std::ofstream(path(name), std::ios::trunc) << line << '\n';
    expected_.push_back(line);
  }
  // Every line arrived, once.
  void check() {
    std::sort(expected_.begin(), expected_.end());
    const bool all = eventually([this] { return arrived().size() >= expected_.size(); });
    if (!all) WARN(process::read_file(log()));
    Lines missing;
    Lines doubled;
    const Lines got = arrived();
    std::ranges::set_difference(expected_, got, std::back_inserter(missing));
    std::ranges::set_difference(got, expected_, std::back_inserter(doubled));
    CHECK(missing == Lines{});
    CHECK(doubled == Lines{});
  }
  Lines arrived() const { return lines_of(process::read_file((root_ / "out").string())); }

  // Of our logs.
  std::size_t open_files(const Background& agent) const {
    std::size_t count = 0;
    std::error_code gone;
    for (const auto& each :
         fs::directory_iterator("/proc/" + std::to_string(agent.pid()) + "/fd", gone)) {
      std::error_code closed;
      const std::string target = fs::read_symlink(each.path(), closed).string();
      if (!closed && target.starts_with(path(""))) ++count;
    }
    return count;
  }

 private:
  fs::path root_;
  Lines expected_;
};

}  // namespace

TEST_CASE("open files: 16 descriptors for 200 files written in turn (F32)", "[agent][process]") {
  const std::string io = GENERATE("auto", "epoll");
  Place place("io: " + io + "\nmax_open_files: 16", "");
  const Background agent(place.command(), place.log());
  std::size_t most = 0;
  for (int round = 0; round < 20; ++round) {
    for (int file = 0; file < 200; ++file) {
      place.append(std::to_string(file) + ".log",
                   std::to_string(file) + " round " + std::to_string(round));
      if (file % 50 == 0) most = std::max(most, place.open_files(agent));
    }
    // Not all at once: in between, files are closed and opened again.
    if (round % 5 == 0) place.check();
  }
  place.check();
  CHECK(most <= 16);
  ::kill(agent.pid(), SIGUSR1);
  CHECK(eventually([&] {
    return process::contains(process::read_file(place.log()), "name=files_closed_idle");
  }));
}

TEST_CASE("open files: a limit of 64 for the process and 1,000 files (F30)", "[agent][process]") {
  const std::string io = GENERATE("auto", "epoll");
  const std::string budget = GENERATE("", "\nmax_open_files: 1000");
  CAPTURE(io, budget);
  Place place("io: " + io + budget, "");
  for (int file = 0; file < 1000; ++file) {
    place.append(std::to_string(file) + ".log", "before " + std::to_string(file));
  }
  const Background agent(place.command("ulimit -n 64;"), place.log());
  place.check();
  for (int round = 0; round < 2; ++round) {
    for (int file = 0; file < 1000; ++file) {
      place.append(std::to_string(file) + ".log",
                   std::to_string(file) + " round " + std::to_string(round));
    }
  }
  place.check();
  CHECK(place.open_files(agent) < 64);
}

TEST_CASE("open files: what happens to a closed file is seen (F32)", "[agent][process]") {
  const std::string io = GENERATE("auto", "epoll");
  CAPTURE(io);
  Place place("io: " + io, ", close_inactive: 100ms");
  place.append("a.log", "one");
  const Background agent(place.command(), place.log());
  const auto closed = [&] {
    place.check();
    CHECK(eventually([&] { return place.open_files(agent) == 0; }));
  };
  closed();
  place.append("a.log", "appended");
  closed();
  fs::rename(place.path("a.log"), place.path("b.log"));  // in the pattern
  closed();
  place.append("b.log", "after a rename");
  closed();
  place.append("b.log", "unread, and renamed away");
  fs::rename(place.path("b.log"), place.path("b.1"));  // out of it
  place.append("b.log", "its successor");
  place.append("b.1", "a late writer's");
  closed();
}

TEST_CASE("open files: a closed file that is truncated, refilled or made anew is read again",
          "[agent][process]") {
  const std::string io = GENERATE("auto", "epoll");
  CAPTURE(io);
  Place place("io: " + io, ", close_inactive: 100ms");
  place.append("a.log", "first");
  const Background agent(place.command(), place.log());
  const auto closed = [&] {
    place.check();
    CHECK(eventually([&] { return place.open_files(agent) == 0; }));
  };
  closed();
  place.rewrite("a.log", "x");  // shorter
  closed();
  place.rewrite("a.log", "refilled beyond the old offset");  // as copytruncate
  closed();
  place.rewrite("a.log", "refilled to the very old offset");
  closed();
  place.rewrite("a.log", "REFILLED TO THE VERY OLD OFFSET");
  closed();
  for (int i = 0; i < 5; ++i) {  // ext4 gives the same inode
    fs::remove(place.path("a.log"));
    place.append("a.log", "made anew " + std::to_string(i));
    closed();
  }
}
