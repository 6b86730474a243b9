#include "agent/survey.h"

#include <algorithm>
#include <utility>

#include "agent/reactor.h"

namespace agent {

namespace {

using Kind = base::Sample::Kind;

std::uint64_t micros(base::Duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

void merge_files(sources::FilesSurvey& into, sources::FilesSurvey from, std::size_t list_max) {
  into.files += from.files;
  into.idle += from.idle;
  into.behind += from.behind;
  into.waiting += from.waiting;
  into.lag_bytes += from.lag_bytes;
  into.lag = std::max(into.lag, from.lag);
  into.left_out += from.left_out;
  for (sources::FileState& file : from.list) {
    if (into.list.size() < list_max) {
      into.list.push_back(std::move(file));
    } else {
      ++into.left_out;
    }
  }
}

std::size_t room_in_list(const AgentSurvey& survey) {
  std::size_t listed = survey.unreadable.list.size();
  for (const FlowSurvey& flow : survey.flows) listed += flow.files.list.size();
  return Surveyor::kFilesMax - std::min(listed, Surveyor::kFilesMax);
}

std::vector<sources::FileState*> listed_files(AgentSurvey& survey) {
  std::vector<sources::FileState*> all;
  for (FlowSurvey& flow : survey.flows) {
    for (sources::FileState& file : flow.files.list) all.push_back(&file);
  }
  return all;
}

}  // namespace

void FlowSurvey::merge(FlowSurvey other, std::size_t list_max) {
  merge_files(files, std::move(other.files), list_max);
  oldest_unsettled = std::max(oldest_unsettled, other.oldest_unsettled);
  queue_records += other.queue_records;
  queue_bytes += other.queue_bytes;
  queue_oldest = std::max(queue_oldest, other.queue_oldest);
  outlets_failing += other.outlets_failing;
}

void describe(base::Samples& samples, const AgentSurvey& survey) {
  for (const FlowSurvey& each : survey.flows) {
    const std::string flow = "flow=\"" + each.flow + "\"";
    const auto gauge = [&](const char* name, std::uint64_t value) {
      samples.push_back({name, flow, value, Kind::gauge});
    };
    const auto seconds = [&](const char* name, base::Duration value) {
      samples.push_back({name, flow, micros(value), Kind::peak, true});
    };
    gauge("files_followed", each.files.files);
    gauge("files_idle", each.files.idle);
    gauge("files_behind", each.files.behind);
    gauge("lag_bytes", each.files.lag_bytes);
    seconds("lag_seconds", each.files.lag);
    seconds("oldest_unsettled_seconds", each.oldest_unsettled);
    gauge("queue_records", each.queue_records);
    gauge("queue_bytes", each.queue_bytes);
    seconds("queue_oldest_seconds", each.queue_oldest);
    gauge("outlets_failing", each.outlets_failing);
  }
  samples.push_back({"reactors_silent", "", survey.silent.size(), Kind::gauge});
}

bool Surveyor::ask(const sources::Discovery& discovery, std::vector<std::string> flows, bool all,
                   Done done) {
  if (surveys_.size() >= kSurveysMax) return false;
  late_.resize(reactors_.size());
  Survey& survey = surveys_.emplace_back();
  survey.number = ++last_number_;
  survey.discovery = &discovery;
  survey.asked.resize(reactors_.size());
  survey.answered.resize(reactors_.size());
  survey.deadline = environment_.clock.monotonic();
  survey.done = std::move(done);
  for (std::size_t i = 0; i < flows.size(); ++i) {
    if (flows[i].empty()) continue;
    FlowSurvey flow;
    flow.flow = std::move(flows[i]);
    flow.files = discovery.survey(i, all, room_in_list(survey.so_far));
    survey.so_far.flows.push_back(std::move(flow));
  }
  survey.so_far.unreadable = discovery.unreadable(room_in_list(survey.so_far));
  for (std::size_t i = 0; i < reactors_.size(); ++i) {
    if (late_[i]) continue;
    survey.asked[i] = true;
    ++survey.missing;
    survey.deadline = environment_.clock.monotonic() + kPatience;
    reactors_[i]->mailbox().post(
        [this, i, all, number = survey.number, reactor = reactors_[i].get()] {
          mailbox_.post([this, i, number, answer = reactor->survey(all, kFilesMax)]() mutable {
            answered(number, i, std::move(answer));
          });
        });
  }
  return true;
}

void Surveyor::answered(std::uint64_t number, std::size_t reactor, ReactorSurvey answer) {
  late_[reactor] = false;
  const auto survey =
      std::ranges::find_if(surveys_, [&](const Survey& each) { return each.number == number; });
  if (survey == surveys_.end()) return;  // too late
  survey->answered[reactor] = true;
  for (FlowSurvey& part : answer.flows) {
    const auto flow = std::ranges::find(survey->so_far.flows, part.flow, &FlowSurvey::flow);
    if (flow == survey->so_far.flows.end()) continue;  // it came since it was asked
    flow->merge(std::move(part), flow->files.list.size() + room_in_list(survey->so_far));
  }
  if (--survey->missing == 0) finish(survey);
}

void Surveyor::finish(std::list<Survey>::iterator survey) {
  Survey finished = std::move(*survey);
  surveys_.erase(survey);
  for (std::size_t i = 0; i < finished.answered.size(); ++i) {
    if (finished.answered[i]) continue;
    if (finished.asked[i]) late_[i] = true;
    finished.so_far.silent.push_back(static_cast<std::uint32_t>(i));
  }
  finished.discovery->name_files(listed_files(finished.so_far));
  finished.done(std::move(finished.so_far));
}

void Surveyor::tick(base::Instant now) {
  for (auto survey = surveys_.begin(); survey != surveys_.end();) {
    const auto each = survey++;
    if (each->deadline <= now) finish(each);
  }
}

base::Instant Surveyor::next_deadline() const {
  base::Instant first = base::Instant::max();
  for (const Survey& each : surveys_) first = std::min(first, each.deadline);
  return first;
}

}  // namespace agent
