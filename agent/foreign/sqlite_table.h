// SqliteTable: one table of an SQLite database, whole. The only place that knows SQLite.
//
// A private copy of the database is read, so that its user needs no right to write and nothing
// appears beside it. Who writes to it must have stopped.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace agent {

struct SqliteTable {
  using Row = std::vector<std::optional<std::string>>;  // as text; nullopt: NULL
  std::vector<std::string> columns;
  std::vector<Row> rows;

  // nullptr when there is no such column or the value is NULL.
  const std::string* find(const Row& row, std::string_view column) const;
};

constexpr std::size_t kSqliteRowsMax = 1'000'000;

// `table`: a name of ours, not of a user's. ErrorCode::corrupt: not a database, or without that
// table; busy: somebody writes to it, or has it open in WAL mode; io: it or its copy cannot be read
// or written; limit: more rows than kSqliteRowsMax; unsupported: SQLite is not installed.
base::Result<SqliteTable> read_sqlite_table(const std::string& path, const std::string& table);

}  // namespace agent
