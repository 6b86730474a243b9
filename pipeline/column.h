// Column: a vector whose resize() leaves new elements as they are, for arrays that are overwritten
// whole for every chunk: writing zeros first would cost as much as writing the values.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace pipeline {

template <typename T>
class ColumnAllocator : public std::allocator<T> {
 public:
  // Without a lifetime to start or end, storage is all an element needs.
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  template <typename U>
  struct rebind {
    using other = ColumnAllocator<U>;
  };

  template <typename U>
  void construct(U*) noexcept {}
  template <typename U, typename... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    std::construct_at(at, std::forward<Arguments>(arguments)...);
  }
};

template <typename T>
using Column = std::vector<T, ColumnAllocator<T>>;

}  // namespace pipeline
