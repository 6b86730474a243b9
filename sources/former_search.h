// FormerSearch: is this file, a copy or a compressed one, one that was read already (F06, F11)?
//
// Asked about those that are gone: are the bytes before their offsets here, too? Pure: says what to
// read next, in ascending order, so that one pass of inflating answers for all.
//
// What is a proof: kProofBytes equal bytes; or all bytes of the file, when there are fewer; or all
// that was read of a generation that was truncated. The first line of many a log is the same, so a
// name is none. The hash of a file's first bytes counts as well, if something was stored: its
// origin may have marks already (see Checkpoint).
//
// Marks beyond the bytes that are compared say that more was stored. Below them nothing would be
// read, so they are a part of the proof: as far as the file goes, a line ends at each of them. Few
// bytes, and no mark in the file, prove nothing.
//
// A copy that was made before the last lines were read ends before the offset, where a line ended.
// That it holds the bytes before such a place, and no line behind it, is a proof that all of it was
// read; from kCoveredBytesMin on, because two programs may begin with the same lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "pipeline/delimiter.h"
#include "sources/checkpoint.h"

namespace sources {

// A file is passed over as a copy of what is there, or was read further, only if it is that long.
constexpr std::uint64_t kCoveredBytesMin = 1024;

struct Former {  // a file that is gone
  Checkpoint checkpoint;
  std::vector<std::uint64_t> marks;  // per outlet, of its origin; empty: nothing to skip
  bool likely = false;               // the names say so, too: decides between equals
  bool ended = false;                // a generation that was truncated: all bytes read are a proof
  bool rewritten = false;            // the file asked about was written in its place (F21)
  std::uint64_t number = 0;          // … and it is followed still, under this one
  bool kept = false;                 // … or it is there still, and its note stays
};

class FormerSearch {
 public:
  static constexpr std::size_t kProofBytes = 64;

  struct Reading {
    std::size_t bytes_max = kTailBytes + 1;  // at once; no less than this
    pipeline::Delimiter delimiter = {};
  };
  FormerSearch(std::vector<Former> formers, Reading reading);

  struct Wanted {
    std::uint64_t from;  // decompressed bytes
    std::size_t bytes;   // at most Reading::bytes_max
  };
  std::optional<Wanted> next() const;  // nullopt: all were asked about
  // `bytes`: what was read there; fewer than wanted: there it ends.
  void answer(std::string_view bytes);

  // What is wanted next is where the text begins. Before `data` there is none.
  bool seeks_text() const { return !text_known_; }
  void pass_hole(std::uint64_t data);

  // For how long the file looks like this, of whoever asks while it waits for what is wanted next.
  struct Look {
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;
    bool operator==(const Look&) const = default;
  };
  base::Duration unchanged(const Look& look, base::Instant now);

  // Once next() has no more: whose it is; nullptr: nobody's.
  Former* found();
  // It ends before the offset of the one that was found, here; 0: it does not.
  std::uint64_t whole_bytes() const { return whole_bytes_; }

 private:
  enum class Kind : std::uint8_t {
    offset,   // the former's: what is known ends here
    head,     // its text's first bytes are all that is known
    earlier,  // where a line ended before
    mark,     // where a stored record ended behind it
  };
  struct Place {  // where bytes are to be compared
    std::size_t former;
    std::uint64_t begin;
    std::size_t bytes;
    std::uint64_t hash;
    std::uint64_t offset;  // what is known below
    Kind kind;
    std::uint64_t end() const { return begin + bytes; }
  };
  struct Marks {           // of a former
    bool beyond = false;   // the bytes at its offset
    bool met = false;      // one of them, where a line ends
    bool refuted = false;  // one of them is within a line
  };
  void sort_places();
  void add_offset(std::size_t former);
  void add_line_ends(std::size_t former);
  void add_marks(std::size_t former, std::uint64_t beyond);
  void compare(std::size_t place, std::string_view here);
  bool stands(std::size_t place) const;
  void choose();
  bool better(std::size_t place, std::optional<std::size_t> than) const;
  std::size_t answered_at_once() const;
  void answer_text(std::string_view bytes);
  void answer_rest(std::string_view bytes);

  std::vector<Former> formers_;
  Reading reading_;
  std::vector<Place> places_;  // ascending
  std::size_t at_ = 0;
  bool text_known_ = true;              // else heads are no places yet
  std::uint64_t text_ = 0;              // where it begins, or later
  std::vector<std::size_t> alike_;      // places, of offsets and earlier ones
  std::vector<Marks> marks_;            // one each of formers_
  std::optional<std::size_t> best_;     // of the formers' offsets
  std::optional<std::size_t> earlier_;  // the best of the others; asked what is behind it
  std::uint64_t whole_bytes_ = 0;
  std::optional<Look> look_;       // the last one …
  base::Instant unchanged_since_;  // … and the first that was the same
};

}  // namespace sources
