// ReadyList: operations whose result is known and whose `done` is due, in order of completion.
//
// What makes the Io promises easy to keep: completions are put here, never called on the spot, and
// run() takes the whole list first, so what a `done` finishes at once waits for the next
// run_once().
#pragma once

#include <cstdint>

#include "io/io.h"

namespace io {

class ReadyList {
 public:
  bool empty() const { return first_ == nullptr; }

  void push(Operation& operation, std::int64_t result) {
    operation.result = result;
    operation.next = nullptr;
    operation.backend = nullptr;
    if (last_ == nullptr) {
      first_ = &operation;
    } else {
      last_->next = &operation;
    }
    last_ = &operation;
  }

  void run() {
    Operation* operation = first_;
    first_ = last_ = nullptr;
    while (operation != nullptr) {
      // `done` may start the same operation again or destroy it: nothing of it is touched
      // afterwards.
      Operation* const next = operation->next;
      operation->done(operation->owner, operation->result);
      operation = next;
    }
  }

 private:
  Operation* first_ = nullptr;
  Operation* last_ = nullptr;
};

}  // namespace io
