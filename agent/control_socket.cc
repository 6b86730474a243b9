#include "agent/control_socket.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/result.h"

namespace agent {

// One client: receives until the request is whole, waits for the appends, sends the answer.
struct ControlSocket::Connection {
  Connection(ControlSocket& owner, std::uint64_t its_number, io::Handle handle)
      : socket(owner),
        number(its_number),
        client(owner.environment_.files, handle),
        received(io::on<&Connection::on_received>(*this)),
        sent(io::on<&Connection::on_sent>(*this)) {}

  void receive() {
    waits_for = WaitsFor::request;
    socket.environment_.io.receive(received, client.get(), buffer);
  }
  // For what may take long: until he is answered, whether he hangs up is heard.
  void listen() {
    listens = true;
    socket.environment_.io.receive(received, client.get(), buffer);
  }
  void on_received(std::int64_t result) {
    if (listens) return on_heard(result);
    waits_for = WaitsFor::us;
    if (result <= 0) {
      socket.drop(*this);
      return;
    }
    request.append(buffer.data(), static_cast<std::size_t>(result));
    socket.serve(*this);
  }
  void on_heard(std::int64_t result) {
    listens = false;
    if (!answer.empty()) {
      socket.send(*this);
    } else if (result > 0) {
      listen();  // what he says now nobody asked
    } else {
      socket.drop(*this);
    }
  }
  void on_sent(std::int64_t /*result*/) { socket.drop(*this); }

  ControlSocket& socket;
  const std::uint64_t number;
  io::UniqueHandle client;
  io::Operation received;
  io::Operation sent;
  enum class WaitsFor : std::uint8_t { request, us, taker } waits_for = WaitsFor::us;
  bool listens = false;
  bool small_answer = true;  // fits into the socket: sent whatever happens
  base::Instant deadline{};
  std::array<char, 65536> buffer;
  std::string request;
  std::string answer;
  std::string_view answer_view;
};

// The appends of one request; lives until the last of them is answered.
struct ControlSocket::Job {
  struct Part {
    store::Append append;
    std::string_view view;
    Job* job = nullptr;
    std::size_t shard = 0;
  };

  // On the control thread.
  void answered(std::size_t shard, base::SequenceNumber sequence, int failed) {
    first[shard] = sequence;
    if (failed != 0) error = failed;
    if (--unanswered != 0) return;
    const std::unique_ptr<Job> self(this);
    connection.socket.reply(
        connection, error == 0 ? answer_put(runs, first)
                               : fmt::format("error not all records were stored: {}\n",
                                             base::fail_system(error, "append").error().message));
  }

  Connection& connection;
  PutRuns runs;
  std::vector<base::SequenceNumber> first;
  std::vector<Part> parts;
  std::size_t unanswered = 0;
  int error = 0;
};

ControlSocket::ControlSocket(const io::Environment& environment, Mailbox& mailbox,
                             io::Handle listener, std::map<std::string, Stream> streams)
    : environment_(environment),
      mailbox_(mailbox),
      listener_(environment.files, listener),
      streams_(std::move(streams)),
      accepted_(io::on<&ControlSocket::on_accepted>(*this)) {}

ControlSocket::~ControlSocket() = default;

void ControlSocket::start() { accept_next(); }

void ControlSocket::stop() {
  stopped_ = true;
  if (accepting_) environment_.io.cancel(accepted_);
  accept_at_ = base::Instant::max();
  for (const auto& connection : connections_) {
    if (connection->waits_for == Connection::WaitsFor::request) {
      environment_.io.cancel(connection->received);
    } else if (connection->waits_for == Connection::WaitsFor::taker && !connection->small_answer) {
      environment_.io.cancel(connection->sent);
    }
  }
}

void ControlSocket::tick(base::Instant now) {
  if (now >= accept_at_) accept_next();
  for (const auto& connection : connections_) {
    if (connection->waits_for == Connection::WaitsFor::us || now < connection->deadline) continue;
    const bool asking = connection->waits_for == Connection::WaitsFor::request;
    environment_.io.cancel(asking ? connection->received : connection->sent);
    connection->deadline = base::Instant::max();
  }
}

base::Instant ControlSocket::next_deadline() const {
  base::Instant next = accept_at_;
  for (const auto& connection : connections_) {
    if (connection->waits_for != Connection::WaitsFor::us) {
      next = std::min(next, connection->deadline);
    }
  }
  return next;
}

bool ControlSocket::idle() const { return !accepting_ && connections_.empty(); }

void ControlSocket::accept_next() {
  if (stopped_ || accepting_ || connections_.size() >= kConnectionsMax) return;
  accepting_ = true;
  accept_at_ = base::Instant::max();
  environment_.io.accept(accepted_, listener_.get());
}

void ControlSocket::on_accepted(std::int64_t result) {
  accepting_ = false;
  if (result >= 0) {
    connections_.push_back(
        std::make_unique<Connection>(*this, ++last_number_, static_cast<io::Handle>(result)));
    connections_.back()->deadline = environment_.clock.monotonic() + kPatience;
    connections_.back()->receive();
  } else if (result != -ECANCELED && result != -ECONNABORTED) {
    // As when no descriptor is left: there will be one again.
    environment_.log.warn("control socket cannot accept, is tried again",
                          {{"errno", std::to_string(-result)}});
    if (!stopped_) accept_at_ = environment_.clock.monotonic() + kRetryInterval;
    return;
  }
  accept_next();
}

void ControlSocket::serve(Connection& connection) {
  if (is_status_request(connection.request)) {
    serve_status(connection);
  } else if (kReloadRequest.starts_with(connection.request)) {
    serve_reload(connection);
  } else {
    serve_put(connection);
  }
}

void ControlSocket::serve_reload(Connection& connection) {
  if (connection.request != kReloadRequest) {
    connection.receive();
  } else if (!ask_reload_) {
    reply(connection, "error the configuration of this agent cannot be changed\n");
  } else {
    const auto waiting =
        std::ranges::count_if(connections_, [](const auto& each) { return each->listens; });
    connection.listen();
    ask_reload_(
        [this, number = connection.number](std::string answer) {
          if (Connection* const still = find(number)) reply(*still, std::move(answer));
        },
        static_cast<std::size_t>(waiting) < kReloadsWaitingMax);
  }
}

ControlSocket::Connection* ControlSocket::find(std::uint64_t number) {
  const auto found = std::ranges::find_if(
      connections_, [number](const auto& each) { return each->number == number; });
  return found == connections_.end() ? nullptr : found->get();
}

void ControlSocket::serve_status(Connection& connection) {
  const auto request = decode_status(connection.request);
  if (!request) {
    if (request.error().code == base::ErrorCode::limit) {
      connection.receive();
    } else {
      reply(connection, "error " + request.error().message + "\n");
    }
    return;
  }
  connection.small_answer = false;
  const bool asked = ask_ && ask_(*request, [this, &connection](std::string answer) {
                       reply(connection, std::move(answer));
                     });
  if (!asked) reply(connection, "error too many ask at the same time\n");
}

void ControlSocket::serve_put(Connection& connection) {
  auto request = decode_put(connection.request);
  if (!request) {
    if (request.error().code == base::ErrorCode::limit) {
      connection.receive();
    } else {
      reply(connection, "error " + request.error().message + "\n");
    }
    return;
  }
  const auto found = streams_.find(request->stream);
  if (found == streams_.end()) {
    reply(connection, "error no stream '" + request->stream + "' is open\n");
    return;
  }
  const Stream& stream = found->second;
  auto runs =
      route_put(*request, stream.map, environment_.random.next(), environment_.clock.wall());
  if (!runs) {
    reply(connection, "error " + runs.error().message + "\n");
    return;
  }
  auto* job = new Job{.connection = connection,
                      .runs = std::move(*runs),
                      .first = {},
                      .parts = {}};  // deletes itself when the last append is answered
  job->first.resize(stream.shards.size());
  job->parts.resize(stream.shards.size());
  job->unanswered = static_cast<std::size_t>(std::count_if(
      job->runs.run.begin(), job->runs.run.end(), [](const auto& run) { return !run.empty(); }));
  for (std::size_t shard = 0; shard < stream.shards.size(); ++shard) {
    if (job->runs.run[shard].empty()) continue;
    Job::Part& part = job->parts[shard];
    part.view = job->runs.run[shard];
    part.job = job;
    part.shard = shard;
    part.append.runs = {&part.view, 1};
    part.append.owner = &part;
    part.append.done = [](void* owner, store::Append& append, int error) {
      auto& answered = *static_cast<Job::Part*>(owner);
      answered.job->connection.socket.mailbox_.post(
          [job = answered.job, shard = answered.shard, sequence = append.first_sequence, error] {
            job->answered(shard, sequence, error);
          });
    };
    stream.owners[shard]->mailbox().post(
        [&part, target = stream.shards[shard]] { target->append(part.append); });
  }
}

void ControlSocket::reply(Connection& connection, std::string answer) {
  connection.answer = std::move(answer);
  if (connection.listens) {
    environment_.io.cancel(connection.received);  // then it is sent
  } else {
    send(connection);
  }
}

void ControlSocket::send(Connection& connection) {
  connection.answer_view = connection.answer;
  connection.waits_for = Connection::WaitsFor::taker;
  connection.deadline = environment_.clock.monotonic() + kPatience;
  environment_.io.send(connection.sent, connection.client.get(), {&connection.answer_view, 1});
  if (stopped_ && !connection.small_answer) environment_.io.cancel(connection.sent);
}

void ControlSocket::drop(Connection& connection) {
  connections_.remove_if([&](const auto& each) { return each.get() == &connection; });
  accept_next();
}

}  // namespace agent
