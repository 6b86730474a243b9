// Counts heap allocations of the whole program: a backend in steady state must make none.
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/io/contract.h"
#include "tests/io/real_world.h"

namespace {
std::atomic<std::size_t> allocations{0};
}

void* operator new(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}
// std::stable_sort asks this way; what `delete` below frees must come from here.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return operator new(bytes);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

struct Counter {
  io::Operation operation = io::on<&Counter::done>(*this);
  int calls = 0;
  void done(std::int64_t result) { calls += result >= 0 ? 1 : 1000; }
};

// One of each kind of operation, all in flight together.
void turn(io::Io& io, io::Handle file, const int (&ends)[2]) {
  std::array<char, 100> buffer;
  std::array<char, 100> received;
  const std::array<std::string_view, 2> pieces = {"abc", "defg"};
  std::array<Counter, 6> counters;
  io.write(counters[0].operation, file, pieces, 0);
  io.read(counters[1].operation, file, buffer, 0);
  io.sync(counters[2].operation, file);
  io.receive(counters[3].operation, ends[0], received);
  io.send(counters[4].operation, ends[1], pieces);
  io.read(counters[5].operation, file, buffer, 3);
  for (const Counter& counter : counters) {
    while (counter.calls == 0) io.run_once(io::Io::kForever);
  }
  for (const Counter& counter : counters) {
    if (counter.calls != 1) std::abort();
  }
}

}  // namespace

TEMPLATE_TEST_CASE("io: allocates nothing once it is warm", "[io]", io_test::UringWorld,
                   io_test::EpollWorld) {
  TestType world;
  const auto file = io_test::new_file(world, "file", "0123456789");
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  for (int i = 0; i < 50; ++i) turn(world.io(), file.get(), ends);
  const std::size_t before = allocations.load();
  for (int i = 0; i < 200; ++i) turn(world.io(), file.get(), ends);
  const std::size_t after = allocations.load();
  CHECK(after == before);
  ::close(ends[0]);
  ::close(ends[1]);
}
