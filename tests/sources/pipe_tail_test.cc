// Pipes, FIFOs and files as standard input, through the real Io.
#include "sources/pipe_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "io/backends.h"
#include "tests/sources/pipe_rig.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

// One of our ends of a pipe or a FIFO.
struct End {
  explicit End(int given) : descriptor(given) { REQUIRE(descriptor >= 0); }
  ~End() { close(); }
  End(const End&) = delete;
  End& operator=(const End&) = delete;
  void write(std::string_view bytes) const {
    REQUIRE(::write(descriptor, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  void close() {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
  }
  int descriptor;
};

class Scene {
 public:
  explicit Scene(io::Backend backend, const rig::PipeOptions& options = {}) : rig(options) {
    std::string pattern = (fs::temp_directory_path() / "pipe_test.XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    io_ = io::make_io(backend, log_).value();
    environment_.emplace(io::Environment{*io_, *files_, *clock_, *random_, log_});
  }
  ~Scene() {
    tail->stop();
    CHECK(until([&] { return tail->idle(); }));
    CHECK(rig.budget().available_bytes() == static_cast<std::int64_t>(rig.budget().limit_bytes()));
    tail.reset();
    io_.reset();
    fs::remove_all(directory_);
  }

  sources::PipeTail::Parts parts() {
    return {
        .environment = *environment_, .intake = rig.intake(), .budget = rig.budget(), .input = {}};
  }
  void read_from(int descriptor) {
    auto given = parts();
    given.standard_input = descriptor;
    tail.emplace(given);
  }
  void read_fifo(bool once = false, base::Duration line_timeout = 0s) {
    auto given = parts();
    given.input.fifo = path("fifo");
    given.once = once;
    given.partial_line_timeout = line_timeout;
    tail.emplace(given);
  }
  void make_fifo() const { REQUIRE(::mkfifo(path("fifo").c_str(), 0600) == 0); }
  // Waits for the reader as a shell's '>' does, by turns.
  int open_writer() {
    int writer = -1;
    CHECK(until([&] {
      writer = ::open(path("fifo").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
      return writer >= 0;
    }));
    return writer;
  }

  void turn() {
    tail->tick(clock_->monotonic());
    io_->run_once(1ms);
    if (target_works) rig.deliver();
  }
  bool until(const std::function<bool()>& condition) {
    const base::Instant end = clock_->monotonic() + 20s;
    while (!condition()) {
      if (clock_->monotonic() > end) return false;
      turn();
    }
    return true;
  }
  // Writes lines until no more are read, which without a limit would never be. Their number.
  std::uint64_t fill(const End& pipe, const std::string& line) {
    REQUIRE(::fcntl(pipe.descriptor, F_SETFL, O_NONBLOCK) == 0);
    target_works = false;
    std::uint64_t written = 0;
    CHECK(until([&] {
      while (::write(pipe.descriptor, line.data(), line.size()) > 0) ++written;
      return errno == EAGAIN && !tail->reading() && rig.budget().starving();
    }));
    return written;
  }
  bool gets(const Lines& lines) {
    const bool enough = until([&] { return rig.records.size() >= lines.size(); });
    CHECK(rig.records == lines);
    return enough;
  }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::size_t said(std::string_view what) const {
    std::size_t count = 0;
    for (const std::string& line : said_) count += line.find(what) != line.npos;
    return count;
  }

  rig::PipeRig rig;
  std::optional<sources::PipeTail> tail;
  bool target_works = true;

 private:
  std::string directory_;
  Lines said_;
  base::Log log_{
      {.owner = &said_,
       .write = [](void* said, base::LogLevel,
                   std::string_view line) { static_cast<Lines*>(said)->emplace_back(line); },
       .now_us = [](void*) { return std::int64_t{0}; }},
      base::LogLevel::warn};
  std::unique_ptr<io::Files> files_ = io::make_files();
  std::unique_ptr<io::Clock> clock_ = io::make_clock();
  std::unique_ptr<io::Random> random_ = io::make_random();
  std::unique_ptr<io::Io> io_;
  std::optional<io::Environment> environment_;
};

struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    out.emplace(ends[0]);
    in.emplace(ends[1]);
  }
  std::optional<End> out, in;
};

io::Backend each_backend() { return GENERATE(io::Backend::automatic, io::Backend::epoll); }

}  // namespace

TEST_CASE("pipe tail: ends with its pipe, and takes the last line as it is", "[sources][pipe]") {
  Scene scene(each_backend());
  Pipe pipe;
  scene.read_from(pipe.out->descriptor);
  pipe.in->write("one\ntwo\nthr");
  CHECK(scene.gets({"one", "two"}));
  CHECK_FALSE(scene.tail->at_end());
  pipe.in->write("ee");
  pipe.in->close();
  CHECK(scene.until([&] { return scene.tail->at_end() && scene.tail->idle(); }));
  CHECK(scene.rig.records == Lines{"one", "two", "three"});
}

TEST_CASE("pipe tail: reads a file from where its descriptor stands", "[sources][pipe]") {
  Scene scene(each_backend());
  std::ofstream(scene.path("file")) << "before\none\ntwo";
  const End file(::open(scene.path("file").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(::lseek(file.descriptor, 7, SEEK_SET) == 7);
  scene.read_from(file.descriptor);
  CHECK(scene.until([&] { return scene.tail->at_end(); }));
  CHECK(scene.rig.records == Lines{"one", "two"});
}

TEST_CASE("pipe tail: what cannot be read is an end, and counted", "[sources][pipe]") {
  Scene scene(each_backend());
  const End directory(::open(scene.path("").c_str(), O_RDONLY | O_CLOEXEC));
  scene.read_from(directory.descriptor);
  CHECK(scene.until([&] { return scene.tail->at_end(); }));
  CHECK(scene.tail->counters().read_errors.value() == 1);
  CHECK(scene.said("standard input cannot be read") == 1);
}

TEST_CASE("pipe tail: a stop ends a read that waits, and keeps what came", "[sources][pipe]") {
  Scene scene(each_backend());
  Pipe pipe;
  scene.read_from(pipe.out->descriptor);
  pipe.in->write("one\nhalf");
  CHECK(scene.gets({"one"}));
  CHECK(scene.until([&] { return scene.tail->reading(); }));
  scene.tail->stop();
  CHECK(scene.until([&] { return scene.tail->idle(); }));
  CHECK(scene.rig.records == Lines{"one", "half"});
}

TEST_CASE("pipe tail: a stop takes what is in the pipe", "[sources][pipe]") {
  Scene scene(each_backend());
  const bool fifo = GENERATE(true, false);
  const bool writer_leaves = GENERATE(true, false);
  const int lines = GENERATE(0, 1, 3000);
  CAPTURE(fifo, writer_leaves, lines);
  Pipe pipe;
  if (fifo) {
    scene.make_fifo();
    scene.read_fifo();
    pipe.in.emplace(scene.open_writer());
  } else {
    scene.read_from(pipe.out->descriptor);
  }
  pipe.in->write("one\n");
  Lines wanted = {"one"};
  CHECK(scene.gets(wanted));
  std::string more;
  for (int i = 0; i < lines; ++i) {
    wanted.push_back("line " + std::to_string(i));
    more += wanted.back() + "\n";
  }
  wanted.emplace_back("half");
  pipe.in->write(more + "half");
  if (writer_leaves) pipe.in->close();
  scene.tail->stop();
  CHECK(scene.until([&] { return scene.tail->idle(); }));
  CHECK(scene.rig.records == wanted);
}

TEST_CASE("pipe tail: a stop does not tear a line of a FIFO's second writer", "[sources][pipe]") {
  Scene scene(each_backend());
  scene.make_fifo();
  scene.read_fifo();
  End(scene.open_writer()).write("one\n");
  CHECK(scene.gets({"one"}));
  CHECK(scene.until([&] { return scene.tail->counters().ends.value() == 1; }));
  const End second(scene.open_writer());
  for (const char* piece : {"two\n", "ha"}) {
    CHECK(scene.until([&] { return scene.tail->reading(); }));
    const std::uint64_t reads = scene.tail->counters().reads.value();
    second.write(piece);
    CHECK(scene.until([&] { return scene.tail->counters().reads.value() > reads; }));
  }
  second.write("lf\n");
  scene.tail->stop();
  CHECK(scene.until([&] { return scene.tail->idle(); }));
  CHECK(scene.rig.records == Lines{"one", "two", "half"});
}

TEST_CASE("pipe tail: a stop waits for room in the budget, unless nobody takes anything",
          "[sources][pipe]") {
  Scene scene(each_backend(), {.budget_bytes = 1 << 20});
  Pipe pipe;
  scene.read_from(pipe.out->descriptor);
  const std::uint64_t written = scene.fill(*pipe.in, std::string(1023, 'x') + "\n");
  scene.tail->stop();
  CHECK(scene.tail->reading());
  if (GENERATE(true, false)) {
    scene.tail->abandon();
    CHECK_FALSE(scene.tail->reading());
    scene.target_works = true;
  } else {
    scene.target_works = true;
    CHECK(scene.until([&] { return scene.tail->idle(); }));
    CHECK(scene.rig.records.size() == written);
  }
}

TEST_CASE("pipe tail: does not read what the budget cannot hold", "[sources][pipe]") {
  Scene scene(each_backend(), {.budget_bytes = 1 << 20});
  Pipe pipe;
  scene.read_from(pipe.out->descriptor);
  const std::string line = std::string(1023, 'x') + "\n";
  const std::uint64_t written = scene.fill(*pipe.in, line);
  CHECK(written * line.size() < 3 << 20);
  scene.target_works = true;
  CHECK(scene.until([&] { return scene.rig.records.size() == written; }));
}

TEST_CASE("pipe tail: a FIFO is waited for", "[sources][pipe]") {
  Scene scene(each_backend());
  scene.read_fifo();
  CHECK(scene.until([&] { return scene.said("it is not there") == 1; }));
  std::ofstream(scene.path("fifo")) << "a file\n";
  CHECK(scene.until([&] { return scene.said("it is no FIFO") == 1; }));
  fs::remove(scene.path("fifo"));
  scene.make_fifo();
  const End writer(scene.open_writer());
  writer.write("line\n");
  CHECK(scene.gets({"line"}));
  CHECK(scene.said("cannot be opened") <= 3);  // once each; "not there" again while it was changed
}

TEST_CASE("pipe tail: a FIFO's writers come and go", "[sources][pipe]") {
  Scene scene(each_backend());
  scene.make_fifo();
  scene.read_fifo();
  Lines expected;
  for (int round = 0; round < 50; ++round) {
    End first(scene.open_writer()), second(scene.open_writer());
    first.write(std::to_string(round) + " first\n");
    first.close();
    second.write(std::to_string(round) + " second\n");
    expected.push_back(std::to_string(round) + " first");
    expected.push_back(std::to_string(round) + " second");
  }
  CHECK(scene.gets(expected));
}

TEST_CASE("pipe tail: the line a FIFO's last writer did not finish is a line", "[sources][pipe]") {
  Scene scene(each_backend());
  scene.make_fifo();
  scene.read_fifo();
  End(scene.open_writer()).write("one\nhalf");
  CHECK(scene.gets({"one", "half"}));
  End(scene.open_writer()).write("two\n");
  CHECK(scene.gets({"one", "half", "two"}));
}

TEST_CASE("pipe tail: a FIFO without writers costs no reads", "[sources][pipe]") {
  Scene scene(each_backend());
  scene.make_fifo();
  scene.read_fifo();
  End(scene.open_writer()).write("one\n");
  CHECK(scene.gets({"one"}));
  CHECK(scene.until([&] { return scene.tail->counters().ends.value() == 1; }));
  const std::uint64_t reads = scene.tail->counters().reads.value();
  for (int i = 0; i < 200; ++i) scene.turn();
  CHECK(scene.tail->counters().reads.value() <= reads + 3);  // the old one's end; the new one's
}

TEST_CASE("pipe tail: a group is not torn where its writer leaves", "[sources][pipe]") {
  Scene scene(each_backend(), {.groups = rig::indented(100s)});
  scene.make_fifo();
  scene.read_fifo();
  for (const char* line : {"one\n", " more\n", "two\n"}) {
    const std::uint64_t ends = scene.tail->counters().ends.value();
    End(scene.open_writer()).write(line);
    CHECK(scene.until([&] { return scene.tail->counters().ends.value() > ends; }));
  }
  CHECK(scene.gets({"one\n more"}));
}

TEST_CASE("pipe tail: a FIFO that was made anew is found", "[sources][pipe]") {
  Scene scene(each_backend());
  scene.make_fifo();
  scene.read_fifo();
  Lines lines;
  if (GENERATE(true, false)) {  // else nobody ever wrote to the old one
    End(scene.open_writer()).write("old\n");
    lines.emplace_back("old");
  }
  CHECK(scene.gets(lines));
  CHECK(scene.until([&] { return scene.tail->reading(); }));
  fs::remove(scene.path("fifo"));
  scene.make_fifo();
  End(scene.open_writer()).write("new\n");  // has to wait until it is
  lines.emplace_back("new");
  CHECK(scene.gets(lines));
}

TEST_CASE("pipe tail: time ends the line of a FIFO's writer that stays", "[sources][pipe]") {
  Scene scene(each_backend());
  scene.make_fifo();
  scene.read_fifo(false, 5ms);
  const End writer(scene.open_writer());
  writer.write("half");
  CHECK(scene.gets({"half"}));
  writer.write("\nnext\n");
  CHECK(scene.gets({"half", "next"}));
}

TEST_CASE("pipe tail: once, a FIFO ends with its writers, and not before they came",
          "[sources][pipe]") {
  Scene scene(each_backend());
  scene.make_fifo();
  scene.read_fifo(true);
  for (int i = 0; i < 50; ++i) scene.turn();
  CHECK_FALSE(scene.tail->at_end());
  End first(scene.open_writer());
  End second(scene.open_writer());
  first.write("one\n");
  first.close();
  CHECK(scene.gets({"one"}));
  CHECK_FALSE(scene.tail->at_end());
  second.write("two");
  second.close();
  CHECK(scene.until([&] { return scene.tail->at_end(); }));
  CHECK(scene.rig.records == Lines{"one", "two"});
}
