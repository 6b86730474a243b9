#include "agent/number_notes.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "agent/state_log.h"
#include "agent/wiring.h"
#include "store/catalog.h"
#include "store/keyed_log.h"

namespace agent {

namespace {

constexpr char kNumberNote = '\x03';

bool parse(std::string_view text, auto& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

std::string key_of(std::string_view stream, std::uint32_t shard) {
  return kNumberNote + std::string(stream) + "/" + std::to_string(shard);
}

}  // namespace

bool is_number_note(std::string_view key) { return key.starts_with(kNumberNote); }

NumberNote note_of(const store::Shard& shard) {
  return {.key = key_of(shard.name().stream, base::index(shard.name().shard)),
          .value = std::to_string(shard.next_sequence())};
}

base::Result<store::KnownNumbers> read_known_numbers(io::Files& files,
                                                     const std::string& data_dir) {
  store::KnownNumbers known;
  const std::string directory = checkpoint_directory(data_dir);
  if (const auto status = files.status(directory, true);
      !status && status.error().system == ENOENT) {
    return known;
  }
  TRY(store::KeyedLog::read(files, directory, [&](std::string_view key, std::string_view value) {
    const auto slash = key.rfind('/');
    if (!is_number_note(key) || slash == std::string_view::npos) return;
    std::uint32_t shard = 0;
    base::SequenceNumber next = 0;
    if (!parse(key.substr(slash + 1), shard) || !parse(value, next)) return;
    known[{std::string(key.substr(1, slash - 1)), shard}] = next;
  }));
  return known;
}

store::KnownNumbers gone_shards(io::Files& files, const std::string& data_dir,
                                const store::KnownNumbers& known) {
  store::KnownNumbers gone;
  for (const auto& [shard, next] : known) {
    const auto status = files.status(
        store::shard_directory(data_dir, shard.first, base::ShardNumber{shard.second}), true);
    if (!status && status.error().system == ENOENT) gone.emplace(shard, next);
  }
  return gone;
}

base::Result<void> forget_numbers(const io::Environment& environment, const std::string& data_dir,
                                  const store::KnownNumbers& shards) {
  if (shards.empty()) return {};
  const std::string directory = checkpoint_directory(data_dir);
  const auto ignore = [](std::string_view, std::string_view) {};
  if (TRY(store::KeyedLog::read(environment.files, directory, ignore)) > 0) {
    return base::fail(base::ErrorCode::corrupt, directory + " is damaged");
  }
  const auto log = TRY(store::KeyedLog::open(
      environment, directory,
      {.stream_id = 0, .stream = kCheckpointStream, .shard = base::ShardNumber{0}}));
  log->attach(environment);
  std::vector<std::string> keys;
  for (const auto& [shard, next] : shards) keys.push_back(key_of(shard.first, shard.second));
  std::vector<store::KeyedLogChange> changes;
  for (const std::string& key : keys) changes.push_back({.key = key, .value = {}, .erase = true});
  return write_and_wait(*log, environment, data_dir, changes);
}

bool may_be_removed(std::string_view stream) { return stream == kDeadLetterStream; }

base::SequenceNumber known_number(const store::KnownNumbers& known, const std::string& stream,
                                  base::ShardNumber shard) {
  const auto at = known.find({stream, base::index(shard)});
  return at == known.end() ? 0 : at->second;
}

bool NumberNotes::changed() const {
  return std::ranges::any_of(
      shards_, [](const Noted& each) { return each.shard->next_sequence() != each.next; });
}

void NumberNotes::tick(base::Instant now) {
  if (!send_ || under_way_ || (now < next_ && !flushing_)) return;
  std::vector<NumberNote> notes;
  for (Noted& each : shards_) {
    const base::SequenceNumber next = each.shard->next_sequence();
    if (next == std::exchange(each.next, next)) continue;
    notes.push_back(note_of(*each.shard));
  }
  if (notes.empty()) return;
  under_way_ = true;
  next_ = now + kInterval;
  send_(std::move(notes));
}

base::Instant NumberNotes::next_deadline() const {
  if (!send_ || under_way_ || !changed()) return base::Instant::max();
  return flushing_ ? base::Instant::min() : next_;
}

// What failed is noted with what comes next: it is only a hint.
void NumberNotes::written(bool failed) {
  under_way_ = false;
  if (!failed || flushing_) return;
  for (Noted& each : shards_) each.next = 0;
}

}  // namespace agent
