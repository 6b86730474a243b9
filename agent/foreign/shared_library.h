// SharedLibrary: a library that is loaded when first needed. Linked, what only `state import` calls
// would cost every agent its memory from the start: libcrypto 1.5 MiB, libsqlite3 0.3 MiB.
#pragma once

#include <string>

namespace agent {

// Stays loaded until the process ends. Any thread.
class SharedLibrary {
 public:
  // Of its file name, such as "libsqlite3.so.0".
  explicit SharedLibrary(const std::string& name);

  bool loaded() const { return handle_ != nullptr; }
  const std::string& error() const { return error_; }  // why not
  // loaded() only. The type is its header's: function<decltype(sqlite3_step)>("sqlite3_step").
  template <class Function>
  Function* function(const char* name) const {
    return reinterpret_cast<Function*>(address(name));
  }

 private:
  void* address(const char* name) const;

  void* handle_;
  std::string error_;
};

}  // namespace agent
