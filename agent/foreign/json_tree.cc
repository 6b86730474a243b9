#include "agent/foreign/json_tree.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace agent {

namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

// Who reads numbers as floating-point may write offsets so, 1.2345678e+07, as Filebeat does with
// what it loaded. Below 2^53 that is exact.
std::string text_of(double value) {
  const bool whole = value >= 0 && value < 0x1p53 && std::trunc(value) == value;
  return whole ? std::to_string(static_cast<std::uint64_t>(value)) : std::to_string(value);
}

JsonValue tree_of(const element& from) {
  JsonValue value;
  switch (from.type()) {
    case element_type::ARRAY:
      value.kind = JsonValue::Kind::list;
      for (const element item : simdjson::dom::array(from)) value.items.push_back(tree_of(item));
      break;
    case element_type::OBJECT:
      value.kind = JsonValue::Kind::object;
      for (const auto member : simdjson::dom::object(from)) {
        value.members.push_back({std::string(member.key), tree_of(member.value)});
      }
      break;
    case element_type::INT64:
      value.kind = JsonValue::Kind::number;
      value.text = std::to_string(std::int64_t(from));
      break;
    case element_type::UINT64:
      value.kind = JsonValue::Kind::number;
      value.text = std::to_string(std::uint64_t(from));
      break;
    case element_type::DOUBLE:
      value.kind = JsonValue::Kind::number;
      value.text = text_of(double(from));
      break;
    case element_type::STRING:
      value.kind = JsonValue::Kind::string;
      value.text = std::string(std::string_view(from));
      break;
    case element_type::BOOL:
      value.kind = JsonValue::Kind::boolean;
      value.text = bool(from) ? "true" : "false";
      break;
    case element_type::NULL_VALUE:
      break;
  }
  return value;
}

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
  const auto at = std::ranges::find(members, name, &JsonMember::name);
  return at == members.end() ? nullptr : &at->value;
}

const std::string* JsonValue::string(std::string_view name) const {
  const JsonValue* member = find(name);
  return member != nullptr && member->kind == Kind::string ? &member->text : nullptr;
}

const std::string* JsonValue::number(std::string_view name) const {
  const JsonValue* member = find(name);
  return member != nullptr && member->kind == Kind::number ? &member->text : nullptr;
}

base::Result<JsonValue> parse_json(std::string_view text) {
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(text);
  element root;
  if (const auto error = parser.parse(padded).get(root); error != simdjson::SUCCESS) {
    return base::fail(base::ErrorCode::corrupt,
                      std::string("not JSON: ") + simdjson::error_message(error));
  }
  return tree_of(root);
}

}  // namespace agent
