// JsonValue: a small JSON document as a plain tree, so that one file alone knows the JSON library.
// For state files and settings, not for the data's way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace agent {

struct JsonMember;

struct JsonValue {
  enum class Kind : std::uint8_t { null, boolean, number, string, list, object };
  Kind kind = Kind::null;
  std::string text;  // string: unescaped; number: decimal digits; boolean: true or false
  std::vector<JsonValue> items;
  std::vector<JsonMember> members;  // in the document's order

  // nullptr: no object, or without that member.
  const JsonValue* find(std::string_view name) const;
  // The text of a member of that kind; nullptr when there is none.
  const std::string* string(std::string_view name) const;
  const std::string* number(std::string_view name) const;
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

// One document. ErrorCode::corrupt says what is wrong. Bounded in depth by the library. Never
// throws.
base::Result<JsonValue> parse_json(std::string_view text);

}  // namespace agent
