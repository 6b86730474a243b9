#include "io/blocking_pool.h"

#include <atomic>
#include <deque>
#include <semaphore>

#include "tests/test.h"

namespace {

struct Job : io::BlockingJob {
  std::counting_semaphore<>* gate = nullptr;  // waits here, if set
  std::atomic<int> runs{0};
  Job() {
    run = [](io::BlockingJob& job) {
      auto& self = static_cast<Job&>(job);
      if (self.gate != nullptr) self.gate->acquire();
      ++self.runs;
    };
  }
};

struct Notices {
  std::counting_semaphore<> count{0};
  static void raise(void* self) { static_cast<Notices*>(self)->count.release(); }
};

std::size_t wait_for(io::BlockingPool& pool, Notices& notices, std::size_t jobs) {
  std::size_t finished = 0;
  while (finished < jobs) {
    notices.count.acquire();
    for (io::BlockingJob* job = pool.take_finished(); job != nullptr; job = job->next_job) {
      ++finished;
    }
  }
  return finished;
}

}  // namespace

TEST_CASE("blocking pool: starts no thread before there is work, and no more than its limit",
          "[io][pool]") {
  Notices notices;
  io::BlockingPool pool(&notices, Notices::raise);
  CHECK(pool.threads() == 0);
  std::deque<Job> jobs(1000);
  for (Job& job : jobs) pool.submit(job);
  CHECK(wait_for(pool, notices, jobs.size()) == jobs.size());
  CHECK(pool.threads() >= 1);
  CHECK(pool.threads() <= io::BlockingPool::kThreadsMax);
  for (const Job& job : jobs) CHECK(job.runs == 1);
  CHECK(pool.take_finished() == nullptr);
}

TEST_CASE("blocking pool: one job at a time needs one thread", "[io][pool]") {
  // A thread is held while it says that a job is finished: just then the owner submits the next.
  struct Owner {
    Notices notices;
    std::counting_semaphore<> next_submitted{0};
  } owner;
  io::BlockingPool pool(&owner, [](void* self) {
    Notices::raise(&static_cast<Owner*>(self)->notices);
    static_cast<Owner*>(self)->next_submitted.acquire();
  });
  Job first;
  Job second;
  pool.submit(first);
  wait_for(pool, owner.notices, 1);
  pool.submit(second);
  owner.next_submitted.release(2);
  wait_for(pool, owner.notices, 1);
  CHECK(pool.threads() == 1);
}

TEST_CASE("blocking pool: a job is withdrawn before it starts, and never after", "[io][pool]") {
  Notices notices;
  std::counting_semaphore<> gate{0};
  std::deque<Job> busy(io::BlockingPool::kThreadsMax);
  Job waiting;
  Job last;
  {
    io::BlockingPool pool(&notices, Notices::raise);
    for (Job& job : busy) {
      job.gate = &gate;
      pool.submit(job);
    }
    pool.submit(waiting);
    pool.submit(last);
    CHECK(pool.withdraw(last));
    CHECK_FALSE(pool.withdraw(last));
    pool.submit(last);
    CHECK(pool.withdraw(waiting));
    gate.release(static_cast<std::ptrdiff_t>(busy.size()));
    CHECK(wait_for(pool, notices, busy.size() + 1) == busy.size() + 1);
    CHECK_FALSE(pool.withdraw(busy.front()));
  }
  CHECK(waiting.runs == 0);
  CHECK(last.runs == 1);
}

TEST_CASE("blocking pool: its end waits for what runs and drops what does not", "[io][pool]") {
  Notices notices;
  std::counting_semaphore<> gate{0};
  std::deque<Job> jobs(50);
  {
    io::BlockingPool pool(&notices, Notices::raise);
    for (Job& job : jobs) {
      job.gate = &gate;
      pool.submit(job);
    }
    gate.release(50);
  }
  for (const Job& job : jobs) CHECK(job.runs <= 1);
}
