// FileTail: follows one file: its present generation, from an offset, on one reactor.
//
// Reads always begin kTailBytes before the offset, so every read proves that the file under it is
// still the one that was read; a shorter or different answer means it was truncated or refilled,
// and a new generation starts at 0 under a new origin (F03, F04). No bytes are held between reads:
// an unfinished last line stays in the file and is read again with its end, so an idle file costs
// this struct and no buffer.
//
// Reads may be short for other reasons than the file's end, so the end is believed only when the
// file's size says the same.
//
// A compressed file is read through a CompressedFile, one in UTF-16 through a Utf16File: offsets,
// sizes and bytes are those of what they produce (file_tail_compressed.cc, file_tail_utf16.cc).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/metrics.h"
#include "io/environment.h"
#include "pipeline/intake.h"
#include "pipeline/pools.h"
#include "pipeline/source.h"
#include "sources/ack_window.h"
#include "sources/checkpoint.h"
#include "sources/checkpointer.h"
#include "sources/compressed_file.h"
#include "sources/edge_lines.h"
#include "sources/former_search.h"
#include "sources/long_line.h"
#include "sources/page_manners.h"
#include "sources/rest.h"
#include "sources/stall.h"
#include "sources/survey.h"
#include "sources/tail_options.h"
#include "sources/tail_turns.h"
#include "sources/utf16_file.h"

namespace sources {

struct FileTailCounters {    // one set per flow and reactor
  base::Counter bytes_read;  // of complete records, delimiters included
  base::Counter reads;
  base::Counter files_opened, files_closed, files_truncated, files_rotated, files_deleted;
  base::Counter read_errors;
  base::Counter bytes_unreadable, unreadable_skipped;  // pages passed over, how often
  base::Counter bytes_lost_unread;  // gone before we could read them: known part only
  base::Counter nul_bytes_skipped;  // before a generation's first byte that is none, and in holes
  base::Counter bom_bytes_skipped;  // UTF-8's byte order mark before a generation's first record
  base::Counter header_lines_skipped;
  base::Counter footers, footer_bytes_skipped;  // bytes: with what follows them
  base::Counter files_binary;                   // set aside, they are no text
  base::Counter utf16_replaced;                 // halves of surrogate pairs, now U+FFFD
  base::Counter files_open;                     // gauge: descriptors
  base::Counter compressed_errors;  // files that are damaged, or end in the middle for good
  base::Counter files_continued_compressed;  // known before they were compressed (F11)
  base::Counter files_continued_copied;      // copies, behind what was read of their originals
  base::Counter files_continued_rewritten;   // behind what was read of those they replaced
  base::Counter files_closed_idle;  // came to rest, for close_inactive or because others wait
  base::Counter files_given_up;     // deleted, over the limits, and not read to their ends
  base::Counter files_stalled;      // gauge: since stall_after or longer
  base::Counter files_restarted;    // because they stalled
};

// A file discovery found, on its way to the reactor that will follow it.
struct FoundFile {
  std::uint64_t number = 0;           // discovery's name for it, in hints and answers
  io::Handle handle = io::kNoHandle;  // open for reading; the receiver owns it
  Checkpoint checkpoint;              // where to start; origin none: draw one and register it.
                                      // Its path decides the reactor: see Discovery
  std::vector<std::uint64_t> marks;   // per outlet, empty when there is nothing to skip
  std::uint64_t formerly = 0;        // its number until it lost its name; 0: none. The same reactor
                                     // must get it, which may still have it open
  bool rotated = false;              // known under an older name: read to its end, then let it go
  std::string moved_to = {};         // … and this is where it is
  std::vector<std::uint64_t> after;  // numbers of older generations of the same path: theirs first
  bool brief = false;                // others wait for its descriptor: as TailSet::yield()
  std::int64_t modified_ns = 0;      // when it was opened; 0: not known
  std::uint64_t size = 0;            // the same; bytes on the disk
  // With order: oldest_first, of a file that was not read to its end yet: since when its lines
  // are. 0: it waits for no older ones. All files of such a flow go to one reactor.
  std::int64_t age_ns = 0;
  bool in_order = false;             // its flow has that order
  bool given_up = false;             // it could not be read, so often that nobody waits for it
  std::vector<Former> formers = {};  // of which it may be a copy, the compressed or rewritten form
  std::string former_key = {};       // of its checkpoint, if that is to be replaced (F20)
};

// One read in flight. A TailSet has kTailReadsMax of them; idle files have none.
struct TailRead {
  FileTail* tail = nullptr;  // nullptr: free
  io::Operation operation;
  std::span<char> buffer;          // kPaddingBytes more are readable behind it
  std::unique_ptr<char[]> large;   // owns `buffer` when the pool's are too small
  std::uint64_t credit_bytes = 0;  // taken from the budget
  std::unique_ptr<char[]> spare;   // for Utf16File, kept from read to read
};

class FileTail final : public pipeline::Source, private Registered {
 public:
  // What one that is asked to yield may still read: 4 MiB. A turn that costs an open and a close
  // should be worth them.
  static constexpr std::uint8_t kTurnReads = 16;
  static constexpr base::Duration kDetachedPoll = std::chrono::milliseconds(250);
  static constexpr std::uint32_t kReadRetries = 3;
  static constexpr base::Duration kBackoffMin = std::chrono::milliseconds(100);
  // What is known below the offset is read again if marks beyond it are not its own, unless that is
  // more. A program's greeting is shorter.
  static constexpr std::uint64_t kReadAgainMax = std::uint64_t{1} << 20;
  // As many have the places noted where their lines end, also those that were caught up with.
  static constexpr std::size_t kFewTails = 128;
  // Shorter holes are read like other bytes.
  static constexpr std::uint64_t kHoleBytesMin = std::uint64_t{64} << 10;
  // What is remembered of an open group, should the file lose it.
  static constexpr std::size_t kOpenLinesBytesMax = std::size_t{64} << 10;
  static constexpr base::Duration kBackoffMax = std::chrono::seconds(10);
  // A pause this long follows 3 s of failures: who wants to end does not wait for more.
  static constexpr base::Duration kBackoffGivenUp = std::chrono::seconds(2);

  struct Parts {  // shared by the tails of a set; outlive them
    const io::Environment& environment;
    pipeline::Intake& intake;
    pipeline::Budget& budget;
    pipeline::ChunkPool& chunks;
    Checkpointer& checkpointer;
    TailOptions options;
    FileTailCounters& counters;
    TailTurns& turns;
    const CompletesCheckpoints* completes = nullptr;
    EdgeLines edges{options.header_pattern, options.footer_pattern};
  };

  // Takes over found.handle. `held`: does not read before release().
  FileTail(const Parts& parts, FoundFile found, bool held);
  ~FileTail() override;

  void look();
  void glance();  // look(), if its size or time changed: cheap, for when nobody said it did
  void detach(const std::string& new_path);
  void attach();  // its name is back under the pattern
  void release();
  void wake();  // the timer fired
  // Reads once more, and says in turns.verified that it is the file it was.
  void verify(std::uint64_t question);
  // Others wait for its descriptor: it comes to rest at its end, or after kTurnReads reads.
  void yield();
  void rest_unread();  // now, if it waits for memory and may
  // Comes to rest if it was read to its end, all is settled, and it did not grow since `before`.
  void rest_if_inactive(base::Instant before);
  // Read to its end, and its last line has none, or behind it is room made in advance. It does not
  // rest: that line is taken as it is when its file is deleted, and without a descriptor it would
  // be lost.
  bool lacks_line_end() const {
    return phase_ == Phase::idle && reached_end_ && seen_end_ != offset_ && !binary_;
  }
  base::Instant last_growth() const { return last_growth_; }
  // Goes on with the file that was opened for it again. Its descriptor is ours.
  void wake_up(io::Handle handle, bool brief);
  // It must be read to its end again before those that wait for it may start.
  void expect_end();
  bool reached_end() const { return reached_end_; }
  // It was read to the end it had when it was found, or cannot be.
  bool caught_up() const;
  std::int64_t age_ns() const { return age_ns_; }

  // Usable bytes the next read needs at least; 0: one of the pool's buffers will do.
  std::size_t large_buffer_bytes() const;
  // Its turn: starts the read; done() when the answer is there.
  void start(TailRead& read);
  void done(TailRead& read, std::int64_t result);

  void settled(pipeline::Parcel& parcel) override;

  // The memory that looking at an idle one needs, soon.
  void prefetch() const {
    const char* const first = reinterpret_cast<const char*>(this);
    for (const std::size_t line : {0, 64, 128}) __builtin_prefetch(first + line);
  }

  std::uint64_t number() const { return number_; }
  void renumber(std::uint64_t number);
  const Checkpoint& checkpoint() const { return checkpoint_; }
  // Where another FileTail goes on; everything below is settled. Without an origin when time ended
  // the last record: what follows needs a new one.
  Checkpoint resume_point() const;
  bool detached() const { return detached_; }
  bool resting() const { return phase_ == Phase::resting; }
  bool open() const { return handle_ != io::kNoHandle; }
  Rest rest() const;                // once it is in turns.rested
  bool skipping() const;            // what comes next is stored already
  bool deleted() const;             // no name is left
  bool idle() const;                // nothing in flight, nothing unsettled
  bool at_end() const;              // and nothing to do before the next hint, or given_up()
  bool given_up() const;            // could not be read for seconds; it is still tried now and then
  std::uint64_t lag_bytes() const;  // as far as known: makes no system call
  // Decompressing takes memory, so few may do it at a time. One that waits for its file to grow
  // gives it up when asked, and goes through the file from its beginning when it did. False: it is
  // busy.
  bool inflates() const { return compressed_ != nullptr; }
  bool holds_memory() const;
  bool give_up_memory();

  // For whoever looks whether it gets on (file_tail_stall.cc). What it waits for, if for anything;
  // the sum of all its positions; whether it grew `limit` ago or earlier and does not know.
  StallReason busy_with() const;
  std::uint64_t progress() const;
  // `wall`: now. Without the path of who is well, unless `all`. Makes no system call.
  FileState survey(base::Timestamp wall, bool all) const;
  bool grew_unnoticed(base::Duration limit) const;
  // Room its deleted file takes on the disk, bytes; 0: it has a name.
  std::uint64_t deleted_bytes(base::Instant now);
  bool all_read() const;  // at its end, with nothing that waits to be taken
  base::Instant deleted_since() const { return deleted_since_; }
  // Lets its deleted file go although there may be more to read; what was read of it is delivered
  // all the same. False: not now, a read is under way, or what comes next may be stored already.
  bool give_up();
  // `read`: its read in flight, or nullptr. False: that would not help.
  bool restart(StallReason reason, TailRead* read);

  // file_tail_rewritten.cc. Was it replaced by a file that came under `path`?
  enum class Replaced : std::uint8_t {
    no,       // or nobody can tell how far it was read
    perhaps,  // it has a name still, or cannot be read at the moment
    not_yet,  // something that was read of it is still out, or may be taken by time
    yes,      // all that was read is settled
  };
  Replaced replaced_by(const std::string& path) const;
  Former as_former() const;  // of one that was
  // Before release(), of a file nobody read.
  void may_be_rewritten(std::vector<Former> formers);
  bool has_bytes(std::uint64_t count) const;
  // `other` goes on at its offset. What has no end here is left to it, if it is the same there.
  void leave_to(const FileTail& other);
  bool left_to_other() const { return left_end_ > offset_ && seen_end_ <= left_end_; }

 private:
  enum class Phase : std::uint8_t {
    held,   // older generations of its path come first
    ready,  // in turns.ready
    reading,
    idle,         // at the end; a hint or the timer makes it ready
    backing_off,  // after an error, until the timer fires
    registering,  // its origin is on its way to the log
    emptying,     // truncated: what was read of the old generation is still out
    ending,       // … and now that it ended is on its way to the log
    settling,     // a time-out ended a record and more came: a new origin when all is settled
    closing,      // let go: what was read is still out; without a descriptor if it was given up
    finished,     // in turns.finished
    resting,      // without a descriptor: what was read is still out, or it is in turns.rested
  };
  enum class Continuity : std::uint8_t { same, refilled, unclear };
  // What may be taken although no byte says that it is complete: at the file's end, by time; before
  // a hole, which ends a group whenever it is read.
  enum class Due : std::uint8_t { nothing, hole, group, everything };

  void make_ready();
  void set_timer(base::Instant at);
  void drop_timer();
  void registered() override;
  base::Origin present_origin() const;
  void enroll(std::string_view body);

  // Nothing of this generation's text is taken.
  bool at_head() const { return offset_ == head_; }
  bool begins_later(std::string_view bytes) const;
  Continuity compare(std::string_view bytes) const;
  Continuity compare_head(std::string_view bytes) const;
  Continuity compare_header(std::string_view bytes) const;
  bool contradicts_marks(std::string_view text) const;
  bool is_another(TailRead& read, std::string_view bytes);
  std::size_t witness_bytes(std::string_view body) const;
  bool has_witness(std::string_view body) const;
  Continuity compare_open_lines(std::string_view text) const;
  bool ends_at(std::uint64_t end) const;
  Continuity shorter_than(std::uint64_t bytes) const;
  bool marks_beyond_file() const;
  bool ends_below_marks(std::uint64_t end, bool at_end) const;
  bool has_all_it_will_get() const;
  void leave_marks(std::uint64_t end);
  bool doubt_marks(TailRead& read);
  std::uint64_t seen_unread() const;
  bool note_growth(std::uint64_t end, bool at_end);
  void know_tail(std::string_view before);
  void take_in(TailRead& read, std::string_view bytes);
  bool not_yet(TailRead& read, std::string_view body, bool last);
  std::uint64_t hole_bytes(std::uint64_t at) const;
  bool leads_into_hole(std::uint64_t at, std::string_view bytes) const;
  bool before_hole(std::string_view body) const;
  std::uint64_t reserved_bytes(std::uint64_t at) const;
  std::size_t written_bytes(std::string_view body) const;
  std::size_t text_before(std::string_view body, std::size_t at) const;
  std::size_t text_bytes(std::string_view body) const;
  void pass_nuls(TailRead& read, std::string_view bytes);
  void scan_over_hole(std::uint64_t at);
  void take_long_line(TailRead& read, std::string_view body);
  void scan(TailRead& read, std::string_view bytes);
  void deliver(TailRead& read, std::string_view bytes, Due due);
  void take_chunk(const pipeline::Chunk& chunk, std::string_view before, std::uint64_t credit);
  std::string_view up_to_mark(std::string_view body, Due& due) const;
  void skip_delimiter(std::string_view& bytes);
  Due due(bool at_end) const;
  base::Instant due_at() const;
  void note_open(std::string_view rest, bool full, bool at_end);
  void forget_open_lines();
  bool rename_origin(std::string_view body);
  void track(pipeline::Parcel* parcel, std::string_view before_end);
  void next(bool more);
  void end_seen();
  void note_end(base::Instant now, base::Instant due);
  void deliver_open_lines();
  bool may_rest_unread() const;
  bool give_way();
  bool come_to_rest(bool more, bool failed);
  void start_over();
  void answer();
  void answer_only(TailRead& read, std::string_view bytes);
  void end_generation();
  void begin_generation();
  bool is_whole_now();
  void doubt_rewritten(bool for_good);
  void passed_something_over() { whole_ = checkpoint_.whole = false; }
  void report(base::Instant since);
  bool finishing() const { return parts_.options.once || letting_go_; }
  std::int64_t distinct_time(std::int64_t modified_ns) const;
  std::size_t group_bytes() const;
  const pipeline::Delimiter& delimiter() const { return parts_.intake.framer_options().delimiter; }
  // What was read ends as a line does.
  bool ends_line(std::string_view bytes) const { return bytes.ends_with(delimiter().bytes()); }
  // file_tail_start.cc
  void expect_start();
  std::size_t head_bytes(std::string_view body) const;
  std::uint32_t header_lines_in(std::string_view body) const;
  void took_head(std::size_t bytes);
  bool pass_header(TailRead& read, std::string_view body);
  bool set_aside(TailRead& read, std::string_view body);
  void expect_footer();
  void judge_header(std::string_view body, bool full, bool last);
  bool may_be_record(std::string_view body) const;
  std::size_t find_footer(std::string_view body, bool last) const;
  bool pass_footer(TailRead& read, std::string_view body, bool last);
  bool may_go_on() const;
  void wait_for_end(TailRead& read);
  // file_tail_errors.cc
  struct Trouble {               // something cannot be read
    std::uint64_t at;            // under suspicion: from here to the end of the page
    std::uint64_t until;         // next are those behind it, up to here
    std::uint32_t failures = 0;  // of reads that began at `at`
    bool unreadable = false;     // that was often enough
  };
  bool skips_unreadable() const;
  bool may_rest_in_trouble() const;
  void back_off();
  void gets_on();
  void suspect(std::uint64_t at, std::uint64_t until);
  void failed(int error, std::uint64_t from, std::uint64_t bytes);
  bool went_stale();
  std::uint64_t next_read() const;
  bool start_probe(TailRead& read, std::uint64_t from);
  void probed_page(TailRead& read, std::int64_t result);
  std::span<char> readable(std::span<char> buffer, std::uint64_t from) const;
  bool ends_unreadable(std::uint64_t end) const;
  void found_unreadable();
  void pass_unreadable(std::uint32_t header);
  void go_on_behind(std::uint64_t end);
  // file_tail_deleted.cc
  bool may_be_given_up() const;
  void drop_file();
  // file_tail_compressed.cc
  void read_at(TailRead& read, std::uint64_t from);
  bool start_other(TailRead& read);
  bool done_other(TailRead& read, std::int64_t result);
  void probed(TailRead& read, std::string_view head);
  void begin_search();
  void begin_inflating(Compression compression);
  void tried_former(TailRead& read, std::string_view bytes);
  base::Duration quiet(const io::FileStatus& raw);
  void take_over(Former& former, std::uint64_t whole_bytes);
  void begin_own_origin(Former& former);
  void tell_taken_over(const Former& former, std::uint64_t offset);
  void note_whole_file();
  bool line_ends_wanted() const;
  void put_line_ends_away();
  base::Instant unfinished_at(base::Instant now);
  base::Result<io::FileStatus> status() const;
  void note(const io::FileStatus& raw) const;
  std::uint64_t size_in(const io::FileStatus& raw) const;
  const FileView* view() const;
  // file_tail_utf16.cc
  void begin_transcoding();
  void begin_anew_in_other_encoding();
  void read_text(TailRead& read, std::uint64_t from);
  void note_point();

  std::size_t prefix_bytes() const;  // how many bytes before the offset every read begins
  void free(TailRead& read, bool credit_too);

  // First and together: what is looked at now and then of every file that is idle. Ten thousand of
  // them are otherwise as many cache misses for each member.
  std::uint64_t number_;
  const Parts& parts_;
  io::Handle handle_;
  Phase phase_ = Phase::held;
  bool detached_;
  bool reached_end_ = false;
  std::uint64_t offset_;        // everything below is delivered
  std::uint64_t seen_end_ = 0;  // where the last read ended, or the NULs known behind it
  static constexpr std::uint64_t kNoRoom = ~std::uint64_t{0};
  std::uint64_t room_begin_ = kNoRoom;  // nothing but NULs from here to `seen_end_`
  // The file's time before the last read began; 0: so recent that it may change and still be this.
  std::int64_t glanced_modified_ns_ = 0;
  // The file on the disk as it was last looked at: who asks how it stands gets that. To look again
  // would be to wait for a file system that may hang.
  struct Looked {
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;  // 0: not known
  };
  mutable Looked looked_;
  Looked end_;  // … when it was opened, or its end was last seen
  base::Instant last_growth_{};
  std::vector<std::uint64_t> marks_;  // empty: nothing to skip
  AckWindow window_;

  Checkpoint checkpoint_;                // as last reported; offset: the watermark
  bool whole_ = checkpoint_.whole;       // as Checkpoint says it, but of all below offset_
  std::int64_t age_ns_;                  // see FoundFile
  std::uint64_t found_end_ = 0;          // the file's size when it was found, if that is asked
  std::uint64_t unreadable_end_ = 0;     // reads begin no earlier, nothing before it is compared
  std::uint64_t text_end_ = 0;           // where the last read ended, without NULs behind the text
  std::uint64_t head_ = 0;               // where the text begins, behind NULs
  std::uint64_t nuls_ = 0;               // all from the offset to here are NULs; 0: not looked at
  std::array<char, kTailBytes> tail_{};  // the prefix_bytes() before offset_
  std::unique_ptr<Trouble> trouble_;     // set while something cannot be read
  std::unique_ptr<LongLine> long_line_;  // set while the unfinished last line is long
  std::string open_lines_;  // of a group that is open at the end; empty when they are too long
  base::Instant deleted_since_{};  // Instant{}: not seen to be
  base::Instant stale_since_{};    // its descriptor is; Instant{}: it is not
  base::Instant first_end_{};      // since when the end is seen and a group is open; Instant{}: not
  base::Instant timer_{};          // Instant{}: none
  base::Duration backoff_{0};
  bool read_failed_ = false;  // the last one
  bool given_up_;             // when it was found, and it did not get on since
  bool tail_known_ = false;   // else the checkpoint's hash is all we have
  bool look_again_ = false;   // a hint came while a read was on its way
  bool group_open_ = false;   // at the end there are whole lines of a group that may go on
  bool hold_group_ = false;   // a group needs a larger buffer
  bool untaken_ = false;      // at the end there are bytes not taken
  base::Origin left_origin_ = base::Origin::none;  // while the next one is not drawn
  bool marks_left_ = false;     // the origin's are beyond the offset and speak of other bytes
  bool timed_out_ = false;      // what is before the offset was ended by time, not by its bytes
  bool marks_new_ = false;      // not yet compared with the file's size
  bool marks_doubted_ = false;  // they are beyond its end
  bool end_doubted_ = false;    // the file is longer than the last read
  bool at_start_ = false;       // nothing of this generation is delivered
  bool live_ = false;           // what was taken last was written after its end was seen
  bool ends_noted_ = false;     // … and where its lines end is in the log
  bool headed_ = false;         // … but its header was passed, and it is registered
  bool binary_ = false;         // it is set aside
  bool probes_ = false;         // the read under way is a probe
  std::uint32_t behind_header_bytes_ = 0;        // seen there when it was passed …
  std::uint64_t behind_header_hash_ = 0;         // … and their hash
  std::uint32_t header_lines_ = 0;               // of its header that are not passed
  bool header_open_ = false;                     // how many it has its lines say
  bool past_footer_ = false;                     // no record follows
  std::uint64_t footer_at_ = ~std::uint64_t{0};  // where the line begins that ends the records
  bool letting_go_ = false;      // rotate_wait is over: the unfinished last line is a line
  bool yielding_ = false;        // others wait for the descriptor
  std::uint8_t turn_reads_ = 0;  // since they do
  struct Closed {                // as Rest says it; the rest of one is made when it is asked for
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;
    bool more = false;
    bool failed = false;
  };
  Closed closed_;
  bool probing_;                                // its first bytes tell how to read it
  bool undecided_ = false;                      // there are too few of them; it is as if empty
  std::unique_ptr<CompressedFile> compressed_;  // at most one of these: else it is read as it is
  std::unique_ptr<Utf16File> utf16_;
  PageManners pages_;
  std::unique_ptr<FormerSearch> search_;  // before its first byte is taken
  std::vector<Former> formers_;
  std::uint64_t question_ = 0;         // to be answered by turns.verified; 0: none
  std::uint64_t asked_ = 0;            // … by the read under way
  bool only_asked_ = false;            // … which is for nothing else
  std::unique_ptr<Checkpoint> ended_;  // the generation that is `ending`
  std::string former_key_;             // of the checkpoint that ours replaces when it is in the log
  base::Origin former_origin_;         // its origin: what another file has under that key stays
  std::uint64_t left_end_ = 0;         // another file, written in its place, has all below
  std::string moved_to_;               // where it went when it lost its name, if that is known
};

}  // namespace sources
