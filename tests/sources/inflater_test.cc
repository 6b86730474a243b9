#include "sources/inflater.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "tests/sources/compressed_bytes.h"
#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using compressed::gzip;
using compressed::skippable;
using compressed::zstd;
using sources::Compression;
using State = sources::Inflated::State;

struct Result {
  std::string text;
  State state = State::between;
  std::string error;
};

// All of `bytes`, in pieces of `in_bytes`, into pieces of `out_bytes`.
Result inflate_all(Compression how, std::string_view bytes, std::size_t in_bytes,
                   std::size_t out_bytes) {
  const std::unique_ptr<sources::Inflater> inflater = sources::make_inflater(how);
  REQUIRE(inflater);
  Result result;
  std::string out(out_bytes, '\0');
  while (true) {
    const auto inflated = inflater->inflate(bytes.substr(0, in_bytes), out);
    REQUIRE(inflated.taken <= std::min(in_bytes, bytes.size()));
    REQUIRE(inflated.given <= out.size());
    bytes.remove_prefix(inflated.taken);
    result.text += out.substr(0, inflated.given);
    result.state = inflated.state;
    if (inflated.state == State::broken || (inflated.taken == 0 && inflated.given == 0)) break;
  }
  result.error = inflater->error();
  return result;
}

constexpr std::array kBoth = {Compression::gzip, Compression::zstd};

}  // namespace

TEST_CASE("inflater: gives back what was compressed, in pieces of any size",
          "[sources][inflater]") {
  const std::string text = scene::numbered(0, 3000);
  for (const Compression how : kBoth) {
    const std::string bytes = compressed::compress(how, text);
    REQUIRE(bytes.size() < text.size());
    for (const std::size_t in : {1, 7, 4096, 1 << 20}) {
      for (const std::size_t out : {1, 100, 65536, 1 << 20}) {
        CAPTURE(in, out);
        const Result result = inflate_all(how, bytes, in, out);
        CHECK(result.text == text);
        CHECK(result.state == State::between);
        CHECK(result.error.empty());
      }
    }
  }
}

TEST_CASE("inflater: members one after the other are one stream, empty ones too",
          "[sources][inflater]") {
  CHECK(inflate_all(Compression::gzip, gzip("a\n") + gzip("") + gzip("b\n"), 3, 5).text ==
        "a\nb\n");
  const std::string frames =
      skippable("12345") + zstd("a\n") + zstd("") + skippable("") + zstd("b\n") + skippable("x");
  CHECK(inflate_all(Compression::zstd, frames, 3, 5).text == "a\nb\n");
  CHECK(inflate_all(Compression::zstd, frames, 1000, 1000).state == State::between);
}

TEST_CASE("inflater: what is cut gives what was there and is not broken", "[sources][inflater]") {
  const std::string text = scene::numbered(0, 500);
  for (const Compression how : kBoth) {
    const std::string bytes = compressed::compress(how, text);
    for (std::size_t cut = 1; cut < bytes.size(); cut += cut + 25 < bytes.size() ? 13 : 1) {
      CAPTURE(cut);
      const Result result = inflate_all(how, bytes.substr(0, cut), 64, 4096);
      CHECK(result.state == State::inside);
      CHECK(text.starts_with(result.text));
    }
  }
}

TEST_CASE("inflater: says what is broken and gives what was before it", "[sources][inflater]") {
  const std::string text = scene::numbered(0, 500);
  std::string bytes = gzip(text);
  bytes[bytes.size() - 6] = static_cast<char>(bytes[bytes.size() - 6] ^ 1);  // of the checksum
  Result result = inflate_all(Compression::gzip, bytes, 64, 4096);
  CHECK(result.state == State::broken);
  CHECK(result.text == text);
  CHECK_FALSE(result.error.empty());
  result = inflate_all(Compression::zstd, zstd("a\n") + "nothing of the kind", 64, 4096);
  CHECK(result.state == State::broken);
  CHECK(result.text == "a\n");
  CHECK_FALSE(result.error.empty());
}

TEST_CASE("inflater: a zstd frame with too large a window is refused", "[sources][inflater]") {
  // Magic number; no checksum, no size; a window of 2^28 bytes; then a raw block.
  const std::string header("\x28\xb5\x2f\xfd\x00\x90", 6);
  const Result result = inflate_all(Compression::zstd, header + std::string(20, 'x'), 64, 4096);
  CHECK(result.state == State::broken);
  CHECK(result.error.contains("128 MiB"));
}

TEST_CASE("inflater: a file's first bytes tell how it is compressed", "[sources][inflater]") {
  using sources::compression_of;
  using sources::may_become_compressed;
  CHECK(compression_of(gzip("a").substr(0, 4)) == Compression::gzip);
  CHECK(compression_of(zstd("a").substr(0, 4)) == Compression::zstd);
  CHECK(compression_of(skippable("a").substr(0, 4)) == Compression::zstd);
  for (const char* plain : {"", "a", "\x1f", "\x1f\x9d", "(a/b", "PK\x03\x04", "\x28\xb5\x2f"}) {
    CAPTURE(plain);
    CHECK(compression_of(plain) == Compression::none);
  }
  for (const char* open : {"", "\x1f", "(", "\x28\xb5\x2f", "P", "P*", "P*M"}) {
    CAPTURE(open);
    CHECK(may_become_compressed(open));
  }
  for (const char* decided :
       {"a", "\x1f\x8b", "\x1f\x9d", "(a", "PK", "P*MA", "\x28\xb5\x2f\xfd"}) {
    CAPTURE(decided);
    CHECK_FALSE(may_become_compressed(decided));
  }
}
