// ShortLived: files that are deleted, read or not, with limits on what deleted files may keep of
// the disk (F12). Each is written at once.
//
// What is lost is lost as a file's tail, and it is counted: never more than is missing, and of a
// file that was begun and then lost under a running agent not less.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/line_style.h"
#include "tests/sim/sim_world.h"
#include "tests/sim/workload.h"

namespace sim {

class ShortLived final : public Workload {
 public:
  ShortLived(SimWorld& world, const std::string& directory);

  void describe(config::Flow& flow) override;
  std::string told() const override { return told_; }
  void set_beside(std::size_t others) override { alone_ = others == 0; }
  void act() override;
  void finish() override {}
  void all_stored() override;
  void agent_gone(const config::Flow& flow, const base::Samples& samples, bool politely) override;
  void flow_gone() override;
  std::string audit(const config::Flow& flow, const base::Samples& samples,
                    const Look& look) const override;
  std::unique_ptr<Look> look() const override;
  std::uint64_t lines() const override;

 private:
  friend class ShortLook;
  struct File {
    std::string path;  // empty: deleted
    std::uint32_t number = 0;
    std::uint64_t lines = 0;
    bool may_miss = false;
    bool watched = true;  // by one agent, from its beginning to now
  };
  struct Counted {
    std::uint64_t unread = 0;              // of the flow
    std::uint64_t without_descriptor = 0;  // of all flows, of which two may read the same files
    std::uint64_t sum() const { return unread + without_descriptor; }
  };
  static Counted counted(const config::Flow& flow, const base::Samples& samples);

  SimWorld& world_;
  std::string directory_;
  std::string told_;
  bool alone_ = true;
  LineStyle style_;
  std::vector<File> files_;
  std::map<std::string, Counted> counted_before_;  // flow → by agents that are gone
};

}  // namespace sim
