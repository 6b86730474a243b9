// What is different for compressed files: how they are recognised and read, and whether one is a
// file that was read before it was compressed.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "sources/file_tail.h"

namespace sources {
namespace {

constexpr std::size_t kSearchBytesMax = std::size_t{64} << 10;  // of one read

}  // namespace

// The file's status with the size of what is read of it: decompressed bytes.
base::Result<io::FileStatus> FileTail::status() const {
  auto status = parts_.environment.files.status(handle_);
  if (!status) return status;
  note(*status);
  status->size = size_in(*status);
  return status;
}

void FileTail::note(const io::FileStatus& raw) const {
  looked_ = {.size = raw.size, .modified_ns = raw.modified_ns};
}

std::uint64_t FileTail::size_in(const io::FileStatus& raw) const {
  if (undecided_) return seen_end_;
  return view() != nullptr && !probing_ ? view()->size(raw) : raw.size;
}

const FileView* FileTail::view() const {
  if (compressed_) return compressed_.get();
  return utf16_.get();
}

void FileTail::read_at(TailRead& read, std::uint64_t from) {
  if (utf16_) {
    read_text(read, from);
  } else if (compressed_) {
    compressed_->read(read.operation, read.buffer,
                      {.from = from, .anchor = offset_ - prefix_bytes()});
  } else {
    parts_.environment.io.read(read.operation, handle_, readable(read.buffer, from), from);
  }
}

// True: something else comes before the ordinary read.
bool FileTail::start_other(TailRead& read) {
  if (probing_) {
    parts_.environment.io.read(read.operation, handle_, read.buffer.first(kMagicBytes), 0);
    return true;
  }
  if (!search_ && !formers_.empty()) begin_search();
  if (!search_) return false;
  const auto wanted = search_->next();
  const auto buffer = read.buffer.first(std::min(wanted->bytes, read.buffer.size()));
  if (compressed_) {
    compressed_->read(read.operation, buffer, {.from = wanted->from, .anchor = wanted->from});
  } else {
    parts_.environment.io.read(read.operation, handle_, buffer, wanted->from);
  }
  return true;
}

// True: it was no ordinary read, or not yet one.
bool FileTail::done_other(TailRead& read, std::int64_t result) {
  if (result == -EAGAIN && view() != nullptr) {  // on its way to where we want to read
    free(read, true);
    make_ready();
    return true;
  }
  if (result < 0 || (!probing_ && !search_)) return false;
  const std::string_view bytes(read.buffer.data(), static_cast<std::size_t>(result));
  probing_ ? probed(read, bytes) : tried_former(read, bytes);
  return true;
}

// `head`: the file's first bytes.
void FileTail::probed(TailRead& read, std::string_view head) {
  const Compression compression = compression_of(head);
  undecided_ = false;
  if (may_become_compressed(head)) {
    const auto raw = parts_.environment.files.status(handle_);
    if (!raw || raw->size > head.size()) {  // a short read
      free(read, true);
      return back_off();
    }
  }
  if (may_become_compressed(head) && !finishing()) {
    if (head.empty()) return take_in(read, head);
    undecided_ = true;
    if (offset_ == 0) seen_end_ = std::max<std::uint64_t>(seen_end_, head.size());
    free(read, true);
    return next(false);
  }
  probing_ = false;
  if (compression != Compression::none) {
    begin_inflating(compression);
    free(read, true);
    return make_ready();
  }
  compressed_.reset();
  phase_ = Phase::ready;
  start(read);
}

// Only of a file nothing is known of.
void FileTail::begin_search() {
  std::vector<Former> formers = std::exchange(formers_, {});
  if (!is_unread(checkpoint_) || offset_ > 0 || formers.empty()) return;
  const FormerSearch::Reading reading{
      .bytes_max = std::min(parts_.chunks.buffer_bytes(), kSearchBytesMax),
      .delimiter = delimiter()};
  search_ = std::make_unique<FormerSearch>(std::move(formers), reading);
  if (!search_->next()) search_.reset();
}

void FileTail::begin_inflating(Compression compression) {
  const bool fresh = checkpoint_.origin == base::Origin::none && checkpoint_.tail_bytes == 0;
  if (fresh && offset_ > 0) {
    // To begin at the end, discovery said. It knows the file's size only, so it is one of
    // compressed bytes: what is in them is not wanted.
    passed_something_over();
    checkpoint_.compressed_bytes = std::exchange(offset_, 0);
    checkpoint_.offset = seen_end_ = 0;
    window_.restart(0);
    expect_start();
    tail_known_ = true;
  }
  const std::uint64_t passed_over = offset_ == 0 ? checkpoint_.compressed_bytes : 0;
  compressed_ = std::make_unique<CompressedFile>(
      CompressedFile::Parts{.environment = parts_.environment,
                            .handle = handle_,
                            .compression = compression,
                            .path = checkpoint_.path,
                            .errors = parts_.counters.compressed_errors,
                            .passed_over = passed_over});
  begin_search();
}

// For how long nobody has written to it. A time in the future says nothing of that: the clock was
// set back, or the file server's is ahead. Then what we see ourselves counts, and nobody waits for
// that time to come.
base::Duration FileTail::quiet(const io::FileStatus& raw) {
  const base::Duration unchanged =
      search_->unchanged({raw.size, raw.modified_ns}, parts_.environment.clock.monotonic());
  const base::Duration age = parts_.environment.clock.wall().time_since_epoch() -
                             base::Duration(std::chrono::nanoseconds(raw.modified_ns));
  return age >= base::Duration::zero() ? age : unchanged;
}

void FileTail::tried_former(TailRead& read, std::string_view bytes) {
  const bool text_found =
      search_->seeks_text() && bytes.find_first_not_of('\0') != std::string_view::npos;
  const bool enough = text_found || bytes.size() >= search_->next()->bytes;
  if (!enough && !compressed_) {
    // A copy is complete when its original is gone; so it is the end, or the read was short.
    const auto raw = parts_.environment.files.status(handle_);
    if (!raw || raw->size > search_->next()->from + bytes.size()) {
      free(read, true);
      return back_off();
    }
  } else if (!enough) {
    // Perhaps whoever compresses it is still at it. Nobody waits for ever.
    const auto raw = parts_.environment.files.status(handle_);
    const base::Duration quiet = raw ? this->quiet(*raw) : base::Duration::zero();
    const bool at_end = raw && compressed_->size(*raw) != CompressedFile::kUnknown;
    const bool whole = compressed_->complete() || compressed_->damaged() || finishing();
    if (!at_end || (!whole && quiet < parts_.options.rotate_wait)) {
      free(read, true);
      return back_off();
    }
  }
  gets_on();
  search_->answer(bytes);
  if (search_->seeks_text() && view() == nullptr) {
    const std::uint64_t at = search_->next()->from;
    search_->pass_hole(parts_.environment.files.data_from(handle_, at).value_or(at));
  }
  free(read, true);
  if (search_->next()) return make_ready();
  const std::unique_ptr<FormerSearch> search = std::move(search_);
  if (Former* const former = search->found()) {
    take_over(*former, search->whole_bytes());
  } else {
    make_ready();
  }
}

// It goes on as `former`, under its origin, so that the marks of what was stored of it hold. Our
// checkpoint must be in the log before the other's may go: between the two, whoever reads the log
// finds the same place twice. `whole_bytes`: of a file that ends before the former's offset; all of
// it was read, and what it may get later is its own.
void FileTail::take_over(Former& former, std::uint64_t whole_bytes) {
  const Checkpoint& known = former.checkpoint;
  passed_something_over();  // its bytes were another file's
  tell_taken_over(former, whole_bytes > 0 ? whole_bytes : known.offset);
  checkpoint_.origin = known.origin;
  checkpoint_.goes_on = !former.marks.empty();
  checkpoint_.generation = known.generation;
  checkpoint_.offset = known.offset;
  checkpoint_.tail_bytes = known.tail_bytes;
  checkpoint_.tail_hash = known.tail_hash;
  // What is behind the offset need not be what was stored from there.
  if (former.rewritten) begin_own_origin(former);
  if (whole_bytes > 0) {
    begin_own_origin(former);
    checkpoint_.offset = whole_bytes;
    checkpoint_.tail_bytes = 0;
    checkpoint_.tail_hash = 0;
  }
  mark_seen(checkpoint_, parts_.environment.clock.wall());
  if (former.number == 0 && !former.kept) {
    former_key_ = checkpoint_key(known.flow, known.identity);
  }
  former_origin_ = known.origin;
  marks_ = std::move(former.marks);
  offset_ = seen_end_ = checkpoint_.offset;
  head_ = 0;
  window_.restart(offset_);
  expect_start();
  checkpoint_.past_footer = known.past_footer && whole_bytes == 0;
  expect_footer();
  tail_known_ = false;
  if (checkpoint_.origin == base::Origin::none) {
    make_ready();  // the next read draws one
    return;
  }
  phase_ = Phase::registering;
  parts_.checkpointer.register_origin(checkpoint_, this);
}

// What follows is its own.
void FileTail::begin_own_origin(Former& former) {
  checkpoint_.origin = base::Origin::none;
  checkpoint_.goes_on = false;
  former.marks.clear();
}

void FileTail::tell_taken_over(const Former& former, std::uint64_t offset) {
  FileTailCounters& counters = parts_.counters;
  const bool copied = !former.rewritten && !compressed_;
  auto& counter = copied             ? counters.files_continued_copied
                  : former.rewritten ? counters.files_continued_rewritten
                                     : counters.files_continued_compressed;
  counter.add();
  parts_.environment.log.info(copied ? "file is a copy of one that was read"
                              : former.rewritten
                                  ? "file was rewritten, reading on"
                                  : "compressed file is known from before it was compressed",
                              {{"path", checkpoint_.path},
                               {"before", former.checkpoint.path},
                               {"offset", std::to_string(offset)}});
  if (former.number != 0) parts_.turns.rewritten.emplace_back(former.number, number_);
}

// A restart shall not inflate it again only to find that there is nothing new.
void FileTail::note_whole_file() {
  if (view() == nullptr || probing_ || !window_.empty()) return;
  if (checkpoint_.origin == base::Origin::none || checkpoint_.offset != offset_) return;
  const std::uint64_t bytes = offset_ == view()->end() ? view()->raw_end() : 0;
  const bool whole = whole_ && (bytes == 0 || !compressed_ || compressed_->ends_whole());
  const bool cut = bytes != 0 && compressed_ && compressed_->ends_cut();
  const bool same =
      checkpoint_.compressed_bytes == bytes && checkpoint_.whole == whole && checkpoint_.cut == cut;
  checkpoint_.compressed_bytes = bytes;
  checkpoint_.cut = cut;
  checkpoint_.whole = whole;
  if (same) return;
  parts_.checkpointer.update(checkpoint_);
}

// When to say that a compressed file ends in the middle: it is at its end, its last member is not,
// and whoever writes it had his time.
base::Instant FileTail::unfinished_at(base::Instant now) {
  if (!compressed_ || probing_ || !compressed_->unfinished()) return base::Instant::max();
  const base::Instant at = last_growth_ + parts_.options.rotate_wait;
  if (now < at && !finishing()) return at;
  compressed_->say_unfinished();
  return base::Instant::max();
}

bool FileTail::holds_memory() const {
  return compressed_ && (phase_ == Phase::reading || compressed_->holds_memory());
}

bool FileTail::give_up_memory() {
  if (phase_ != Phase::idle && phase_ != Phase::backing_off && phase_ != Phase::emptying &&
      phase_ != Phase::closing) {
    return false;
  }
  compressed_->give_up_memory();
  return true;
}

}  // namespace sources
