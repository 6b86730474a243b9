#include "config/substitute.h"

#include <algorithm>
#include <utility>

#include "base/result.h"
#include "config/text_file.h"

namespace config {

namespace {

constexpr std::string_view kOnly =
    "; only ${env:NAME} and ${file:/PATH} are replaced, $${ is a plain ${";

bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

base::Result<std::string> environment_value(std::string_view name, const Substitutions& world) {
  const std::string quoted = "'${env:" + std::string(name) + "}'";
  if (!is_variable_name(name)) {
    return base::fail(base::ErrorCode::invalid, quoted + " does not name an environment variable");
  }
  const auto found = world.environment.find(name);
  if (found == world.environment.end()) {
    return base::fail(base::ErrorCode::not_found, quoted + ": this variable is not set");
  }
  return found->second;
}

base::Result<std::string> file_value(std::string_view path, const Substitutions& world) {
  const std::string quoted = "'${file:" + std::string(path) + "}'";
  if (!path.starts_with('/')) {
    return base::fail(base::ErrorCode::invalid, quoted + ": the path must be absolute");
  }
  if (world.files == nullptr) {
    return base::fail(base::ErrorCode::unsupported, quoted + ": files cannot be read here");
  }
  auto text = read_text_file(*world.files, std::string(path), kSubstitutedFileBytesMax);
  if (!text) return base::fail(text.error().code, quoted + ": " + text.error().message);
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  return text;
}

base::Result<std::string> value_of(std::string_view inside, const Substitutions& world) {
  if (inside.starts_with("env:")) return environment_value(inside.substr(4), world);
  if (inside.starts_with("file:")) return file_value(inside.substr(5), world);
  return base::fail(base::ErrorCode::invalid,
                    "unknown substitution '${" + std::string(inside) + "}'" + std::string(kOnly));
}

}  // namespace

Substituted substitute(std::string_view text, const Substitutions& world) {
  Substituted result;
  std::size_t done = 0;
  while (true) {
    const std::size_t at = text.find("${", done);
    if (at == std::string_view::npos) break;
    result.text += text.substr(done, at - done);
    if (at > done && text[at - 1] == '$') {  // "$${": one of the dollars is out already
      result.text += '{';
      done = at + 2;
      continue;
    }
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) {
      result.problems.push_back({at, "'${' is not closed by '}'" + std::string(kOnly)});
      break;
    }
    auto value = value_of(text.substr(at + 2, end - at - 2), world);
    if (value) {
      result.text += *value;
    } else {
      result.problems.push_back({at, std::move(value.error().message)});
    }
    done = end + 1;
  }
  if (result.problems.empty() || done > 0) result.text += text.substr(std::min(done, text.size()));
  return result;
}

}  // namespace config
