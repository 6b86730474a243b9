#include "sources/checkpointer.h"

#include <algorithm>
#include <memory_resource>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/assert.h"

namespace sources {

namespace {

constexpr std::size_t kManyChanges = 256;  // their memory is worth giving back

// The last thing reported about one key.
struct Change {
  std::optional<Checkpoint> put;  // empty: erase
  base::Origin erased = base::Origin::none;
  std::vector<Registered*> waiters;
  bool synced = false;  // even without waiters
  const CompletesCheckpoints* completes = nullptr;
  base::Instant since{};  // what it says was under way since then, or it was reported then
  std::pair<const std::string, Change>* next = nullptr;  // of `unsent`, in the order they came

  // What erases `origin` does not mean this file: the inode was handed out again.
  bool is_of_another(base::Origin origin) const {
    return put && put->origin != base::Origin::none && origin != base::Origin::none &&
           put->origin != origin;
  }
};
using Changes = std::pmr::unordered_map<std::string, Change>;

}  // namespace

struct Checkpointer::State {
  base::ReactorId reactor;
  std::function<void(CheckpointWrite)> send;
  bool notes_whole = false;

  // Thousands of files are registered at a start, each beside what is kept of it for good: apart
  // from that, they leave no holes between.
  std::pmr::unsynchronized_pool_resource memory;
  std::size_t most_changes = 0;  // since that was given back

  // First come, first written: where more changes than a write takes, none waits for ever.
  Changes unsent{&memory};
  Changes::value_type* first = nullptr;
  Changes::value_type* last = nullptr;
  bool urgent = false;    // unsent holds a registration
  bool flushing = false;  // shutdown: nothing waits for its time
  base::Instant unsent_since{};

  Changes unanswered{&memory};  // of the one write under way
  std::uint64_t number = 0;
  bool under_way = false;
  base::Instant unanswered_since{};

  base::Instant now{};         // of the last tick
  base::Instant not_before{};  // the next write, unless it is urgent
  base::Instant retry_at{};    // no write at all before this

  Change& change(const std::string& key, base::Instant since = base::Instant::max()) {
    const auto [entry, inserted] = unsent.try_emplace(key);
    Change& change = entry->second;
    change.since = std::min(inserted ? now : change.since, since);
    if (inserted) append(*entry);
    unsent_since = std::min(unsent.size() == 1 ? change.since : unsent_since, change.since);
    most_changes = std::max(most_changes, unsent.size());
    return change;
  }

  void append(Changes::value_type& entry) {
    entry.second.next = nullptr;
    (last != nullptr ? last->second.next : first) = &entry;
    last = &entry;
  }

  Changes::node_type take_first() {
    Changes::node_type node = unsent.extract(first->first);
    first = node.mapped().next;
    if (first == nullptr) last = nullptr;
    return node;
  }

  void start_write() {
    CheckpointWrite write{.number = ++number,
                          .from = reactor,
                          .synced = false,
                          .put = {},
                          .registers = {},
                          .erase = {}};
    const std::size_t in_write = std::min(unsent.size(), kChangesMax);
    while (!unsent.empty() && unanswered.size() < kChangesMax) {
      Changes::node_type node = take_first();
      if (node.mapped().put) {
        if (node.mapped().completes)
          node.mapped().completes->complete(*node.mapped().put, in_write);
        write.put.push_back(*node.mapped().put);
        write.registers.push_back(!node.mapped().waiters.empty());
      } else {
        write.erase.push_back({.key = node.key(), .origin = node.mapped().erased});
      }
      write.synced = write.synced || node.mapped().synced || !node.mapped().waiters.empty();
      unanswered.insert(std::move(node));
    }
    under_way = true;
    unanswered_since = unsent_since;
    urgent = false;
    unsent_since = now;
    for (const auto& [key, change] : unsent) {
      urgent = urgent || !change.waiters.empty();
      unsent_since = std::min(unsent_since, change.since);
    }
    not_before = now + kWriteInterval;
    send(std::move(write));
  }

  // The write failed: what it held goes again, except where something newer is known.
  void take_back() {
    unsent_since = unsent.empty() ? unanswered_since : std::min(unsent_since, unanswered_since);
    for (auto& [key, change] : unanswered) {
      const auto [newer, inserted] = unsent.try_emplace(key, std::move(change));
      if (inserted) {
        append(*newer);
      } else {
        newer->second.since = std::min(newer->second.since, change.since);
        if (!newer->second.put && change.is_of_another(newer->second.erased)) {
          newer->second.put = std::move(change.put);
        }
        auto& waiters = newer->second.waiters;
        waiters.insert(waiters.end(), change.waiters.begin(), change.waiters.end());
        newer->second.synced = newer->second.synced || change.synced;
      }
      urgent = urgent || !newer->second.waiters.empty();
    }
    unanswered.clear();
  }
};

Checkpointer::Checkpointer(base::ReactorId reactor, std::function<void(CheckpointWrite)> send)
    : state_(std::make_unique<State>()) {
  state_->reactor = reactor;
  state_->send = std::move(send);
}

Checkpointer::~Checkpointer() = default;

void Checkpointer::note_whole(bool on) { state_->notes_whole = on; }

bool Checkpointer::notes_whole() const { return state_->notes_whole; }

void Checkpointer::register_origin(const Checkpoint& checkpoint, Registered* waiter,
                                   const CompletesCheckpoints* completes) {
  Change& change = state_->change(checkpoint_key(checkpoint.flow, checkpoint.identity));
  change.put = checkpoint;
  change.completes = completes;
  change.waiters.push_back(waiter);
  state_->urgent = true;
}

void Checkpointer::forget_waiter(Registered* waiter) {
  for (Changes* changes : {&state_->unsent, &state_->unanswered}) {
    for (auto& [key, change] : *changes) std::erase(change.waiters, waiter);
  }
}

void Checkpointer::forget(const CompletesCheckpoints* completes) {
  const std::size_t in_write = std::min(state_->unsent.size(), kChangesMax);
  for (auto& [key, change] : state_->unsent) {
    if (change.completes != completes) continue;
    if (change.put) completes->complete(*change.put, in_write);
    change.completes = nullptr;
  }
  for (auto& [key, change] : state_->unanswered) {
    if (change.completes == completes) change.completes = nullptr;
  }
}

void Checkpointer::update(const Checkpoint& checkpoint, base::Instant since,
                          const CompletesCheckpoints* completes) {
  Change& change = state_->change(checkpoint_key(checkpoint.flow, checkpoint.identity), since);
  change.put = checkpoint;
  change.completes = completes;
}

void Checkpointer::update_synced(const Checkpoint& checkpoint) {
  Change& change = state_->change(checkpoint_key(checkpoint.flow, checkpoint.identity));
  change.put = checkpoint;
  change.completes = nullptr;
  change.synced = true;
}

void Checkpointer::erase(const std::string& key, base::Origin origin) {
  Change& change = state_->change(key);
  if (change.is_of_another(origin)) return;
  change.put.reset();
  change.erased = origin;
}

bool Checkpointer::holds(const std::string& key, base::Origin origin) const {
  const auto in = [&](const Changes& changes) {
    const auto it = changes.find(key);
    return it != changes.end() && !it->second.is_of_another(origin);
  };
  return in(state_->unsent) || in(state_->unanswered);
}

void Checkpointer::written(std::uint64_t number, int error, base::Instant now) {
  ASSERT(state_->under_way);
  ASSERT(number == state_->number);
  state_->under_way = false;
  if (error != 0) {
    state_->retry_at = now + kRetryInterval;
    state_->take_back();
    return;
  }
  std::vector<Registered*> durable;
  for (const auto& [key, change] : state_->unanswered) {
    durable.insert(durable.end(), change.waiters.begin(), change.waiters.end());
  }
  state_->unanswered.clear();
  for (Registered* waiter : durable) waiter->registered();
}

void Checkpointer::tick(base::Instant now) {
  state_->now = now;
  if (next_deadline() <= now) state_->start_write();
}

base::Instant Checkpointer::next_deadline() const {
  if (state_->under_way || state_->unsent.empty()) return base::Instant::max();
  if (state_->urgent || state_->flushing) return state_->retry_at;
  return std::max(state_->not_before, state_->retry_at);
}

void Checkpointer::flush_always() { state_->flushing = true; }

std::size_t Checkpointer::trim() {
  if (!idle() || state_->most_changes < kManyChanges) return 0;
  const std::size_t bytes = std::exchange(state_->most_changes, 0) * sizeof(Changes::value_type);
  state_->unsent = Changes{&state_->memory};  // their buckets too
  state_->unanswered = Changes{&state_->memory};
  state_->memory.release();
  return bytes;
}

bool Checkpointer::idle() const { return !state_->under_way && state_->unsent.empty(); }

base::Instant Checkpointer::covered(base::Instant now) const {
  base::Instant covered = now;
  if (!state_->unsent.empty()) covered = std::min(covered, state_->unsent_since);
  if (state_->under_way) covered = std::min(covered, state_->unanswered_since);
  return covered;
}

}  // namespace sources
