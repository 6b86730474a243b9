#include "config/text_file.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "config/units.h"

namespace config {

namespace {

constexpr std::uint64_t kPageBytes = 4096;

}  // namespace

base::Result<std::string> read_text_file(io::Files& files, const std::string& path,
                                         std::size_t bytes_max) {
  const io::UniqueHandle file(files, TRY(files.open(path, io::Open::read)));
  const auto status = files.status(file.get());
  if (status && status->kind == io::FileKind::directory) {
    return base::fail(base::ErrorCode::invalid, path + " is a directory, not a file");
  }
  // Room for what there is: the bound may be far larger. What the kernel makes up as it is read
  // (/proc) has no size, and any file may grow; then all the room there may be.
  const std::uint64_t expected = std::max<std::uint64_t>(status ? status->size : 0, kPageBytes);
  std::string text(std::min<std::uint64_t>(expected, bytes_max) + 1, '\0');
  std::size_t bytes = TRY(files.read_at(file.get(), std::span<char>(text), 0));
  if (bytes == text.size() && bytes <= bytes_max) {
    text.resize(bytes_max + 1);
    bytes += TRY(files.read_at(file.get(), std::span<char>(text).subspan(bytes), bytes));
  }
  if (bytes > bytes_max) {
    return base::fail(base::ErrorCode::limit, path + " is larger than " + format_bytes(bytes_max));
  }
  text.resize(bytes);
  return text;
}

}  // namespace config
