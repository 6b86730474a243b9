#include "agent/reload.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <variant>

#include "agent/agent.h"
#include "agent/control.h"
#include "base/assert.h"
#include "config/validate.h"

namespace agent {

Reload::Reload(Agent& agent, Wiring& wiring, const io::Environment& control, ReloadSource source)
    : agent_(agent), wiring_(wiring), environment_(control), source_(std::move(source)) {}

void Reload::request(Done done) {
  if (!stopped_) {
    requests_.push_back(std::move(done));
  } else if (done) {
    done({.kind = Outcome::Kind::failed, .text = "the agent is stopping"});
  }
}

base::Instant Reload::next_deadline() const {
  if (stopped_) return base::Instant::max();
  if (waiting()) return base::Instant::min();
  base::Instant next = base::Instant::max();
  for (const Joining& each : joining_) next = std::min(next, each.again_at);
  return next;
}

void Reload::stop() {
  stopped_ = true;
  std::move(requests_.begin(), requests_.end(), std::back_inserter(answers_));
  requests_.clear();
  for (Done& done : std::exchange(answers_, {})) {
    if (done) done({.kind = Outcome::Kind::failed, .text = "the agent is stopping"});
  }
}

void Reload::tick() {
  if (stopped_) return;
  if (waiting()) begin();
  if (to_take_down_ && !agent_.control().maintaining()) take_down_all();
  const base::Instant now = environment_.clock.monotonic();
  for (auto each = joining_.begin(); each != joining_.end(); ++each) {
    if (each->again_at <= now) look_up_files(each);
  }
  if (agent_.control().maintaining()) return;
  for (auto each = joining_.begin(); each != joining_.end();) {
    const auto joining = each++;
    if (joining->ready) wire(joining);
  }
}

void Reload::add_marks_needed(std::vector<base::Origin>& origins) const {
  for (const Leaving& each : leaving_) {
    origins.insert(origins.end(), each.marks_needed.begin(), each.marks_needed.end());
  }
  for (const Joining& each : joining_) {
    origins.insert(origins.end(), each.origins.begin(), each.origins.end());
  }
}

void Reload::begin() {
  busy_ = true;
  agent_.control().keep_all_files(true);
  answers_ = std::exchange(requests_, {});
  if (source_.notice) source_.notice(true);
  base::Result<config::Loaded> loaded = source_.load();
  if (!loaded) {
    refuse({{.place = {}, .message = loaded.error().message}}, {});
    return;
  }
  if (!acceptable(*loaded)) return;
  next_ = std::move(loaded->config);
  prepare();
}

// Whatever is wrong is said at once, and nothing has been touched.
bool Reload::acceptable(const config::Loaded& loaded) {
  if (!loaded.mistakes.empty()) {
    refuse(loaded.mistakes, loaded.text);
    return false;
  }
  changes_ = config::changes(wiring_.config(), loaded.config);
  std::vector<config::Mistake>& refused = changes_.refused;
  if (wiring_.once()) {
    refused.insert(refused.begin(), {.place = {}, .message = "with --once nothing can be changed"});
  }
  const std::uint64_t needed =
      config::memory_needed(loaded.config, static_cast<std::uint32_t>(agent_.reactors().size()));
  if (loaded.config.memory_bytes < needed) {
    refused.push_back(
        {.place = loaded.config.places.memory,
         .message = fmt::format("memory {} bytes are too few for {} flows on {} reactors: at least "
                                "{} are needed",
                                loaded.config.memory_bytes, loaded.config.flows.size(),
                                agent_.reactors().size(), needed)});
  }
  if (refused.empty()) return true;
  refuse(std::exchange(refused, {}), loaded.text);
  return false;
}

void Reload::refuse(const std::vector<config::Mistake>& mistakes, const std::string& text) {
  refused_.add();
  last_refused_ = true;
  last_refusal_.clear();
  for (const config::Mistake& mistake : mistakes) {
    const std::string where =
        mistake.place.line == 0
            ? source_.path
            : fmt::format("{}:{}:{}", source_.path, mistake.place.line, mistake.place.column);
    environment_.log.error("configuration not taken over",
                           {{"at", where}, {"mistake", mistake.message}});
    if (last_refusal_.empty()) last_refusal_ = where + ": " + mistake.message;
  }
  finish({.kind = Outcome::Kind::refused,
          .text = config::describe(mistakes, source_.path, text) +
                  "nothing was changed, the agent goes on as it was\n"});
}

// Only this can fail, and then nothing of what runs was touched.
void Reload::prepare() {
  if (const auto opened = wiring_.open_added_streams(next_); !opened) {
    refuse({{.place = {}, .message = opened.error().message}}, {});
    return;
  }
  Reactor& owner = *agent_.reactors().front();
  owner.mailbox().post([this, &owner, names = changes_.added, noted_only = first_starts_] {
    Names first;
    for (const std::string& name : names) {
      const bool never = !owner.checkpoint_log()->started_before(name);
      if (never || noted_only.contains(name)) first.push_back(name);
    }
    // Before their first file is found: whoever dies in between begins where they begin now.
    owner.checkpoint_log()->note_started(first, [this, first](int error) {
      agent_.control().mailbox().post([this, first, error] {
        first_starts_.insert(first.begin(), first.end());
        noted(error);
      });
    });
  });
}

void Reload::noted(int error) {
  if (stopped_) return;
  if (error == 0) return apply();
  refuse({{.place = {},
           .message = base::fail_system(error, "note that new flows start").error().message}},
         {});
}

const config::Flow& Reload::flow(const std::string& name) const {
  const auto flow = std::ranges::find(next_.flows, name, &config::Flow::name);
  ASSERT(flow != next_.flows.end());
  return *flow;
}

// Two flows must not write one file at a time.
bool Reload::writes_what_goes(const std::string& name) const {
  const auto* target = std::get_if<config::FileTarget>(&flow(name).to);
  if (target == nullptr) return false;
  return std::ranges::any_of(wiring_.config().flows, [&](const config::Flow& running) {
    const auto* its = std::get_if<config::FileTarget>(&running.to);
    return running.name != name && its != nullptr && its->path == target->path;
  });
}

void Reload::apply() {
  Names first;
  last_to_add_.clear();
  for (const std::string& name : changes_.added) {
    (writes_what_goes(name) ? last_to_add_ : first).push_back(name);
  }
  // Those that change may write what another wrote, too.
  for (const std::string& name : changes_.changed) {
    if (writes_what_goes(name)) last_to_add_.push_back(name);
  }
  wiring_.take(next_);
  to_take_down_ = !changes_.removed.empty() || !changes_.changed.empty();
  if (!first.empty()) add(std::move(first));
  go_on();
}

void Reload::add(Names flows) {
  const auto joining = joining_.insert(joining_.end(), Joining{});
  joining->flows = std::move(flows);
  look_up_files(joining);
}

// What is known of their files, then until where shards have them, then they are wired. Whoever
// goes on under an origin takes it for registered: the note of one that a flow drew at its end may
// not be durable yet.
void Reload::look_up_files(std::list<Joining>::iterator joining) {
  joining->again_at = base::Instant::max();
  Reactor& owner = *agent_.reactors().front();
  const std::set<std::string> names(joining->flows.begin(), joining->flows.end());
  owner.mailbox().post([this, &owner, joining, names] {
    owner.checkpoint_log()->make_durable([this, &owner, joining, names](int error) {
      agent_.control().mailbox().post(
          [this, joining, error, known = owner.checkpoint_log()->checkpoints(names)]() mutable {
            if (error != 0) {
              joining->again_at = environment_.clock.monotonic() + kRetryInterval;
              return;
            }
            joining->known = std::move(known);
            look_up_marks(*joining);
            joining->ready = joining->missing == 0;
          });
    });
  });
}

void Reload::look_up_marks(Joining& joining) {
  for (const sources::Checkpoint& each : joining.known) joining.origins.insert(each.origin);
  if (joining.known.empty()) return;
  std::map<store::Shard*, Reactor*> asked;
  for (const std::string& name : joining.flows) {
    for (const auto& [shard, owner] : wiring_.shards_of(flow(name))) asked.emplace(shard, owner);
  }
  joining.missing = asked.size();
  const auto self =
      std::ranges::find_if(joining_, [&joining](const Joining& each) { return &each == &joining; });
  for (const auto& [shard, owner] : asked) {
    owner->mailbox().post([this, self, s = shard, wanted = joining.origins] {
      Wiring::ShardMarks marks = s->marks();
      std::erase_if(marks, [&](const auto& each) { return !wanted.contains(each.first); });
      agent_.control().mailbox().post([this, self, s, m = std::move(marks)]() mutable {
        self->marks[s] = std::move(m);
        self->ready = --self->missing == 0;
      });
    });
  }
}

void Reload::wire(std::list<Joining>::iterator joining) {
  for (const std::string& name : joining->flows) {
    std::vector<sources::Checkpoint> known;
    std::ranges::copy_if(
        joining->known, std::back_inserter(known),
        [&name](const std::string& its) { return its == name; }, &sources::Checkpoint::flow);
    wiring_.add_flow(agent_.control().free_place(), flow(name), first_starts_.contains(name),
                     std::move(known),
                     [&](const store::Shard& shard) { return joining->marks[&shard]; });
  }
  agent_.control().search_added();
  for (const std::string& name : joining->flows) first_starts_.erase(name);
  joining_.erase(joining);
  go_on();
}

void Reload::take_down_all() {
  to_take_down_ = false;
  for (const std::string& name : changes_.removed) take_down(name, false);
  for (const std::string& name : changes_.changed) {
    const bool later = std::ranges::find(last_to_add_, name) != last_to_add_.end();
    take_down(name, !later);
  }
}

void Reload::take_down(const std::string& name, bool comes_back) {
  Control& control = agent_.control();
  const std::size_t place = control.place_of(name);
  const auto leaving = leaving_.insert(leaving_.end(), {.flow = name,
                                                        .place = place,
                                                        .missing = agent_.reactors().size(),
                                                        .ending = false,
                                                        .marks_needed = {},
                                                        .comes_back = comes_back});
  control.mute_flow(place);
  for (const auto& each : agent_.reactors()) {
    each->mailbox().post([this, leaving, place, r = each.get()] {
      r->leave(place, [this, leaving](bool rests) {
        agent_.control().mailbox().post([this, leaving, rests] {
          if (leaving->ending) return;
          rests ? --leaving->missing : ++leaving->missing;
          if (leaving->missing == 0) this->rests(leaving);
        });
      });
    });
  }
}

// On every reactor; none has let go of its files.
void Reload::rests(std::list<Leaving>::iterator leaving) {
  if (stopped_) return;
  leaving->ending = true;
  leaving->missing = agent_.reactors().size();
  for (const auto& each : agent_.reactors()) {
    each->mailbox().post([this, leaving, place = leaving->place, r = each.get()] {
      r->end(place, [this, leaving](std::vector<base::Origin> needed) {
        agent_.control().mailbox().post([this, leaving, n = std::move(needed)] {
          auto& all = leaving->marks_needed;
          all.insert(all.end(), n.begin(), n.end());
          if (--leaving->missing == 0) left(leaving);
        });
      });
    });
  }
}

// No reactor has a part of it: nothing goes to its outlets any more, and discovery is told no more
// of its files.
void Reload::left(std::list<Leaving>::iterator leaving) {
  if (stopped_) return;
  agent_.control().remove_flow(leaving->place, leaving->marks_needed);
  leaving->missing = agent_.reactors().size();
  for (const auto& each : agent_.reactors()) {
    each->mailbox().post([this, leaving, name = leaving->flow, r = each.get()] {
      r->drop_outlets(name);
      r->when_noted([this, leaving] {
        agent_.control().mailbox().post([this, leaving] {
          if (--leaving->missing == 0) gone(leaving);
        });
      });
    });
  }
}

void Reload::gone(std::list<Leaving>::iterator leaving) {
  if (stopped_) return;
  wiring_.drop_flow(leaving->place);
  agent_.control().free_flow(leaving->place);
  if (leaving->comes_back) add({leaving->flow});
  leaving_.erase(leaving);
  go_on();
}

void Reload::go_on() {
  if (to_take_down_ || !leaving_.empty()) return;
  if (!last_to_add_.empty()) return add(std::exchange(last_to_add_, {}));
  if (!joining_.empty()) return;
  const auto count = [](const Names& names) { return std::to_string(names.size()); };
  environment_.log.info("configuration taken over", {{"path", source_.path},
                                                     {"added", count(changes_.added)},
                                                     {"removed", count(changes_.removed)},
                                                     {"changed", count(changes_.changed)}});
  taken_.add();
  last_refused_ = false;
  last_refusal_.clear();
  finish({.kind = Outcome::Kind::taken,
          .text = fmt::format("{}: taken over, flows added {}, removed {}, changed {}\n",
                              source_.path, changes_.added.size(), changes_.removed.size(),
                              changes_.changed.size())});
}

void Reload::finish(Outcome outcome) {
  busy_ = false;
  agent_.control().keep_all_files(false);
  changes_ = {};
  if (source_.notice) source_.notice(false);
  for (Done& done : std::exchange(answers_, {})) {
    if (done) done(outcome);
  }
}

ReloadStatus Reload::status() const {
  ReloadStatus status{.taken = taken_.value(),
                      .refused = refused_.value(),
                      .last_refused = last_refused_,
                      .last_refusal = last_refusal_,
                      .under_way = busy_,
                      .leaving = {}};
  for (const Leaving& each : leaving_) status.leaving.push_back(each.flow);
  return status;
}

std::string Reload::why_not_now() const {
  std::string why = "a reload is under way";
  std::string_view before = ", it waits until all is delivered of ";
  for (const Leaving& each : leaving_) {
    why += before;
    why += each.flow;
    before = ", ";
  }
  return why + "; nothing was asked of the agent";
}

std::string answer(const Reload::Outcome& outcome) {
  switch (outcome.kind) {
    case Reload::Outcome::Kind::taken:
      return "ok\n" + outcome.text;
    case Reload::Outcome::Kind::refused:
      return "refused\n" + outcome.text;
    case Reload::Outcome::Kind::failed:
      return "error " + outcome.text + "\n";
  }
  return {};
}

void Reload::describe(base::Samples& samples) const {
  using Kind = base::Sample::Kind;
  samples.push_back({"reloads", "", taken_.value(), Kind::counter});
  samples.push_back({"reloads_refused", "", refused_.value(), Kind::counter});
  samples.push_back({"reload_last_refused", "", last_refused_ ? 1U : 0U, Kind::gauge});
  samples.push_back({"reload_flows_leaving", "", leaving_.size(), Kind::gauge});
}

}  // namespace agent
