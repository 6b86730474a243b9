// BlockingPool: a few threads for calls that may block, where the kernel offers nothing better.
//
// Protocol: one owner thread submits, withdraws and takes finished jobs; the pool's threads run
// them. All lists are guarded by one mutex, taken twice per job by each side: a job is a system
// call that waits for a disk, so the mutex does not show. Threads start when first needed and stay.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace io {

// A member or base of what wants the result; stays in place until taken as finished or withdrawn.
struct BlockingJob {
  void (*run)(BlockingJob& job) = nullptr;  // on a pool's thread
  BlockingJob* next_job = nullptr;          // the pool's own
};

class BlockingPool {
 public:
  static constexpr std::size_t kThreadsMax = 8;

  // `notify(owner)`: called on a pool's thread when a job finished and none was waiting to be
  // taken.
  BlockingPool(void* owner, void (*notify)(void* owner)) : owner_(owner), notify_(notify) {}
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  // Waits for the jobs that are running; those still waiting never run.
  ~BlockingPool();

  void submit(BlockingJob& job);
  // True if `job` had not been started and now never will be.
  bool withdraw(BlockingJob& job);
  // The list of finished jobs, in order of completion, linked by `next_job`; null if there are
  // none.
  BlockingJob* take_finished();

  std::size_t threads() const { return threads_.size(); }

 private:
  struct List {
    BlockingJob* first = nullptr;
    BlockingJob* last = nullptr;
    void push(BlockingJob& job);
    BlockingJob* pop();
  };
  bool start_thread();
  void work();

  void* owner_;
  void (*notify_)(void* owner);
  std::mutex mutex_;  // guards everything below but threads_, which is the owner's
  std::condition_variable work_or_end_;
  List waiting_;
  List finished_;
  std::size_t idle_ = 0;       // threads waiting for work
  std::size_t unclaimed_ = 0;  // jobs in waiting_
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace io
