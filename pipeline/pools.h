// Pools of one reactor: chunk buffers to read into, slabs and parcels to send away. In steady state
// nothing here allocates: things go home and are used again. trim() frees what lay unused ever
// since the trim() before, so that a burst is forgotten; result: bytes.
//
// Not thread-safe; each reactor has its own. Memory belongs to the pool also while it is out, and
// dies with it: whoever uses it then must be gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "pipeline/batch.h"
#include "pipeline/chunk.h"

namespace pipeline {

class ChunkPool {
 public:
  // `buffer_bytes`: usable bytes of a buffer; kPaddingBytes more are allocated behind it.
  ChunkPool(std::size_t buffer_bytes, std::size_t buffers_max);
  // A buffer, or an empty span when all are out.
  std::span<char> take();
  void give_back(std::span<char> buffer);
  std::size_t buffer_bytes() const { return buffer_bytes_; }
  std::size_t trim();

 private:
  std::size_t buffer_bytes_;
  std::size_t buffers_max_;
  std::vector<std::unique_ptr<char[]>> all_;
  std::vector<char*> free_;
  std::size_t unused_ = 0;  // least free since the last trim()
};

// Slabs in size classes, four to each doubling, so that at most a fifth of a slab is unused. What
// is free is kept up to `keep_bytes` in all classes together; the rest goes back to malloc.
class SlabPool {
 public:
  explicit SlabPool(std::size_t keep_bytes);
  ~SlabPool();
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;

  // At least `bytes`, aligned to 64; the span's size is the class's size and is what the Budget is
  // charged.
  std::span<char> take(std::size_t bytes);
  void give_back(std::span<char> slab);
  std::size_t trim();

 private:
  struct Header;  // in front of every slab: its place in the list of all, or in its class's free
                  // list

  struct Class {
    Header* free = nullptr;  // the one used last is first
    std::size_t count = 0;
    std::size_t unused = 0;  // least of `count` since the last trim()
  };

  std::vector<Class> classes_;
  Header* out_ = nullptr;  // slabs somebody has
  std::size_t keep_bytes_;
  std::size_t kept_bytes_ = 0;
};

class ParcelPool {
 public:
  // Cleared, with room for `batches_max` batches.
  Parcel& take(std::size_t batches_max);
  void give_back(Parcel& parcel);
  std::size_t trim();

 private:
  std::vector<std::unique_ptr<Parcel>> all_;
  Parcel* free_ = nullptr;
  std::size_t free_count_ = 0;
  std::size_t unused_ = 0;  // least free since the last trim()
};

}  // namespace pipeline
