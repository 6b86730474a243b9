// LogHabits: what the writers of one directory do with their files besides writing lines.
#pragma once

#include <string>

#include "config/config.h"
#include "tests/sim/line_style.h"
#include "tests/sim/sim_random.h"

namespace sim {

struct LogHabits {
  // The flow's pattern matches rotated names too. If not, a file that is created and renamed before
  // anybody saw it cannot be told from a stranger's, so files are renamed when all is stored.
  bool rotated_match = true;
  bool copies = false;            // some copy and truncate instead of renaming (F03 … F06)
  bool shifts = false;            // app.log.1 becomes app.log.2, and so on (F10)
  bool dates = false;             // a new name for each file, no renaming (F08)
  bool gzips = false;             // rotated files are compressed, and read all the same (F11, F48)
  bool seeks = false;             // writes where it was, also after its file was emptied (F07)
  bool holes = false;             // leaves holes between lines (F49)
  bool hard_links = false;        // second names come and go (F19)
  bool links_to_present = false;  // a symlink leads to the file that is written (F13, F14)
  bool moves = false;             // the directory is renamed, and appears late (F25)
  bool refuses = false;           // files and the directory are unreadable for a while (F29, F30)
  bool covers = false;            // something is mounted over the directory for a while (F22)
  bool rewrites = false;          // each is written anew in its own place (F21)
  bool spoils = false;            // pages cannot be read until the trouble is over (F61)
  // Their flow deletes what was read (F67). Nobody holds a file open: each write opens it by name,
  // so that none goes to a file that has none any more.
  bool deletes = false;
  LineStyle style;
  pipeline::GroupOptions groups;  // of lines to records

  static LogHabits drawn(SimRandom& random);
  void leave_out(const std::string& words);  // of told()
  void describe(config::Flow& flow) const {
    style.describe(flow);
    flow.program.groups = groups;
    if (deletes) {
      flow.from.delete_after = std::chrono::milliseconds(500);
      flow.from.reconcile_interval = std::chrono::seconds(1);
      flow.tail.close_inactive = std::chrono::milliseconds(100);
    }
    if (!rewrites) return;
    flow.tail.on_rewrite = sources::OnRewrite::read_on;
    // Who waits for a descriptor for longer finds nobody to ask how far the former was read.
    flow.tail.rotate_wait = std::chrono::minutes(1);
  }
  std::string told() const;
};

}  // namespace sim
