#include "agent/json_text.h"

#include "tests/test.h"

using agent::is_utf8;

namespace {

std::string base64(std::string_view bytes) {
  std::string out;
  agent::append_base64(out, bytes);
  return out;
}

std::string member(std::string_view bytes) {
  std::string out;
  agent::append_json_member(out, "data", bytes);
  return out;
}

}  // namespace

TEST_CASE("json text: knows UTF-8 by its borders", "[agent][json_text]") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("plain"));
  CHECK(is_utf8("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"));
  CHECK(is_utf8("\xF4\x8F\xBF\xBF"));        // U+10FFFF
  CHECK_FALSE(is_utf8("\xF4\x90\x80\x80"));  // beyond it
  CHECK_FALSE(is_utf8("\xC0\x80"));          // overlong
  CHECK_FALSE(is_utf8("\xE0\x9F\xBF"));
  CHECK_FALSE(is_utf8("\xED\xA0\x80"));  // a surrogate
  CHECK_FALSE(is_utf8("\x80"));
  CHECK_FALSE(is_utf8("\xE2\x82"));  // cut
  CHECK_FALSE(is_utf8("\xFF"));
}

TEST_CASE("json text: escapes what JSON cannot hold", "[agent][json_text]") {
  CHECK(member("") == R"("data":"")");
  CHECK(member("a\"b\\c\n\r\t\x01") == R"("data":"a\"b\\c\n\r\t\u0001")");
  CHECK(member("\xC3\xA4") == "\"data\":\"\xC3\xA4\"");
}

TEST_CASE("json text: gives what is no text as base64 under another name", "[agent][json_text]") {
  CHECK(member("\xFF\xFE") == R"("data_base64":"//4=")");
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");  // RFC 4648, section 10
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
}
