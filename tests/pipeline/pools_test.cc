#include "pipeline/pools.h"

#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <vector>

#include "tests/test.h"

using pipeline::ChunkPool;
using pipeline::kPaddingBytes;
using pipeline::Parcel;
using pipeline::ParcelPool;
using pipeline::SlabPool;

TEST_CASE("chunk pool: lends as many buffers as it may, then none", "[pipeline][pools]") {
  ChunkPool pool(100, 2);
  const std::span<char> first = pool.take();
  const std::span<char> second = pool.take();
  CHECK(first.size() == 100);
  CHECK(first.data() != second.data());
  CHECK(pool.take().empty());
  std::memset(second.data(), 1, 100 + kPaddingBytes);  // the padding is ours to read and write
  pool.give_back(first);
  const std::span<char> third = pool.take();
  CHECK(third.data() == first.data());  // the one used last
  CHECK(pool.take().empty());
}

TEST_CASE("slab pool: a slab is big enough and wastes at most a fifth", "[pipeline][pools]") {
  SlabPool pool(0);
  for (std::size_t bytes = 1; bytes < 20'000'000; bytes += 1 + bytes / 7) {
    for (const std::size_t wanted : {bytes - 1, bytes, bytes + 1}) {
      const std::span<char> slab = pool.take(wanted);
      if (slab.size() < wanted) FAIL("too small for " << wanted);
      if (wanted > 1024 && (slab.size() - wanted) * 5 > slab.size())
        FAIL("wasteful for " << wanted);
      if (reinterpret_cast<std::uintptr_t>(slab.data()) % 64 != 0) FAIL("not aligned");
      pool.give_back(slab);
    }
  }
}

TEST_CASE("slab pool: every power of two is a size of its own", "[pipeline][pools]") {
  SlabPool pool(0);
  for (std::size_t bytes = 1024; bytes <= 1 << 24; bytes *= 2) {
    const std::span<char> slab = pool.take(bytes);
    CHECK(slab.size() == bytes);
    const std::span<char> above = pool.take(bytes + 1);
    CHECK(above.size() == bytes + bytes / 4);
    pool.give_back(slab);
    pool.give_back(above);
  }
}

TEST_CASE("slab pool: keeps free slabs up to its limit and hands them out again",
          "[pipeline][pools]") {
  SlabPool pool(8192);
  const std::span<char> first = pool.take(4096);
  const std::span<char> second = pool.take(4096);
  const std::span<char> third = pool.take(4096);
  pool.give_back(first);
  pool.give_back(second);
  pool.give_back(third);  // beyond the limit: freed; a sanitizer would see it used or leaked
  std::set<const char*> kept{first.data(), second.data()};
  CHECK(kept.erase(pool.take(4000).data()) == 1);
  CHECK(kept.erase(pool.take(4096).data()) == 1);
  pool.give_back({});  // the slab of a parcel without batches
}

TEST_CASE("slab pool: random lending never overlaps", "[pipeline][pools]") {
  const unsigned seed = 5;
  CAPTURE(seed);
  std::mt19937 random(seed);
  SlabPool pool(1 << 20);
  struct Lent {
    std::span<char> slab;
    char mark;
  };
  std::vector<Lent> lent;
  for (int i = 0; i < 5000; ++i) {
    if (lent.empty() || random() % 2 == 0) {
      lent.push_back({pool.take(random() % 50'000), static_cast<char>(random())});
      std::memset(lent.back().slab.data(), lent.back().mark, lent.back().slab.size());
      continue;
    }
    std::swap(lent[random() % lent.size()], lent.back());
    const Lent& last = lent.back();
    if (last.slab.front() != last.mark || last.slab.back() != last.mark) FAIL("overwritten");
    pool.give_back(last.slab);
    lent.pop_back();
  }
  // What is still out dies with the pool: a leak checker would complain otherwise.
}

TEST_CASE("parcel pool: a parcel comes back as new, with room", "[pipeline][pools]") {
  ParcelPool pool;
  Parcel& first = pool.take(10);
  CHECK(first.batches.capacity() >= 10);
  first.batches.resize(10);
  first.end_offset = 7;
  first.record_count = 3;
  first.credit_bytes = 9;
  first.ticket = 4;
  Parcel& other = pool.take(1);
  CHECK(&other != &first);
  pool.give_back(first);
  Parcel& again = pool.take(20);
  CHECK(&again == &first);
  CHECK(again.batches.empty());
  CHECK(again.batches.capacity() >= 20);
  CHECK(again.end_offset == 0);
  CHECK(again.record_count == 0);
  CHECK(again.credit_bytes == 0);
  CHECK(again.ticket == 0);
  CHECK(again.next == nullptr);
}
