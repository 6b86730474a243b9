#include "config/suggest.h"

#include <array>
#include <string>
#include <string_view>

#include "tests/test.h"

namespace {

constexpr std::array<std::string_view, 5> kWords = {"shards", "retention", "sync", "io",
                                                    "max_bytes"};

std::string near(std::string_view wrong) { return config::nearest(wrong, kWords); }

}  // namespace

TEST_CASE("suggest: an edit is a byte more, less, other or swapped with its neighbour",
          "[config][suggest]") {
  CHECK(config::edit_distance("", "") == 0);
  CHECK(config::edit_distance("", "abc") == 3);
  CHECK(config::edit_distance("abc", "") == 3);
  CHECK(config::edit_distance("abc", "abc") == 0);
  CHECK(config::edit_distance("abc", "abd") == 1);
  CHECK(config::edit_distance("abc", "abcd") == 1);
  CHECK(config::edit_distance("abc", "ac") == 1);
  CHECK(config::edit_distance("abc", "acb") == 1);
  CHECK(config::edit_distance("kitten", "sitting") == 3);
  CHECK(config::edit_distance("sitting", "kitten") == 3);
}

TEST_CASE("suggest: finds what was likely meant", "[config][suggest]") {
  CHECK(near("shard") == "shards");
  CHECK(near("Shards") == "shards");
  CHECK(near("SHARDS") == "shards");
  CHECK(near("retnetion") == "retention");
  CHECK(near("max-bytes") == "max_bytes");
  CHECK(near("snyc") == "sync");
  CHECK(near("oi") == "io");
  CHECK(near("retent") == "retention");
  CHECK(near("bytes") == "max_bytes");
}

TEST_CASE("suggest: says nothing rather than something far", "[config][suggest]") {
  CHECK(near("").empty());
  CHECK(near("x").empty());
  CHECK(near("xy").empty());
  CHECK(near("colour").empty());
  CHECK(near("shrd").empty());  // two edits in a word of four
  CHECK(near(std::string(100'000, 'a')).empty());
  CHECK(config::nearest("shards", {}).empty());
  CHECK(config::did_you_mean("shard", kWords) == ", did you mean 'shards'?");
  CHECK(config::did_you_mean("colour", kWords).empty());
}
