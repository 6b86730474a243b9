// tailrace tail: follow files and print their records, without a configuration.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/commands/commands.h"
#include "agent/commands/store_location.h"
#include "agent/commands/typed.h"
#include "agent/console.h"
#include "agent/last_lines.h"
#include "agent/runner.h"
#include "agent/standard_error.h"
#include "io/backends.h"
#include "sources/compressed_names.h"
#include "sources/glob.h"
#include "sources/inflater.h"

namespace agent {

namespace {

struct TailCommand {
  std::vector<std::string> paths;
  std::string save;
  std::int64_t lines = 10;
  bool once = false;
};

constexpr const char* kFlowName = "tail";
constexpr const char* kStandardInput = "-";

bool is_fifo(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_fifo(path, error);
}

// A path that was typed.
struct Input {
  std::string path;     // absolute
  std::string pattern;  // that finds it
};

// A file that has just this name is meant, whatever its name would match as a pattern: a shell that
// found it by `*` gives us its name.
base::Result<Input> input(const std::string& typed) {
  Input input{.path = TRY(absolute_path(typed)), .pattern = {}};
  std::error_code error;
  const bool there = std::filesystem::exists(std::filesystem::symlink_status(input.path, error));
  input.pattern = there ? sources::literal_pattern(input.path) : input.path;
  return input;
}

// A pipe is given alone: its records would mix with the files' as they come.
bool reads_pipe(const TailCommand& options) {
  return std::ranges::any_of(options.paths, [](const std::string& path) {
    return path == kStandardInput || is_fifo(path);
  });
}

base::Result<std::vector<Input>> inputs(const TailCommand& options) {
  std::vector<Input> all;
  for (const std::string& path : options.paths) {
    if (path != kStandardInput) all.push_back(TRY(input(path)));
  }
  return all;
}

config::Config configuration(const TailCommand& options, const std::vector<Input>& inputs) {
  config::Config config;
  config.reactors = 1;
  config::Flow flow;
  flow.name = kFlowName;
  if (reads_pipe(options)) {
    flow.pipe = sources::PipeInput{.fifo = inputs.empty() ? "" : inputs.front().path};
  } else {
    for (const Input& each : inputs) flow.from.patterns.push_back(each.pattern);
  }
  flow.from.start = sources::Start::beginning;
  flow.to = config::StdoutTarget{};
  flow.flush.age_max = base::Duration::zero();
  config.flows.push_back(std::move(flow));
  return config;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "''" : std::string(1, c);
  return result + "'";
}

// The same run as a configuration file, to go on from.
std::string as_yaml(const config::Config& config) {
  const config::Flow& flow = config.flows.front();
  std::string text =
      "# Follows the files and prints their records. Try: tailrace run -c FILE\nflows:\n";
  text += fmt::format("  {}:\n    from:\n", kFlowName);
  if (!flow.pipe) {
    text += "      start: beginning\n      files:\n";
  } else if (flow.pipe->standard_input()) {
    text += "      files: '-'\n";
  } else {
    text += fmt::format("      fifo: {}\n", quoted(flow.pipe->fifo));
  }
  for (const std::string& pattern : flow.from.patterns) {
    text += fmt::format("        - {}\n", quoted(pattern));
  }
  text += "    to: { stdout: , flush: { age: 0s } }\n";
  return text;
}

// Begin with the last lines of files that are there. A path that cannot be looked at is discovery's
// business: it says why and keeps trying.
std::vector<sources::Checkpoint> last_lines(io::Files& files, const config::Config& config,
                                            const std::vector<Input>& inputs, std::uint64_t lines) {
  std::vector<sources::Checkpoint> result;
  if (config.flows.front().pipe) return result;
  for (const auto& [path, pattern] : inputs) {
    const auto opened = files.open(path, io::Open::read);
    if (!opened) continue;
    const io::UniqueHandle handle(files, *opened);
    const auto status = files.status(handle.get());
    if (!status || status->kind != io::FileKind::regular) continue;
    // Which lines are a compressed file's last is known when all of it was read: all are shown.
    std::array<char, sources::kMagicBytes> head{};
    const auto head_bytes = files.read_at(handle.get(), head, 0);
    if (config.flows.front().from.inflate() && head_bytes &&
        sources::compression_of({head.data(), *head_bytes}) != sources::Compression::none) {
      continue;
    }
    const auto offset = last_lines_offset(files, handle.get(), status->size, lines);
    if (!offset) continue;
    sources::Checkpoint checkpoint;
    checkpoint.flow = kFlowName;
    checkpoint.identity = sources::identity_of(*status);
    checkpoint.path = path;
    checkpoint.offset = *offset;
    result.push_back(std::move(checkpoint));
  }
  return result;
}

// Something to wait for, or a slip of the pen: the one who typed it knows. What is there and no
// file discovery names. False: of what is no pattern something is missing, or no file.
bool tell_missing(const std::vector<Input>& inputs, bool once) {
  bool all_there = true;
  for (const auto& [path, pattern] : inputs) {
    if (pattern == path && path != sources::literal_pattern(path)) continue;
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    all_there = all_there && std::filesystem::is_regular_file(status);
    if (status.type() == std::filesystem::file_type::not_found) {
      print_error("tailrace: {} does not exist{}\n", path,
                  once ? "" : " yet; it is read when it does");
    } else if (error) {
      print_error("tailrace: {} cannot be looked at: {}\n", path, error.message());
    } else if (const auto suffix = sources::compressed_suffix(path);
               !suffix.empty() && !sources::can_inflate(suffix)) {
      all_there = false;
      print_error("tailrace: {} is left alone: what is compressed as {} cannot be read\n", path,
                  suffix);
    }
  }
  return all_there;
}

int save(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "wx");
  if (file == nullptr) {
    print_error("tailrace: cannot create {}: it exists or its directory does not allow it\n", path);
    return kExitConfiguration;
  }
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written) {
    print_error("tailrace: cannot write {}\n", path);
    return kExitInternal;
  }
  print_error("saved as {}; run it with: tailrace run -c {}\n", path, path);
  return kExitOk;
}

int tail(const TailCommand& options) {
  if (options.paths.size() > 1 && reads_pipe(options)) {
    print_error("tailrace: standard input and FIFOs are followed alone, one at a time\n");
    return kExitUsage;
  }
  const auto typed = inputs(options);
  if (!typed) return complain(kExitConfiguration, typed.error().message);
  const config::Config config = configuration(options, *typed);
  if (!options.save.empty()) {
    if (const int code = save(options.save, as_yaml(config)); code != kExitOk) return code;
  }
  const bool all_there = reads_pipe(options) || tell_missing(*typed, options.once);
  Console console(base::LogLevel::warn);
  RunnerOptions runner;
  runner.once = options.once;
  if (options.lines >= 0) {
    const std::unique_ptr<io::Files> files = io::make_files();
    runner.start_at = last_lines(*files, config, *typed, static_cast<std::uint64_t>(options.lines));
  }
  const auto result = run(config, runner, console.log());
  if (!result) return console.say(result.error());
  const int code = console.say(*result);
  return code == kExitOk && options.once && !all_there ? kExitNoInput : code;
}

}  // namespace

void add_tail_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<TailCommand>();
  CLI::App* command = app.add_subcommand("tail", "Follow files and print their records");
  command
      ->add_option("paths", options->paths,
                   "Files or patterns to follow; one FIFO; -: standard input")
      ->required()
      ->check(not_empty());
  command->add_option("-n,--lines", options->lines,
                      "Begin with the last N lines of each file; -1: from the beginning");
  command->add_option("--save", options->save, "Also write a configuration that does the same")
      ->check(not_empty());
  command->add_flag("--once", options->once, "Stop at the end of what is there");
  command->callback([options, &exit_code] { exit_code = tail(*options); });
}

}  // namespace agent
