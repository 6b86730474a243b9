// RawRing: reads and writes of one file through io_uring without our Io, to measure what the ring
// can do: registered or not, buffered or O_DIRECT, at any depth.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace bench {

struct RingOptions {
  unsigned depth = 1;
  bool fixed_buffers = false;
  bool fixed_file = false;
};

class RawRing {
 public:
  // `buffers`: one of `bytes` per place of depth, `bytes` apart.
  RawRing(int file, char* buffers, std::size_t bytes, RingOptions options)
      : file_(file), buffers_(buffers), bytes_(bytes), options_(options) {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    expect(io_uring_queue_init_params(64, &ring_, &parameters), "io_uring_queue_init");
    io_uring_register_ring_fd(&ring_);
    if (options.fixed_file) {
      expect(io_uring_register_files(&ring_, &file_, 1), "io_uring_register_files");
      file_ = 0;
    }
    if (options.fixed_buffers) {
      std::vector<iovec> vectors;
      for (unsigned i = 0; i < options.depth; ++i) vectors.push_back({place(i), bytes});
      expect(io_uring_register_buffers(&ring_, vectors.data(), options.depth),
             "io_uring_register_buffers");
    }
  }
  RawRing(const RawRing&) = delete;
  RawRing& operator=(const RawRing&) = delete;
  ~RawRing() { io_uring_queue_exit(&ring_); }

  // Reads, or writes, `count` chunks from offset 0, `depth` at a time, always the next free place.
  void pass(std::size_t count, bool writing) {
    std::size_t started = 0;
    for (; started < count && started < options_.depth; ++started) {
      start(static_cast<unsigned>(started), started, writing);
    }
    for (std::size_t finished = 0; finished < count;) {
      io_uring_submit_and_wait(&ring_, 1);
      io_uring_cqe* cqe = nullptr;
      unsigned head = 0;
      unsigned seen = 0;
      io_uring_for_each_cqe(&ring_, head, cqe) {
        if (cqe->res != static_cast<int>(bytes_)) expect(cqe->res < 0 ? cqe->res : -5, "transfer");
        ++seen;
        if (started < count) start(static_cast<unsigned>(cqe->user_data), started++, writing);
      }
      io_uring_cq_advance(&ring_, seen);
      finished += seen;
    }
  }

  // One empty round trip.
  void nop() {
    io_uring_prep_nop(io_uring_get_sqe(&ring_));
    io_uring_submit_and_wait(&ring_, 1);
    io_uring_cq_advance(&ring_, 1);
  }

  static void expect(int result, const char* what) {
    if (result >= 0) return;
    std::fprintf(stderr, "%s: error %d\n", what, -result);
    std::exit(1);
  }

 private:
  char* place(unsigned i) { return buffers_ + i * bytes_; }

  void start(unsigned at, std::size_t chunk, bool writing) {
    io_uring_sqe* const sqe = io_uring_get_sqe(&ring_);
    const auto bytes = static_cast<unsigned>(bytes_);
    const std::uint64_t offset = chunk * bytes_;
    const int index = static_cast<int>(at);
    if (options_.fixed_buffers) {
      if (writing) {
        io_uring_prep_write_fixed(sqe, file_, place(at), bytes, offset, index);
      } else {
        io_uring_prep_read_fixed(sqe, file_, place(at), bytes, offset, index);
      }
    } else if (writing) {
      io_uring_prep_write(sqe, file_, place(at), bytes, offset);
    } else {
      io_uring_prep_read(sqe, file_, place(at), bytes, offset);
    }
    if (options_.fixed_file) io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    sqe->user_data = at;
  }

  io_uring ring_{};
  int file_;
  char* buffers_;
  std::size_t bytes_;
  RingOptions options_;
};

}  // namespace bench
