#include "pipeline/key_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "base/assert.h"

namespace pipeline {
namespace {

static_assert(kPaddingBytes >= simdjson::SIMDJSON_PADDING);

constexpr std::size_t kLineBytesMin = 4096;  // what the parser is first made for

// The text between two unescaped slashes, with ~1 and ~0 replaced (RFC 6901, 4).
std::string step_name(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '~' && i + 1 < text.size();
    if (escape && text[i + 1] == '1') {
      name += '/';
      ++i;
    } else if (escape && text[i + 1] == '0') {
      name += '~';
      ++i;
    } else {
      name += text[i];
    }
  }
  return name;
}

std::size_t step_index(std::string_view name) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool leading_zero = name.size() > 1 && name.front() == '0';
  return error == std::errc{} && end == name.data() + name.size() && !leading_zero
             ? index
             : std::string_view::npos;
}

// A value's text as On-Demand gives it goes on to the next token.
std::string_view without_blanks_behind(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

bool is_number_or_boolean(std::string_view text) {
  const char first = text.front();
  return first == '-' || (first >= '0' && first <= '9') || text == "true" || text == "false";
}

}  // namespace

struct KeyReader::Json {
  simdjson::ondemand::parser parser;

  // Grows in powers of two: the parser by itself would allocate again for every line that is longer
  // than all before it.
  bool make_room(std::size_t line_bytes) {
    if (line_bytes <= parser.capacity()) return true;
    const std::size_t room = std::bit_ceil(std::max(line_bytes, kLineBytesMin));
    return parser.allocate(room) == simdjson::SUCCESS;
  }

  // Goes from a document or a value to one of its children.
  template <typename Parent>
  static bool step_into(Parent& parent, const Step& step, simdjson::ondemand::value& child) {
    simdjson::ondemand::json_type type{};
    if (parent.type().get(type) != simdjson::SUCCESS) return false;
    if (type == simdjson::ondemand::json_type::object) {
      return parent.find_field(step.name).get(child) == simdjson::SUCCESS;
    }
    if (type != simdjson::ondemand::json_type::array || step.index == std::string_view::npos) {
      return false;
    }
    return parent.at(step.index).get(child) == simdjson::SUCCESS;
  }

  bool find(simdjson::ondemand::document& document, const std::vector<Step>& steps,
            simdjson::ondemand::value& value) {
    if (!step_into(document, steps.front(), value)) return false;
    for (std::size_t i = 1; i < steps.size(); ++i) {
      simdjson::ondemand::value child;
      if (!step_into(value, steps[i], child)) return false;
      value = child;
    }
    return true;
  }
};

KeyReader::KeyReader(std::string_view pointer) : json_(std::make_unique<Json>()) {
  ASSERT(pointer.starts_with('/'));
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::string_view text = pointer.substr(0, pointer.find('/'));
    std::string name = step_name(text);
    const std::size_t index = step_index(name);
    steps_.push_back({std::move(name), index});
    pointer.remove_prefix(text.size());
  }
}

KeyReader::~KeyReader() = default;

std::uint64_t KeyReader::read(RecordBlock& block) {
  const std::string_view chunk = block.chunk->bytes;
  const char* readable_end = chunk.data() + chunk.size() + kPaddingBytes;
  if (scratch_.size() < chunk.size() + kPaddingBytes) scratch_.resize(chunk.size() + kPaddingBytes);
  scratch_used_ = 0;
  block.key.resize(block.size());
  std::uint64_t missing = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    block.key[i] = {};
    if (!block.reject.empty() && block.reject[i] != 0) continue;
    block.key[i] = read_one(block.data[i], readable_end);
    missing += block.key[i].empty() ? 1 : 0;
  }
  return missing;
}

std::string_view KeyReader::read_one(std::string_view line, const char* readable_end) {
  if (!json_->make_room(line.size())) return {};
  // Behind the line are other lines, or the chunk's padding: bytes that may be read.
  const auto readable = static_cast<std::size_t>(readable_end - line.data());
  simdjson::ondemand::document document;
  if (json_->parser.iterate(line.data(), line.size(), readable).get(document) !=
      simdjson::SUCCESS) {
    return {};
  }
  simdjson::ondemand::value value;
  if (!json_->find(document, steps_, value)) return {};
  const std::string_view text = without_blanks_behind(value.raw_json_token());
  if (text.empty()) return {};
  if (text.front() != '"') return is_number_or_boolean(text) ? text : std::string_view{};
  if (text.size() < 2 || text.back() != '"') return {};
  const std::string_view inside = text.substr(1, text.size() - 2);
  if (std::memchr(inside.data(), '\\', inside.size()) == nullptr) return inside;
  std::string_view unescaped;
  if (value.get_string().get(unescaped) != simdjson::SUCCESS) return {};
  return keep(unescaped);
}

// The parser forgets its strings with the next line. A string never grows by unescaping, so all of
// a chunk's fit where the chunk itself would.
std::string_view KeyReader::keep(std::string_view text) {
  ASSERT(scratch_used_ + text.size() + kPaddingBytes <= scratch_.size());
  char* kept = scratch_.data() + scratch_used_;
  std::memcpy(kept, text.data(), text.size());
  scratch_used_ += text.size();
  return {kept, text.size()};
}

}  // namespace pipeline
