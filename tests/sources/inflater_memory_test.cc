// Compressed files while there is no memory to inflate them: that is no damage, and passes.
//
// The libraries' functions are put in front of themselves here, so that they fail when a test wants
// it. Else all of sources_test has them as they are.
#include <dlfcn.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <string>
#include <utility>

#include "tests/sources/compressed_bytes.h"
#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Scene;
using sources::Compression;

struct Shortage {
  int calls_before = 0;  // that get what they want
  int calls = 0;         // that then do not
};
Shortage shortage;

bool lacks_memory() {
  if (shortage.calls == 0) return false;
  if (shortage.calls_before > 0) {
    --shortage.calls_before;
    return false;
  }
  --shortage.calls;
  return true;
}

template <typename Function>
Function* real(Function* /*like*/, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int inflateInit2_(z_streamp stream, int bits, const char* version, int bytes) {
  if (lacks_memory()) return Z_MEM_ERROR;
  return real(&inflateInit2_, "inflateInit2_")(stream, bits, version, bytes);
}

// It takes memory for its window when it has filled the output for the first time.
int inflate(z_streamp stream, int flush) {
  const int result = real(&inflate, "inflate")(stream, flush);
  return lacks_memory() ? Z_MEM_ERROR : result;
}

ZSTD_DCtx* ZSTD_createDCtx(void) {
  return lacks_memory() ? nullptr : real(&ZSTD_createDCtx, "ZSTD_createDCtx")();
}

std::size_t ZSTD_decompressStream(ZSTD_DStream* stream, ZSTD_outBuffer* out, ZSTD_inBuffer* in) {
  if (lacks_memory()) return static_cast<std::size_t>(-ZSTD_error_memory_allocation);
  return real(&ZSTD_decompressStream, "ZSTD_decompressStream")(stream, out, in);
}
}

TEST_CASE("inflater memory: what cannot be inflated for want of it is read when there is some",
          "[sources][inflater]") {
  const std::string first = scene::numbered(0, 500);
  const std::string second = scene::numbered(500, 1500);
  for (const Compression how : {Compression::gzip, Compression::zstd}) {
    for (int before = 0; before < 24; ++before) {
      for (const int calls : {1, 7}) {
        CAPTURE(static_cast<int>(how), before, calls);
        rig::Options options;
        options.chunk_bytes = 1024;
        options.tail.inflate = true;
        Scene scene(options);
        scene.write("/log/a", compressed::compress(how, first) + compressed::compress(how, second));
        shortage = {.calls_before = before, .calls = calls};
        scene.rig->add("/log/a", 1);
        scene.pass(60s);
        if (std::exchange(shortage, {}).calls == calls) {  // it was done before
          REQUIRE(before > 10);
          continue;
        }
        CHECK(scene.records() == scene::split(first + second));
        CHECK(scene.counters().compressed_errors.value() == 0);
        CHECK(scene.counters().read_errors.value() == static_cast<std::uint64_t>(calls));
        const auto said = std::ranges::count_if(scene.world.log_lines(), [](const auto& line) {
          return line.find("file cannot be read, will try again") != std::string::npos;
        });
        CHECK(said == 1);
        CHECK(scene.rig->tails().at_end());
        CHECK_FALSE(scene.rig->tails().given_up());
      }
    }
  }
}
