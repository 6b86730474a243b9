#include "agent/foreign/sqlite_table.h"

#include <sqlite3.h>

#include <algorithm>
#include <memory>

namespace agent {

namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

std::unexpected<base::Error> failed(sqlite3* database, int code, const std::string& path) {
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    return base::fail(base::ErrorCode::busy,
                      path + " is being written to; stop the agent that does first");
  }
  return base::fail(base::ErrorCode::corrupt,
                    path + ": " + (database ? sqlite3_errmsg(database) : sqlite3_errstr(code)));
}

SqliteTable::Row row_of(sqlite3_stmt* statement, int columns) {
  SqliteTable::Row row;
  for (int i = 0; i < columns; ++i) {
    const unsigned char* text = sqlite3_column_text(statement, i);
    const auto bytes = static_cast<std::size_t>(sqlite3_column_bytes(statement, i));
    if (text == nullptr) {
      row.emplace_back();
    } else {
      row.emplace_back(std::string(reinterpret_cast<const char*>(text), bytes));
    }
  }
  return row;
}

}  // namespace

const std::string* SqliteTable::find(const Row& row, std::string_view column) const {
  const auto at = std::ranges::find(columns, column);
  if (at == columns.end()) return nullptr;
  const auto& value = row[static_cast<std::size_t>(at - columns.begin())];
  return value ? &*value : nullptr;
}

base::Result<SqliteTable> read_sqlite_table(const std::string& path, const std::string& table) {
  sqlite3* opened = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
  const Database database(opened);
  if (code != SQLITE_OK) return failed(database.get(), code, path);
  sqlite3_stmt* prepared = nullptr;
  const std::string query = "SELECT * FROM " + table;
  code = sqlite3_prepare_v2(database.get(), query.c_str(), -1, &prepared, nullptr);
  const Statement statement(prepared);
  if (code != SQLITE_OK) return failed(database.get(), code, path);

  SqliteTable result;
  const int columns = sqlite3_column_count(statement.get());
  for (int i = 0; i < columns; ++i) {
    result.columns.emplace_back(sqlite3_column_name(statement.get(), i));
  }
  while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
    if (result.rows.size() == kSqliteRowsMax) {
      return base::fail(base::ErrorCode::limit, path + ": table " + table + " has more than " +
                                                    std::to_string(kSqliteRowsMax) + " rows");
    }
    result.rows.push_back(row_of(statement.get(), columns));
  }
  if (code != SQLITE_DONE) return failed(database.get(), code, path);
  return result;
}

}  // namespace agent
