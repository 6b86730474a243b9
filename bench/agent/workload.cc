#include "bench/agent/workload.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "bench/agent/child.h"
#include "bench/lines.h"

namespace agent_bench {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

int write_lines(const std::string& path, LineKind kind, std::uint64_t mib) {
  std::ofstream file(path + ".new", std::ios::binary);
  std::uint64_t lines = 0;
  for (std::uint64_t piece = 0; piece < mib; ++piece) {
    const bench::LinesShape shape{
        .seed = piece + 1, .bytes = kPieceBytes, .line_bytes = kind == LineKind::log ? 138U : 167U};
    const std::string text =
        kind == LineKind::log ? bench::log_lines(shape) : bench::json_lines(shape);
    lines += bench::count_lines(text);
    file << text;
  }
  file.close();
  std::ofstream(path + ".lines") << lines;
  std::filesystem::rename(path + ".new", path);
  return file ? 0 : 1;
}

}  // namespace

Input make_input(const Settings& settings, LineKind kind) {
  const std::string name = kind == LineKind::log ? "log" : "json";
  const std::string path =
      settings.directory + "/" + name + "-" + std::to_string(settings.mib) + ".txt";
  if (!std::filesystem::exists(path)) {
    std::fprintf(stderr, "agent_bench: making %s\n", path.c_str());
    run_child([&] { return write_lines(path, kind, settings.mib); });
  }
  Input input{.path = path, .bytes = std::filesystem::file_size(path)};
  std::ifstream(path + ".lines") >> input.lines;
  return input;
}

std::string write_config(const Settings& settings, std::string_view files, std::string_view stream,
                         std::string_view flow) {
  const std::string path = settings.directory + "/tailrace.yaml";
  std::ofstream file(path);
  file << "data_dir: " << data_dir(settings) << "\nio: " << settings.io
       << "\nreactors: " << settings.reactors << "\n";
  if (!stream.empty()) file << "streams:\n  bench: { retention: 0, " << stream << " }\n";
  file << "flows:\n  bench:\n    from: { files: \"" << files << "\", start: beginning }\n" << flow;
  return path;
}

std::string data_dir(const Settings& settings) { return settings.directory + "/data"; }

void remove_store(const Settings& settings) { std::filesystem::remove_all(data_dir(settings)); }

}  // namespace agent_bench
