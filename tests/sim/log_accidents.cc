// What happens to LogWriters' names, directories and rights.
#include <algorithm>

#include "base/assert.h"
#include "tests/sim/log_writers.h"

namespace sim {

void LogWriters::accident(Writer& writer) {
  if (!disk().exists(directory_)) return;
  switch (world_.random().below(habits_.rewrites ? 7 : 6)) {
    case 0:
      return change_hard_link(writer);
    case 1:
      return link_to_present(writer);
    case 2:
      return move_directory();
    case 3:
      return world_.random().chance(0.5) ? refuse_something(writer) : grant_all();
    case 4:
      return spoil_a_page(writer);
    case 6:
      return rewrite(writer);
    default:
      if (habits_.covers) cover(true);
  }
}

// By `ln -sfn`, which removes it and makes it anew, or by a new link renamed over it.
void LogWriters::link_to_present(const Writer& writer) {
  if (!habits_.links_to_present) return;
  const std::string link = directory_ + "/app-" + std::to_string(writer.number) + ".present";
  const std::string fresh = directory_ + "/fresh";
  if (world_.random().chance(0.5)) {
    if (disk().find(link, false) != nullptr) disk().remove(link);
    disk().make_symlink(link, writer.path);
  } else {
    disk().make_symlink(fresh, writer.path);
    disk().rename(fresh, link);
  }
  sync_directory();
}

void LogWriters::change_hard_link(Writer& writer) {
  if (!habits_.hard_links) return;
  if (!writer.hard_link.empty()) {
    disk().remove(writer.hard_link);
    writer.hard_link.clear();
  } else if (disk().exists(writer.path)) {
    writer.hard_link = directory_ + "/app-" + std::to_string(writer.number) + ".hard";
    disk().make_hard_link(writer.hard_link, writer.path);
  }
  sync_directory();
}

void LogWriters::move_directory() {
  if (!habits_.moves) return;
  const std::string above = directory_.substr(0, directory_.rfind('/'));
  const std::string to = above + "/" + std::to_string(++moved_);
  const int error = disk().rename(directory_, to);
  ASSERT(error == 0);
  disk().sync(*disk().find(above));
  const std::size_t old_bytes = directory_.size();
  const auto move = [&](std::string& path) {
    if (!path.empty()) path = to + path.substr(old_bytes);
  };
  for (Writer& writer : writers_) {
    for (std::string* path :
         {&writer.path, &writer.copy_path, &writer.gzip_path, &writer.hard_link}) {
      move(*path);
    }
    for (std::string& path : writer.old_paths) move(path);
  }
  directory_ = to;
  for (const Writer& writer : writers_) link_to_present(writer);
}

void LogWriters::refuse_something(const Writer& writer) {
  if (!habits_.refuses) return;
  std::string path = writer.path;
  const std::uint64_t choice = world_.random().below(2 + writer.old_paths.size());
  if (choice == 0) path = directory_;
  if (choice >= 2) path = writer.old_paths[choice - 2];
  const NodeRef node = disk().find(path, false);
  if (node == nullptr || node->denied) return;
  disk().deny(*node, true);
  refused_.push_back(node);
}

void LogWriters::grant_all() {
  for (const NodeRef& node : refused_) disk().deny(*node, false);
  refused_.clear();
}

// A bad page is bad while faults are on (SimFiles), so that nothing is lost by it in the end.
void LogWriters::spoil_a_page(const Writer& writer) {
  if (!habits_.spoils) return;
  const std::uint64_t choice = world_.random().below(1 + writer.old_paths.size());
  const NodeRef node = disk().find(choice == 0 ? writer.path : writer.old_paths[choice - 1]);
  if (node == nullptr) return;
  node->bad_pages.insert(world_.random().below(node->file.size() / kPageBytes + 1));
}

// As rsync does it: what is written anew takes the name when it is whole.
void LogWriters::rewrite(Writer& writer) {
  if (!habits_.rewrites || !writer.file || writer.renamed || !disk().exists(writer.path)) return;
  // Where it is not known again, the former's last line is a line, with or without an end (F38).
  end_line(writer);
  const std::string fresh = directory_ + "/.fresh";
  NodeRef node;
  const int error = disk().create(fresh, node);
  ASSERT(error == 0);
  disk().append(*node, writer.file->file.bytes());
  disk().sync(*node);
  rename(fresh, writer.path);
  writer.file = OpenFile(disk(), node);
  writer.position = node->file.size();
  writer.anew = true;
}

void LogWriters::cover(bool on) {
  if (covered_ == on) return;
  covered_ = on;
  if (on) {
    disk().cover(directory_);
  } else {
    disk().uncover(directory_);
  }
}

}  // namespace sim
