#include "config/load.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "config/node.h"
#include "config/read.h"
#include "config/syntax.h"
#include "config/text_file.h"
#include "config/validate.h"
#include "config/yaml.h"

namespace config {

namespace {

// Byte offset of `place` in `text`.
std::size_t offset_of(std::string_view text, Place place) {
  std::size_t offset = 0;
  for (std::uint32_t line = 1; line < place.line && offset < text.size(); ++line) {
    offset = std::min(text.find('\n', offset), text.size() - 1) + 1;
  }
  return std::min(offset + (place.column > 0 ? place.column - 1 : 0), text.size());
}

class Substituter {
 public:
  Substituter(std::string_view text, const Substitutions& world, Mistakes& mistakes)
      : text_(text), world_(world), mistakes_(mistakes) {}

  void walk(Node& node) {
    if (node.kind == Node::Kind::scalar) replace(node);
    for (Node& item : node.items) walk(item);
    for (NodeEntry& entry : node.entries) {
      if (entry.key.find("${") != std::string::npos) {
        mistakes_.add(entry.place,
                      "key '" + entry.key + "' cannot be substituted; only values can");
      }
      walk(entry.value);
    }
  }

 private:
  void replace(Node& node) {
    if (node.text.find("${") == std::string::npos) return;
    Substituted result = substitute(node.text, world_);
    for (Substituted::Problem& problem : result.problems) {
      mistakes_.add(place_in(node, problem.offset), std::move(problem.message));
    }
    if (!result.problems.empty()) mistakes_.settle(node.place);
    node.text = result.problems.empty() ? std::move(result.text) : std::string();
  }

  // Where in the file the value's "${" at `offset` stands: quotes and folds move it, so the "${"
  // are counted.
  Place place_in(const Node& node, std::size_t offset) const {
    std::size_t at = offset_of(text_, node.place);
    for (std::size_t i = node.text.find("${"); i < offset; i = node.text.find("${", i + 1)) {
      at = text_.find("${", at);
      if (at == std::string_view::npos) return node.place;
      ++at;
    }
    at = text_.find("${", at);
    return at == std::string_view::npos ? node.place : place_of(text_, at);
  }

  std::string_view text_;
  const Substitutions& world_;
  Mistakes& mistakes_;
};

}  // namespace

Loaded parse(std::string_view text, const Substitutions& substitutions) {
  Loaded loaded;
  loaded.text = text;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark is no text
  Mistakes mistakes;
  if (auto mistake = text_mistake(text)) {
    loaded.mistakes.push_back(std::move(*mistake));
    return loaded;
  }
  std::optional<Node> root = parse_yaml(text, mistakes);
  if (root && root->kind == Node::Kind::null) {
    if (mistakes.empty()) {
      mistakes.add({}, "the file is empty; a small one has data_dir and flows, see the example");
    }
  } else if (root) {
    Substituter(text, substitutions, mistakes).walk(*root);
    Places places;
    read_config(*root, loaded.config, places, mistakes);
    if (root->kind == Node::Kind::map) validate(loaded.config, places, mistakes);
  }
  loaded.mistakes = mistakes.take();
  return loaded;
}

base::Result<Loaded> load(io::Files& files, const std::string& path,
                          const std::map<std::string, std::string, std::less<>>& environment) {
  const std::string text = TRY(read_text_file(files, path, kFileBytesMax));
  return parse(text, {.environment = environment, .files = &files});
}

}  // namespace config
