#include "tests/agent/state_place.h"

#include <cstdlib>
#include <fstream>

#include "tests/test.h"

namespace state_test {

namespace fs = std::filesystem;

namespace {

const std::string kProgram = TAILRACE_PROGRAM;

}  // namespace

StatePlace::StatePlace(const std::string& start, const std::string& top) {
  std::string name = (fs::temp_directory_path() / "tailrace-state-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  root_ = name;
  fs::create_directory(root_ / "logs");
  configure(start, top);
}

StatePlace::~StatePlace() { fs::remove_all(root_); }

void StatePlace::write(const std::string& name, const std::string& text) const {
  std::ofstream(root_ / name, std::ios::binary) << text;
}

void StatePlace::append(const std::string& name, const std::string& text) const {
  std::ofstream(root_ / name, std::ios::binary | std::ios::app) << text;
}

void StatePlace::configure(const std::string& start, const std::string& top,
                           const std::string& flows) const {
  write("c.yaml", "data_dir: " + data_dir() + "\nreactors: 1\n" + top +
                      "streams:\n  s: { shards: 1 }\nflows:\n  f:\n    from: { files: [" +
                      path("logs/*.log") + "], start: " + start + " }\n    to: { stream: s }\n" +
                      flows);
}

std::string StatePlace::run_command() const {
  return "timeout 60 " + kProgram + " run -c " + path("c.yaml");
}

process::Ran StatePlace::once_well() const {
  process::Ran ran = once();
  INFO(ran.out);
  REQUIRE(ran.exit_code == 0);
  return ran;
}

process::Ran StatePlace::state(const std::string& arguments) const {
  return process::shell("timeout 60 " + kProgram + " state " + arguments + " -c " + path("c.yaml"));
}

std::string StatePlace::stored() const {
  return process::shell(kProgram + " stream get s --raw --data-dir " + data_dir() + " 2>/dev/null")
      .out;
}

std::vector<fs::path> StatePlace::checkpoint_segments() const {
  std::vector<fs::path> all;
  for (const auto& entry : fs::recursive_directory_iterator(root_ / "data/_checkpoints")) {
    if (entry.path().extension() == ".seg") all.push_back(entry.path());
  }
  return all;
}

std::string StatePlace::checkpoints() const {
  return process::shell(kProgram + " store dump _checkpoints --json --data-dir " + data_dir()).out;
}

}  // namespace state_test
