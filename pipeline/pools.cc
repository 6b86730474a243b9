#include "pipeline/pools.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "base/assert.h"

namespace pipeline {
namespace {

constexpr std::size_t kAlignment = 64;  // a cache line
constexpr std::size_t kSlabBytesMin =
    256;  // a short line and its headers: thousands of files have one
constexpr std::size_t kStepsPerDoubling = 4;

// Class 0 holds kSlabBytesMin, class 4 twice that; between them the sizes grow evenly.
std::size_t class_bytes(std::size_t number) {
  const std::size_t step = (kSlabBytesMin / kStepsPerDoubling) << (number / kStepsPerDoubling);
  return step * (kStepsPerDoubling + number % kStepsPerDoubling);
}

// The smallest class of at least `bytes`.
std::size_t class_number(std::size_t bytes) {
  if (bytes <= kSlabBytesMin) return 0;
  // The doubling `bytes` falls in, then how many of its quarter steps it fills or begins.
  const auto doubling = static_cast<std::size_t>(std::bit_width((bytes - 1) / kSlabBytesMin)) - 1;
  const std::size_t step = (kSlabBytesMin / kStepsPerDoubling) << doubling;
  return doubling * kStepsPerDoubling + (bytes - 1) / step + 1 - kStepsPerDoubling;
}

}  // namespace

ChunkPool::ChunkPool(std::size_t buffer_bytes, std::size_t buffers_max)
    : buffer_bytes_(buffer_bytes), buffers_max_(buffers_max) {
  all_.reserve(buffers_max);
  free_.reserve(buffers_max);
}

std::span<char> ChunkPool::take() {
  if (free_.empty()) {
    if (all_.size() == buffers_max_) return {};
    all_.push_back(std::make_unique_for_overwrite<char[]>(buffer_bytes_ + kPaddingBytes));
    std::memset(all_.back().get() + buffer_bytes_, 0, kPaddingBytes);
    free_.push_back(all_.back().get());
  }
  // The buffer used last is the one still in the cache.
  char* buffer = free_.back();
  free_.pop_back();
  unused_ = std::min(unused_, free_.size());
  return {buffer, buffer_bytes_};
}

std::size_t ChunkPool::trim() {
  const std::size_t count = std::exchange(unused_, free_.size());
  for (std::size_t i = 0; i < count; ++i) {
    const char* const unused = free_[i];  // the back was used last
    std::erase_if(all_, [&](const auto& buffer) { return buffer.get() == unused; });
  }
  free_.erase(free_.begin(), free_.begin() + static_cast<std::ptrdiff_t>(count));
  unused_ = free_.size();
  return count * (buffer_bytes_ + kPaddingBytes);
}

void ChunkPool::give_back(std::span<char> buffer) {
  ASSERT(buffer.size() == buffer_bytes_);
  ASSERT(free_.size() < all_.size());
  free_.push_back(buffer.data());
}

struct alignas(kAlignment) SlabPool::Header {
  Header* next = nullptr;
  Header* previous = nullptr;  // only while out
  std::size_t bytes = 0;

  char* slab() { return reinterpret_cast<char*>(this + 1); }
  static Header* of(char* slab) { return reinterpret_cast<Header*>(slab) - 1; }
  static Header* allocate(std::size_t bytes) {
    void* memory = ::operator new(sizeof(Header) + bytes, std::align_val_t{kAlignment});
    Header* header = ::new (memory) Header;
    header->bytes = bytes;
    return header;
  }
  static void free(Header* header) { ::operator delete(header, std::align_val_t{kAlignment}); }
  static void free_list(Header* header) {
    while (header != nullptr) free(std::exchange(header, header->next));
  }
};

SlabPool::SlabPool(std::size_t keep_bytes) : keep_bytes_(keep_bytes) {}

SlabPool::~SlabPool() {
  for (const Class& each : classes_) Header::free_list(each.free);
  Header::free_list(out_);
}

std::span<char> SlabPool::take(std::size_t bytes) {
  const std::size_t number = class_number(bytes);
  if (number >= classes_.size()) classes_.resize(number + 1);
  Class& own = classes_[number];
  Header* header = own.free;
  if (header != nullptr) {
    own.free = header->next;
    own.unused = std::min(own.unused, --own.count);
    kept_bytes_ -= header->bytes;
  } else {
    header = Header::allocate(class_bytes(number));
  }
  header->previous = nullptr;
  header->next = out_;
  if (out_ != nullptr) out_->previous = header;
  out_ = header;
  return {header->slab(), header->bytes};
}

void SlabPool::give_back(std::span<char> slab) {
  if (slab.empty()) return;  // of a parcel without batches
  Header* header = Header::of(slab.data());
  ASSERT(header->bytes == slab.size());
  (header->previous != nullptr ? header->previous->next : out_) = header->next;
  if (header->next != nullptr) header->next->previous = header->previous;
  if (kept_bytes_ + header->bytes > keep_bytes_) {
    Header::free(header);
    return;
  }
  Class& own = classes_[class_number(header->bytes)];
  header->next = own.free;
  own.free = header;
  ++own.count;
  kept_bytes_ += header->bytes;
}

std::size_t SlabPool::trim() {
  const std::size_t before = kept_bytes_;
  for (Class& own : classes_) {
    // What was used last stays: the list is cut behind it.
    Header** end = &own.free;
    for (std::size_t kept = own.count - own.unused; kept > 0; --kept) end = &(*end)->next;
    for (Header* each = std::exchange(*end, nullptr); each != nullptr; --own.count) {
      kept_bytes_ -= each->bytes;
      Header::free(std::exchange(each, each->next));
    }
    own.unused = own.count;
  }
  return before - kept_bytes_;
}

Parcel& ParcelPool::take(std::size_t batches_max) {
  if (free_ == nullptr) {
    all_.push_back(std::make_unique<Parcel>());
    all_.back()->pool_index = all_.size() - 1;
    free_ = all_.back().get();
    ++free_count_;
  }
  Parcel& parcel = *std::exchange(free_, free_->next);
  unused_ = std::min(unused_, --free_count_);
  std::vector<Batch> batches = std::move(parcel.batches);
  batches.clear();
  batches.reserve(batches_max);
  const std::size_t index = parcel.pool_index;
  parcel = Parcel{};
  parcel.pool_index = index;
  parcel.batches = std::move(batches);
  return parcel;
}

void ParcelPool::give_back(Parcel& parcel) {
  ASSERT(parcel.unsettled == 0);
  parcel.next = free_;
  free_ = &parcel;
  ++free_count_;
}

std::size_t ParcelPool::trim() {
  std::size_t bytes = 0;
  Parcel** end = &free_;
  for (std::size_t kept = free_count_ - unused_; kept > 0; --kept) end = &(*end)->next;
  for (Parcel* each = std::exchange(*end, nullptr); each != nullptr; --free_count_) {
    const Parcel& parcel = *std::exchange(each, each->next);
    bytes += sizeof parcel + parcel.batches.capacity() * sizeof(Batch);
    const std::size_t index = parcel.pool_index;
    std::swap(all_[index], all_.back());
    all_[index]->pool_index = index;
    all_.pop_back();
  }
  if (bytes > 0) all_.shrink_to_fit();
  unused_ = free_count_;
  return bytes;
}

}  // namespace pipeline
