// LogWriters: the programs whose logs are followed in a simulation, and the memory of what they
// wrote.
//
// Each writer appends numbered lines to its own file and rotates it: by rename (going on in the old
// file for a while, as programs do until they are told), by copying it piece by piece and
// truncating it, or, when the test says that everything was read, by truncating it in place or
// deleting old generations. What they write is durable at once,
// so a power cut takes from the agent only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/sim_world.h"

namespace sim {

struct WrittenLine {
  std::uint32_t writer = 0;
  std::uint32_t generation = 0;  // of the writer's file
  std::uint64_t number = 0;      // from 0, over all generations
};

struct LineStyle {
  std::string delimiter = "\n";
  bool empty_lines = false;  // some lines are followed by empty ones, which nobody asks for later
};

class LogWriters {
 public:
  // `rotated_match`: pattern() matches rotated names too. If not, a file that is created and
  // renamed before anybody saw it cannot be told from a stranger's, so files are renamed by
  // rotate_one() only.
  LogWriters(SimWorld& world, std::string directory, std::uint32_t count, bool rotated_match);

  // Before the first line.
  void set_style(LineStyle style) { style_ = std::move(style); }

  void act();     // one of them does something
  void finish();  // half lines get their ends, renamed files their successors
  void let_go();  // of every file: before a power cut
  // Only while everything written so far is stored: no byte is lost by these.
  void rotate_one();
  void truncate_one();
  void delete_old();

  // A copy that is whole, lines behind its end, and the truncation: each at once, the agent has its
  // turns in between. The lines are in no copy, so they may be lost. False: nobody may copy now.
  bool copy_one();
  void write_behind_copy();
  void truncate_copied();
  bool may_be_missing(std::uint32_t writer, std::uint64_t number) const;

  std::uint32_t count() const { return static_cast<std::uint32_t>(writers_.size()); }
  std::uint64_t lines(std::uint32_t writer) const { return writers_[writer].whole; }
  const std::string& delimiter() const { return style_.delimiter; }
  std::string pattern() const { return directory_ + (rotated_match_ ? "/app-*" : "/app-*.log"); }

  // A line's text from its number, and back. False: nobody ever writes that.
  static std::string text(const WrittenLine& line);
  static bool parse(std::string_view text, WrittenLine& line);

 private:
  struct Writer {
    std::uint32_t number = 0;
    std::string path;
    OpenFile file;
    std::uint32_t generation = 0;
    std::uint64_t whole = 0;   // lines with their newline written
    std::string rest;          // of a line that is half written
    bool copies = false;       // rotates by copy and truncation, not by rename
    bool renamed = false;      // writes to a file that no longer has its name
    std::string copy_path;     // of a copy that is being made; the writer waits for its truncation
    std::uint64_t copied = 0;  // bytes of it
    std::vector<std::string> old_paths;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> behind_copies;  // lines: first, end
  };
  void open(Writer& writer);
  void append(Writer& writer, std::string_view bytes);
  std::string line_end();
  void append_lines(Writer& writer, std::uint64_t lines);
  void append_half(Writer& writer);
  void end_line(Writer& writer);
  void rotate(Writer& writer);
  void go_on_copying(Writer& writer, std::uint64_t bytes);

  SimWorld& world_;
  std::string directory_;
  bool rotated_match_;
  LineStyle style_;
  std::vector<Writer> writers_;
  Writer* copying_ = nullptr;  // since copy_one()
};

}  // namespace sim
