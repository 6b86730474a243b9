#include "io/blocking_pool.h"

#include <pthread.h>
#include <signal.h>

#include <system_error>
#include <utility>

namespace io {

void BlockingPool::List::push(BlockingJob& job) {
  job.next_job = nullptr;
  if (last == nullptr) {
    first = &job;
  } else {
    last->next_job = &job;
  }
  last = &job;
}

BlockingJob* BlockingPool::List::pop() {
  BlockingJob* const job = first;
  if (job != nullptr) first = job->next_job;
  if (first == nullptr) last = nullptr;
  return job;
}

BlockingPool::~BlockingPool() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  work_or_end_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void BlockingPool::submit(BlockingJob& job) {
  bool needs_thread = false;
  {
    const std::scoped_lock lock(mutex_);
    waiting_.push(job);
    ++unclaimed_;
    needs_thread = unclaimed_ > idle_;
  }
  work_or_end_.notify_one();
  if (!needs_thread || threads_.size() == kThreadsMax) return;
  if (start_thread() || !threads_.empty()) return;
  // Not one thread to be had (TasksMax): better to block the owner than never to finish.
  if (!withdraw(job)) return;
  job.run(job);
  {
    const std::scoped_lock lock(mutex_);
    finished_.push(job);
  }
  notify_(owner_);
}

bool BlockingPool::withdraw(BlockingJob& job) {
  const std::scoped_lock lock(mutex_);
  BlockingJob* previous = nullptr;
  for (BlockingJob* each = waiting_.first; each != nullptr;
       previous = each, each = each->next_job) {
    if (each != &job) continue;
    (previous == nullptr ? waiting_.first : previous->next_job) = job.next_job;
    if (waiting_.last == &job) waiting_.last = previous;
    --unclaimed_;
    return true;
  }
  return false;
}

BlockingJob* BlockingPool::take_finished() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(finished_, List{}).first;
}

bool BlockingPool::start_thread() {
  // Signals are for the threads that expect them; a new thread inherits the mask.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

void BlockingPool::work() {
  std::unique_lock lock(mutex_);
  ++idle_;
  while (true) {
    work_or_end_.wait(lock, [this] { return ending_ || waiting_.first != nullptr; });
    --idle_;
    if (ending_) return;
    BlockingJob& job = *waiting_.pop();
    --unclaimed_;
    lock.unlock();
    job.run(job);
    lock.lock();
    const bool first = finished_.first == nullptr;
    finished_.push(job);
    ++idle_;  // before the owner hears of it: for the next job it needs no further thread
    if (!first) continue;
    lock.unlock();
    notify_(owner_);
    lock.lock();
  }
}

}  // namespace io
