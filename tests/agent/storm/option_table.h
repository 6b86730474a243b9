// OptionTable: what the command line of a storm may say: "--name value", or a flag alone.
#pragma once

#include <charconv>
#include <concepts>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace storm {

class OptionTable {
 public:
  OptionTable& text(std::string name, std::string& into) {
    return add(std::move(name), true, [&into](std::string_view value) {
      into = value;
      return true;
    });
  }
  template <std::integral T>
  OptionTable& number(std::string name, T& into) {
    return add(std::move(name), true, [&into](std::string_view value) {
      const auto [end, error] = std::from_chars(value.begin(), value.end(), into);
      return error == std::errc{} && end == value.end();
    });
  }
  OptionTable& flag(std::string name, bool& into) {
    return add(std::move(name), false, [&into](std::string_view) { return into = true; });
  }

  // False: it says something else, which is told on standard error.
  bool parse(int argc, char** argv) const {
    for (int i = 1; i < argc; ++i) {
      const std::string_view name = argv[i];
      const auto option = options_.find(name);
      if (option == options_.end()) return refuse(name, "is no option");
      const bool valued = option->second.valued;
      if (valued && i + 1 == argc) return refuse(name, "needs a value");
      if (!option->second.take(valued ? argv[++i] : "")) return refuse(name, "needs a number");
    }
    return true;
  }

 private:
  struct Option {
    bool valued;
    std::function<bool(std::string_view)> take;
  };
  OptionTable& add(std::string name, bool valued, std::function<bool(std::string_view)> take) {
    options_.insert_or_assign(std::move(name), Option{valued, std::move(take)});
    return *this;
  }
  static bool refuse(std::string_view name, std::string_view why) {
    std::cerr << name << " " << why << "\n";
    return false;
  }

  std::map<std::string, Option, std::less<>> options_;
};

}  // namespace storm
