#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "config/syntax.h"

namespace config {

namespace {

Place place_at(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

// Builds our tree from the library's events. Follows aliases itself, so that a file that doubles
// its aliases ten times over meets kNodesMax and not the end of memory.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, Mistakes& mistakes, YamlKeys keys)
      : text_(text), mistakes_(mistakes), keys_(keys) {}

  Node take_root() { return std::move(root_); }
  std::size_t seen() const { return seen_; }
  std::size_t documents() const { return documents_; }
  bool unclosed_quote() const { return unclosed_quote_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ != 2) return;
    const std::string_view here = text_.substr(std::min(offset(mark), text_.size()));
    mistakes_.add(place_at(mark), here.starts_with("---")
                                      ? "a second document begins here; one file is one document"
                                      : "this cannot stand here");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node = made(Node::Kind::null, mark);
    const std::string_view here = text_.substr(std::min(offset(mark), text_.size()));
    // The library does not tell "null" from nothing; "to: null" means something.
    for (const std::string_view word : {"null", "Null", "NULL", "~"}) {
      if (here.starts_with(word)) node.written = word;
    }
    finish(std::move(node), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    Node node = made(Node::Kind::scalar, mark);
    if (is_unclosed_quote(text_, offset(mark))) {
      mistakes_.add(node.place,
                    std::string("the quote ") + text_[offset(mark)] + " is never closed");
      unclosed_quote_ = true;
    }
    node.text = node.written = value;
    finish(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      mistakes_.add(place_at(mark), "this alias is used inside its own anchor");
      finish(made(Node::Kind::null, mark), 0);
      return;
    }
    if (charge(found->second, mark)) finish(Node(found->second), 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(Node::Kind::list, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(Node::Kind::map, mark, tag, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapEnd() override { end(); }

 private:
  struct Open {  // a list or map that is not closed yet
    Node node;
    YAML::anchor_t anchor;
    std::optional<NodeEntry> key;  // of a map: waits for its value
    bool key_usable = true;
  };

  static std::size_t offset(const YAML::Mark& mark) {
    return mark.pos > 0 ? static_cast<std::size_t>(mark.pos) : 0;
  }

  Node made(Node::Kind kind, const YAML::Mark& mark) {
    seen_ = std::max(seen_, offset(mark));
    Node node;
    node.kind = kind;
    node.place = place_at(mark);
    return node;
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    mistakes_.add(place_at(mark), "tag '" + tag + "' is not supported");
  }

  void start(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
             YAML::anchor_t anchor) {
    if (too_deep_ == 0 && open_.size() < kDepthMax) {
      check_tag(mark, tag);
      open_.push_back({made(kind, mark), anchor, std::nullopt});
      return;
    }
    if (too_deep_++ == 0) {
      mistakes_.add(place_at(mark),
                    "values are nested more than " + std::to_string(kDepthMax) + " deep");
    }
  }

  void end() {
    if (too_deep_ > 0) {
      if (--too_deep_ == 0) put(Node{});
      return;
    }
    Open closed = std::move(open_.back());
    open_.pop_back();
    finish(std::move(closed.node), closed.anchor);
  }

  void finish(Node node, YAML::anchor_t anchor) {
    if (too_deep_ > 0) return;
    if (anchor != 0 && charge(node, YAML::Mark::null_mark())) anchors_[anchor] = node;
    put(std::move(node));
  }

  // The value goes into the innermost open list or map.
  void put(Node node) {
    if (open_.empty()) {
      if (documents_ == 1) root_ = std::move(node);
      return;
    }
    Open& open = open_.back();
    if (open.node.kind == Node::Kind::list) {
      open.node.items.push_back(std::move(node));
    } else if (!open.key) {
      const bool map = node.kind == Node::Kind::map && keys_ == YamlKeys::also_maps;
      open.key_usable = map || node.kind == Node::Kind::scalar || node.kind == Node::Kind::null;
      if (!open.key_usable)
        mistakes_.add(node.place, "a key must be a word, not " + token_of(node));
      open.key =
          NodeEntry{node.kind == Node::Kind::null ? node.written : node.text, node.place, {}};
      if (map) open.key->key_entries = std::move(node.entries);
    } else {
      // A missing value is where its key is: the library says where the next word stands.
      if (node.kind == Node::Kind::null && node.written.empty()) node.place = open.key->place;
      open.key->value = std::move(node);
      if (open.key_usable) open.node.entries.push_back(std::move(*open.key));
      open.key.reset();
    }
  }

  static void measure(const Node& node, std::size_t& nodes, std::size_t& bytes) {
    ++nodes;
    bytes += node.text.size();
    for (const Node& item : node.items) measure(item, nodes, bytes);
    for (const NodeEntry& entry : node.entries) {
      bytes += entry.key.size();
      measure(entry.value, nodes, bytes);
      for (const NodeEntry& part : entry.key_entries) measure(part.value, nodes, bytes);
    }
  }

  // Takes a copy's cost from the bounds. False, and a mistake once, when it does not fit.
  bool charge(const Node& node, const YAML::Mark& mark) {
    if (full_) return false;
    std::size_t nodes = nodes_, bytes = bytes_;
    measure(node, nodes, bytes);
    full_ = nodes > kNodesMax || bytes > kTextBytesMax;
    if (full_) {
      mistakes_.add(place_at(mark),
                    "aliases make the file larger than " + std::to_string(kNodesMax) + " values");
      return false;
    }
    nodes_ = nodes;
    bytes_ = bytes;
    return true;
  }

  std::string_view text_;
  Mistakes& mistakes_;
  YamlKeys keys_;
  Node root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t documents_ = 0;
  std::size_t too_deep_ = 0;  // lists and maps open below kDepthMax
  std::size_t seen_ = 0;      // offset of the last value understood, bytes
  std::size_t nodes_ = 0, bytes_ = 0;
  bool full_ = false;
  bool unclosed_quote_ = false;
};

}  // namespace

std::optional<Node> parse_yaml(std::string_view text, Mistakes& mistakes, YamlKeys keys) {
  TreeBuilder builder(text, mistakes, keys);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    // Two are enough to know; at a stray ',' the library finds new documents without end.
    while (builder.documents() < 2 && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& e) {  // the only place the library's exceptions are seen
    Mistake mistake = syntax_mistake(text, place_at(e.mark), e.msg, builder.seen());
    mistakes.add(mistake.place, std::move(mistake.message));
    return std::nullopt;
  } catch (const std::exception& e) {
    mistakes.add({}, std::string("not YAML: ") + e.what());
    return std::nullopt;
  }
  if (builder.unclosed_quote()) return std::nullopt;  // the rest of the file is in that text
  return builder.take_root();
}

}  // namespace config
