#include "sinks/batch_split.h"

#include "tests/sinks/world.h"
#include "tests/test.h"

using namespace sinks_test;
using Strings = std::vector<std::string>;

namespace {

base::RunHeader header_of(const pipeline::Batch& batch) {
  base::RunHeader header;
  std::memcpy(&header, batch.run.data(), sizeof header);
  return header;
}

}  // namespace

TEST_CASE("batch split: finds every refused record and delivers all others in order",
          "[sinks][batch_split]") {
  constexpr unsigned kRecords = 7;
  for (unsigned refused = 0; refused < (1U << kRecords); ++refused) {
    CAPTURE(refused);
    Strings all, expected_delivered, expected_refused;
    for (unsigned i = 0; i < kRecords; ++i) {
      all.push_back(std::to_string(i));
      ((refused >> i & 1U) != 0 ? expected_refused : expected_delivered).push_back(all.back());
    }
    const auto made = make_batch(all);
    Strings delivered, culprits;
    sinks::BatchSplit split(made->batch());
    while (!split.finished()) {
      const Strings piece = records_of(split.piece());
      REQUIRE(!piece.empty());
      REQUIRE(piece.size() < kRecords);
      bool bad = false;
      for (const std::string& each : piece) bad = bad || (refused >> std::stoul(each) & 1U) != 0;
      if (!bad) {
        delivered.insert(delivered.end(), piece.begin(), piece.end());
        split.delivered();
        continue;
      }
      base::Record culprit;
      if (split.rejected(culprit)) culprits.emplace_back(culprit.data);
    }
    CHECK(delivered == expected_delivered);
    CHECK(culprits == expected_refused);
  }
}

TEST_CASE("batch split: only the last piece promises the source's progress",
          "[sinks][batch_split]") {
  const auto made = make_batch({"a", "b", "c", "d"});
  sinks::BatchSplit split(made->batch());
  CHECK(records_of(split.piece()) == Strings{"a", "b"});
  CHECK(header_of(split.piece()).end_offset == 0);
  CHECK(header_of(split.piece()).origin == base::Origin{7});
  CHECK(header_of(split.piece()).record_count == 2);
  split.piece().first_sequence = 42;
  split.delivered();
  while (!split.finished()) {
    const bool last = records_of(split.piece()).back() == "d";
    CHECK(header_of(split.piece()).end_offset == (last ? 1000 : 0));
    split.piece().first_sequence = 99;
    split.delivered();
  }
  CHECK(made->batch().first_sequence == 42);  // of the first piece
}
