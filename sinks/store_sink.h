// StoreSink: appends to a shard of the local store.
//
// `delivered` means what the stream's `sync` promises (store/options.h). Never rejects.
//
// Belongs to the shard's owner reactor. Outlets of several flows may share one shard, each with its
// own sink: the shard takes their appends in the order they come.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/sink.h"
#include "store/shard.h"

namespace sinks {

class StoreSink final : public Sink {
 public:
  // `shard` outlives the sink.
  explicit StoreSink(store::Shard& shard);

  void deliver(Group& group) override;
  // With `interval` appends wait for the next sync, so several must be out meanwhile.
  std::size_t groups_max() const override { return flights_.size(); }
  std::string reason() const override { return reason_; }

  static constexpr std::size_t kIntervalGroupsMax = 16;

 private:
  struct Flight {
    StoreSink* sink = nullptr;
    Group* group = nullptr;  // nullptr: free
    store::Append append;
    std::vector<std::string_view> runs;
  };
  void on_appended(Flight& flight, int error);

  store::Shard& shard_;
  std::vector<Flight> flights_;  // a ring: the shard answers in order
  std::size_t next_ = 0;
  std::string reason_;
};

}  // namespace sinks
