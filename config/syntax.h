// syntax: what can be said about a file before and after the YAML library looked at it. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "config/config.h"
#include "config/mistake.h"

namespace config {

// Line and column of byte `offset`.
Place place_of(std::string_view text, std::size_t offset);

// Not a text: too large, control bytes, not UTF-8. The YAML library takes some bytes for its own
// marks (0x04 is its end of file), so they must not reach it.
std::optional<Mistake> text_mistake(std::string_view text);

// Is the quote at `offset` never closed? The library takes some such texts up to the end of the
// file.
bool is_unclosed_quote(std::string_view text, std::size_t offset);

// The YAML library refused `text` at `place` for `reason`. Says it in a person's words and points
// to where it began: at the quote that is never closed, at the tab. `seen`: offset of the last
// value it understood, bytes.
Mistake syntax_mistake(std::string_view text, Place place, std::string_view reason,
                       std::size_t seen);

}  // namespace config
