#include "config/section.h"

#include <algorithm>
#include <utility>

#include "base/result.h"
#include "config/keys.h"
#include "config/suggest.h"
#include "config/units.h"

namespace config {

namespace {

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string joined(std::span<const std::string_view> words, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? std::string(last) : ", ";
    out += words[i];
  }
  return out;
}

// What to say after "unknown key 'x' in …": a near key, the section it belongs to, or what there
// is.
std::string way_out(std::string_view key, std::span<const std::string_view> known) {
  if (std::string near = did_you_mean(key, known); !near.empty()) return near;
  if (key == "<<") return "; merge keys are not supported";
  for (const KeySection& section : kKeySections) {
    if (std::ranges::find(section.keys, key) != section.keys.end()) {
      return "; it belongs " + std::string(section.place);
    }
  }
  return std::string(known.size() == 1 ? "; the only key is " : "; keys are ") +
         joined(known, " and ");
}

template <typename Value, typename Range>
bool within(Value value, const Range& range) {
  return value >= range.least && value <= range.most;
}

}  // namespace

std::string token_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::list:
      return node.items.empty() ? "an empty list" : "a list";
    case Node::Kind::map:
      return node.entries.empty() ? "an empty map" : "a map";
    case Node::Kind::scalar:
      break;
  }
  constexpr std::size_t kShownBytes = 60;
  if (node.written.size() <= kShownBytes) return quoted(node.written);
  std::size_t end = kShownBytes;
  while (end > 0 && (static_cast<unsigned char>(node.written[end]) & 0xC0U) == 0x80U) --end;
  return quoted(node.written.substr(0, end) + "…");
}

Section::Section(const Node& node, std::string what, std::span<const std::string_view> known,
                 Mistakes& mistakes)
    : node_(node), what_(std::move(what)), mistakes_(mistakes) {
  if (!is_map()) {
    mistakes_.add(node.place, (what_.empty() ? "the file" : what_) + " wants a map of keys (" +
                                  joined(known, ", ") + "), not " + token_of(node));
    return;
  }
  const std::string where = what_.empty() ? "" : " in " + what_;
  for (auto entry = node.entries.begin(); entry != node.entries.end(); ++entry) {
    const auto earlier = std::find_if(node.entries.begin(), entry, [&](const NodeEntry& other) {
      return other.key == entry->key;
    });
    if (std::ranges::find(known, entry->key) == known.end()) {
      mistakes_.add(entry->place,
                    "unknown key " + quoted(entry->key) + where + way_out(entry->key, known));
    } else if (earlier != entry) {
      mistakes_.add(entry->place, "key " + quoted(entry->key) + where +
                                      " is given twice, first in line " +
                                      std::to_string(earlier->place.line));
    }
  }
}

const Node* Section::find(std::string_view key) const {
  const auto found = std::ranges::find(node_.entries, key, &NodeEntry::key);
  return found == node_.entries.end() ? nullptr : &found->value;
}

Place Section::place_of(std::string_view key) const {
  const Node* node = find(key);
  return node == nullptr ? node_.place : node->place;
}

bool Section::wrong(std::string_view key, const Node& node, std::string_view wants,
                    std::string_view reason) const {
  std::string message =
      std::string(key) + " wants " + std::string(wants) + ", not " + token_of(node);
  if (!reason.empty()) message += (reason.starts_with(',') ? "" : "; ") + std::string(reason);
  mistakes_.add(node.place, std::move(message));
  return false;
}

const Node* Section::scalar(std::string_view key, std::string_view wants) const {
  const Node* node = find(key);
  if (node == nullptr || node->kind == Node::Kind::scalar) return node;
  wrong(key, *node, wants);
  return nullptr;
}

bool Section::bytes(std::string_view key, ByteRange range, std::uint64_t& into) const {
  const std::string wants = "a size from " + format_bytes(range.least) + " to " +
                            format_bytes(range.most) + (range.zero ? ", or 0 for no limit" : "");
  const Node* node = scalar(key, wants);
  if (node == nullptr) return find(key) == nullptr;
  const auto value = parse_bytes(node->text);
  if (!value) return wrong(key, *node, wants, value.error().message);
  if (!within(*value, range) && !(range.zero && *value == 0)) return wrong(key, *node, wants);
  into = *value;
  return true;
}

bool Section::duration(std::string_view key, TimeRange range, base::Duration& into) const {
  const std::string wants = "a time from " + format_duration(range.least) + " to " +
                            format_duration(range.most) + (range.zero ? ", or 0 for ever" : "");
  const Node* node = scalar(key, wants);
  if (node == nullptr) return find(key) == nullptr;
  const auto value = parse_duration(node->text);
  if (!value) return wrong(key, *node, wants, value.error().message);
  if (!within(*value, range) && !(range.zero && value->count() == 0))
    return wrong(key, *node, wants);
  into = *value;
  return true;
}

bool Section::count(std::string_view key, CountRange range, std::uint64_t& into) const {
  const std::string wants =
      "a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most);
  const Node* node = scalar(key, wants);
  if (node == nullptr) return find(key) == nullptr;
  const auto value = parse_count(node->text);
  if (!value || !within(*value, range)) return wrong(key, *node, wants);
  into = *value;
  return true;
}

std::optional<std::size_t> Section::word(std::string_view key,
                                         std::span<const std::string_view> words) const {
  const std::string wants = joined(words, " or ");
  const Node* node = scalar(key, wants);
  if (node == nullptr) return std::nullopt;
  const auto found = std::ranges::find(words, node->text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  wrong(key, *node, wants, did_you_mean(node->written, words));
  return std::nullopt;
}

bool Section::text(std::string_view key, std::string_view wants, std::string& into) const {
  const Node* node = scalar(key, wants);
  if (node == nullptr) return find(key) == nullptr;
  if (node->text.empty()) return wrong(key, *node, wants);
  into = node->text;
  return true;
}

bool Section::texts(std::string_view key, std::string_view wants, std::vector<Text>& into) const {
  const Node* node = find(key);
  if (node == nullptr) return true;
  const std::string one_or_list = std::string(wants) + " or a list of them";
  if (node->kind == Node::Kind::scalar && !node->text.empty()) {
    into.push_back({node->text, node->written, node->place});
    return true;
  }
  if (node->kind != Node::Kind::list) return wrong(key, *node, one_or_list);
  bool good = true;
  for (const Node& item : node->items) {
    if (item.kind == Node::Kind::scalar && !item.text.empty()) {
      into.push_back({item.text, item.written, item.place});
    } else {
      good = wrong(key, item, one_or_list);
    }
  }
  return good;
}

}  // namespace config
