// gzip, by zlib: members of RFC 1952 one after the other.
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include "sources/inflater.h"

namespace sources {
namespace {

constexpr int kGzipOnly = 15 + 16;  // the largest window, and a gzip header instead of zlib's own

// zlib counts in 32 bits.
template <typename Size>
uInt at_most(Size bytes) {
  return static_cast<uInt>(std::min<std::size_t>(bytes, std::numeric_limits<uInt>::max()));
}

class GzipInflater final : public Inflater {
 public:
  GzipInflater() { good_ = ::inflateInit2(&stream_, kGzipOnly) == Z_OK; }
  ~GzipInflater() override { ::inflateEnd(&stream_); }
  bool good() const { return good_; }

  Inflated inflate(std::string_view in, std::span<char> out) override {
    Inflated inflated{.taken = 0, .given = 0, .state = state_};
    if (state_ == Inflated::State::broken || out.empty()) return inflated;
    if (state_ == Inflated::State::between) {
      if (in.empty()) return inflated;
      ::inflateReset(&stream_);
      state_ = Inflated::State::inside;
    }
    // zlib does not write to its input; its declaration is older than const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = at_most(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = at_most(out.size());
    const uInt in_bytes = stream_.avail_in;
    const uInt out_bytes = stream_.avail_out;
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    inflated.taken = in_bytes - stream_.avail_in;
    inflated.given = out_bytes - stream_.avail_out;
    if (result == Z_STREAM_END) {
      state_ = Inflated::State::between;
    } else if (result == Z_MEM_ERROR) {
      state_ = Inflated::State::no_memory;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {  // the latter: nothing to do just now
      state_ = Inflated::State::broken;
      error_ = stream_.msg != nullptr ? stream_.msg : "not gzip";
    }
    inflated.state = state_;
    return inflated;
  }

  std::string_view error() const override { return error_; }

 private:
  z_stream stream_{};
  bool good_ = false;
  Inflated::State state_ = Inflated::State::between;
  std::string error_;
};

}  // namespace

std::unique_ptr<Inflater> make_gzip_inflater() {
  auto inflater = std::make_unique<GzipInflater>();
  if (!inflater->good()) return nullptr;
  return inflater;
}

}  // namespace sources
