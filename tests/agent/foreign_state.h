// What other agents keep in SQLite databases, as they write it, and what they call files by.
#pragma once

#include <sqlite3.h>
#include <sys/stat.h>

#include <cstdio>
#include <string>

#include "tests/test.h"

namespace state_test {

inline struct ::stat status_of(const std::string& path) {
  struct ::stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status;
}
inline std::string inode_of(const std::string& path) {
  return std::to_string(status_of(path).st_ino);
}
inline std::string device_of(const std::string& path) {
  return std::to_string(status_of(path).st_dev);
}

inline void make_database(const std::string& path, const std::string& statements) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  char* message = nullptr;
  const int code = sqlite3_exec(database, statements.c_str(), nullptr, nullptr, &message);
  INFO((message == nullptr ? "" : message));
  CHECK(code == SQLITE_OK);
  sqlite3_free(message);
  sqlite3_close(database);
}

// As Java prints a file key.
inline std::string java_file_id(const std::string& path) {
  char text[64];
  std::snprintf(text, sizeof text, "(dev=%llx,ino=%llu)",
                static_cast<unsigned long long>(status_of(path).st_dev),
                static_cast<unsigned long long>(status_of(path).st_ino));
  return text;
}

inline constexpr const char* kKinesisTable =
    "create table if not exists FILE_CHECKPOINTS(       flow text,       path text,"
    "       fileId text,       lastModifiedTime bigint,       size bigint,"
    "       offset bigint,       lastUpdated datetime,       primary key (flow, path));";

inline std::string kinesis_row(const std::string& flow, const std::string& path,
                               const std::string& id, const std::string& offset) {
  return "insert into FILE_CHECKPOINTS values('" + flow + "','" + path + "','" + id +
         "',1700000000000,100," + offset + ",strftime('%Y-%m-%d %H:%M:%f', 'now'));";
}

inline constexpr const char* kFluentBitTable =
    "PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS in_tail_files (  id      INTEGER PRIMARY "
    "KEY,  name    TEXT NOT NULL,  offset  INTEGER,  inode   INTEGER,  created INTEGER,  rotated "
    "INTEGER DEFAULT 0);";
inline constexpr const char* kFluentBitMarker =
    "ALTER TABLE in_tail_files ADD COLUMN offset_marker INTEGER DEFAULT 0;"
    "ALTER TABLE in_tail_files ADD COLUMN offset_marker_size INTEGER DEFAULT 0;";

inline std::string fluent_bit_row(const std::string& name, const std::string& offset,
                                  const std::string& inode) {
  return "INSERT INTO in_tail_files (name, offset, inode, created)  VALUES ('" + name + "', " +
         offset + ", " + inode + ", 1700000000);";
}

}  // namespace state_test
