// Files found by who has them open for writing (F23a): real processes, real /proc.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using process::Background;
using process::LogPlace;
using Lines = std::vector<std::string>;

LogPlace::Options open_files(const std::string& pattern = "logs/**") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  return {.backend = backend, .patterns = {pattern}, .from_more = "      discover: open\n"};
}

// A process that holds the file open, and does nothing else, until the end of the scope.
class Holder {
 public:
  Holder(const std::string& path, int flags) : pid_(::fork()) {
    if (pid_ != 0) return;
    if (::open(path.c_str(), flags, 0644) < 0) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  ~Holder() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

 private:
  pid_t pid_;
};

}  // namespace

TEST_CASE("open files: those that are written to are found, rotated ones and readers' are not",
          "[agent][process]") {
  const LogPlace place(open_files());
  fs::create_directory(place.path("logs/app"));
  place.write("logs/app/now", "written\n");
  place.write("logs/app/now.1", "rotated\n");
  place.write("logs/app/read", "read only\n");
  place.write("logs/app/skipped.tmp", "does not matter\n");
  const Holder writer(place.path("logs/app/now"), O_WRONLY | O_APPEND);
  const Holder reader(place.path("logs/app/read"), O_RDONLY);
  const Background agent(place.command(), place.log_path());
  REQUIRE(place.stores({"written"}));
  place.append("logs/app/now", "more\n");
  place.append("logs/app/now.1", "and more\n");
  REQUIRE(place.stores({"written", "more"}));
  // Who comes later.
  const Holder late(place.path("logs/app/late"), O_RDWR | O_CREAT);
  place.append("logs/app/late", "late\n");
  CHECK(place.stores({"written", "more", "late"}));
}

TEST_CASE("open files: one that was found is followed after its writer closed it and over restarts",
          "[agent][process]") {
  const LogPlace place(open_files());
  place.write("logs/a", "1\n");
  Lines lines = {"1"};
  {
    const Background agent(place.command(), place.log_path());
    {
      const Holder writer(place.path("logs/a"), O_WRONLY | O_APPEND);
      REQUIRE(place.stores(lines));
    }
    place.append("logs/a", "2\n");
    lines.push_back("2");
    REQUIRE(place.stores(lines));
    fs::rename(place.path("logs/a"), place.path("logs/a.1"));
    place.append("logs/a.1", "3\n");
    lines.push_back("3");
    REQUIRE(place.stores(lines));
  }
  place.append("logs/a.1", "4\n");
  lines.push_back("4");
  place.once();
  CHECK(place.stores(lines));
}

TEST_CASE("open files: exclude and our own files hold as ever", "[agent][process]") {
  LogPlace::Options options = open_files("**");
  options.from_more += "      exclude: [\"*.tmp\"]\n";
  const LogPlace place(options);
  place.write("logs/a", "1\n");
  place.write("logs/b.tmp", "excluded\n");
  const Holder writer(place.path("logs/a"), O_WRONLY);
  const Holder other(place.path("logs/b.tmp"), O_WRONLY);
  const Background agent(place.command(), place.log_path());
  REQUIRE(place.stores({"1"}));
  place.append("logs/a", "2\n");
  CHECK(place.stores({"1", "2"}));
}

TEST_CASE("open files: who may not look at others says so, and finds its own user's",
          "[agent][process]") {
  if (::geteuid() != 0) return;  // another user's processes take root to make
  const LogPlace place(open_files());
  place.write("logs/a", "ours\n");
  place.write("logs/b", "nobody's\n");
  process::shell("chmod -R a+rwX " + place.path("logs"));
  const auto holds = [&place](const std::string& file) {
    return "sh -c 'exec 3>>" + place.path(file) + "; exec sleep 1000'";
  };
  // Root, but without the right to look into others.
  const std::string ordinary = "setpriv --bounding-set=-sys_ptrace ";
  const Background own(ordinary + holds("logs/a"));
  const Background other("setpriv --reuid=nobody --regid=nogroup --clear-groups " +
                         holds("logs/b"));
  const Background agent(ordinary + place.command(), place.log_path());
  REQUIRE(place.stores({"ours"}));
  CHECK(process::eventually(
      [&] { return process::count(place.log(), "other users' processes") == 1; }));
  CHECK(process::counter(place, agent, "processes_hidden") > 0);
  CHECK(place.stores({"ours"}));
}
