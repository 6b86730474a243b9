#include "agent/foreign/sqlite_table.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <memory>

#include "agent/foreign/shared_library.h"
#include "io/private_copy.h"

namespace agent {

namespace {

// What a crash leaves beside a database is part of it.
constexpr std::array<std::string_view, 2> kBesides = {"-wal", "-journal"};
// Where SQLite locks a database, whatever its size (https://sqlite.org/src/file/src/os.h); in WAL
// mode what lies beside it, from the eight locks to the one that each connection holds while it is
// open (https://sqlite.org/walformat.html). Not where a connection has the database for
// itself: it locks it as in the other modes.
constexpr io::PrivateCopy::Locks kLocks = {.writers = {.offset = 0x40000000, .bytes = 512},
                                           .ending = "-shm",
                                           .users = {.offset = 120, .bytes = 9}};

// https://sqlite.org/fileformat.html#magic_header_string
constexpr std::string_view kMagic("SQLite format 3\0", 16);

struct Sqlite {
  explicit Sqlite(const SharedLibrary& library)
      : open(library.function<decltype(sqlite3_open_v2)>("sqlite3_open_v2")),
        close(library.function<decltype(sqlite3_close)>("sqlite3_close")),
        message(library.function<decltype(sqlite3_errmsg)>("sqlite3_errmsg")),
        meaning(library.function<decltype(sqlite3_errstr)>("sqlite3_errstr")),
        prepare(library.function<decltype(sqlite3_prepare_v2)>("sqlite3_prepare_v2")),
        step(library.function<decltype(sqlite3_step)>("sqlite3_step")),
        finalize(library.function<decltype(sqlite3_finalize)>("sqlite3_finalize")),
        columns(library.function<decltype(sqlite3_column_count)>("sqlite3_column_count")),
        name(library.function<decltype(sqlite3_column_name)>("sqlite3_column_name")),
        text(library.function<decltype(sqlite3_column_text)>("sqlite3_column_text")),
        bytes(library.function<decltype(sqlite3_column_bytes)>("sqlite3_column_bytes")) {}

  decltype(sqlite3_open_v2)* open;
  decltype(sqlite3_close)* close;
  decltype(sqlite3_errmsg)* message;
  decltype(sqlite3_errstr)* meaning;
  decltype(sqlite3_prepare_v2)* prepare;
  decltype(sqlite3_step)* step;
  decltype(sqlite3_finalize)* finalize;
  decltype(sqlite3_column_count)* columns;
  decltype(sqlite3_column_name)* name;
  decltype(sqlite3_column_text)* text;
  decltype(sqlite3_column_bytes)* bytes;
};

using Database = std::unique_ptr<sqlite3, decltype(sqlite3_close)*>;
using Statement = std::unique_ptr<sqlite3_stmt, decltype(sqlite3_finalize)*>;

std::unexpected<base::Error> failed(const Sqlite& sqlite, sqlite3* database, int code,
                                    const std::string& path) {
  return base::fail(base::ErrorCode::corrupt,
                    path + ": " + (database ? sqlite.message(database) : sqlite.meaning(code)));
}

SqliteTable::Row row_of(const Sqlite& sqlite, sqlite3_stmt* statement, int columns) {
  SqliteTable::Row row;
  for (int i = 0; i < columns; ++i) {
    const unsigned char* text = sqlite.text(statement, i);
    const auto bytes = static_cast<std::size_t>(sqlite.bytes(statement, i));
    if (text == nullptr) {
      row.emplace_back();
    } else {
      row.emplace_back(std::string(reinterpret_cast<const char*>(text), bytes));
    }
  }
  return row;
}

// SQLite writes even to what it only reads: beside a database in WAL mode, and over one that a
// crash left unfinished. So it gets a copy.
base::Result<io::PrivateCopy> copy_of(const std::string& path) {
  auto copy = io::PrivateCopy::make(path, {.magic = kMagic, .endings = kBesides, .locks = kLocks});
  if (!copy && copy.error().code == base::ErrorCode::busy) {
    copy.error().message += "; stop the other agent first";
  }
  if (!copy && copy.error().code == base::ErrorCode::corrupt) {
    copy.error().message = path + " is no SQLite database";
  }
  return copy;
}

}  // namespace

const std::string* SqliteTable::find(const Row& row, std::string_view column) const {
  const auto at = std::ranges::find(columns, column);
  if (at == columns.end()) return nullptr;
  const auto& value = row[static_cast<std::size_t>(at - columns.begin())];
  return value ? &*value : nullptr;
}

base::Result<SqliteTable> read_sqlite_table(const std::string& path, const std::string& table) {
  static const SharedLibrary kLibrary("libsqlite3.so.0");
  if (!kLibrary.loaded()) {
    return base::fail(base::ErrorCode::unsupported,
                      path + " is read with SQLite, which cannot be loaded: " + kLibrary.error());
  }
  const Sqlite sqlite(kLibrary);
  const io::PrivateCopy copy = TRY(copy_of(path));
  sqlite3* opened = nullptr;
  int code = sqlite.open(copy.path().c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  const Database database(opened, sqlite.close);
  if (code != SQLITE_OK) return failed(sqlite, database.get(), code, path);
  sqlite3_stmt* prepared = nullptr;
  const std::string query = "SELECT * FROM " + table;
  code = sqlite.prepare(database.get(), query.c_str(), -1, &prepared, nullptr);
  const Statement statement(prepared, sqlite.finalize);
  if (code != SQLITE_OK) return failed(sqlite, database.get(), code, path);

  SqliteTable result;
  const int columns = sqlite.columns(statement.get());
  for (int i = 0; i < columns; ++i) {
    result.columns.emplace_back(sqlite.name(statement.get(), i));
  }
  while ((code = sqlite.step(statement.get())) == SQLITE_ROW) {
    if (result.rows.size() == kSqliteRowsMax) {
      return base::fail(base::ErrorCode::limit, path + ": table " + table + " has more than " +
                                                    std::to_string(kSqliteRowsMax) + " rows");
    }
    result.rows.push_back(row_of(sqlite, statement.get(), columns));
  }
  if (code != SQLITE_DONE) return failed(sqlite, database.get(), code, path);
  return result;
}

}  // namespace agent
