// text_file: a small file, whole.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "io/files.h"

namespace config {

// Blocking. ErrorCode::limit: longer than `bytes_max`.
base::Result<std::string> read_text_file(io::Files& files, const std::string& path,
                                         std::size_t bytes_max);

}  // namespace config
