// RequestPool: the backends' own state of operations in flight, reused for ever.
//
// Grows to as many as were ever in flight together and never shrinks, so nothing is allocated in
// steady state. Items do not move. `T` has a member `T* next` that is free for us while an item is
// not taken.
#pragma once

#include <deque>

namespace io {

template <typename T>
class RequestPool {
 public:
  T& take() {
    if (free_ == nullptr) return all_.emplace_back();
    T& item = *free_;
    free_ = item.next;
    item = T{};
    return item;
  }
  void give_back(T& item) {
    item.next = free_;
    free_ = &item;
  }
  // Taken or not, oldest first.
  std::deque<T>& all() { return all_; }

 private:
  std::deque<T> all_;
  T* free_ = nullptr;
};

}  // namespace io
