// Fifo: a named pipe, as man 7 fifo and the kernel have it: bytes in order, an end when all writers
// have left, told again and again to who was there, and to nobody who came later.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sim {

struct Fifo {
  static constexpr std::size_t kBytesMax = 65536;

  std::string bytes;
  std::uint32_t readers = 0;
  std::uint32_t writers = 0;
  std::uint64_t writers_ever = 0;

  // What nobody has read is gone when nobody has it open.
  void left() {
    if (readers == 0 && writers == 0) bytes.clear();
  }
};

class FifoReader {
 public:
  explicit FifoReader(std::shared_ptr<Fifo> fifo)
      : fifo_(std::move(fifo)), known_(fifo_->writers == 0 ? fifo_->writers_ever : 0) {
    ++fifo_->readers;
  }
  FifoReader(const FifoReader&) = delete;
  FifoReader& operator=(const FifoReader&) = delete;
  ~FifoReader() {
    --fifo_->readers;
    fifo_->left();
  }
  bool readable() const {
    return !fifo_->bytes.empty() || (fifo_->writers == 0 && fifo_->writers_ever != known_);
  }
  std::string& bytes() { return fifo_->bytes; }

 private:
  std::shared_ptr<Fifo> fifo_;
  std::uint64_t known_;  // of writers_ever: their leaving is no news
};

class FifoWriter {
 public:
  explicit FifoWriter(std::shared_ptr<Fifo> fifo) : fifo_(std::move(fifo)) {
    ++fifo_->writers;
    ++fifo_->writers_ever;
  }
  FifoWriter(const FifoWriter&) = delete;
  FifoWriter& operator=(const FifoWriter&) = delete;
  ~FifoWriter() {
    --fifo_->writers;
    fifo_->left();
  }
  bool broken() const { return fifo_->readers == 0; }  // to write would end the writer
  // How much of `text` there was room for.
  std::size_t write(std::string_view text) {
    const std::size_t count = std::min(text.size(), Fifo::kBytesMax - fifo_->bytes.size());
    fifo_->bytes += text.substr(0, count);
    return count;
  }

 private:
  std::shared_ptr<Fifo> fifo_;
};

}  // namespace sim
