// tailrace reload: asks the running agent to take its configuration file over anew.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "agent/commands/commands.h"
#include "agent/commands/store_location.h"
#include "agent/control_socket.h"
#include "agent/output.h"
#include "agent/put.h"
#include "agent/standard_error.h"
#include "io/backends.h"
#include "io/local_socket.h"

namespace agent {

namespace {

constexpr std::size_t kAnswerBytesMax = 16U << 20;

int reload(const StoreLocation& location) {
  const std::unique_ptr<io::Files> files = io::make_files();
  int exit_code = kExitOk;
  const auto data_dir = find_data_dir(*files, location, exit_code);
  if (!data_dir) return exit_code;
  const auto socket = io::connect_local(control_socket_path(*data_dir));
  if (!socket) {
    return complain(kExitConfiguration, socket.error().code == base::ErrorCode::not_found
                                            ? "no agent runs on " + *data_dir
                                            : socket.error().message);
  }
  // As long as it takes: what a flow has read must be delivered before it goes.
  const auto answer =
      io::ask_local(*socket, kReloadRequest, kAnswerBytesMax, {}, io::RequestEnd::itself);
  if (!answer) return complain(kExitInternal, answer.error().message);
  constexpr std::string_view kOk = "ok\n";
  constexpr std::string_view kRefused = "refused\n";
  const std::string_view text = *answer;
  if (text.starts_with(kOk)) {
    Output output;
    output.buffer() += text.substr(kOk.size());
    const int told = output.finish();
    if (told != kExitOk) complain(kExitInternal, "the configuration is taken over all the same");
    return told;
  }
  if (text.starts_with(kRefused)) {
    write_error(text.substr(kRefused.size()));
    return kExitConfiguration;
  }
  if (text.starts_with("error ")) {
    return complain(kExitInternal, text.substr(6, text.find('\n') - 6));
  }
  return complain(kExitInternal, "the agent ended before it answered");
}

}  // namespace

void add_reload_command(CLI::App& app, int& exit_code) {
  auto location = std::make_shared<StoreLocation>();
  CLI::App* command = app.add_subcommand(
      "reload", "Have the running agent take its configuration file over, as SIGHUP does");
  add_store_options(*command, *location);
  command->callback([location, &exit_code] { exit_code = reload(*location); });
}

}  // namespace agent
