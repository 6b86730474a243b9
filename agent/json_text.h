// JSON for programs that read our output: strings, and bytes that are no text. Pure.
#pragma once

#include <string>
#include <string_view>

namespace agent {

bool is_utf8(std::string_view bytes);
// Appends `text`, valid UTF-8, as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);
// Appends "name":"text", or "name_base64":"…" when `bytes` is not UTF-8. Without commas.
void append_json_member(std::string& out, std::string_view name, std::string_view bytes);
void append_base64(std::string& out, std::string_view bytes);

}  // namespace agent
