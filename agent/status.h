// Status: what a running agent says when it is asked, and how the question travels.
//
// Request on the control socket (docs/OPERATING.md): "status <format> [files]\n".
// Answer: "ok\n", then the text as it is to be printed; or one line "error <why>\n".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/survey.h"
#include "base/metrics.h"
#include "base/result.h"

namespace agent {

enum class StatusFormat : std::uint8_t {
  text,     // for people
  json,     // for programs
  metrics,  // every counter, as Prometheus reads them
};

struct StatusRequest {
  StatusFormat format = StatusFormat::text;
  bool files = false;  // list all files, not only those in trouble
};

std::string encode(const StatusRequest& request);
// Whatever it is, it begins like one.
bool is_status_request(std::string_view bytes);
// ErrorCode::limit while `bytes` is not yet a whole request; ErrorCode::invalid: it never will be.
base::Result<StatusRequest> decode_status(std::string_view bytes);

struct ReloadStatus {
  std::uint64_t taken = 0, refused = 0;
  bool last_refused = false;
  std::string last_refusal;          // its first mistake, with its place
  bool under_way = false;            // one is
  std::vector<std::string> leaving;  // flows it waits for: they are taken down
};

struct AgentStatus {
  base::Duration running_for{0};
  std::string backend;  // "io_uring" or "epoll"
  std::size_t reactors = 0;
  AgentSurvey survey;
  std::optional<ReloadStatus> reload;  // none: the configuration stays as it is
  base::Samples samples;               // of every counter, the survey's too; sorted
};

// Pure.
std::string render(const StatusRequest& request, const AgentStatus& status);

}  // namespace agent
