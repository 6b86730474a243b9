// Local sockets: a Unix stream socket named by a path, for talking to a running daemon.
//
// Paths longer than the 107 bytes a sockaddr_un holds work: the directory is opened and named
// through /proc/self/fd.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "io/io.h"

namespace io {

// Creates the socket at `path` and listens. The caller owns the place: a socket left there by an
// earlier life is removed. Non-blocking; for Io::accept.
base::Result<Handle> listen_local(const std::string& path);

// Connects, blocking. ErrorCode::not_found: nobody listens there; limit: who listens did not accept
// within `patience`.
base::Result<Handle> connect_local(const std::string& path,
                                   base::Duration patience = std::chrono::seconds(10));

// Blocking conversation for the command line: sends all of `request`, says that it is over, reads
// the whole answer, at most `answer_bytes_max`. Closes the socket. `patience`: for each step of it;
// 0: as long as it takes. RequestEnd::itself: the request says where it ends, so that the end of
// what is sent tells the daemon that nobody waits any more.
enum class RequestEnd : std::uint8_t { said, itself };
base::Result<std::string> ask_local(Handle socket, std::string_view request,
                                    std::size_t answer_bytes_max,
                                    base::Duration patience = base::Duration::zero(),
                                    RequestEnd end = RequestEnd::said);

}  // namespace io
