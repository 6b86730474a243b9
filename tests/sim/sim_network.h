// Network: stream connections in memory, by address. As much as a stream promises: bytes in order,
// cut anywhere, an end, a reset.
#pragma once

#include <cerrno>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sim {

// One direction's bytes and one end's state. The two ends of a connection refer to each other.
struct StreamEnd {
  std::string arrived;            // sent by the peer, not yet received
  std::weak_ptr<StreamEnd> peer;  // expired: the peer has closed
  bool connected = false;
  bool reset = false;

  bool readable() const { return reset || !arrived.empty() || (connected && peer.expired()); }
  void reset_both() {
    reset = true;
    arrived.clear();
    if (const auto other = peer.lock()) other->reset = true;
  }
};
using StreamRef = std::shared_ptr<StreamEnd>;

struct Listener {
  std::string address;
  std::deque<StreamRef> waiting;  // connected by peers, not yet accepted
};
using ListenerRef = std::shared_ptr<Listener>;

class Network {
 public:
  ListenerRef listen(std::string address) {
    auto listener = std::make_shared<Listener>();
    listener->address = address;
    listeners_[std::move(address)] = listener;
    return listener;
  }
  // 0, or a positive errno: nobody listens there.
  int connect(const StreamRef& from, std::string_view address) {
    const auto found = listeners_.find(std::string(address));
    const ListenerRef listener = found == listeners_.end() ? nullptr : found->second.lock();
    if (listener == nullptr) return ECONNREFUSED;
    auto to = std::make_shared<StreamEnd>();
    to->peer = from;
    to->connected = true;
    from->peer = to;
    from->connected = true;
    listener->waiting.push_back(std::move(to));
    return 0;
  }

 private:
  std::map<std::string, std::weak_ptr<Listener>> listeners_;
};

}  // namespace sim
