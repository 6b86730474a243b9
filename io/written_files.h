// Which files running processes have open for writing. Behind Files::written_files.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "io/files.h"

namespace io {

base::Result<WrittenFiles> look_at_descriptors(
    const std::function<bool(std::string_view path)>& wanted, std::uint64_t from);

}  // namespace io
