#include "sinks/line_stream.h"

#include "tests/sinks/world.h"
#include "tests/test.h"

using namespace sinks_test;

namespace {

struct Sample {
  Sample() {
    made.push_back(make_batch({"one", "", "three"}));
    made.push_back(make_batch({std::string(100, 'x')}));
    made.push_back(make_batch({""}));
    for (const auto& each : made) batches.push_back(&each->batch());
    text = "one\n\nthree\n" + std::string(100, 'x') + "\n\n";
  }
  std::vector<std::unique_ptr<TestBatch>> made;
  std::vector<pipeline::Batch*> batches;
  std::string text;
};

std::string read_all(sinks::LineStream& stream, std::size_t buffer_bytes) {
  std::string out;
  std::vector<char> buffer(buffer_bytes);
  while (const std::size_t bytes = stream.fill(buffer)) out.append(buffer.data(), bytes);
  return out;
}

}  // namespace

TEST_CASE("line stream: gives each record and a newline, through a buffer of any size",
          "[sinks][line_stream]") {
  const Sample sample;
  sinks::LineStream stream;
  for (std::size_t bytes = 1; bytes <= sample.text.size() + 1; ++bytes) {
    CAPTURE(bytes);
    stream.start(sample.batches);
    CHECK(read_all(stream, bytes) == sample.text);
  }
}

TEST_CASE("line stream: passes over any number of bytes", "[sinks][line_stream]") {
  const Sample sample;
  sinks::LineStream stream;
  for (std::size_t bytes = 0; bytes <= sample.text.size() + 1; ++bytes) {
    CAPTURE(bytes);
    stream.start(sample.batches);
    CHECK(stream.skip(bytes) == std::min(bytes, sample.text.size()));
    CHECK(read_all(stream, 16) == sample.text.substr(std::min(bytes, sample.text.size())));
  }
}

TEST_CASE("line stream: nothing gives nothing", "[sinks][line_stream]") {
  sinks::LineStream stream;
  stream.start({});
  CHECK(read_all(stream, 16).empty());
}
