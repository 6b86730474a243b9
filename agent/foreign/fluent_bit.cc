// Fluent Bit's in_tail: the SQLite database its `DB` option names.
//
// Table in_tail_files(id, name, offset, inode, created, rotated) and, since 5.0, offset_marker and
// offset_marker_size (plugins/in_tail/tail_sql.h). There is no device: name and inode say which
// file it is. The marker is XXH3 of so many bytes before the offset, as a signed number; size 0:
// there is none. A row's name follows a rotation. `offset` may lie inside a line; then it is
// refused like any other.
#include <algorithm>
#include <array>
#include <utility>

#include "agent/foreign/fingerprints.h"
#include "agent/foreign/foreign_checkpoint.h"
#include "agent/foreign/sqlite_table.h"

namespace agent {

namespace {

constexpr std::array<std::string_view, 8> kColumns = {
    "id", "name", "offset", "inode", "created", "rotated", "offset_marker", "offset_marker_size"};
constexpr std::size_t kColumnsMin = 6;  // before 5.0

// False: it makes no sense.
bool read_marker(const std::string* marker, const std::string* size, ForeignCheckpoint& into) {
  if (marker == nullptr || size == nullptr || *size == "0") return true;
  const auto bytes = parse_number(*size);
  const bool negative = marker->starts_with('-');
  const auto value = parse_number(std::string_view(*marker).substr(negative ? 1 : 0));
  if (!bytes || !value || *bytes > kTailHashBytesMax || *bytes > into.offset) return false;
  into.tail = TailHash{.bytes = *bytes, .value = negative ? 0 - *value : *value};
  return true;
}

}  // namespace

base::Result<ForeignCheckpoints> read_fluent_bit(const std::string& path) {
  const SqliteTable table = TRY(read_sqlite_table(path, "in_tail_files"));
  const std::size_t columns = table.columns.size();
  if ((columns != kColumns.size() && columns != kColumnsMin) ||
      !std::equal(table.columns.begin(), table.columns.end(), kColumns.begin())) {
    return base::fail(base::ErrorCode::unsupported,
                      path + ": table in_tail_files has columns this version does not know");
  }
  ForeignCheckpoints all;
  for (const SqliteTable::Row& row : table.rows) {
    ForeignCheckpoint each;
    const std::string* name = table.find(row, "name");
    const std::string* offset = table.find(row, "offset");
    const std::string* inode = table.find(row, "inode");
    if (name != nullptr) each.name = each.path = *name;
    const auto number = offset == nullptr ? std::nullopt : parse_number(*offset);
    each.offset = number.value_or(0);
    each.inode = inode == nullptr ? std::nullopt : parse_number(*inode);
    if (!number) {
      each.refusal = "it holds no offset";
    } else if (!each.inode) {
      each.refusal = "it holds no inode";
    } else if (!read_marker(table.find(row, "offset_marker"), table.find(row, "offset_marker_size"),
                            each)) {
      each.refusal = "its offset marker makes no sense";
    }
    all.push_back(std::move(each));
  }
  return all;
}

}  // namespace agent
