// FileView: a file read as something else than its bytes: what was compressed (CompressedFile), the
// same text as UTF-8 (Utf16File). FileTail reads through it, so that all it knows about offsets,
// lines and witnesses is about the bytes that are produced; "raw" is what is on the disk.
//
// Belongs to its FileTail and reactor. How to read is each view's own.
#pragma once

#include <cstdint>

#include "io/environment.h"

namespace sources {

class FileView {
 public:
  // A size: more than we can say, there are bytes not looked at yet.
  static constexpr std::uint64_t kUnknown = std::uint64_t{1} << 62;

  FileView() = default;
  FileView(const FileView&) = delete;
  FileView& operator=(const FileView&) = delete;
  virtual ~FileView() = default;

  // Bytes produced of a file with the status `raw`; kUnknown unless it was read to its present end.
  virtual std::uint64_t size(const io::FileStatus& raw) const = 0;
  // The file's size when it was read to its end; 0: it was not.
  virtual std::uint64_t raw_end() const = 0;
  // Bytes produced by then.
  virtual std::uint64_t end() const = 0;
  // Raw bytes that are taken.
  virtual std::uint64_t raw_bytes() const = 0;
};

}  // namespace sources
