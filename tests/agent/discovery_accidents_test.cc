// What happens to the names of log files on real hosts, done to real files under the built program:
// strange names, permissions that come and go, links of every kind, what is no file. The reconcile
// is an hour away: what is found is found by events.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using process::Background;
using process::contains;
using process::count;
using process::LogPlace;
using Lines = std::vector<std::string>;

LogPlace::Options with(const std::string& backend, std::vector<std::string> patterns) {
  return {.backend = backend, .patterns = std::move(patterns)};
}

// Waits until the agent has seen what happened so far: it reads a file that was made afterwards.
void caught_up(const LogPlace& place, Lines& lines) {
  const std::string line = "caught up " + std::to_string(lines.size());
  place.append("logs/zz.log", line + "\n");
  lines.push_back(line);
  REQUIRE(place.stores(lines));
}

}  // namespace

TEST_CASE("accidents: names of any bytes are followed", "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const LogPlace place(with(backend, {"logs/*.log"}));
  const Lines names = {"new\nline.log",   "has#hash.log", " two  spaces .log", "\xff\xfe\x80.log",
                       "quo\"te's.log",   "*.log",        "{a,b}.log",         "-rf.log",
                       "\x1b[31mred.log", "[x].log",      "%s%n.log",          "back\\slash.log"};
  Lines lines;
  const auto write_all = [&](const std::string& what) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      lines.push_back(what + " " + std::to_string(i));
      place.append("logs/" + names[i], lines.back() + "\n");
    }
  };
  write_all("before the start");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
    write_all("grown");
    REQUIRE(place.stores(lines));
    for (const std::string& name : names) {
      fs::rename(place.path("logs/" + name), place.path("logs/" + name + ".1"));
    }
    write_all("anew");
    REQUIRE(place.stores(lines));
  }
  write_all("stopped");
  place.once();
  CHECK(place.stores(lines));
}

TEST_CASE("accidents: a file's permission goes and comes back", "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const LogPlace place(with(backend, {"logs/*.log"}));
  const std::string command = process::without_override() + place.command();
  Lines lines = {"a 1"};
  place.write("logs/a.log", "a 1\n");
  place.write("logs/b.log", "b 1\n");
  ::chmod(place.path("logs/b.log").c_str(), 0);
  const auto grow = [&](const std::string& file, const std::string& line) {
    place.append("logs/" + file, line + "\n");
    lines.push_back(line);
  };
  {
    const Background agent(command, place.log_path());
    REQUIRE(place.stores(lines));
    ::chmod(place.path("logs/a.log").c_str(), 0);
    grow("a.log", "a 2, open since");
    REQUIRE(place.stores(lines));
    for (int i = 0; i < 5; ++i) place.append("logs/b.log", "");
    ::chmod(place.path("logs/b.log").c_str(), 0200);  // still not for reading
    ::chmod(place.path("logs/b.log").c_str(), 0);
    caught_up(place, lines);
    CHECK(count(place.log(), "cannot be opened") == 1);
    ::chmod(place.path("logs/b.log").c_str(), 0644);
    lines.push_back("b 1");
    REQUIRE(place.stores(lines));
  }
  place.append("logs/a.log", "a 3\n");
  {
    const Background agent(command, place.log_path());
    caught_up(place, lines);
    ::chmod(place.path("logs/a.log").c_str(), 0644);
    lines.push_back("a 3");
    CHECK(place.stores(lines));
  }
}

TEST_CASE("accidents: a directory's permission goes and comes back", "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const mode_t mode = GENERATE(0000, 0600, 0300);  // nothing, listing only, searching only
  CAPTURE(backend, mode);
  const LogPlace place(with(backend, {"logs/*.log", "logs/sub/*.log", "logs/**/deep.log"}));
  const std::string command = process::without_override() + place.command();
  const std::string sub = place.path("logs/sub");
  fs::create_directory(sub);
  ::chmod(sub.c_str(), mode);
  place.write("logs/sub/a.log", "a 1\n");
  Lines lines;
  {
    const Background agent(command, place.log_path());
    caught_up(place, lines);
    CHECK_FALSE(contains(place.log(), "max_user_watches"));
    ::chmod(sub.c_str(), 0755);
    lines.push_back("a 1");
    REQUIRE(place.stores(lines));
    ::chmod(sub.c_str(), mode);
    place.append("logs/sub/a.log", "a 2\n");
    lines.push_back("a 2");
    REQUIRE(place.stores(lines));  // open since
    place.write("logs/sub/b.log", "b 1\n");
    fs::rename(place.path("logs/sub/a.log"), place.path("logs/sub/a.old"));
    place.write("logs/sub/a.log", "a 3\n");
    place.append("logs/sub/a.old", "a 2 late\n");
    lines.push_back("a 2 late");
    REQUIRE(process::eventually([&] { return contains(place.stored(), "a 2 late\n"); }));
    ::chmod(sub.c_str(), 0755);
    lines.insert(lines.end(), {"b 1", "a 3"});
    REQUIRE(place.stores(lines));
    INFO(place.log());
    CHECK(count(place.log(), "cannot be searched") <= 3);
    CHECK_FALSE(contains(place.log(), "max_user_watches"));
  }
  ::chmod(sub.c_str(), mode);
  place.append("logs/sub/b.log", "b 2\n");
  place.once();
  ::chmod(sub.c_str(), 0755);
  lines.push_back("b 2");
  place.once();
  CHECK(place.stores(lines));
}

TEST_CASE("accidents: a directory that may be searched and not read", "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const mode_t shut = GENERATE(0000, 0600);
  CAPTURE(backend, shut);
  const LogPlace place(with(backend, {"logs/*.log", "logs/sub/deep/a.log"}));
  const std::string command = process::without_override() + place.command();
  const std::string sub = place.path("logs/sub");
  fs::create_directories(sub + "/deep");
  Lines lines = {"a 1"};
  place.write("logs/sub/deep/a.log", "a 1\n");
  ::chmod((sub + "/deep").c_str(), 0300);
  ::chmod(sub.c_str(), 0300);
  {
    const Background agent(command, place.log_path());
    REQUIRE(place.stores(lines));
    CHECK_FALSE(contains(place.log(), "cannot be"));
    ::chmod(sub.c_str(), shut);
    place.append("logs/sub/deep/a.log", "a 2\n");
    lines.push_back("a 2");
    REQUIRE(place.stores(lines));  // open since
    ::chmod(sub.c_str(), 0300);
    fs::rename(sub + "/deep/a.log", sub + "/deep/a.log.1");
    place.append("logs/sub/deep/a.log.1", "a 3\n");
    place.write("logs/sub/deep/a.log", "b 1\n");
    lines.insert(lines.end(), {"a 3", "b 1"});
    REQUIRE(place.stores(lines));
  }
  ::chmod(sub.c_str(), shut);
  place.append("logs/sub/deep/a.log", "b 2\n");
  CHECK(contains(process::shell(command + " --once"), "needs_x=" + sub));
  ::chmod(sub.c_str(), 0300);
  lines.push_back("b 2");
  place.once();
  CHECK(place.stores(lines));
  ::chmod(sub.c_str(), 0700);
  ::chmod((sub + "/deep").c_str(), 0700);
}

TEST_CASE("accidents: renamed out of the pattern while nobody looked", "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const std::string to = GENERATE("app.1", "old/app.1");
  CAPTURE(backend, to);
  const LogPlace place(with(backend, {"logs/app.log"}));
  fs::create_directory(place.path("logs/old"));
  Lines lines = {"read"};
  place.write("logs/app.log", "read\n");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
  }
  std::string unread;
  for (int i = 0; i < 1000; ++i) {
    lines.push_back("unread " + std::to_string(i));
    unread += lines.back() + "\n";
  }
  place.append("logs/app.log", unread);
  fs::rename(place.path("logs/app.log"), place.path("logs/" + to));
  place.write("logs/app.log", "new\n");
  lines.push_back("new");
  place.once();
  CHECK(place.stores(lines));
}

TEST_CASE("accidents: a program writes to its new log before it is done with the old one (F08)",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const std::string order = GENERATE("fair", "oldest_first");
  CAPTURE(backend, order);
  LogPlace::Options options = with(backend, {"logs/app-*.log"});
  options.from_more = "      order: " + order + "\n";
  const LogPlace place(options);
  Lines lines;
  const auto grow = [&](int number, const std::string& what) {
    const std::string name = "app-" + std::to_string(number);
    std::string text;
    for (int i = 0; i < 300; ++i) {
      lines.push_back(name + " " + what + " " + std::to_string(i));
      text += lines.back() + "\n";
    }
    place.append("logs/" + name + ".log", text);
  };
  grow(11, "first");
  grow(12, "first");
  const auto later = fs::last_write_time(place.path("logs/app-12.log"));
  fs::last_write_time(place.path("logs/app-11.log"), later - std::chrono::seconds(10));
  place.once();
  REQUIRE(place.stores(lines));
  const std::string stored = place.stored();
  if (order == "oldest_first") CHECK(stored.find("app-12") > stored.rfind("app-11"));
  {
    const Background agent(place.command(), place.log_path());
    for (int round = 0; round < 5; ++round) {
      grow(11 + round, "old " + std::to_string(round));
      grow(12 + round, "new " + std::to_string(round));
      grow(11 + round, "old again " + std::to_string(round));
      REQUIRE(place.stores(lines));
    }
    REQUIRE(::kill(agent.pid(), SIGKILL) == 0);
  }
  grow(16, "after");
  grow(17, "after");
  grow(16, "after again");
  place.once();
  CHECK(place.stores(lines));
}

TEST_CASE("accidents: loops of links end, and a file of many names is read once",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const bool running_before = GENERATE(false, true);
  CAPTURE(backend, running_before);
  const LogPlace place(with(backend, {"logs/**/*.log", "logs/*.log"}));
  fs::create_directories(place.path("logs/x/y"));
  const auto link = [&place](const std::string& to, const std::string& name) {
    fs::create_symlink(to, place.path("logs/" + name));
  };
  const auto make = [&] {
    link("b.log", "a.log");  // to each other
    link("a.log", "b.log");
    link("self", "self");  // to itself
    link("..", "x/y/up");  // to a parent
    link(place.path("logs"), "x/y/root");
    link("nowhere", "dangling.log");
    place.write("logs/x/real.log", "real 1\n");
    link("x/real.log", "soft.log");
    fs::create_hard_link(place.path("logs/x/real.log"), place.path("logs/hard.log"));
    link("../soft.log", "x/soft2.log");
  };
  if (!running_before) make();
  Lines lines = {"real 1"};
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(process::running(place));
    if (running_before) make();
    REQUIRE(place.stores(lines));
    place.append("logs/soft.log", "through the soft link\n");
    place.append("logs/hard.log", "through the hard link\n");
    lines.insert(lines.end(), {"through the soft link", "through the hard link"});
    REQUIRE(place.stores(lines));
    fs::remove(place.path("logs/x/real.log"));
    place.append("logs/hard.log", "one name less\n");
    lines.push_back("one name less");
    REQUIRE(place.stores(lines));
    place.write("logs/nowhere", "not dangling\n");
    fs::create_symlink("nowhere", place.path("logs/again.log"));
    lines.push_back("not dangling");
    caught_up(place, lines);
    CHECK(count(place.log(), "warn") == 0);
  }
  place.append("logs/hard.log", "while stopped\n");
  lines.push_back("while stopped");
  place.once();
  CHECK(place.stores(lines));
}

TEST_CASE("accidents: a link is swapped fifty times, by two calls or by one", "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const bool by_rename = GENERATE(false, true);
  const bool directory = GENERATE(false, true);
  CAPTURE(backend, by_rename, directory);
  const LogPlace place(with(backend, {directory ? "logs/current/x.log" : "logs/current"}));
  Lines lines;
  const auto target = [&](int i) {
    return "app-" + std::to_string(i) + (directory ? "/x.log" : "");
  };
  const auto grow = [&](int i, const std::string& what) {
    lines.push_back(what + " of " + std::to_string(i));
    place.append("logs/" + target(i), lines.back() + "\n");
  };
  const auto swap = [&](int i) {
    const std::string to = "app-" + std::to_string(i);
    if (directory) fs::create_directory(place.path("logs/" + to));
    grow(i, "first line");
    const std::string name = place.path("logs/current");
    if (by_rename) {
      fs::create_symlink(to, name + ".new");
      fs::rename(name + ".new", name);
    } else {
      std::error_code none;
      fs::remove(name, none);
      fs::create_symlink(to, name);
    }
  };
  swap(0);
  const Background agent(place.command(), place.log_path());
  for (int i = 0; i < 50; ++i) {
    REQUIRE(place.stores(lines));  // else nobody can know of this target any more
    grow(i, "last line");          // to be drained although the link is elsewhere
    swap(i + 1);
  }
  CHECK(place.stores(lines));
}

TEST_CASE("accidents: a link is swapped while nobody looked, its target is under no pattern (F13)",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const bool below = GENERATE(false, true);  // the link's directory, or elsewhere
  const bool killed = GENERATE(false, true);
  CAPTURE(backend, below, killed);
  const LogPlace place(with(backend, {"logs/current"}));
  const std::string directory = below ? "logs/old" : "elsewhere";
  fs::create_directory(place.path(directory));
  const auto link = [&](const std::string& target) {
    std::error_code none;
    fs::remove(place.path("logs/current"), none);
    fs::create_symlink(place.path(directory + "/" + target), place.path("logs/current"));
  };
  Lines lines = {"read"};
  place.append(directory + "/app-1", "read\n");
  link("app-1");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
    if (killed) REQUIRE(::kill(agent.pid(), SIGKILL) == 0);
  }
  place.append(directory + "/app-1", "written while nobody looked\n");
  place.append(directory + "/app-2", "new\n");
  link("app-2");
  lines.emplace_back("new");
  lines.emplace_back("written while nobody looked");
  const Background agent(place.command(), place.log_path());
  CHECK(place.stores(lines));
  place.append(directory + "/app-2", "newer\n");
  lines.emplace_back("newer");
  CHECK(place.stores(lines));
}

TEST_CASE("accidents: what a link leads to is renamed and made anew ten times (F13)",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const LogPlace place(with(backend, {"logs/*.log"}));
  fs::create_directory(place.path("pods"));
  const std::string target = place.path("pods/0.log");
  fs::create_symlink(target, place.path("logs/a.log"));
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  Lines lines;
  for (int i = 0; i < 10; ++i) {
    CAPTURE(backend, i);
    for (const char* which : {"first", "last"}) {
      lines.push_back(std::string(which) + " line of " + std::to_string(i));
      place.append("pods/0.log", lines.back() + "\n");
      if (lines.size() % 2 == 1) REQUIRE(place.stores(lines));
    }
    fs::rename(target, target + "." + std::to_string(i));
  }
  CHECK(place.stores(lines));
}

TEST_CASE("accidents: a FIFO, a socket and a device are named once and left alone",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const bool running_before = GENERATE(false, true);
  CAPTURE(backend, running_before);
  const LogPlace place(with(backend, {"logs/*.log"}));
  const auto make = [&place] {
    REQUIRE(::mkfifo(place.path("logs/fifo.log").c_str(), 0600) == 0);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const std::string name = place.path("logs/socket.log");
    REQUIRE(name.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, name.data(), name.size());
    REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(socket);
    fs::create_symlink("/dev/zero", place.path("logs/zero.log"));
    return ::mknod(place.path("logs/device.log").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0;
  };
  bool device = false;
  if (!running_before) device = make();
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  if (running_before) device = make();
  Lines lines;
  caught_up(place, lines);
  for (const std::string name : {"fifo", "socket", "zero", "device"}) {
    const std::size_t times = name == "device" && !device ? 0 : 1;
    CHECK(count(place.log(), "passed over path=" + place.path("logs/" + name + ".log")) == times);
  }
  fs::remove(place.path("logs/fifo.log"));
  place.write("logs/fifo.log", "a file now\n");
  place.write("logs/zero.new", "zero, too\n");
  fs::rename(place.path("logs/zero.new"), place.path("logs/zero.log"));
  lines.insert(lines.end(), {"a file now", "zero, too"});
  CHECK(place.stores(lines));
}

TEST_CASE("accidents: deep directories made in parallel are searched to their ends",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const LogPlace place(with(backend, {"logs/**/f.log"}));
  Lines lines;
  for (int shell = 0; shell < 4; ++shell) {
    for (int i = 0; i < 125; ++i) {
      lines.push_back(std::to_string(shell) + "/" + std::to_string(i));
    }
  }
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  REQUIRE(process::shell("cd " + place.path("logs") +
                         "; for s in 0 1 2 3; do ( for i in $(seq 0 124); do "
                         "d=$s-$i/a/b/c/d; mkdir -p $d && echo $s/$i > $d/f.log; done ) & done; "
                         "wait")
              .exit_code == 0);
  CHECK(place.stores(lines));
}

TEST_CASE("accidents: nothing of ours is ever followed", "[agent][process]") {
  const LogPlace place({.patterns = {"**"}});
  place.write("logs/a.log", "one\n");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(process::eventually([&] { return contains(place.stored(), "one\n"); }));
    place.append("logs/a.log", "two\n");
    REQUIRE(process::eventually([&] { return contains(place.stored(), "two\n"); }));
    CHECK(count(place.log(), "passed over path=" + place.log_path()) == 1);
  }
  const std::string stored = place.stored();
  CHECK(count(stored, "two\n") == 1);          // not from a segment
  CHECK_FALSE(contains(stored, " running "));  // not from what the agent says
  CHECK(contains(stored, "data_dir: "));       // a file like any other
}
