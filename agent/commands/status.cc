// tailrace status: asks the running agent how things stand.
#include "agent/status.h"

#include <memory>
#include <string>
#include <string_view>

#include "agent/commands/commands.h"
#include "agent/commands/store_location.h"
#include "agent/output.h"
#include "agent/put.h"
#include "io/backends.h"
#include "io/local_socket.h"

namespace agent {

namespace {

constexpr std::size_t kAnswerBytesMax = 256U << 20;
// Longer than the agent waits for a reactor that hangs.
constexpr base::Duration kPatience = std::chrono::seconds(15);

struct StatusCommand {
  StoreLocation location;
  bool json = false;
  bool counters = false;
  bool files = false;
};

StatusRequest request_of(const StatusCommand& command) {
  return {.format = command.counters ? StatusFormat::metrics
                    : command.json   ? StatusFormat::json
                                     : StatusFormat::text,
          .files = command.files};
}

int print(std::string_view answer) {
  constexpr std::string_view kOk = "ok\n";
  if (answer.starts_with("error ")) {
    return complain(kExitInternal, answer.substr(6, answer.find('\n') - 6));
  }
  if (!answer.starts_with(kOk)) {
    return complain(kExitInternal, "the agent ended before it answered");
  }
  Output output;
  output.buffer() += answer.substr(kOk.size());
  output.flush();
  return output.exit_code();
}

int status(const StatusCommand& command) {
  const std::unique_ptr<io::Files> files = io::make_files();
  int exit_code = kExitOk;
  const auto data_dir = find_data_dir(*files, command.location, exit_code);
  if (!data_dir) return exit_code;
  const auto socket = io::connect_local(control_socket_path(*data_dir));
  if (!socket) {
    return complain(kExitConfiguration, socket.error().code == base::ErrorCode::not_found
                                            ? "no agent runs on " + *data_dir
                                            : socket.error().message);
  }
  const auto answer =
      io::ask_local(*socket, encode(request_of(command)), kAnswerBytesMax, kPatience);
  if (!answer) return complain(kExitInternal, answer.error().message);
  return print(*answer);
}

}  // namespace

void add_status_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<StatusCommand>();
  CLI::App* command =
      app.add_subcommand("status", "Ask the running agent: flows, lag, files in trouble, counters");
  add_store_options(*command, options->location);
  command->add_flag("--files", options->files, "List every file, not only those in trouble");
  CLI::Option* json = command->add_flag("--json", options->json, "For programs");
  command
      ->add_flag("--counters", options->counters,
                 "Every counter, in the text format Prometheus reads")
      ->excludes(json);
  command->callback([options, &exit_code] { exit_code = status(*options); });
}

}  // namespace agent
