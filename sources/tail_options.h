// TailOptions: how the files of one flow are followed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/ids.h"
#include "sources/page_manners.h"
#include "sources/utf16.h"

namespace sources {

// What is done about a page that cannot be read, after kReadRetries (F61).
enum class OnReadError : std::uint8_t {
  retry,  // it is tried again for ever, less and less often
  skip,   // reading goes on behind it. Not in compressed files and UTF-16
};

// What a file is that comes under the path of one that was deleted, as `sed -i`, editors and rsync
// leave it.
enum class OnRewrite : std::uint8_t {
  as_new,   // another file
  read_on,  // if the bytes before the other's offset are the same, what is behind them (F21).
            // Only with utf8
};

struct TailOptions {
  base::Duration rotate_wait =
      std::chrono::seconds(30);  // follow a renamed or deleted file this long
                                 // after its last growth, then let it go
  base::Duration close_inactive =
      std::chrono::seconds(60);  // a file that was read to its end and did not grow for this long
                                 // gives its descriptor back; 0: never
  // Take an unfinished last line that did not grow for so long as it stands; 0: never. What comes
  // later is a record of its own (F37).
  base::Duration partial_line_timeout{0};
  // Deleted files are read to their ends, and take room on the disk until then. At most so many
  // bytes of them on one reactor, and for so long after they were seen to be deleted; the oldest go
  // first, what is lost is counted (F12). 0: no limit.
  std::uint64_t deleted_bytes_max = 0;
  base::Duration deleted_age_max{0};
  // Say so, and start it anew, when a file has something to read and does not get on; 0: never.
  base::Duration stall_after = std::chrono::seconds(60);
  // What the target may take in any case: a flush's age and a sync's interval.
  base::Duration delivery_wait{0};
  // Look at files' first bytes; those of gzip and zstd files are read as what they were made of.
  bool inflate = false;  // not together with an encoding but utf8
  // Copies of files may match as well: generations that end are remembered. Only with utf8.
  bool copies = false;
  Encoding encoding = Encoding::utf8;
  std::uint32_t header_lines = 0;  // at each generation's beginning, not delivered
  // The same by what is in them, instead (sources/edge_lines.h): its first lines that match, and
  // the first that matches with all that follows it. Empty: none.
  std::string header_pattern = {}, footer_pattern = {};
  bool allow_binary = false;  // read files that are no text (sources/binary_guard.h)
  OnReadError on_read_error = OnReadError::retry;
  OnRewrite on_rewrite = OnRewrite::as_new;
  PageManners::Options pages = {};  // while it is caught up with
  bool once = false;                // take an unfinished last line as a line; report at_end()

  bool operator==(const TailOptions&) const = default;
};

}  // namespace sources
