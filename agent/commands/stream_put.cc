// tailrace stream put NAME: records by hand, through the daemon or without it.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/commands/commands.h"
#include "agent/commands/store_location.h"
#include "agent/console.h"
#include "agent/json_text.h"
#include "agent/output.h"
#include "agent/put.h"
#include "agent/put_local.h"
#include "io/backends.h"
#include "io/local_socket.h"

namespace agent {

namespace {

struct PutCommand {
  StoreLocation location;
  std::string stream;
  std::vector<std::string> data;
  std::string key;
  bool json = false;
};

constexpr std::size_t kAnswerBytesMax = 64U << 20;

void add(PutRequest& request, const PutCommand& options, std::string_view data) {
  const base::Record record{.key = options.key, .data = data, .hash = std::nullopt};
  const std::size_t before = request.packed.size();
  request.packed.resize(before + base::packed_bytes(record));
  base::pack(record, request.packed.data() + before);
  ++request.record_count;
}

// Through the daemon if there is one, else by ourselves. A daemon that is just starting holds the
// directory some time before it listens, and one that ends, after: then look again for a while.
base::Result<std::string> put(const io::Environment& environment, const std::string& data_dir,
                              const PutRequest& request) {
  constexpr base::Duration kPatience = std::chrono::seconds(2);
  constexpr base::Duration kLookAgain = std::chrono::milliseconds(20);
  const base::Instant deadline = environment.clock.monotonic() + kPatience;
  while (true) {
    const auto socket = io::connect_local(control_socket_path(data_dir));
    if (socket) return io::ask_local(*socket, encode(request), kAnswerBytesMax);
    if (socket.error().code != base::ErrorCode::not_found) return std::unexpected(socket.error());
    auto answer = put_local(environment, data_dir, request);
    if (answer || answer.error().code != base::ErrorCode::busy) return answer;
    if (environment.clock.monotonic() >= deadline) return answer;
    environment.io.run_once(kLookAgain);
  }
}

// The answer's lines, for people or for programs. Returns the exit code.
int print(Output& output, std::string_view answer, const PutCommand& options) {
  if (answer.starts_with("error ")) {
    return complain(kExitConfiguration, answer.substr(6, answer.find('\n') - 6));
  }
  if (answer.empty()) return complain(kExitInternal, "the daemon ended before it answered");
  while (!answer.empty()) {
    unsigned shard = 0;
    unsigned long long sequence = 0;
    const std::string line(answer.substr(0, answer.find('\n')));
    answer.remove_prefix(std::min(line.size() + 1, answer.size()));
    if (std::sscanf(line.c_str(), "ok %u %llu", &shard, &sequence) != 2) {
      return complain(kExitInternal, "cannot understand the daemon's answer: " + line);
    }
    if (options.json) {
      output.print("{{\"stream\":\"{}\",\"shard\":{},\"sequence\":{}}}\n", options.stream, shard,
                   sequence);
    } else {
      output.print("{} shard {} sequence {}\n", options.stream, shard, sequence);
    }
  }
  output.flush();
  return kExitOk;
}

// Goes on when nobody can be told: the records are what matters.
int put_all(Output& output, const PutCommand& options, const io::Environment& environment,
            const std::string& data_dir) {
  PutRequest request{.stream = options.stream, .record_count = 0, .packed = {}};
  const auto send = [&]() -> int {
    if (request.record_count == 0) return kExitOk;
    const auto answer = put(environment, data_dir, request);
    request.record_count = 0;
    request.packed.clear();
    if (!answer) return complain(kExitConfiguration, answer.error().message);
    return print(output, *answer, options);
  };
  for (const std::string& data : options.data) add(request, options, data);
  std::string line;
  while (options.data.empty() && std::getline(std::cin, line)) {
    if (line.size() > kPutRecordBytesMax) {
      return complain(kExitUsage, "a line is longer than a record may be (1 MiB)");
    }
    add(request, options, line);
    if (request.packed.size() < kPutBytesMax / 2) continue;
    if (const int code = send(); code != kExitOk) return code;
  }
  return send();
}

int stream_put(const PutCommand& options) {
  if (options.stream.starts_with('_')) {
    return complain(kExitUsage, "streams whose names begin with '_' are written by tailrace alone");
  }
  Console console(base::LogLevel::warn);
  const auto files = io::make_files();
  int exit_code = kExitOk;
  const auto data_dir = find_data_dir(*files, options.location, exit_code);
  if (!data_dir) return exit_code;
  const auto streams = read_catalog(*files, *data_dir, exit_code);
  if (!streams || find_stream(*streams, options.stream, exit_code) == nullptr) return exit_code;
  const auto clock = io::make_clock();
  const auto random = io::make_random();
  const auto io = io::make_io(io::Backend::automatic, console.log());
  if (!io) return console.say(io.error());
  Output output;
  const int code =
      put_all(output, options, {**io, *files, *clock, *random, console.log()}, *data_dir);
  const int told = output.finish();
  if (code != kExitOk) return code;
  if (told != kExitOk) complain(kExitInternal, "all is stored all the same");
  return told;
}

}  // namespace

void add_stream_put_command(CLI::App& stream, int& exit_code) {
  auto options = std::make_shared<PutCommand>();
  CLI::App* command =
      stream.add_subcommand("put", "Put records into a stream: arguments, or lines from stdin");
  add_store_options(*command, options->location);
  command->add_option("name", options->stream, "Stream")->required();
  command->add_option("data", options->data, "Records; none: one for each line of standard input");
  command->add_option("--key", options->key,
                      "Partition key of all of them (default: random shard)");
  command->add_flag("--json", options->json, "For programs: one object per record");
  command->callback([options, &exit_code] { exit_code = stream_put(*options); });
}

}  // namespace agent
