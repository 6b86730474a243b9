// Processes in tests: the built program run through a shell, to its end or in the background.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace process {

struct Ran {
  int exit_code;
  std::string out;  // standard output and error together
};

Ran shell(const std::string& command);
bool contains(const std::string& text, std::string_view what);
inline bool contains(const Ran& ran, std::string_view what) { return contains(ran.out, what); }
std::string read_file(const std::string& path);  // empty if it is not there

// Asks again and again until `condition` holds. False: it did not within `longest`.
bool eventually(const std::function<bool()>& condition,
                std::chrono::seconds longest = std::chrono::seconds(20));

// A command that runs until the end of the scope, then gets SIGTERM and is waited for.
class Background {
 public:
  explicit Background(const std::string& command, const std::string& log = "/dev/null");
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  int pid() const { return pid_; }

 private:
  int pid_;
};

}  // namespace process
