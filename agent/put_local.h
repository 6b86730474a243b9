// put_local: puts records into a stream when no daemon has it open: takes the data directory's
// lock, opens the shards, appends, closes.
#pragma once

#include <string>

#include "agent/put.h"
#include "base/result.h"
#include "io/environment.h"

namespace agent {

// The answer of agent/put.h. ErrorCode::busy: a daemon holds the directory; ask it instead.
// ErrorCode::not_found: there is no such stream. Blocking.
base::Result<std::string> put_local(const io::Environment& environment, const std::string& data_dir,
                                    const PutRequest& request);

}  // namespace agent
