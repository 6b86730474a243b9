// Times as people and programs write them: RFC 3339, and "-5m" for five minutes ago. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace agent {

// "2026-11-21T07:04:05.123456Z"
std::string rfc3339(base::Timestamp time);

// RFC 3339 with any offset and up to nine decimals (cut to microseconds), or a minus sign and a
// duration as in the configuration: that long before `now`. ErrorCode::invalid says what is
// expected.
base::Result<base::Timestamp> parse_time(std::string_view text, base::Timestamp now);

}  // namespace agent
