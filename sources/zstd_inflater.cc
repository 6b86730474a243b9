// zstd, by libzstd: frames of RFC 8878 one after the other, skippable ones among them.
#include <zstd.h>
#include <zstd_errors.h>

#include <bit>
#include <memory>
#include <string>

#include "sources/inflater.h"

namespace sources {
namespace {

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ::ZSTD_freeDCtx(context); }
};

class ZstdInflater final : public Inflater {
 public:
  ZstdInflater() : context_(::ZSTD_createDCtx()) {
    constexpr int kWindowLogMax = std::countr_zero(kZstdWindowBytesMax);
    if (context_) ::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kWindowLogMax);
  }
  bool good() const { return context_ != nullptr; }

  Inflated inflate(std::string_view in, std::span<char> out) override {
    if (state_ == Inflated::State::broken || out.empty() ||
        (state_ == Inflated::State::between && in.empty())) {
      return {.taken = 0, .given = 0, .state = state_};
    }
    ZSTD_inBuffer input{.src = in.data(), .size = in.size(), .pos = 0};
    ZSTD_outBuffer output{.dst = out.data(), .size = out.size(), .pos = 0};
    const std::size_t result = ::ZSTD_decompressStream(context_.get(), &output, &input);
    if (::ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) {
      state_ = Inflated::State::no_memory;
    } else if (::ZSTD_isError(result) != 0) {
      // Not to be asked again when there is nothing to take and nothing to give.
      const bool idle = input.pos == 0 && output.pos == 0 && in.empty();
      if (!idle) fail(result);
    } else {
      state_ = result == 0 ? Inflated::State::between : Inflated::State::inside;
    }
    return {.taken = input.pos, .given = output.pos, .state = state_};
  }

  std::string_view error() const override { return error_; }

 private:
  void fail(std::size_t result) {
    state_ = Inflated::State::broken;
    error_ = ::ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge
                 ? "its window is larger than 128 MiB; compress it again without --ultra --long=28 "
                   "and above"
                 : ::ZSTD_getErrorName(result);
  }

  std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
  Inflated::State state_ = Inflated::State::between;
  std::string error_;
};

}  // namespace

std::unique_ptr<Inflater> make_zstd_inflater() {
  auto inflater = std::make_unique<ZstdInflater>();
  if (!inflater->good()) return nullptr;
  return inflater;
}

}  // namespace sources
