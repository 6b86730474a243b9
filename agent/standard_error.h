// print_error: a sentence on standard error. Where that cannot be written (its disk is full, nobody
// reads it any more) it is not heard, and nothing else happens: fmt::print would throw.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace agent {

void write_error(std::string_view text) noexcept;

template <typename... Args>
void print_error(fmt::format_string<Args...> format, Args&&... args) {
  write_error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace agent
