#include "config/text_file.h"

#include <span>

#include "config/units.h"

namespace config {

base::Result<std::string> read_text_file(io::Files& files, const std::string& path,
                                         std::size_t bytes_max) {
  const io::UniqueHandle file(files, TRY(files.open(path, io::Open::read)));
  if (const auto status = files.status(file.get());
      status && status->kind == io::FileKind::directory) {
    return base::fail(base::ErrorCode::invalid, path + " is a directory, not a file");
  }
  std::string text(bytes_max + 1, '\0');
  const std::size_t bytes = TRY(files.read_at(file.get(), std::span<char>(text), 0));
  if (bytes > bytes_max) {
    return base::fail(base::ErrorCode::limit, path + " is larger than " + format_bytes(bytes_max));
  }
  text.resize(bytes);
  return text;
}

}  // namespace config
