// The promises of io/io.h about files, order and cancelling, as tests that every backend runs: the
// ring, epoll and the simulator's.
//
// Use: TEMPLATE_TEST_CASE(…, World…) { io_test::promises_about_files<TestType>(); }
// A World is default-constructible, alone in its directory and offers
//   io::Io& io();  io::Files& files();  std::string directory();
#pragma once

#include <array>
#include <cerrno>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "io/files.h"
#include "io/io.h"
#include "tests/io/call.h"
#include "tests/test.h"

namespace io_test {

inline std::int64_t open(io::Io& io, const std::string& path, io::Open how) {
  Call call;
  io.open(call.operation, path.c_str(), how);
  return finish(io, call);
}

inline std::int64_t read(io::Io& io, io::Handle file, std::span<char> into, std::uint64_t offset) {
  Call call;
  io.read(call.operation, file, into, offset);
  return finish(io, call);
}

inline std::int64_t write(io::Io& io, io::Handle file, std::span<const std::string_view> pieces,
                          std::uint64_t offset) {
  Call call;
  io.write(call.operation, file, pieces, offset);
  return finish(io, call);
}

inline std::int64_t write(io::Io& io, io::Handle file, std::string_view bytes,
                          std::uint64_t offset) {
  return write(io, file, std::span(&bytes, 1), offset);
}

inline std::int64_t sync(io::Io& io, io::Handle file) {
  Call call;
  io.sync(call.operation, file);
  return finish(io, call);
}

// All of a file, by as many reads as it takes.
inline std::string content(io::Io& io, io::Handle file) {
  std::string all;
  std::array<char, 10'000> buffer;
  while (true) {
    const std::int64_t got = read(io, file, buffer, all.size());
    REQUIRE(got >= 0);
    if (got == 0) return all;
    all.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

// A new file that holds `text`.
template <typename World>
io::UniqueHandle new_file(World& world, const std::string& name, std::string_view text) {
  const std::int64_t handle =
      open(world.io(), world.directory() + "/" + name, io::Open::create_new);
  REQUIRE(handle >= 0);
  io::UniqueHandle file(world.files(), static_cast<io::Handle>(handle));
  REQUIRE(write(world.io(), file.get(), text, 0) == static_cast<std::int64_t>(text.size()));
  return file;
}

template <typename World>
void promises_about_opening() {
  World world;
  io::Io& io = world.io();
  const std::string path = world.directory() + "/file";
  SECTION("what is missing is not found, and not created") {
    CHECK(open(io, path, io::Open::read) == -ENOENT);
    CHECK(open(io, path, io::Open::update) == -ENOENT);
    CHECK(open(io, path, io::Open::directory) == -ENOENT);
    CHECK(world.files().list(world.directory())->empty());
  }
  SECTION("create_new creates once") {
    const io::UniqueHandle file = new_file(world, "file", "alpha");
    CHECK(open(io, path, io::Open::create_new) == -EEXIST);
    CHECK(content(io, file.get()) == "alpha");
  }
  SECTION("a file is not a directory") {
    new_file(world, "file", "alpha");
    CHECK(open(io, path, io::Open::directory) == -ENOTDIR);
  }
  SECTION("update writes into what is there") {
    new_file(world, "file", "alpha");
    const io::UniqueHandle file(world.files(),
                                static_cast<io::Handle>(open(io, path, io::Open::update)));
    CHECK(write(io, file.get(), "LPH", 1) == 3);
    CHECK(content(io, file.get()) == "aLPHa");
  }
  SECTION("append creates, and writes where the file ends") {
    for (const std::string_view text : {"one ", "two"}) {
      const io::UniqueHandle file(world.files(),
                                  static_cast<io::Handle>(open(io, path, io::Open::append)));
      CHECK(write(io, file.get(), text, io::Io::kAtEnd) == static_cast<std::int64_t>(text.size()));
      CHECK(write(io, file.get(), "|", io::Io::kAtEnd) == 1);
    }
    const io::UniqueHandle file(world.files(),
                                static_cast<io::Handle>(open(io, path, io::Open::read)));
    CHECK(content(io, file.get()) == "one |two|");
  }
}

template <typename World>
void promises_about_files() {
  World world;
  io::Io& io = world.io();
  const io::UniqueHandle file = new_file(world, "file", "0123456789");
  SECTION("a read gets what is there, and 0 at the end and behind it") {
    std::array<char, 16> buffer{};
    // Short reads are allowed, so only the first byte is certain.
    const std::int64_t got = read(io, file.get(), buffer, 4);
    REQUIRE(got >= 1);
    CHECK(std::string_view(buffer.data(), static_cast<std::size_t>(got)) ==
          std::string_view("456789").substr(0, static_cast<std::size_t>(got)));
    CHECK(read(io, file.get(), buffer, 10) == 0);
    CHECK(read(io, file.get(), buffer, 1'000'000) == 0);
    CHECK(read(io, file.get(), std::span<char>(), 0) == 0);
  }
  SECTION("a write of nothing is done like any other") {
    const std::array<std::string_view, 3> empty{};
    CHECK(write(io, file.get(), std::span<const std::string_view>(), 0) == 0);
    CHECK(write(io, file.get(), empty, 3) == 0);
    CHECK(content(io, file.get()) == "0123456789");
  }
  SECTION("a write behind the end leaves zeros between") {
    CHECK(write(io, file.get(), "x", 12) == 1);
    CHECK(content(io, file.get()) == std::string("0123456789\0\0x", 13));
  }
  SECTION("more pieces than one system call takes are written in order") {
    std::deque<std::string> texts;
    std::vector<std::string_view> pieces;
    std::string expected;
    for (std::size_t i = 0; i < 3000; ++i) {
      texts.emplace_back(i % 7 == 0 ? 0 : i % 313, static_cast<char>('a' + i % 26));
      pieces.push_back(texts.back());
      expected += texts.back();
    }
    CHECK(write(io, file.get(), pieces, 5) == static_cast<std::int64_t>(expected.size()));
    CHECK(content(io, file.get()) == "01234" + expected);
  }
  SECTION("long writes are written in order too") {
    std::string long_text(300'000, 'l');
    std::string longer(700'001, 'm');
    const std::array<std::string_view, 5> pieces = {"head", long_text, "", longer, "tail"};
    const std::string expected = "head" + long_text + longer + "tail";
    CHECK(write(io, file.get(), pieces, 3) == static_cast<std::int64_t>(expected.size()));
    CHECK(content(io, file.get()) == "012" + expected);
    CHECK(write(io, io::kNoHandle, pieces, 0) == -EBADF);
    CHECK(content(io, file.get()) == "012" + expected);
  }
  SECTION("syncs of files and directories succeed") {
    CHECK(sync(io, file.get()) == 0);
    const std::int64_t directory = open(io, world.directory(), io::Open::directory);
    REQUIRE(directory >= 0);
    const io::UniqueHandle owner(world.files(), static_cast<io::Handle>(directory));
    CHECK(sync(io, owner.get()) == 0);
  }
  SECTION("a handle that is none fails every operation") {
    std::array<char, 4> buffer{};
    CHECK(read(io, io::kNoHandle, buffer, 0) == -EBADF);
    CHECK(write(io, io::kNoHandle, "x", 0) == -EBADF);
    CHECK(sync(io, io::kNoHandle) == -EBADF);
  }
}

// Starts itself again from inside its `done`, `turns_left` times.
struct Chain {
  io::Io& io;
  io::Handle file;
  io::Operation operation = io::on<&Chain::done>(*this);
  std::array<char, 8> buffer{};
  int turns_left = 0;
  int depth = 0;
  int depth_max = 0;
  std::int64_t bytes = 0;

  void start() { io.read(operation, file, buffer, 0); }
  void done(std::int64_t result) {
    ++depth;
    depth_max = std::max(depth, depth_max);
    bytes += result > 0 ? 1 : 0;
    if (--turns_left > 0) start();
    --depth;
  }
};

// Writes once, when told that something else is done.
struct Follower {
  io::Io& io;
  io::Handle file;
  Call* call;
  io::Operation operation = io::on<&Follower::done>(*this);
  std::string_view text = "x";
  int calls_at_start = -1;

  void done(std::int64_t /*result*/) {
    io.write(call->operation, file, std::span(&text, 1), 0);
    calls_at_start = call->calls;
  }
};

template <typename World>
void promises_about_order() {
  World world;
  io::Io& io = world.io();
  const io::UniqueHandle file = new_file(world, "file", "0123456789");
  SECTION("nothing is done from inside the call that starts it") {
    Call write_call;
    Call read_call;
    std::array<char, 4> buffer{};
    const std::string_view text = "ab";
    io.write(write_call.operation, file.get(), std::span(&text, 1), 0);
    io.read(read_call.operation, file.get(), buffer, 5);
    CHECK(write_call.calls == 0);
    CHECK(read_call.calls == 0);
    while (write_call.calls == 0 || read_call.calls == 0) io.run_once(io::Io::kForever);
    io.run_once(base::Duration::zero());
    CHECK(write_call.calls == 1);
    CHECK(read_call.calls == 1);
    CHECK(write_call.result == 2);
  }
  SECTION("an operation may start itself again when it is done, without recursion") {
    Chain chain{.io = io, .file = file.get()};
    chain.turns_left = 1000;
    chain.start();
    while (chain.turns_left > 0) io.run_once(io::Io::kForever);
    CHECK(chain.depth_max == 1);
    CHECK(chain.bytes == 1000);
  }
  SECTION("what a `done` finishes at once waits for the next run") {
    Call second;
    Follower first{.io = io, .file = file.get(), .call = &second};
    const std::string_view text = "ab";
    io.write(first.operation, file.get(), std::span(&text, 1), 0);
    while (first.calls_at_start < 0) io.run_once(io::Io::kForever);
    CHECK(first.calls_at_start == 0);
    CHECK(second.calls == 0);
    CHECK(finish(io, second) == 1);
  }
  SECTION("thousands in flight together are each done once") {
    constexpr std::size_t kCount = 6000;
    std::string numbers;
    for (std::size_t i = 0; i < kCount; ++i) numbers += std::to_string(10'000 + i);
    REQUIRE(write(io, file.get(), numbers, 0) == static_cast<std::int64_t>(numbers.size()));
    std::deque<Call> calls(kCount);
    std::vector<std::array<char, 5>> buffers(kCount);
    for (std::size_t i = 0; i < kCount; ++i) {
      io.read(calls[i].operation, file.get(), buffers[i], 5 * i);
    }
    for (Call& call : calls) {
      while (call.calls == 0) io.run_once(io::Io::kForever);
    }
    io.run_once(base::Duration::zero());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < kCount; ++i) {
      const auto got = static_cast<std::size_t>(calls[i].result);
      const std::string expected = std::to_string(10'000 + i).substr(0, got);
      if (calls[i].calls != 1 || calls[i].result < 1 ||
          std::string_view(buffers[i].data(), got) != expected) {
        ++wrong;
      }
    }
    CHECK(wrong == 0);
  }
}

template <typename World>
void promises_about_cancelling() {
  World world;
  io::Io& io = world.io();
  const io::UniqueHandle file = new_file(world, "file", "0123456789");
  SECTION("cancelling what is not in flight does nothing") {
    Call call;
    io.cancel(call.operation);
    std::array<char, 4> buffer{};
    io.read(call.operation, file.get(), buffer, 0);
    CHECK(finish(io, call) >= 1);
    io.cancel(call.operation);
    io.run_once(base::Duration::zero());
    CHECK(call.calls == 1);
  }
  SECTION("a cancelled file operation is done once, with its result or ECANCELED") {
    std::deque<Call> calls(20);
    for (Call& call : calls) io.sync(call.operation, file.get());
    for (Call& call : calls) io.cancel(call.operation);
    for (Call& call : calls) {
      while (call.calls == 0) io.run_once(io::Io::kForever);
      CHECK((call.result == 0 || call.result == -ECANCELED));
    }
    io.run_once(base::Duration::zero());
    for (const Call& call : calls) CHECK(call.calls == 1);
  }
}

template <typename World>
void promises_about_waking() {
  World world;
  io::Io& io = world.io();
  SECTION("a wake before the wait ends it, however often it was repeated") {
    for (int i = 0; i < 3; ++i) io.wake();
    CHECK(io.run_once(io::Io::kForever));  // returns
    io.wake();
    CHECK(io.run_once(io::Io::kForever));
  }
  SECTION("a run without waiting returns with nothing to do, and says so") {
    for (int i = 0; i < 3; ++i) CHECK_FALSE(io.run_once(base::Duration::zero()));
  }
  SECTION("a run says that something was done") {
    const std::string path = world.directory();
    Call call;
    io.open(call.operation, path.c_str(), io::Open::directory);
    bool any = false;
    while (call.calls == 0) any = io.run_once(io::Io::kForever);
    CHECK(any);
    world.files().close(static_cast<io::Handle>(call.result));
  }
}

}  // namespace io_test
