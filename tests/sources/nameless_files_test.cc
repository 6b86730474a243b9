#include "sources/nameless_files.h"

#include <string>
#include <string_view>
#include <vector>

#include "sources/copy_checks.h"
#include "sources/paths.h"
#include "tests/sim/sim_random.h"
#include "tests/test.h"

namespace {

using sources::CopyChecks;
using sources::NamelessFiles;

// Counts whom it is asked about, and wants all of them, or nobody.
struct Asked {
  bool operator()(std::uint64_t number) {
    numbers.push_back(number);
    return wanted;
  }
  bool wanted = true;
  std::vector<std::uint64_t> numbers;
};

void insert(NamelessFiles& files, std::uint64_t number, const std::string& path,
            std::uint64_t device = 1) {
  files.insert(number, {.flow = 0, .device = device, .home = path, .path = path, .moved_to = {}});
}

std::uint64_t find_family(const NamelessFiles& files, std::string_view path) {
  return files.find_family(0, path, [](std::uint64_t) { return true; });
}

}  // namespace

TEST_CASE("nameless files: a family is what rotation leaves of a name", "[sources][nameless]") {
  CHECK(sources::family("app.log") == "app.log");
  CHECK(sources::family("app.log.1") == "app.log");
  CHECK(sources::family("app.log-20260101") == "app.log");
  CHECK(sources::family("2026-01-01") == "2026-01-01");
  CHECK(sources::family("").empty());
}

TEST_CASE("nameless files: are found by where they were and where they went",
          "[sources][nameless]") {
  NamelessFiles files;
  insert(files, 1, "/log/a.log");
  insert(files, 2, "/log/a.log");
  insert(files, 3, "/log/b.log");
  Asked none{.wanted = false, .numbers = {}};
  CHECK(files.find_at(0, "/log/a.log", std::ref(none)) == 0);
  CHECK(none.numbers == std::vector<std::uint64_t>{1, 2});
  CHECK(files.find_at(1, "/log/a.log", Asked{}) == 0);  // another flow's
  CHECK(files.find_at(0, "/log/a.log.1", Asked{}) == 0);
  files.moved(2, "/log/a.log.1");
  files.moved(4, "/log/a.log.1");  // none of them
  CHECK(files.find_at(0, "/log/a.log.1", Asked{}) == 2);
  files.erase(1);
  files.erase(1);
  CHECK(files.find_at(0, "/log/a.log", Asked{}) == 2);
  files.erase(2);
  CHECK(files.find_at(0, "/log/a.log", Asked{}) == 0);
  CHECK(files.find_at(0, "/log/a.log.1", Asked{}) == 0);
}

TEST_CASE("nameless files: a family is looked for in its directory, right above and right below",
          "[sources][nameless]") {
  NamelessFiles files;
  insert(files, 1, "/log/x/app.log.1");
  CHECK(find_family(files, "/log/x/app.log.2") == 1);
  CHECK(find_family(files, "/log/x/old/app.log") == 1);
  CHECK(find_family(files, "/log/app.log-20260101") == 1);
  CHECK(find_family(files, "/log/y/app.log.2") == 0);
  CHECK(find_family(files, "/log/x/old/er/app.log.2") == 0);
  CHECK(find_family(files, "/app.log.2") == 0);
  CHECK(find_family(files, "/log/x/app") == 0);
  files.moved(1, "/log/y/service");
  CHECK(find_family(files, "/log/y/service.1") == 1);
  CHECK(find_family(files, "/log/x/app.log.2") == 1);
  files.erase(1);
  CHECK(find_family(files, "/log/y/service.1") == 0);
}

TEST_CASE("nameless files: of thousands nobody is asked who cannot be meant",
          "[sources][nameless]") {
  NamelessFiles files;
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    const std::string place = "/log/" + std::to_string(i);
    insert(files, 2 * i, place + "/app.log");
    insert(files, 2 * i + 1, "/one/service" + std::to_string(i) + "x.log");
  }
  Asked all{.wanted = false, .numbers = {}};
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    const std::string place = "/log/" + std::to_string(i);
    files.find_at(0, place + "/app.log", std::ref(all));
    files.find_family(0, place + "/app.log.1", std::ref(all));
    files.find_family(0, "/one/service" + std::to_string(i) + "x.log.1", std::ref(all));
    files.find_namesake(0, "app.log", 1, std::ref(all));
  }
  CHECK(all.numbers.size() == 3000);
}

TEST_CASE("nameless files: families are found as by comparing all of them", "[sources][nameless]") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    sim::SimRandom random(seed);
    const auto name = [&random] {
      std::string text;
      for (std::uint64_t i = 1 + random.below(6); i-- > 0;) text += "ab1."[random.below(4)];
      return text;
    };
    NamelessFiles files;
    std::vector<std::string> names;
    for (std::uint64_t i = random.below(30); i-- > 0;) {
      names.push_back(name());
      insert(files, names.size(), "/log/" + names.back());
    }
    const std::uint64_t unwanted = 1 + random.below(30);
    for (int i = 0; i < 50; ++i) {
      const std::string asked = name();
      CAPTURE(asked);
      bool any = false;
      for (std::uint64_t each = 1; each <= names.size(); ++each) {
        any = any || (each != unwanted && asked.starts_with(sources::family(names[each - 1])));
      }
      const std::uint64_t found = files.find_family(
          0, "/log/" + asked, [&](std::uint64_t number) { return number != unwanted; });
      REQUIRE((found != 0) == any);
      if (found != 0) REQUIRE(asked.starts_with(sources::family(names[found - 1])));
    }
  }
}

TEST_CASE("nameless files: a namesake is on another device, and did not move",
          "[sources][nameless]") {
  NamelessFiles files;
  insert(files, 1, "/a/app.log", 1);
  insert(files, 2, "/b/app.log", 2);
  CHECK(files.find_namesake(0, "app.log", 1, Asked{}) == 2);
  CHECK(files.find_namesake(0, "app.log", 2, Asked{}) == 1);
  files.moved(2, "/b/app.log.1");
  CHECK(files.find_namesake(0, "app.log", 1, Asked{}) == 0);
  CHECK(files.find_namesake(0, "app.log", 3, Asked{}) == 1);
}

TEST_CASE("copy checks: know the copies of each original", "[sources][copies]") {
  CopyChecks checks;
  CHECK(checks.find(1) == nullptr);
  CHECK(checks.set_original(1, 9));
  CHECK_FALSE(checks.set_original(1, 9));
  checks.of(2).size = 5;
  checks.set_original(2, 9);
  CHECK(checks.copies_of(9) == std::set<std::uint64_t>{1, 2});
  CHECK(checks.set_original(1, 8));
  CHECK(checks.copies_of(9) == std::set<std::uint64_t>{2});
  CHECK(checks.copies_of(8) == std::set<std::uint64_t>{1});
  CHECK(checks.take(2)->size == 5);
  CHECK_FALSE(checks.take(2).has_value());
  CHECK(checks.copies_of(9).empty());
  CHECK(checks.size() == 1);
}
