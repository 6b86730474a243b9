// FaultFs: a directory seen through a file system in user space (FUSE), which fails when told to.
//
// It hands through, for reading, what is in the directory behind it, and whoever changes that
// changes it behind the kernel's back: no notification, no page cache, nothing remembered of names
// and attributes. So it is to the agent what a network file system is on a bad day. It speaks the
// kernel's protocol itself (linux/fuse.h, version 7) on a thread of its own and needs nothing but
// /dev/fuse and the right to mount; if the test dies, every call under the mount point ends.
//
// All calls below: from the test's thread. `name`: the last part of a path; empty: all of them.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace process {

class FaultFs {
 public:
  // What the kernel asks: lookup and getattr are behind stat(), which is not the same as open().
  enum class Call : std::uint8_t { lookup, getattr, open, read, list };
  static constexpr std::uint64_t kToEnd = ~std::uint64_t{0};

  // Both directories exist. The test is in a mount namespace of its own.
  FaultFs(std::string behind, std::string mount_point);
  ~FaultFs();
  FaultFs(const FaultFs&) = delete;
  FaultFs& operator=(const FaultFs&) = delete;

  // From now on `call` is answered with `error`, one of errno's; 0: as usual.
  void fail(Call call, int error, const std::string& name = "");
  // Bytes [from, to) of a file cannot be read, like a bad sector: a read that reaches them ends
  // before them, one that begins in them fails with EIO. A file may have several such ranges.
  void damage(const std::string& name, std::uint64_t from, std::uint64_t to = kToEnd);
  void repair(const std::string& name);
  // From now on `call` is not answered at all before let_go(). The kernel's interrupts are, as a
  // mount with intr does: whoever is killed can end.
  void hold(Call call, const std::string& name = "");
  void let_go();
  std::size_t held();  // questions that wait for an answer now
  // Whatever was opened or looked at so far is unknown from now on (ESTALE), like after the restart
  // of a server; what is looked up anew is fine.
  void forget_handles();
  // How often this was answered with an error.
  std::uint64_t failures();

 private:
  struct Request;
  struct Node {  // something the kernel has a number for
    int path = -1;
    std::string name;
    std::pair<dev_t, ino_t> identity{};
    std::uint64_t lookups = 0;
    bool stale = false;
  };
  struct Open {
    std::uint64_t node = 0;
    int file = -1;                  // of a file
    std::string entries;            // of a directory, as they are sent
    std::vector<std::size_t> ends;  // of each of them
  };
  using Fault = std::pair<Call, std::string>;

  void serve();
  void handle(const Request& request);
  void answer(const Request& request, int error, std::string_view bytes = {});
  bool faulty(const Request& request, Call call);
  void interrupt(std::uint64_t unique);
  void initialise(const Request& request);
  void look_up(const Request& request);
  void get_attributes(const Request& request);
  void open_file(const Request& request);
  void open_directory(const Request& request);
  void read_file(const Request& request);
  void read_directory(const Request& request);
  void forget(std::uint64_t node, std::uint64_t lookups);
  void close(std::uint64_t handle);

  std::string mount_point_;
  int device_ = -1;
  int stop_ = -1;
  std::mutex mutex_;  // guards what follows: the test's thread says what fails, ours answers
  std::map<Fault, int> errors_;
  std::map<Fault, bool> holds_;
  std::map<std::string, std::vector<std::pair<std::uint64_t, std::uint64_t>>> damages_;
  std::vector<Request> held_;
  std::map<std::uint64_t, Node> nodes_;
  std::map<std::pair<dev_t, ino_t>, std::uint64_t> numbers_;
  std::map<std::uint64_t, Open> opens_;
  std::uint64_t last_node_ = 1;  // the root's
  std::uint64_t last_open_ = 0;
  std::uint64_t failures_ = 0;
  std::thread thread_;
};

}  // namespace process
