// ControlSocket: the daemon's side of `<data_dir>/control.sock`: puts records into streams that are
// open here and nowhere else. One request per connection; format in agent/put.h.
//
// Belongs to the control thread; appends run on the shards' owners and answer by mail.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/mailbox.h"
#include "agent/put.h"
#include "agent/reactor.h"
#include "io/environment.h"
#include "pipeline/shard_map.h"
#include "store/shard.h"

namespace agent {

class ControlSocket {
 public:
  static constexpr std::size_t kConnectionsMax = 16;  // more wait in the listener's backlog

  struct Stream {
    pipeline::ShardMap map;
    std::vector<store::Shard*> shards;
    std::vector<Reactor*> owners;  // of each shard
  };

  // Owns `listener`. The rest outlives the socket.
  ControlSocket(const io::Environment& environment, Mailbox& mailbox, io::Handle listener,
                std::map<std::string, Stream> streams);
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  void start();
  void stop();        // accepts no more; requests that are under way are answered
  bool idle() const;  // nothing in flight

 private:
  struct Connection;
  struct Job;

  void accept_next();
  void on_accepted(std::int64_t result);
  void serve(Connection& connection);
  void reply(Connection& connection, std::string answer);
  void drop(Connection& connection);

  const io::Environment& environment_;
  Mailbox& mailbox_;
  io::UniqueHandle listener_;
  std::map<std::string, Stream> streams_;
  io::Operation accepted_;
  bool accepting_ = false;
  bool stopped_ = false;
  std::list<std::unique_ptr<Connection>> connections_;
};

}  // namespace agent
