#include "tests/sim/log_writers.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "sources/former_search.h"

namespace sim {

namespace {

constexpr std::uint64_t kProofBytes = sources::FormerSearch::kProofBytes;

}  // namespace

LogWriters::LogWriters(SimWorld& world, std::string directory, std::uint32_t count,
                       bool rotated_match)
    : world_(world),
      directory_(std::move(directory)),
      rotated_match_(rotated_match),
      writers_(count) {
  world_.disk().make_directories(directory_);
  for (std::uint32_t i = 0; i < count; ++i) {
    writers_[i].number = i;
    writers_[i].copies = rotated_match && world.random().chance(0.3);
    writers_[i].path = directory_ + "/app-" + std::to_string(i) + ".log";
  }
}

std::string LogWriters::text(const WrittenLine& line) {
  std::string text = "w" + std::to_string(line.writer) + " g" + std::to_string(line.generation) +
                     " n" + std::to_string(line.number) + " ";
  // Lengths differ from line to line, so that a torn or shifted one cannot pass for another.
  const std::size_t length = (line.number * 37 + line.writer * 11) % 150;
  for (std::size_t i = 0; i < length; ++i) {
    text += static_cast<char>('a' + (line.number * 7 + i) % 26);
  }
  return text;
}

bool LogWriters::parse(std::string_view given, WrittenLine& line) {
  const auto take = [&given](char tag, auto& number) {
    if (given.empty() || given.front() != tag) return false;
    const auto [end, error] =
        std::from_chars(given.data() + 1, given.data() + given.size(), number);
    if (error != std::errc{} || end == given.data() + given.size() || *end != ' ') return false;
    given.remove_prefix(static_cast<std::size_t>(end - given.data()) + 1);
    return true;
  };
  const std::string_view whole = given;
  return take('w', line.writer) && take('g', line.generation) && take('n', line.number) &&
         text(line) == whole;
}

void LogWriters::open(Writer& writer) {
  NodeRef node = world_.disk().find(writer.path);
  if (node == nullptr) {
    const int error = world_.disk().create(writer.path, node);
    ASSERT(error == 0);
    world_.disk().sync(*world_.disk().find(directory_));
  }
  writer.file = OpenFile(world_.disk(), node);
}

void LogWriters::append(Writer& writer, std::string_view bytes) {
  if (!writer.file) open(writer);
  world_.disk().append(*writer.file, bytes);
  world_.disk().sync(*writer.file);
}

std::string LogWriters::line_end() {
  std::string end = style_.delimiter;
  while (style_.empty_lines && world_.random().chance(0.3)) {
    const bool cr = style_.delimiter == "\n" && world_.random().chance(0.3);
    end += (cr ? "\r" : "") + style_.delimiter;
  }
  return end;
}

void LogWriters::append_lines(Writer& writer, std::uint64_t lines) {
  end_line(writer);
  std::string bytes;
  for (std::uint64_t i = 0; i < lines; ++i) {
    bytes += text({writer.number, writer.generation, writer.whole++}) + line_end();
  }
  append(writer, bytes);
}

void LogWriters::append_half(Writer& writer) {
  end_line(writer);
  const std::string line = text({writer.number, writer.generation, writer.whole});
  const std::size_t cut = 1 + world_.random().below(line.size());
  append(writer, line.substr(0, cut));
  writer.rest = line.substr(cut) + line_end();
}

void LogWriters::end_line(Writer& writer) {
  if (writer.rest.empty()) return;
  append(writer, std::exchange(writer.rest, {}));
  ++writer.whole;
}

void LogWriters::rotate(Writer& writer) {
  if (!writer.file || writer.renamed || !writer.copy_path.empty()) return;
  if (writer.copies) {
    end_line(writer);
    writer.copy_path = writer.path + "." + std::to_string(writer.generation);
    return;
  }
  // A half line that stays in a renamed file for long is taken for its last line, and rightly so.
  end_line(writer);
  const std::string old_path = writer.path + "." + std::to_string(writer.generation);
  const int error = world_.disk().rename(writer.path, old_path);
  ASSERT(error == 0);
  world_.disk().sync(*world_.disk().find(directory_));
  writer.old_paths.push_back(old_path);
  writer.renamed = true;
}

// Up to `bytes` more of the copy; when it is whole, the original is truncated. What is written in
// between would be in neither, and only by luck in the store.
void LogWriters::go_on_copying(Writer& writer, std::uint64_t bytes) {
  Disk& disk = world_.disk();
  NodeRef copy = disk.find(writer.copy_path);
  if (copy == nullptr) {
    const int error = disk.create(writer.copy_path, copy);
    ASSERT(error == 0);
    disk.sync(*disk.find(directory_));
    writer.old_paths.push_back(writer.copy_path);
  }
  const std::string& all = writer.file->file.bytes();
  const std::string piece = all.substr(writer.copied, bytes);
  disk.append(*copy, piece);
  disk.sync(*copy);
  writer.copied += piece.size();
  if (writer.copied < all.size() || world_.random().chance(0.5)) return;
  disk.truncate(*writer.file, 0);
  disk.sync(*writer.file);
  ++writer.generation;
  writer.copy_path.clear();
  writer.copied = 0;
}

void LogWriters::act() {
  Writer& writer = writers_[world_.random().below(writers_.size())];
  if (!writer.copy_path.empty()) {
    if (!writer.file) open(writer);
    go_on_copying(writer, 1 + world_.random().below(200'000));
    return;
  }
  const std::uint64_t choice = world_.random().below(100);
  if (writer.renamed && choice < 50) {  // told at last: a new file
    end_line(writer);
    writer.file.reset();
    writer.renamed = false;
    ++writer.generation;
    open(writer);
  } else if (choice < 60) {
    append_lines(writer, 1 + world_.random().below(20));
  } else if (choice < 65) {
    append_lines(writer, 500 + world_.random().below(3000));  // more than one chunk
  } else if (choice < 80 && !writer.renamed) {
    append_half(writer);
  } else if (choice < 90) {
    end_line(writer);
  } else if (rotated_match_) {
    rotate(writer);
  }
}

void LogWriters::finish() {
  for (Writer& writer : writers_) {
    while (!writer.copy_path.empty()) {
      if (!writer.file) open(writer);
      go_on_copying(writer, writer.file->file.size());
    }
    end_line(writer);
    if (!writer.renamed) continue;
    writer.file.reset();
    writer.renamed = false;
    ++writer.generation;
    open(writer);
  }
}

void LogWriters::let_go() {
  for (Writer& writer : writers_) {
    if (!writer.file) continue;
    writer.file.reset();
    // After the cut it opens its file by name, wherever that leads; a half line in a file that is
    // no longer ours to write to is never finished.
    if (writer.renamed) {
      writer.rest.clear();
      writer.renamed = false;
      ++writer.generation;
    }
  }
}

void LogWriters::rotate_one() { rotate(writers_[world_.random().below(writers_.size())]); }

void LogWriters::truncate_one() {
  Writer& writer = writers_[world_.random().below(writers_.size())];
  if (!writer.file || writer.renamed || !writer.rest.empty() || !writer.copy_path.empty()) return;
  world_.disk().truncate(*writer.file, 0);
  world_.disk().sync(*writer.file);
  ++writer.generation;
}

bool LogWriters::copy_one() {
  Writer& writer = writers_[world_.random().below(writers_.size())];
  if (!writer.copies || !writer.copy_path.empty() || !writer.rest.empty()) return false;
  if (!writer.file) open(writer);
  // Lines read behind a copy make its generation end behind the copy's end, and then only a place
  // where a line ended proves it, from 64 bytes on: fewer may be a banner two generations begin
  // with, so a shorter copy is read again (docs/design/0008-copies.md, 6). An empty one is no line.
  const std::uint64_t bytes = writer.file->file.size();
  if (bytes > 0 && bytes < kProofBytes) return false;
  const std::string path = writer.path + "." + std::to_string(writer.generation);
  NodeRef copy;
  const int error = world_.disk().create(path, copy);
  ASSERT(error == 0);
  world_.disk().sync(*world_.disk().find(directory_));
  world_.disk().append(*copy, writer.file->file.bytes());
  world_.disk().sync(*copy);
  writer.old_paths.push_back(path);
  copying_ = &writer;
  return true;
}

void LogWriters::write_behind_copy() {
  const std::uint64_t first = copying_->whole;
  append_lines(*copying_, 1 + world_.random().below(20));
  copying_->behind_copies.emplace_back(first, copying_->whole);
}

void LogWriters::truncate_copied() {
  world_.disk().truncate(*copying_->file, 0);
  world_.disk().sync(*copying_->file);
  ++copying_->generation;
  copying_ = nullptr;
}

bool LogWriters::may_be_missing(std::uint32_t writer, std::uint64_t number) const {
  return std::ranges::any_of(writers_[writer].behind_copies, [number](const auto& lines) {
    return lines.first <= number && number < lines.second;
  });
}

void LogWriters::delete_old() {
  for (Writer& writer : writers_) {
    const std::size_t keep = writer.renamed ? 1 : 0;  // it still writes to the last one
    while (writer.old_paths.size() > keep) {
      world_.disk().remove(writer.old_paths.front());
      writer.old_paths.erase(writer.old_paths.begin());
    }
  }
  world_.disk().sync(*world_.disk().find(directory_));
}

}  // namespace sim
