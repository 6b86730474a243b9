#include "agent/foreign/json_tree.h"

#include <string>

#include "tests/test.h"

using agent::JsonValue;

TEST_CASE("json tree: every kind of value, numbers as they are", "[agent][foreign]") {
  const auto root = agent::parse_json(
      R"({"a":[1,-2,18446744073709551615],"b":"x\u0041\n","c":null,"d":true,"e":{}})");
  REQUIRE(root);
  CHECK(root->kind == JsonValue::Kind::object);
  const JsonValue* list = root->find("a");
  REQUIRE(list != nullptr);
  REQUIRE(list->items.size() == 3);
  CHECK(list->items[1].text == "-2");
  CHECK(list->items[2].text == "18446744073709551615");
  CHECK(*root->string("b") == "xA\n");
  CHECK(root->number("b") == nullptr);
  CHECK(root->find("c")->kind == JsonValue::Kind::null);
  CHECK(root->find("d")->text == "true");
  CHECK(root->find("e")->members.empty());
  CHECK(root->find("f") == nullptr);
}

TEST_CASE("json tree: an integer is one also when it is written as floating-point",
          "[agent][foreign]") {
  const auto root = agent::parse_json(
      R"([1.2345678e+07, 4.0, -0.0, 9007199254740991.0, 1e16, 1.5, -3.0, 1e300])");
  REQUIRE(root);
  const auto text = [&](std::size_t at) { return root->items.at(at).text; };
  CHECK(text(0) == "12345678");
  CHECK(text(1) == "4");
  CHECK(text(2) == "0");
  CHECK(text(3) == "9007199254740991");
  for (std::size_t other = 4; other < 8; ++other) CHECK(text(other).contains('.'));
}

TEST_CASE("json tree: cut anywhere it is an error, never a crash", "[agent][foreign]") {
  const std::string whole = R"({"k":"filestream::a","v":{"cursor":{"offset":12},"l":[1,{}]}})";
  REQUIRE(agent::parse_json(whole));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    CAPTURE(cut);
    CHECK_FALSE(agent::parse_json(std::string_view(whole).substr(0, cut)));
  }
  CHECK_FALSE(agent::parse_json(std::string(100'000, '[')));
}
