// RotationScene: a WholeScene that remembers what was written, to compare it with what is stored.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "tests/sources/tail_scene.h"
#include "tests/sources/whole_scene.h"
#include "tests/test.h"

namespace scene {

inline Lines sorted(Lines lines) {
  std::ranges::sort(lines);
  return lines;
}

inline std::string text_of(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) {
    text += "line " + std::to_string(i * 7919) +
            " of a log whose lines are long enough to be told apart\n";
  }
  return text;
}

// Every line of `written` is stored, and none twice.
inline void check_exact(const WholeScene& scene, const std::string& written) {
  const Lines stored = sorted(scene.records());
  const Lines wanted = sorted(split(written));
  Lines missing;
  Lines doubled;
  std::ranges::set_difference(wanted, stored, std::back_inserter(missing));
  std::ranges::set_difference(stored, wanted, std::back_inserter(doubled));
  CHECK(missing == Lines{});
  CHECK(doubled == Lines{});
}

struct RotationScene : WholeScene {
  using WholeScene::WholeScene;

  void write(const std::string& path, const std::string& text) {
    append(path, text);
    written += text;
  }
  // A part of what can happen in one turn.
  void some_turns(int turns) {
    for (int i = 0; i < turns; ++i) {
      turn();
      if (i % 3 == 0) rig->deliver(0);
      if (i % 4 == 0 && rig->unsettled() > 0) rig->settle(0);
      if (i % 2 == 0) rig->answer();
    }
  }
  void check_exact() const { scene::check_exact(*this, written); }

  std::string written;
};

// A log, and copies of it under the same pattern.
struct CopyScene : RotationScene {
  explicit CopyScene(std::uint64_t seed = 1, std::vector<std::string> patterns = {"/log/a.log*"})
      : RotationScene(std::move(patterns), seed) {
    options.tail.copies = true;
  }
  using RotationScene::write;
  void write(const std::string& text) { write("/log/a.log", text); }
  void copy(const std::string& to) { append(to, world.disk().content("/log/a.log")); }
  // The reactor's part alone: discovery sees nothing of what is here in between.
  void read_unseen() {
    rig->tails().look_at_all();
    rig->run();
  }
  void note_unseen() {
    world.clock().advance(sources::Checkpointer::kWriteInterval);
    rig->run();
  }
  // Everything is registered, nothing delivered.
  void register_all() {
    for (int i = 0; i < 30; ++i) {
      turn();
      while (rig->writes() > 0) rig->answer();
    }
  }
  // The same, and all of it is stored, nothing of it noted.
  void store_unnoted() {
    rig->tails().look_at_all();
    for (int i = 0; i < 20; ++i) {
      rig->tick();
      while (rig->undelivered() > 0) rig->deliver(0);
    }
  }
};

}  // namespace scene
