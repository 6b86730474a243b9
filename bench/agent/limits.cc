#include "bench/agent/limits.h"

#include <fcntl.h>
#include <lz4.h>
#include <simdjson.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/bench.h"
#include "pipeline/newline_scan.h"

namespace agent_bench {

namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr std::size_t kPaddingBytes = simdjson::SIMDJSON_PADDING;
static_assert(kPaddingBytes <= 4096);

// Calls visit(bytes) with what one read() brought, behind it the rest visit left over. visit
// returns how many bytes it is done with.
template <typename Visit>
int for_each_read(const std::string& path, Visit visit) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 1;
  // On a page boundary, as cat's. malloc's 16 bytes past one make read() from a page cache five
  // times slower here: each load then waits for the store just before it, equal in its low 12 bits.
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  const std::unique_ptr<char, Free> buffer(
      static_cast<char*>(std::aligned_alloc(4096, 2 * kReadBytes + 4096)));
  std::size_t kept = 0;
  while (true) {
    const ssize_t got = ::read(file, buffer.get() + kept, kReadBytes);
    if (got <= 0) break;
    const std::size_t have = kept + static_cast<std::size_t>(got);
    const std::size_t done = visit(std::string_view(buffer.get(), have));
    kept = have - done;
    if (kept > kReadBytes) return 1;  // a line longer than a read: not in these files
    std::memmove(buffer.get(), buffer.get() + done, kept);
  }
  ::close(file);
  return 0;
}

// Calls visit(count) after `positions` got the newlines of each piece of `bytes`.
template <typename Visit>
void for_each_piece(std::string_view bytes, std::vector<std::uint32_t>& positions, Visit visit) {
  const pipeline::NewlineScan& scan = pipeline::newline_scans().front();
  constexpr std::uint32_t kPiece = pipeline::NewlineScan::kPieceBytes;
  positions.resize(kPiece + pipeline::NewlineScan::kWriteAhead);
  for (std::uint32_t at = 0; at < bytes.size(); at += kPiece) {
    const auto end = std::min(at + kPiece, static_cast<std::uint32_t>(bytes.size()));
    std::uint32_t* const last = scan.find(bytes.data(), at, end, '\n', positions.data());
    visit(static_cast<std::size_t>(last - positions.data()));
  }
}

}  // namespace

int read_file(const std::string& path) {
  return for_each_read(path, [](std::string_view bytes) { return bytes.size(); });
}

int read_and_find_newlines(const std::string& path) {
  std::vector<std::uint32_t> positions;
  std::uint64_t lines = 0;
  const int code = for_each_read(path, [&](std::string_view bytes) {
    for_each_piece(bytes, positions, [&](std::size_t count) { lines += count; });
    return bytes.size();
  });
  bench::keep(lines);
  return code;
}

int read_and_take_field(const std::string& path) {
  simdjson::ondemand::parser parser;
  std::vector<std::uint32_t> positions;
  std::uint64_t found = 0;
  const int code = for_each_read(path, [&](std::string_view bytes) {
    const char* const end = bytes.data() + bytes.size() + kPaddingBytes;
    std::size_t begin = 0;
    for_each_piece(bytes, positions, [&](std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        const std::string_view line = bytes.substr(begin, positions[i] - begin);
        begin = positions[i] + 1;
        simdjson::ondemand::document document;
        std::string_view client;
        const auto readable = static_cast<std::size_t>(end - line.data());
        if (parser.iterate(line.data(), line.size(), readable).get(document) == simdjson::SUCCESS &&
            document["client"].get_string().get(client) == simdjson::SUCCESS) {
          ++found;
        }
      }
    });
    return begin;
  });
  return code != 0 || found == 0 ? 1 : 0;
}

int compress_lz4(const std::string& path, std::uint32_t threads) {
  constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status{};
  if (file < 0 || ::fstat(file, &status) != 0) return 1;
  const auto blocks = static_cast<std::uint64_t>(status.st_size) / kBlockBytes;
  std::vector<std::jthread> workers;
  for (std::uint32_t worker = 0; worker < threads; ++worker) {
    workers.emplace_back([=] {
      std::vector<char> raw(kBlockBytes);
      std::vector<char> packed(LZ4_COMPRESSBOUND(kBlockBytes));
      for (std::uint64_t block = worker; block < blocks; block += threads) {
        const ssize_t got =
            ::pread(file, raw.data(), raw.size(), static_cast<off_t>(block * kBlockBytes));
        bench::keep(LZ4_compress_default(raw.data(), packed.data(), static_cast<int>(got),
                                         static_cast<int>(packed.size())));
      }
    });
  }
  workers.clear();
  ::close(file);
  return 0;
}

}  // namespace agent_bench
