#include "agent/foreign/shared_library.h"

#include <dlfcn.h>

#include "base/assert.h"

namespace agent {

SharedLibrary::SharedLibrary(const std::string& name) : handle_(dlopen(name.c_str(), RTLD_NOW)) {
  if (handle_ == nullptr) error_ = dlerror();
}

void* SharedLibrary::address(const char* name) const {
  void* const found = dlsym(handle_, name);
  ASSERT(found != nullptr);
  return found;
}

}  // namespace agent
