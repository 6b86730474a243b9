#include "store/data_dir.h"

namespace store {

namespace {

// The kernel's name for us, by way of Files: what a process may not ask directly, the simulator
// need not answer.
std::string own_pid(io::Files& files) {
  const auto handle = files.open("/proc/self/stat", io::Open::read);
  if (!handle) return "unknown";
  const io::UniqueHandle file(files, *handle);
  std::string text(32, '\0');
  const auto count = files.read_at(file.get(), text, 0);
  return count ? text.substr(0, text.find_first_not_of("0123456789")) : "unknown";
}

// The digits in what the holder wrote about itself.
std::string holder(const std::string& message) {
  const auto at = message.rfind("pid ");
  if (at == std::string::npos) return "another process";
  const auto end = message.find_first_not_of("0123456789", at + 4);
  return message.substr(at, end == std::string::npos ? end : end - at);
}

}  // namespace

base::Result<DataDir> DataDir::lock(const io::Environment& environment, const std::string& path) {
  io::Files& files = environment.files;
  TRY_VOID(files.make_directories(path));
  auto handle = files.lock(path + "/LOCK");
  if (!handle) {
    if (handle.error().code != base::ErrorCode::busy)
      return std::unexpected(std::move(handle.error()));
    return base::fail(base::ErrorCode::busy,
                      path + " is in use by " + holder(handle.error().message));
  }
  io::UniqueHandle lock(files, *handle);
  // Over what is there: on a full disk there may be no room for it twice (F60).
  const std::string text = "pid " + own_pid(files) + "\n";
  TRY_VOID(files.write_at(lock.get(), text, 0));
  TRY_VOID(files.truncate(lock.get(), text.size()));
  return DataDir(path, std::move(lock));
}

}  // namespace store
