// Who needs an origin's marks, and for how long.
#include "agent/mark_table.h"

#include <vector>

#include "tests/test.h"

using Marks = agent::MarkTable::Marks;

namespace {
constexpr base::Origin kOrigin{7};
}  // namespace

TEST_CASE("marks: both checkpoints of one origin get them, in any order", "[agent]") {
  agent::MarkTable table;
  table.add(kOrigin, "app 1 10 100", {50, 0});
  table.add(kOrigin, "app 1 11 200", {0, 60});
  CHECK(table.take(kOrigin, "app 1 11 200") == Marks{50, 60});
  CHECK(table.take(kOrigin, "app 1 10 100") == Marks{50, 60});
  CHECK(table.find(kOrigin) == nullptr);
  CHECK(table.take(kOrigin, "app 1 10 100").empty());
}

TEST_CASE("marks: who asks a second time takes nothing from another", "[agent]") {
  agent::MarkTable table;
  table.add(kOrigin, "log", {50});
  table.add(kOrigin, "copy", {50});
  CHECK(table.take(kOrigin, "log") == Marks{50});
  CHECK(table.take(kOrigin, "log") == Marks{50});
  CHECK(table.take(kOrigin, "copy") == Marks{50});
  CHECK(table.origins().empty());
}

TEST_CASE("marks: they are kept until the last checkpoint that needs them is forgotten",
          "[agent]") {
  agent::MarkTable table;
  table.add(kOrigin, "log", {50});
  table.add(kOrigin, "note", {50, 70});
  table.forget(kOrigin, "log");
  REQUIRE(table.find(kOrigin) != nullptr);
  CHECK(*table.find(kOrigin) == Marks{50, 70});
  CHECK(table.origins() == std::vector<base::Origin>{kOrigin});
  table.forget(kOrigin, "note");
  CHECK(table.find(kOrigin) == nullptr);
}
