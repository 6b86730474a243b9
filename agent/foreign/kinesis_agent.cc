// Amazon Kinesis Agent: an SQLite database, by default /var/run/aws-kinesis-agent/checkpoints.
//
// Table FILE_CHECKPOINTS(flow, path, fileId, lastModifiedTime, size, offset, lastUpdated), one row
// per flow and path (SQLiteFileCheckpointStore.java). fileId is what Java prints for a Unix file
// key: "(dev=fd00,ino=1234)", the device in hexadecimal, the inode in decimal digits. `offset` is
// where the last record of the last buffer that was sent whole ended.
#include <algorithm>
#include <array>
#include <utility>

#include "agent/foreign/foreign_checkpoint.h"
#include "agent/foreign/sqlite_table.h"

namespace agent {

namespace {

constexpr std::array<std::string_view, 7> kColumns = {
    "flow", "path", "fileId", "lastModifiedTime", "size", "offset", "lastUpdated"};

// False: not as Java prints it.
bool parse_file_id(std::string_view text, ForeignCheckpoint& into) {
  constexpr std::string_view kDevice = "(dev=", kInode = ",ino=";
  const std::size_t comma = text.find(kInode);
  if (!text.starts_with(kDevice) || !text.ends_with(')') || comma == text.npos) return false;
  into.device = parse_number(text.substr(kDevice.size(), comma - kDevice.size()), 16);
  text.remove_suffix(1);
  into.inode = parse_number(text.substr(comma + kInode.size()));
  return into.device && into.inode;
}

}  // namespace

base::Result<ForeignCheckpoints> read_kinesis_agent(const std::string& path) {
  const SqliteTable table = TRY(read_sqlite_table(path, "FILE_CHECKPOINTS"));
  if (!std::ranges::equal(table.columns, kColumns)) {
    return base::fail(base::ErrorCode::unsupported,
                      path + ": table FILE_CHECKPOINTS has columns this version does not know");
  }
  ForeignCheckpoints all;
  for (const SqliteTable::Row& row : table.rows) {
    ForeignCheckpoint each;
    const std::string* file = table.find(row, "path");
    const std::string* id = table.find(row, "fileId");
    const std::string* offset = table.find(row, "offset");
    if (file != nullptr) each.name = each.path = *file;
    const auto number = offset == nullptr ? std::nullopt : parse_number(*offset);
    each.offset = number.value_or(0);
    if (!number) {
      each.refusal = "it holds no offset";
    } else if (id == nullptr || !parse_file_id(*id, each)) {
      each.refusal = "its file id is not one of Linux'";
    }
    all.push_back(std::move(each));
  }
  return all;
}

}  // namespace agent
