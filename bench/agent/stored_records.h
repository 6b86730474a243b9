// StoredRecords: the records of stream `bench`, read with cursors as another process would.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/files.h"
#include "store/cursor.h"

namespace agent_bench {

class StoredRecords {
 public:
  explicit StoredRecords(std::string data_dir);

  // Calls visit(record) for every record that is new. The stream need not exist yet.
  template <typename Visit>
  void read_on(Visit visit) {
    find_shards();
    store::StoredRecord record;
    for (store::Cursor& cursor : cursors_) {
      while (cursor.next(record).value_or(false)) visit(record);
    }
  }

 private:
  void find_shards();

  std::string data_dir_;
  std::unique_ptr<io::Files> files_;
  std::vector<store::Cursor> cursors_;
};

}  // namespace agent_bench
