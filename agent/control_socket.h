// ControlSocket: the daemon's side of `<data_dir>/control.sock`: puts records into streams that are
// open here and nowhere else (agent/put.h), and says how things stand (agent/status.h). One request
// per connection.
//
// Belongs to the control thread; appends run on the shards' owners and answer by mail. Who neither
// asks nor takes his answer is hung up on, who hangs up while a reload is waited for keeps no
// place, and no error closes the door for good.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/mailbox.h"
#include "agent/put.h"
#include "agent/reactor.h"
#include "agent/status.h"
#include "io/environment.h"
#include "pipeline/shard_map.h"
#include "store/shard.h"

namespace agent {

// The request to take the configuration over; whoever ends what he sends before he is answered is
// taken to have hung up. Answer: "ok\n" or "refused\n" and lines for people,
// or one line "error <why>\n".
constexpr std::string_view kReloadRequest = "reload\n";

class ControlSocket {
 public:
  static constexpr std::size_t kConnectionsMax = 16;    // more wait in the listener's backlog
  static constexpr std::size_t kReloadsWaitingMax = 4;  // of these: for a reload to be over
  // For a whole request, and for taking the whole answer.
  static constexpr base::Duration kPatience = std::chrono::seconds(10);
  static constexpr base::Duration kRetryInterval =
      std::chrono::milliseconds(500);  // after accept failed, as without a free descriptor

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

  // Answers a request by `reply`, once, then or later, on our thread; false: never.
  using Reply = std::move_only_function<void(std::string answer)>;
  using Ask = std::move_only_function<bool(const StatusRequest& request, Reply reply)>;
  void set_status(Ask ask) { ask_ = std::move(ask); }
  // The same for kReloadRequest; `reply` may come much later. Not `may_wait`: it is to come at
  // once, so many wait already.
  using AskReload = std::move_only_function<void(Reply reply, bool may_wait)>;
  void set_reload(AskReload ask) { ask_reload_ = std::move(ask); }
  void add_stream(const std::string& name, Stream stream) {
    streams_.insert_or_assign(name, std::move(stream));
  }

  void start();
  void tick(base::Instant now);
  base::Instant next_deadline() const;
  void stop();        // accepts no more; requests that are under way are answered
  bool idle() const;  // nothing in flight

 private:
  struct Connection;
  struct Job;

  void accept_next();
  void on_accepted(std::int64_t result);
  void serve(Connection& connection);
  void serve_reload(Connection& connection);
  void serve_status(Connection& connection);
  void serve_put(Connection& connection);
  Connection* find(std::uint64_t number);
  void reply(Connection& connection, std::string answer);
  void send(Connection& connection);
  void drop(Connection& connection);

  const io::Environment& environment_;
  Mailbox& mailbox_;
  io::UniqueHandle listener_;
  std::map<std::string, Stream> streams_;
  io::Operation accepted_;
  Ask ask_;
  AskReload ask_reload_;
  base::Instant accept_at_ = base::Instant::max();  // again; max: nothing failed
  bool accepting_ = false;
  bool stopped_ = false;
  std::uint64_t last_number_ = 0;  // of a connection
  std::list<std::unique_ptr<Connection>> connections_;
};

}  // namespace agent
