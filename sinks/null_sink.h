// NullSink: throws away. `delivered` means: seen. For measuring what comes before it.
#pragma once

#include "sinks/sink.h"

namespace sinks {

class NullSink final : public Sink {
 public:
  void deliver(Group& group) override;
};

}  // namespace sinks
