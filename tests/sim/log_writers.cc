#include "tests/sim/log_writers.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "tests/sim/log_look.h"

namespace sim {

LogWriters::LogWriters(SimWorld& world, std::string directory, std::uint32_t count,
                       LogHabits habits)
    : world_(world), directory_(std::move(directory)), habits_(std::move(habits)), writers_(count) {
  const std::string last = habits_.rotated_match ? "/app-*" : "/app-*.log";
  pattern_ = directory_ + last;
  if (habits_.moves) {
    pattern_ = directory_ + "/*" + last;
    directory_ += "/0";
  } else {
    disk().make_directories(directory_);
  }
  disk().write_back();
  for (std::uint32_t i = 0; i < count; ++i) {
    writers_[i].number = i;
    writers_[i].copies = habits_.copies && world.random().chance(0.5);
    writers_[i].path = directory_ + "/app-" + std::to_string(i) + ".log";
  }
}

void LogWriters::describe(config::Flow& flow) {
  flow.from.patterns = {pattern_};
  flow.from.compressed =
      habits_.gzips ? sources::CompressedFiles::read : sources::CompressedFiles::skip;
  habits_.describe(flow);
}

std::uint64_t LogWriters::lines() const {
  std::uint64_t sum = 0;
  for (const Writer& writer : writers_) sum += writer.whole;
  return sum;
}

std::unique_ptr<Look> LogWriters::look() const { return std::make_unique<LogLook>(*this); }

void LogWriters::open(Writer& writer) {
  if (!disk().exists(directory_)) {  // at last (F25)
    disk().make_directories(directory_);
    disk().write_back();
  }
  NodeRef node = disk().find(writer.path);
  if (node == nullptr) {
    if (habits_.deletes && !writer.fresh) begin_generation(writer);
    const int error = disk().create(writer.path, node);
    ASSERT(error == 0);
    sync_directory();
    link_to_present(writer);
  }
  writer.file = OpenFile(disk(), node);
  writer.position = node->file.size();
  writer.fresh = writer.position == 0;
}

void LogWriters::append(Writer& writer, std::string_view bytes) {
  if (!writer.file) open(writer);
  if (!habits_.seeks) writer.position = writer.file->file.size();
  disk().write(*writer.file, bytes, writer.position);
  writer.position += bytes.size();
  disk().sync(*writer.file);
  writer.anew = false;
  if (habits_.deletes) writer.file.reset();
}

void LogWriters::begin_generation(Writer& writer) {
  ++writer.generation;
  writer.fresh = true;
}

// With what stands before it, if it is its file's first.
std::string LogWriters::line(Writer& writer, std::uint64_t number) {
  std::string bytes;
  if (std::exchange(writer.fresh, false)) {
    bytes = habits_.style.beginning();
    ++banners_;
  }
  return bytes + habits_.style.written({writer.number, writer.generation, number});
}

void LogWriters::append_lines(Writer& writer, std::uint64_t lines) {
  end_line(writer);
  if (!writer.file) open(writer);
  std::string bytes;
  for (std::uint64_t i = 0; i < lines; ++i) {
    bytes += line(writer, writer.whole++) + habits_.style.end_of_line(world_.random());
  }
  if (habits_.holes && world_.random().chance(0.1)) {
    constexpr std::uint64_t kGap = 80'000;  // a hole that is worth passing over, however it lies
    writer.position = writer.file->file.size() + kGap + world_.random().below(200'000);
    disk().write(*writer.file, bytes, writer.position);
    writer.position += bytes.size();
    disk().sync(*writer.file);
    return;
  }
  append(writer, bytes);
}

void LogWriters::append_half(Writer& writer) {
  end_line(writer);
  if (!writer.file) open(writer);
  const std::string bytes = line(writer, writer.whole);
  const std::size_t cut = 1 + world_.random().below(bytes.size());
  append(writer, bytes.substr(0, cut));
  writer.rest = bytes.substr(cut) + habits_.style.end_of_line(world_.random());
}

void LogWriters::end_line(Writer& writer) {
  if (writer.rest.empty()) return;
  append(writer, std::exchange(writer.rest, {}));
  ++writer.whole;
}

void LogWriters::write(Writer& writer) {
  SimRandom& random = world_.random();
  const std::uint64_t choice = random.below(100);
  if (choice < 66) {
    append_lines(writer, 1 + random.below(20));
  } else if (choice < 70) {
    append_lines(writer, 500 + random.below(3000));  // more than one chunk
  } else if (choice < 88 && !writer.renamed) {
    append_half(writer);
  } else {
    end_line(writer);
  }
}

void LogWriters::act() {
  SimRandom& random = world_.random();
  Writer& writer = writers_[random.below(writers_.size())];
  if (covered_) {  // its directory is out of sight, its file is not
    if (random.chance(0.2)) return cover(false);
    if (writer.file && writer.copy_path.empty()) write(writer);
    return;
  }
  if (!writer.copy_path.empty() && writer.to_shift == 0) {
    if (!writer.file) open(writer);
    go_on_copying(writer, 1 + random.below(200'000));
    return;
  }
  if (random.chance(0.12)) return accident(writer);
  if (writer.to_shift > 0 && random.chance(0.7)) {
    shift_one(writer);
  } else if (!writer.gzip_path.empty() && random.chance(0.5)) {
    go_on_gzipping(writer, 1 + random.below(20'000));
  } else if (writer.renamed && random.chance(0.5)) {
    told_at_last(writer);
  } else if (random.chance(0.1)) {
    if (habits_.rotated_match) rotate(writer);
  } else {
    write(writer);
  }
}

void LogWriters::finish() {
  cover(false);
  grant_all();
  for (Writer& writer : writers_) {
    while (shift_one(writer)) {
    }
    while (!writer.copy_path.empty()) {
      if (!writer.file) open(writer);
      go_on_copying(writer, writer.file->file.size());
    }
    while (!writer.gzip_path.empty()) go_on_gzipping(writer, writer.gzip_rest.size());
    end_line(writer);
    if (writer.renamed) told_at_last(writer);
  }
}

void LogWriters::let_go() {
  covered_ = false;  // the machine forgets what was mounted
  for (Writer& writer : writers_) {
    if (!writer.file) continue;
    writer.file.reset();
    // After the cut it opens its file by name, wherever that leads; a half line in a file that is
    // no longer ours to write to is never finished.
    if (!writer.renamed) continue;
    writer.rest.clear();
    writer.renamed = false;
    begin_generation(writer);
  }
}

bool LogWriters::may_be_missing(std::uint32_t writer, std::uint64_t number) const {
  return std::ranges::any_of(writers_[writer].behind_copies, [number](const auto& lines) {
    return lines.first <= number && number < lines.second;
  });
}

void LogWriters::all_stored() {
  SimRandom& random = world_.random();
  // Of an empty file, or of one that was just written anew, nothing is stored that is its own: a
  // refused look may have kept it from being opened, and what is written to it once its new name is
  // out of the pattern is nobody's.
  Writer& writer = writers_[random.below(writers_.size())];
  if (random.chance(0.5) && writer.file && writer.file->file.size() > 0 && !writer.anew) {
    rotate(writer);
  }
  if (random.chance(0.5)) truncate_one();
  if (random.chance(0.5)) delete_old();
}

}  // namespace sim
