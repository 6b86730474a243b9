#include "tests/sim/log_habits.h"

#include <chrono>

namespace sim {

namespace {

pipeline::GroupOptions drawn_groups(SimRandom& random) {
  pipeline::GroupOptions groups;
  groups.by = random.chance(0.5) ? pipeline::GroupLines::follow : pipeline::GroupLines::end;
  groups.pattern = "^w\\d+ g\\d+ n\\d*[3-7] ";
  groups.lines_max = 1 + random.below(20);
  groups.bytes_max = 64 + random.below(4000);
  groups.timeout = std::chrono::milliseconds(10 + random.below(2000));
  return groups;
}

}  // namespace

LogHabits LogHabits::drawn(SimRandom& random) {
  LogHabits habits;
  habits.rotated_match = random.chance(0.7);
  habits.style = LineStyle::drawn(random);
  LineStyle& style = habits.style;
  const bool bytes_as_they_are = style.encoding == sources::Encoding::utf8;
  const bool nuls_are_text = style.delimiter.find('\0') != std::string::npos;
  if (habits.rotated_match) {
    habits.copies = bytes_as_they_are && random.chance(0.3);
    habits.shifts = !habits.copies && random.chance(0.3);
    habits.dates = !habits.shifts && random.chance(0.25);
    habits.gzips = bytes_as_they_are && !habits.copies && random.chance(0.3);
    habits.hard_links = !habits.copies && !habits.gzips && random.chance(0.2);
    habits.links_to_present = !habits.copies && !habits.gzips && random.chance(0.15);
  }
  habits.refuses = !habits.copies && !habits.gzips && random.chance(0.2);
  habits.covers = !habits.copies && !habits.gzips && random.chance(0.1);
  habits.moves = !habits.copies && !habits.gzips && !habits.covers && random.chance(0.15);
  habits.seeks =
      bytes_as_they_are && !nuls_are_text && !habits.copies && !habits.gzips && random.chance(0.15);
  habits.holes =
      bytes_as_they_are && !nuls_are_text && !habits.copies && !habits.gzips && random.chance(0.1);
  habits.spoils = !habits.copies && !habits.gzips && random.chance(0.2);
  // One that is rotated before anybody saw it in its place cannot be told from a new one.
  const bool others = habits.rotated_match || habits.refuses || habits.covers || habits.seeks ||
                      habits.holes || habits.spoils || habits.moves;
  habits.rewrites = bytes_as_they_are && !others && random.chance(0.2);
  habits.deletes = bytes_as_they_are && !habits.copies && !habits.gzips && !habits.shifts &&
                   !habits.covers && !habits.seeks && !habits.holes && !habits.rewrites &&
                   random.chance(0.2);
  // So that whatever is read of a file is enough to know it again when it is compressed.
  if (habits.gzips) style.line_bytes_min = 64;
  // Two generations that begin with the same bytes, of which no more was read, are one.
  if (habits.copies || habits.gzips) style.banner_lines = 0;
  // Records that end within a line are no proof of a copy.
  if (habits.copies || habits.gzips) style.line_bytes_max = 0;
  // A mark is one at a file's very beginning only, and a line that is too long with it keeps it.
  if (habits.seeks || habits.holes) style.byte_order_mark = false;
  if (style.byte_order_mark) style.line_bytes_max = 0;
  if (random.chance(0.25)) {
    habits.groups = drawn_groups(random);
    style.empty_lines = false;
  }
  return habits;
}

void LogHabits::leave_out(const std::string& words) {
  const auto named = [&words](const char* word) { return words.find(word) != std::string::npos; };
  if (named("copies")) copies = false;
  if (named("shifts")) shifts = false;
  if (named("dates")) dates = false;
  if (named("gzips")) gzips = false;
  if (named("seeks")) seeks = false;
  if (named("holes")) holes = false;
  if (named("hard links")) hard_links = false;
  if (named("symlinks")) links_to_present = false;
  if (named("moves")) moves = false;
  if (named("refuses")) refuses = false;
  if (named("covers")) covers = false;
  if (named("rewrites")) rewrites = false;
  if (named("spoils")) spoils = false;
  if (named("deletes")) deletes = false;
  if (named("groups")) groups = {};
  if (named("header")) style.header_lines = 0;
  if (named("banner")) style.banner_lines = 0;
  if (named("encoding")) style.encoding = sources::Encoding::utf8;
}

std::string LogHabits::told() const {
  std::string told = rotated_match ? " all names" : " one name";
  if (copies) told += " copies";
  if (shifts) told += " shifts";
  if (dates) told += " dates";
  if (gzips) told += " gzips";
  if (seeks) told += " seeks";
  if (holes) told += " holes";
  if (hard_links) told += " hard links";
  if (links_to_present) told += " symlinks";
  if (moves) told += " moves";
  if (refuses) told += " refuses";
  if (covers) told += " covers";
  if (rewrites) told += " rewrites";
  if (spoils) told += " spoils";
  if (deletes) told += " deletes";
  if (groups.by != pipeline::GroupLines::off) told += " groups";
  return told + style.told();
}

}  // namespace sim
