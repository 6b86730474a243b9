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
      if (wanted > 256 && (slab.size() - wanted) * 5 > slab.size()) FAIL("wasteful for " << wanted);
      if (reinterpret_cast<std::uintptr_t>(slab.data()) % 64 != 0) FAIL("not aligned");
      pool.give_back(slab);
    }
  }
}

TEST_CASE("slab pool: every power of two is a size of its own", "[pipeline][pools]") {
  SlabPool pool(0);
  for (std::size_t bytes = 256; bytes <= 1 << 24; bytes *= 2) {
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

TEST_CASE("pools: trim frees what was not needed since the trim before", "[pipeline][pools]") {
  SlabPool slabs(std::size_t{1} << 20);
  ParcelPool parcels;
  ChunkPool chunks(1000, 4);
  const auto burst = [&](std::size_t count) {
    std::vector<std::span<char>> out;
    std::vector<Parcel*> sent;
    std::vector<std::span<char>> buffers;
    for (std::size_t i = 0; i < count; ++i) {
      out.push_back(slabs.take(1000 + 3000 * (i % 4)));
      sent.push_back(&parcels.take(5));
      buffers.push_back(chunks.take());
    }
    for (std::size_t i = 0; i < count; ++i) {
      slabs.give_back(out[i]);
      parcels.give_back(*sent[i]);
      chunks.give_back(buffers[i]);
    }
  };
  burst(4);
  CHECK(slabs.trim() + parcels.trim() + chunks.trim() == 0);  // all of it was needed
  burst(1);
  CHECK(chunks.trim() == 3 * (1000 + kPaddingBytes));
  CHECK(parcels.trim() > 3 * sizeof(Parcel));
  CHECK(slabs.trim() > 3 * 4000);
  CHECK(slabs.trim() + parcels.trim() + chunks.trim() > 0);  // nothing was used: the rest goes
  CHECK(slabs.trim() + parcels.trim() + chunks.trim() == 0);
  burst(4);  // and everything is there again when it is wanted
}

TEST_CASE("pools: trim leaves alone what is out", "[pipeline][pools]") {
  ParcelPool parcels;
  std::vector<Parcel*> all;
  for (int i = 0; i < 10; ++i) all.push_back(&parcels.take(1));
  for (int i = 0; i < 10; i += 2) parcels.give_back(*all[static_cast<std::size_t>(i)]);
  parcels.trim();
  CHECK(parcels.trim() >= 5 * sizeof(Parcel));
  for (int i = 1; i < 10; i += 2) {
    all[static_cast<std::size_t>(i)]->end_offset = 7;
    parcels.give_back(*all[static_cast<std::size_t>(i)]);
  }
  std::set<Parcel*> again;
  for (int i = 0; i < 10; ++i) again.insert(&parcels.take(1));
  CHECK(again.size() == 10);
}
