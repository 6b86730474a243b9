// How LogWriters' files are rotated.
#include <zlib.h>

#include <utility>

#include "base/assert.h"
#include "sources/former_search.h"
#include "tests/sim/log_writers.h"

namespace sim {

namespace {

std::string gzip(const std::string& text) {
  z_stream stream{};
  ASSERT(::deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(::deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ASSERT(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

}  // namespace

void LogWriters::rename(const std::string& from, const std::string& to) {
  const int error = disk().rename(from, to);
  ASSERT(error == 0);
  sync_directory();
}

void LogWriters::rotate(Writer& writer) {
  if (habits_.deletes && disk().exists(writer.path)) open(writer);
  if (!writer.file || writer.renamed || !writer.copy_path.empty() || !writer.gzip_path.empty() ||
      writer.to_shift > 0) {
    return;
  }
  // A half line that stays in a renamed file for long is taken for its last line, and rightly so.
  end_line(writer);
  if (habits_.deletes) writer.file.reset();
  if (habits_.shifts) writer.to_shift = writer.old_paths.size();
  const std::string number = habits_.shifts ? "1" : std::to_string(writer.generation);
  if (writer.copies) {
    writer.copy_path = writer.path + "." + number;
    return;
  }
  while (world_.random().chance(0.8) && shift_one(writer)) {
  }
  if (writer.to_shift > 0) return;  // and this is not its turn yet
  if (habits_.dates) {
    writer.old_paths.push_back(writer.path);
    writer.path = directory_ + "/app-" + std::to_string(writer.number) + "-" +
                  std::to_string(writer.generation + 1) + ".log";
    NodeRef node;
    const int error = disk().create(writer.path, node);
    ASSERT(error == 0);
    sync_directory();
    link_to_present(writer);
  } else {
    writer.old_paths.push_back(writer.path + "." + number);
    rename(writer.path, writer.old_paths.back());
  }
  writer.renamed = true;
  if (!habits_.deletes) return;
  told_at_last(writer);
  writer.file.reset();
}

// The next older one makes room. False: there is room.
bool LogWriters::shift_one(Writer& writer) {
  if (writer.to_shift == 0) return false;
  const std::size_t at = writer.old_paths.size() - writer.to_shift;  // the oldest first
  std::string& path = writer.old_paths[at];
  const std::string end = path.ends_with(".gz") ? ".gz" : "";
  const std::string to = writer.path + "." + std::to_string(writer.to_shift + 1) + end;
  rename(path, to);
  path = to;
  --writer.to_shift;
  return true;
}

void LogWriters::told_at_last(Writer& writer) {
  end_line(writer);
  writer.file.reset();
  writer.renamed = false;
  begin_generation(writer);
  open(writer);
  if (habits_.gzips && world_.random().chance(0.7)) begin_gzip(writer);
}

// Up to `bytes` more of the copy; when it is whole, the original is truncated. What is written in
// between would be in neither, and only by luck in the store.
void LogWriters::go_on_copying(Writer& writer, std::uint64_t bytes) {
  NodeRef copy = disk().find(writer.copy_path);
  if (copy == nullptr) {
    // It may have written while older copies were shifted; a piece of a line would be in the copy.
    end_line(writer);
    const int error = disk().create(writer.copy_path, copy);
    ASSERT(error == 0);
    sync_directory();
    writer.old_paths.push_back(writer.copy_path);
  }
  const std::string& all = writer.file->file.bytes();
  const std::string piece = all.substr(writer.copied, bytes);
  disk().append(*copy, piece);
  disk().sync(*copy);
  writer.copied += piece.size();
  if (writer.copied < all.size() || world_.random().chance(0.5)) return;
  disk().truncate(*writer.file, 0);
  disk().sync(*writer.file);
  begin_generation(writer);
  writer.copy_path.clear();
  writer.copied = 0;
}

bool LogWriters::race_in_calm(const Turns& turns) {
  SimRandom& random = world_.random();
  Writer& writer = writers_[random.below(writers_.size())];
  if (random.chance(0.5) || !writer.copies || !writer.copy_path.empty()) return false;
  if (!writer.file) open(writer);
  end_line(writer);
  // Lines read behind a copy make its generation end behind the copy's end, and then only a place
  // where a line ended proves it, from 64 bytes on: fewer may be a banner two generations begin
  // with, so a shorter copy is read again (docs/design/0008-copies.md, 6). An empty one is no line.
  const std::uint64_t bytes = writer.file->file.size();
  if (bytes > 0 && bytes < sources::FormerSearch::kProofBytes) return false;
  if (habits_.shifts) writer.to_shift = writer.old_paths.size();
  while (shift_one(writer)) {
  }
  const std::string path =
      writer.path + "." + (habits_.shifts ? "1" : std::to_string(writer.generation));
  NodeRef copy;
  const int error = disk().create(path, copy);
  ASSERT(error == 0);
  sync_directory();
  disk().append(*copy, writer.file->file.bytes());
  disk().sync(*copy);
  writer.old_paths.push_back(path);
  turns(10);
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    const std::uint64_t first = writer.whole;
    append_lines(writer, 1 + random.below(20));
    writer.behind_copies.emplace_back(first, writer.whole);
    turns(200);
  }
  disk().truncate(*writer.file, 0);
  disk().sync(*writer.file);
  begin_generation(writer);
  // Until it is noted that the generation ended, its file may come to rest and a kill would hide
  // where its lines ended (0008). Who polls, and has few descriptors, takes its time.
  turns(8000);
  return true;
}

// As gzip does it: the compressed file grows beside the other, which goes when it is whole.
void LogWriters::begin_gzip(Writer& writer) {
  const std::string& path = writer.old_paths.back();
  writer.gzip_path = path + ".gz";
  writer.gzip_rest = gzip(disk().content(path));
  NodeRef made;
  const int error = disk().create(writer.gzip_path, made);
  ASSERT(error == 0);
  sync_directory();
}

void LogWriters::go_on_gzipping(Writer& writer, std::uint64_t bytes) {
  Node& made = *disk().find(writer.gzip_path);
  disk().append(made, writer.gzip_rest.substr(0, bytes));
  disk().sync(made);
  writer.gzip_rest.erase(0, bytes);
  if (!writer.gzip_rest.empty() || world_.random().chance(0.3)) return;
  disk().remove(writer.old_paths.back());
  sync_directory();
  writer.old_paths.back() = std::exchange(writer.gzip_path, {});
}

void LogWriters::truncate_one() {
  Writer& writer = writers_[world_.random().below(writers_.size())];
  if (!writer.file || writer.renamed || !writer.rest.empty() || !writer.copy_path.empty()) return;
  disk().truncate(*writer.file, 0);
  disk().sync(*writer.file);
  begin_generation(writer);
}

void LogWriters::delete_old() {
  for (Writer& writer : writers_) {
    if (writer.to_shift > 0 || !writer.gzip_path.empty() || !writer.copy_path.empty()) continue;
    const std::size_t keep = writer.renamed ? 1 : 0;  // it still writes to the last one
    while (writer.old_paths.size() > keep) {
      disk().remove(writer.old_paths.front());
      writer.old_paths.erase(writer.old_paths.begin());
    }
  }
  if (disk().exists(directory_)) sync_directory();
}

}  // namespace sim
