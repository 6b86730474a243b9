// tailrace store verify: reads everything and says exactly what is lost; with --repair, makes
// damaged segments readable again.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "agent/commands/commands.h"
#include "agent/commands/store_location.h"
#include "agent/console.h"
#include "agent/json_text.h"
#include "agent/number_notes.h"
#include "agent/output.h"
#include "agent/standard_error.h"
#include "io/backends.h"
#include "store/data_dir.h"
#include "store/verify.h"

namespace agent {

namespace {

struct VerifyCommand {
  StoreLocation location;
  bool repair = false;
  bool json = false;
};

// A line of progress on a terminal, when it takes longer than a second.
class Progress {
 public:
  Progress(io::Clock& clock, bool wanted) : clock_(clock), next_(clock.monotonic()) {
    wanted_ = wanted && ::isatty(STDERR_FILENO) == 1;
    next_ += std::chrono::seconds(1);
  }
  void advance(std::uint64_t bytes) {
    ++segments_;
    bytes_ += bytes;
    if (!wanted_ || clock_.monotonic() < next_) return;
    next_ = clock_.monotonic() + std::chrono::milliseconds(200);
    shown_ = true;
    print_error("\r{} segments, {} MiB read", segments_, bytes_ >> 20);
    std::fflush(stderr);
  }
  // Makes room for other lines.
  void clear() {
    if (shown_) print_error("\r\x1b[K");
    shown_ = false;
  }

 private:
  io::Clock& clock_;
  base::Instant next_;
  std::uint64_t segments_ = 0;
  std::uint64_t bytes_ = 0;
  bool wanted_ = false;
  bool shown_ = false;
};

std::string problem(const store::SegmentReport& report) {
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (report.unknown_version) add("written by a newer version");
  if (report.header_damaged) add("header damaged");
  if (!report.bad.empty()) add(fmt::format("{} damaged range(s)", report.bad.size()));
  if (report.records_missing > 0) {
    add(fmt::format("{} records missing {}", report.records_missing,
                    report.end_missing ? "at the end" : "before it"));
  }
  if (report.repaired) add("repaired; the old file is kept as *.damaged");
  return text;
}

void append_problem_json(std::string& out, const store::SegmentReport& report) {
  out += out.empty() ? "\n {" : ",\n {";
  append_json_member(out, "path", report.path);
  out += fmt::format(
      ",\"records\":{},\"damaged_ranges\":{},\"records_missing\":{},\"header_damaged\":{},"
      "\"unknown_version\":{},\"repaired\":{}}}",
      report.records, report.bad.size(), report.records_missing, report.header_damaged,
      report.unknown_version, report.repaired);
}

// What was noted of shards whose directories are gone is forgotten, or they would be missed for
// ever. Returns how many.
std::size_t forget_gone(Output& output, const io::Environment& environment,
                        const std::string& data_dir, const store::KnownNumbers& gone, bool json) {
  const auto done = forget_numbers(environment, data_dir, gone);
  if (!done) {
    complain(kExitDamaged, "what is gone is not forgotten: " + done.error().message);
    return 0;
  }
  for (const auto& [shard, next] : gone) {
    if (json) break;
    output.print("{}/{}: its directory is gone; that it had reached number {} is forgotten\n",
                 shard.first, shard.second, next);
  }
  return gone.size();
}

void print_totals(Output& output, const store::VerifyTotals& totals, const std::string& problems,
                  bool clean, std::size_t forgotten, bool json) {
  if (json) {
    output.print(
        "{{\"clean\":{},\"shards\":{},\"segments\":{},\"blocks\":{},\"records\":{},\"bytes\":{},"
        "\"damaged_ranges\":{},\"records_lost\":{},\"segments_repaired\":{},\"shards_forgotten\":{}"
        ","
        "\"problems\":[{}]}}\n",
        clean, totals.shards, totals.segments, totals.blocks, totals.records, totals.bytes,
        totals.bad_ranges, totals.records_lost, totals.segments_repaired, forgotten, problems);
    return;
  }
  output.print("{}: {} shards, {} segments, {} blocks, {} records, {} bytes; {} records lost\n",
               clean ? "clean" : "damaged", totals.shards, totals.segments, totals.blocks,
               totals.records, totals.bytes, totals.records_lost);
}

int verify(const VerifyCommand& options) {
  Console console(base::LogLevel::warn);
  const std::unique_ptr<io::Files> files = io::make_files();
  int exit_code = kExitOk;
  const auto data_dir = find_data_dir(*files, options.location, exit_code);
  if (!data_dir) return exit_code;
  const auto io = io::make_io(io::Backend::epoll, console.log());  // unused: everything blocks
  if (!io) return console.say(io.error());
  const std::unique_ptr<io::Clock> clock = io::make_clock();
  const std::unique_ptr<io::Random> random = io::make_random();
  const io::Environment environment{**io, *files, *clock, *random, console.log()};

  std::optional<store::DataDir> lock;  // repairing is writing
  if (options.repair) {
    auto taken = store::DataDir::lock(environment, *data_dir);
    if (!taken) return console.say(taken.error());
    lock.emplace(std::move(*taken));
  }
  auto known = read_known_numbers(*files, *data_dir);
  if (!known) {
    console.log().warn("cannot read how far the shards were written, missing ends are not found",
                       {{"error", known.error().message}});
    known.emplace();
  }
  const store::KnownNumbers gone = gone_shards(*files, *data_dir, *known);
  for (const auto& [shard, next] : gone) {
    if (may_be_removed(shard.first)) known->erase(shard);
  }
  Output output;
  Progress progress(*clock, !options.json);
  std::string problems;
  const auto totals =
      store::verify(environment, *data_dir, options.repair ? store::Repair::yes : store::Repair::no,
                    *known, [&](const store::SegmentReport& report) {
                      progress.advance(report.bytes);
                      if (report.sound()) return;
                      progress.clear();
                      if (options.json) {
                        append_problem_json(problems, report);
                      } else {
                        output.print("{}: {}\n", report.path, problem(report));
                        output.flush();  // seen as it is found
                      }
                      exit_code = kExitDamaged;
                    });
  progress.clear();
  if (!totals) return complain(kExitInternal, totals.error().message);
  std::size_t forgotten = 0;
  if (options.repair) forgotten = forget_gone(output, environment, *data_dir, gone, options.json);
  print_totals(output, *totals, problems, exit_code == kExitOk, forgotten, options.json);
  const int told = output.finish();
  return exit_code == kExitOk ? told : exit_code;
}

}  // namespace

void add_store_verify_command(CLI::App& store, int& exit_code) {
  auto options = std::make_shared<VerifyCommand>();
  CLI::App* command = store.add_subcommand(
      "verify", "Read everything, say what is damaged; exit 0: clean, 1: damage was found");
  add_store_options(*command, options->location);
  command->add_flag("--repair", options->repair,
                    "Write damaged segments anew from what is intact; keeps the old files. "
                    "Forget shards whose directories are gone. Not while the agent runs");
  command->add_flag("--json", options->json, "For programs");
  command->callback([options, &exit_code] { exit_code = verify(*options); });
}

}  // namespace agent
