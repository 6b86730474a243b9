// StateLog: the checkpoints of a data directory while no agent runs on it.
//
// Reading needs no lock and may happen beside a running agent; changing takes the data directory's
// lock, so that nobody else changes it meanwhile. All of it blocks: for the command line and
// start-up.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/environment.h"
#include "sources/checkpoint.h"
#include "store/data_dir.h"
#include "store/keyed_log.h"

namespace agent {

// The keyed log checkpoints are kept in. No file's key begins with one of these bytes:
//   \x01 <flow>   the flow has run on this data directory before
//   \x02          the state was emptied by hand: it is not missing
//   \x03 …        the numbers a shard had reached (agent/number_notes.h)
constexpr const char* kCheckpointStream = "_checkpoints";
constexpr std::string_view kStateResetKey = "\x02";
std::string flow_started_key(std::string_view flow);

std::string checkpoint_directory(const std::string& data_dir);

struct State {
  std::vector<sources::Checkpoint> checkpoints;  // by flow, then path, then generation
  std::vector<std::string> flows_started;        // names
  bool reset_by_hand = false;
  std::uint64_t unreadable = 0;  // entries of a newer version
  std::uint64_t damaged = 0;     // entries known to be lost

  bool empty() const {
    return checkpoints.empty() && flows_started.empty() && !reset_by_hand && unreadable == 0;
  }
};

// As of now, as a reader beside the agent sees it. Without the log: an empty State. Never writes,
// so that damage it finds is there for the next one too.
base::Result<State> read_state(io::Files& files, const std::string& data_dir);

// Writes and waits until it is durable. `log` is attached to `environment`, whose Io turns here.
// `data_dir`: for the message when it fails.
base::Result<void> write_and_wait(store::KeyedLog& log, const io::Environment& environment,
                                  const std::string& data_dir,
                                  std::span<const store::KeyedLogChange> changes);

class StateLog {
 public:
  // Whether open() would refuse us as the user we are: what we create the agent could not write to,
  // and would not start. Creates nothing.
  static base::Result<void> may_write(const io::Environment& environment,
                                      const std::string& data_dir);
  // Creates what is missing. ErrorCode::busy names who holds the directory. `environment` outlives
  // the log.
  static base::Result<StateLog> open(const io::Environment& environment,
                                     const std::string& data_dir);

  // Durable when it returns. After an error some of the changes may have been made.
  base::Result<void> put(std::span<const sources::Checkpoint> checkpoints);
  base::Result<void> erase(std::span<const sources::Checkpoint> checkpoints);
  // Forgets all checkpoints of `flow`, and that it ever ran; nullptr: of all flows, and whatever
  // else the log holds of files.
  base::Result<void> reset(const std::string* flow);

 private:
  StateLog(const io::Environment& environment, store::DataDir lock,
           std::unique_ptr<store::KeyedLog> log)
      : environment_(&environment), lock_(std::move(lock)), log_(std::move(log)) {}
  base::Result<void> change(std::span<const store::KeyedLogChange> changes);

  const io::Environment* environment_;
  store::DataDir lock_;
  std::unique_ptr<store::KeyedLog> log_;
};

}  // namespace agent
