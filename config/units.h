// Units: sizes and times as people write them: 4MiB, 500ms, 7d. Pure.
//
// One whole number and one unit. Powers of 1024: B KiB MiB GiB TiB, and K M G T for short; powers
// of 1000: KB MB GB TB. Times: ns us ms s m h d w. Only 0 needs no unit: a bare "4" is more often a
// forgotten unit than four bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace config {

// Errors: ErrorCode::invalid or limit (does not fit), the message says why without naming the text:
// "unknown unit 'sec', did you mean 's'?"
base::Result<std::uint64_t> parse_bytes(std::string_view text);
base::Result<base::Duration> parse_duration(std::string_view text);
base::Result<std::uint64_t> parse_count(std::string_view text);  // digits only

// The shortest exact form: "4MiB", "1500ms", "24h"; parses back to the same value.
std::string format_bytes(std::uint64_t bytes);
std::string format_duration(base::Duration duration);

}  // namespace config
