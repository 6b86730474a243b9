#include "sources/inode_births.h"

#include "tests/test.h"

using sources::InodeBirths;

TEST_CASE("inode births: another birth under the same number is another file", "[sources]") {
  InodeBirths births;
  CHECK_FALSE(births.reused({.device = 1, .inode = 7, .birth_ns = 100}));
  CHECK_FALSE(births.reused({.device = 1, .inode = 7, .birth_ns = 100}));  // the same again
  CHECK_FALSE(births.reused({.device = 2, .inode = 7, .birth_ns = 200}));  // on another device
  CHECK(births.reused({.device = 1, .inode = 7, .birth_ns = 300}));
  CHECK_FALSE(births.reused({.device = 1, .inode = 7, .birth_ns = 300}));
}

TEST_CASE("inode births: without births nothing is known, and it forgets when full", "[sources]") {
  InodeBirths births;
  CHECK_FALSE(births.reused({.device = 1, .inode = 7}));
  CHECK_FALSE(births.reused({.device = 1, .inode = 7, .birth_ns = 1}));
  for (std::uint64_t inode = 0; inode < InodeBirths::kInodesMax; ++inode) {
    births.reused({.device = 3, .inode = inode, .birth_ns = 1});
  }
  CHECK_FALSE(births.reused({.device = 1, .inode = 7, .birth_ns = 2}));
}
