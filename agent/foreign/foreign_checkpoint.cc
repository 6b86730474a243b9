#include "agent/foreign/foreign_checkpoint.h"

#include <array>
#include <charconv>

namespace agent {

namespace {

constexpr std::array<std::string_view, 6> kAgents = {"kinesis-agent", "fluent-bit", "vector",
                                                     "filebeat",      "promtail",   "rsyslog"};

}  // namespace

std::span<const std::string_view> foreign_agents() { return kAgents; }

base::Result<ForeignCheckpoints> read_foreign(io::Files& files, std::string_view agent,
                                              const std::string& path) {
  if (agent == "kinesis-agent") return read_kinesis_agent(path);
  if (agent == "fluent-bit") return read_fluent_bit(path);
  if (agent == "vector") return read_vector(files, path);
  if (agent == "filebeat") return read_filebeat(files, path);
  if (agent == "promtail") return read_promtail(files, path);
  if (agent == "rsyslog") return read_rsyslog(files, path);
  return base::fail(base::ErrorCode::invalid, "unknown agent '" + std::string(agent) + "'");
}

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc{} || at != end || text.empty()) return std::nullopt;
  return number;
}

}  // namespace agent
