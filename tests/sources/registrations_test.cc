#include "sources/registrations.h"

#include <string>

#include "tests/test.h"

namespace {

using base::Origin;
using base::ReactorId;
using sources::Registrations;

sources::Checkpoint known(std::uint64_t inode, std::uint64_t origin, std::int64_t birth_ns = 0) {
  sources::Checkpoint checkpoint;
  checkpoint.flow = "flow";
  checkpoint.identity = {.device = 1, .inode = inode, .birth_ns = birth_ns};
  checkpoint.origin = Origin{origin};
  return checkpoint;
}

std::string key(std::uint64_t inode) { return sources::checkpoint_key("flow", {1, inode, 0}); }

}  // namespace

TEST_CASE("registrations: what is late about a former file of an inode does not count (F15)",
          "[sources][registrations]") {
  Registrations registrations;
  constexpr ReactorId kFormer{0};
  constexpr ReactorId kPresent{1};
  CHECK_FALSE(registrations.is_stale(known(7, 1), kFormer, true));
  CHECK_FALSE(registrations.is_stale(known(7, 2), kPresent, true));
  CHECK(registrations.is_stale(known(7, 1), kFormer, false));
  CHECK(registrations.is_stale(key(7), Origin{1}));
  CHECK_FALSE(registrations.is_stale(known(7, 2), kPresent, false));
  CHECK_FALSE(registrations.is_stale(known(7, 0), kPresent, false));  // time ended its last record
  CHECK_FALSE(registrations.is_stale(key(7), Origin{2}));
  CHECK_FALSE(registrations.is_stale(known(7, 2), kFormer, false));  // it went there
  CHECK_FALSE(registrations.is_stale(known(7, 0), kFormer, false));
  CHECK_FALSE(registrations.is_stale(key(7), Origin{2}));  // forgotten by who owns none
  CHECK_FALSE(registrations.is_stale(key(7), Origin::none));
  CHECK_FALSE(registrations.is_stale(known(8, 1), kFormer, false));
  CHECK_FALSE(registrations.is_stale(key(8), Origin{1}));
}

TEST_CASE("registrations: what a former file is erased with leaves the present one's note",
          "[sources][registrations]") {
  Registrations registrations;
  CHECK_FALSE(registrations.is_stale(known(7, 1), ReactorId{1}, true));
  CHECK_FALSE(registrations.is_stale(known(7, 2), ReactorId{1}, true));  // of the same reactor
  CHECK(registrations.is_stale(key(7), Origin{1}));
  CHECK_FALSE(registrations.is_stale(key(7), Origin{2}));
}

TEST_CASE("registrations: births tell files apart, and few are remembered",
          "[sources][registrations]") {
  Registrations registrations;
  CHECK_FALSE(registrations.is_stale(known(7, 2, 5), ReactorId{1}, true));
  CHECK_FALSE(registrations.is_stale(known(7, 1, 5), ReactorId{0}, false));
  for (std::uint64_t i = 0; i <= Registrations::kMost; ++i) {
    CHECK_FALSE(registrations.is_stale(known(i, 2), ReactorId{1}, true));
  }
  CHECK_FALSE(registrations.is_stale(known(0, 1), ReactorId{0}, false));
  CHECK(registrations.is_stale(known(1, 1), ReactorId{0}, false));
}
