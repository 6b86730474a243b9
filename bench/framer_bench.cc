// Lines of one chunk, every variant of the newline scan, beside a memchr loop that only counts
// them.
#include <cstring>
#include <string>

#include "bench/bench.h"
#include "bench/lines.h"
#include "pipeline/framer.h"

namespace {

std::size_t memchr_loop(std::string_view text) {
  std::size_t count = 0;
  const char* at = text.data();
  const char* end = at + text.size();
  while (const void* newline = std::memchr(at, '\n', static_cast<std::size_t>(end - at))) {
    at = static_cast<const char*>(newline) + 1;
    ++count;
  }
  return count;
}

std::size_t positions(const pipeline::NewlineScan& scan, std::string_view text) {
  std::uint32_t out[pipeline::NewlineScan::kPieceBytes + pipeline::NewlineScan::kWriteAhead];
  std::size_t count = 0;
  for (std::uint32_t at = 0; at < text.size(); at += scan.kPieceBytes) {
    const auto end = std::min(static_cast<std::uint32_t>(text.size()), at + scan.kPieceBytes);
    count += static_cast<std::size_t>(scan.find(text.data(), at, end, '\n', out) - out);
    bench::keep(out[0]);
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report(argc, argv);
  for (const std::size_t line_bytes : {std::size_t{130}, std::size_t{400}}) {
    for (const std::size_t bytes : {std::size_t{64} << 10, std::size_t{256} << 10}) {
      const std::string padded =
          bench::padded(bench::log_lines({.seed = 1, .bytes = bytes, .line_bytes = line_bytes}));
      const std::string_view text = std::string_view(padded).substr(0, padded.size() - 64);
      const bench::Work work{.items = bench::count_lines(text), .bytes = text.size()};
      const std::string shape =
          std::string("/") + std::to_string(line_bytes) + "/" + std::to_string(bytes >> 10) + "K";
      const auto limit = [&] { bench::keep(memchr_loop(text)); };
      const pipeline::Chunk chunk{.bytes = text};
      pipeline::RecordBlock block;
      pipeline::FramerCounters counters;
      for (const pipeline::NewlineScan& scan : pipeline::newline_scans()) {
        const pipeline::NewlineFramer framer({}, scan);
        report.beside(
            std::string("positions/") + scan.name + shape, work,
            [&] { bench::keep(positions(scan, text)); }, "memchr loop", limit);
        report.beside(
            std::string("framer/") + scan.name + shape, work,
            [&] {
              framer.split(chunk, block, counters);
              bench::keep(block.consumed);
            },
            "memchr loop", limit);
      }
    }
  }
}
