// Partition keys out of JSON lines, beside simdjson alone on the same lines.
#include <simdjson.h>

#include <string>

#include "bench/bench.h"
#include "bench/lines.h"
#include "pipeline/framer.h"
#include "pipeline/key_reader.h"

int main(int argc, char** argv) {
  bench::Report report(argc, argv);
  const std::string padded = bench::padded(bench::json_lines({.seed = 1, .line_bytes = 167}));
  const pipeline::Chunk chunk{.bytes = std::string_view(padded).substr(0, padded.size() - 64)};
  const bench::Work work{.items = bench::count_lines(chunk.bytes), .bytes = chunk.bytes.size()};
  pipeline::RecordBlock block;
  pipeline::FramerCounters counters;
  pipeline::NewlineFramer({}).split(chunk, block, counters);
  pipeline::KeyReader reader("/client");
  simdjson::ondemand::parser parser;
  const auto limit = [&] {
    const char* end = padded.data() + padded.size();
    for (const std::string_view line : block.data) {
      simdjson::ondemand::document document;
      std::string_view client;
      const auto readable = static_cast<std::size_t>(end - line.data());
      if (parser.iterate(line.data(), line.size(), readable).get(document) == simdjson::SUCCESS &&
          document["client"].get_string().get(client) == simdjson::SUCCESS) {
        bench::keep(client);
      }
    }
  };
  report.beside(
      "json key/one field", work, [&] { bench::keep(reader.read(block)); }, "simdjson alone",
      limit);
}
