// DeleteScene: a WholeScene whose flow deletes what was read (F67).
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "tests/sources/whole_scene.h"

namespace scene {

using Lines = std::vector<std::string>;

struct DeleteScene : WholeScene {
  explicit DeleteScene(base::Duration after = std::chrono::hours(1), std::uint64_t seed = 1)
      : WholeScene({"/log/a*"}, seed) {
    options.tail.close_inactive = std::chrono::milliseconds(100);
    files.delete_after = after;
    options.notes_whole = after != base::Duration::zero();
    files.reconcile_interval = std::chrono::seconds(10);
    world.faults().set("", {});
    world.faults().set("/log", {});
    world.disk().make_directories("/elsewhere");
    world.disk().write_back();
  }
  bool there(const std::string& path = "/log/a.log") { return world.disk().exists(path); }
  // And as long as it takes to look and to come to rest.
  void pass(base::Duration time) {
    world.clock().advance(time);
    run(std::chrono::seconds(11));
  }
  void append(const std::string& path, const std::string& bytes) {
    WholeScene::append(path, bytes);
    world.disk().write_back();
  }
  void read(const std::string& bytes, const std::string& path = "/log/a.log") {
    append(path, bytes);
    run(std::chrono::seconds(11));
  }
  std::uint64_t removed() const { return discovery->counters().files_removed.value(); }
  Lines sorted() const {
    Lines lines = records();
    std::ranges::sort(lines);
    return lines;
  }
};

}  // namespace scene
