// Service notices: what the service manager that started us wants to hear, as sd_notify(3) says it.
#pragma once

#include <chrono>
#include <string>

#include "base/ids.h"

namespace io {

// Sends `state`, lines such as "READY=1", to the socket NOTIFY_SOCKET names. Without one, or if
// nobody takes it, nothing happens: an agent does its work all the same. Any thread; waits for
// kNoticePatience at most, if the manager has many notices to read.
constexpr std::chrono::seconds kNoticePatience{5};
void notify_service(const std::string& state);

// What says that a reload begins now. "READY=1" says that it is over.
std::string reloading_notice(base::Instant now);

}  // namespace io
