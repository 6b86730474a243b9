// Compressed test data, made by the libraries themselves.
#pragma once

#include <zlib.h>
#include <zstd.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "sources/inflater.h"
#include "tests/test.h"

namespace compressed {

inline std::string gzip(std::string_view text, int level = 6) {
  z_stream stream{};
  REQUIRE(::deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(::deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

inline std::string zstd(std::string_view text, int level = 3) {
  std::string out(::ZSTD_compressBound(text.size()), '\0');
  const std::size_t bytes =
      ::ZSTD_compress(out.data(), out.size(), text.data(), text.size(), level);
  REQUIRE(::ZSTD_isError(bytes) == 0);
  out.resize(bytes);
  return out;
}

inline std::string compress(sources::Compression how, std::string_view text) {
  return how == sources::Compression::gzip ? gzip(text) : zstd(text);
}

// A zstd frame that is to be skipped, with `bytes` in it.
inline std::string skippable(std::string_view bytes) {
  std::string out("\x53\x2a\x4d\x18", 4);
  for (int shift = 0; shift < 32; shift += 8) {
    out += static_cast<char>((bytes.size() >> shift) & 0xffU);
  }
  return out + std::string(bytes);
}

}  // namespace compressed
