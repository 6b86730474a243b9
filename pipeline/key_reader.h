// KeyReader: partition keys from JSON lines: the value at one pointer (RFC 6901) of each record.
//
// Owned by a Program; not thread-safe. The lines are read in place, up to the wanted value and no
// further, so a mistake behind it goes unseen. Field names are compared as they are written: one
// spelt with escapes ("cl\u0069ent") is not found.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/column.h"
#include "pipeline/record_block.h"

namespace pipeline {

class KeyReader {
 public:
  // `pointer`: "/client", "/request/headers/0"; "~1" is "/" and "~0" is "~".
  explicit KeyReader(std::string_view pointer);
  ~KeyReader();

  // Fills block.key: strings unescaped, numbers and booleans as they are written, and empty for
  // records without such a value, that are not JSON, or that are rejected. Returns how many records
  // have none, rejected ones not counted. The keys are views of the chunk or of memory of ours that
  // lives until the next call.
  std::uint64_t read(RecordBlock& block);

 private:
  struct Json;  // the parser
  struct Step {
    std::string name;
    std::size_t index;  // of an array's element; npos if `name` is not a number
  };

  std::string_view read_one(std::string_view line, const char* readable_end);
  std::string_view keep(std::string_view text);

  std::vector<Step> steps_;
  std::unique_ptr<Json> json_;
  Column<char> scratch_;  // keys that had to be unescaped, and padding
  std::size_t scratch_used_ = 0;
};

}  // namespace pipeline
