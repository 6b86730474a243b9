// A stream's entry in the catalogue as text: one `name value...` per line, so that a dump can be
// read.
#pragma once

#include <string>
#include <string_view>

#include "store/catalog.h"

namespace store {

// Everything but the name. Numbers decimal, hash keys and id hexadecimal, durations in nanoseconds.
std::string format_stream(const StreamInfo& stream);

// False: not such a text. Lines with unknown names are skipped: a newer version may have written
// them.
bool parse_stream(std::string_view text, StreamInfo& stream);

}  // namespace store
