// LogWriters: programs that write numbered lines, each to a file of its own, and rotate it.
//
// They rename it (going on in the old file for a while, as programs do until they are told), copy
// it piece by piece and truncate it, compress what is old, or, when everything was stored, truncate
// it in place or delete old generations. Names, rights and directories change under it
// (log_accidents.cc), as LogHabits says.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/log_habits.h"
#include "tests/sim/sim_world.h"
#include "tests/sim/workload.h"

namespace sim {

class LogWriters final : public Workload {
 public:
  // `directory`: for them alone; what is above it exists.
  LogWriters(SimWorld& world, std::string directory, std::uint32_t count, LogHabits habits);

  void describe(config::Flow& flow) override;
  std::string told() const override { return pattern_ + habits_.told(); }
  // A copy under the number of a file that is gone is no new file to anybody.
  bool needs_births() const override {
    return habits_.copies || habits_.gzips || habits_.rewrites || habits_.deletes;
  }
  bool may_change_device() const override { return !habits_.copies; }
  void act() override;
  void finish() override;
  void let_go() override;
  // A copy that is whole, lines behind its end, some of them read, and the truncation, in less time
  // than discovery takes for two looks (F06). The lines are in no copy, so they may be lost.
  bool race_in_calm(const Turns& turns) override;
  void all_stored() override;
  std::unique_ptr<Look> look() const override;
  std::uint64_t lines() const override;

  std::uint32_t count() const { return static_cast<std::uint32_t>(writers_.size()); }
  std::uint64_t lines(std::uint32_t writer) const { return writers_[writer].whole; }
  bool may_be_missing(std::uint32_t writer, std::uint64_t number) const;
  std::uint64_t banners() const { return banners_; }
  bool rewrites() const { return habits_.rewrites; }
  const LineStyle& style() const { return habits_.style; }

 private:
  struct Writer {
    std::uint32_t number = 0;
    std::string path;
    OpenFile file;
    std::uint64_t position = 0;  // where it writes, if it seeks
    std::uint32_t generation = 0;
    bool fresh = true;         // nothing of its generation is written
    std::uint64_t whole = 0;   // lines with their newline written
    std::string rest;          // of a line that is half written
    bool copies = false;       // rotates by copy and truncation, not by rename
    bool renamed = false;      // writes to a file that no longer has its name
    bool anew = false;         // its file was written anew, and nothing since
    std::string copy_path;     // of a copy that is being made; the writer waits for its truncation
    std::uint64_t copied = 0;  // bytes of it
    std::string gzip_path;     // of a compressed file that is being made
    std::string gzip_rest;     // of its bytes
    std::vector<std::string> old_paths;  // oldest first
    std::size_t to_shift = 0;            // of them, from the front, before it can rotate
    std::string hard_link;               // another name of some file of it
    std::vector<std::pair<std::uint64_t, std::uint64_t>> behind_copies;  // lines: first, end
  };

  void open(Writer& writer);
  void append(Writer& writer, std::string_view bytes);
  void append_lines(Writer& writer, std::uint64_t lines);
  void append_half(Writer& writer);
  void end_line(Writer& writer);
  void begin_generation(Writer& writer);
  std::string line(Writer& writer, std::uint64_t number);
  void write(Writer& writer);

  // log_rotation.cc
  void rotate(Writer& writer);
  bool shift_one(Writer& writer);
  void told_at_last(Writer& writer);
  void go_on_copying(Writer& writer, std::uint64_t bytes);
  void begin_gzip(Writer& writer);
  void go_on_gzipping(Writer& writer, std::uint64_t bytes);
  void truncate_one();
  void delete_old();
  void rename(const std::string& from, const std::string& to);

  // log_accidents.cc
  void accident(Writer& writer);
  void link_to_present(const Writer& writer);
  void change_hard_link(Writer& writer);
  void move_directory();
  void refuse_something(const Writer& writer);
  void grant_all();
  void spoil_a_page(const Writer& writer);
  void rewrite(Writer& writer);
  void cover(bool on);

  Disk& disk() const { return world_.disk(); }
  void sync_directory() { disk().sync(*disk().find(directory_)); }

  SimWorld& world_;
  std::string directory_;
  LogHabits habits_;
  std::string pattern_;
  std::vector<Writer> writers_;
  std::uint64_t banners_ = 0;  // of each, written
  std::uint32_t moved_ = 0;    // times the directory was
  bool covered_ = false;
  std::vector<NodeRef> refused_;
};

}  // namespace sim
