// Section: one map of the configuration, its keys read one by one as typed values.
//
// Each reader leaves its variable alone when the key is absent (the rooms' own defaults are the
// only ones) and when it is wrong, which it says in the Mistakes it was given. Returns false when
// wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "config/mistake.h"
#include "config/node.h"

namespace config {

struct ByteRange {
  std::uint64_t least = 0, most = 0;
  bool zero = false;  // 0 as well, although below `least`: "no limit"
};
struct TimeRange {
  base::Duration least{}, most{};
  bool zero = false;
};
struct CountRange {
  std::uint64_t least = 0, most = 0;
};

class Section {
 public:
  // `what` is how messages call it ("stream 'access'"; "" at the top). `node` and `mistakes`
  // outlive the section. Unknown and repeated keys are said here; so is a node that is no map.
  Section(const Node& node, std::string what, std::span<const std::string_view> known,
          Mistakes& mistakes);

  bool is_map() const { return node_.kind == Node::Kind::map; }
  const Node* find(std::string_view key) const;  // nullptr: absent
  Place place_of(std::string_view key) const;    // of its value, or of the section when absent
  const std::string& what() const { return what_; }

  bool bytes(std::string_view key, ByteRange range, std::uint64_t& into) const;
  bool duration(std::string_view key, TimeRange range, base::Duration& into) const;
  bool count(std::string_view key, CountRange range, std::uint64_t& into) const;
  // Index of the word given, nullopt when absent or wrong.
  std::optional<std::size_t> word(std::string_view key,
                                  std::span<const std::string_view> words) const;
  // Not empty. `wants`: what the message asks for, "an absolute path".
  bool text(std::string_view key, std::string_view wants, std::string& into) const;
  // One text or a list of them, each with its place.
  struct Text {
    std::string value;
    std::string written;  // as in the file, for messages
    Place place;
  };
  bool texts(std::string_view key, std::string_view wants, std::vector<Text>& into) const;

 private:
  const Node* scalar(std::string_view key, std::string_view wants) const;
  bool wrong(std::string_view key, const Node& node, std::string_view wants,
             std::string_view reason = {}) const;

  const Node& node_;
  std::string what_;
  Mistakes& mistakes_;
};

}  // namespace config
