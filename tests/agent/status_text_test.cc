// What `tailrace status` prints, and how the question travels.
#include <chrono>
#include <string>

#include "agent/status.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using agent::StatusFormat;
using agent::StatusRequest;
using Kind = base::Sample::Kind;

agent::AgentStatus some_status() {
  agent::AgentStatus status;
  status.running_for = 90s;
  status.backend = "epoll";
  status.reactors = 2;
  agent::FlowSurvey flow;
  flow.flow = "f";
  flow.files.add({.path = "/a.log", .state = "being read", .offset = 4, .lag_bytes = 8, .lag = 2s},
                 true, 10);
  flow.queue_bytes = 77;
  flow.outlets_failing = 1;
  status.survey.flows.push_back(flow);
  status.survey.unreadable.add(
      {.path = "/b\n.log", .state = "cannot be opened: Permission denied", .trouble = true}, false,
      10);
  status.samples = {{"files_open", "flow=\"f\"", 1, Kind::gauge},
                    {"files_open", "flow=\"fg\"", 100, Kind::gauge},
                    {"records_dropped", "flow=\"f\",reason=\"rejected\"", 3},
                    {"records_read", "flow=\"f\"", 12},
                    {"state_commit_seconds_max", "", 1'500'000, Kind::peak, true}};
  describe(status.samples, status.survey);
  status.samples = base::added_up(status.samples);
  return status;
}

bool has(const std::string& text, const std::string& what) {
  const bool there = text.find(what) != std::string::npos;
  if (!there) UNSCOPED_INFO("'" << what << "' is not in:\n" << text);
  return there;
}

}  // namespace

TEST_CASE("status: every request comes back as it was sent, cut anywhere", "[agent][status]") {
  for (const StatusFormat format :
       {StatusFormat::text, StatusFormat::json, StatusFormat::metrics}) {
    for (const bool files : {false, true}) {
      const std::string bytes = agent::encode({.format = format, .files = files});
      const auto back = agent::decode_status(bytes);
      REQUIRE(back);
      CHECK(back->format == format);
      CHECK(back->files == files);
      for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        CHECK(agent::is_status_request(bytes.substr(0, cut)));
        const auto part = agent::decode_status(bytes.substr(0, cut));
        REQUIRE_FALSE(part);
        CHECK(part.error().code == base::ErrorCode::limit);
      }
    }
  }
}

TEST_CASE("status: what is no request is refused, however long it goes on", "[agent][status]") {
  for (const std::string& bytes :
       {std::string("status\n"), std::string("status text \n"), std::string("status text\nmore"),
        std::string("status xml\n"), "status " + std::string(100, 'x')}) {
    CAPTURE(bytes);
    const auto request = agent::decode_status(bytes);
    REQUIRE_FALSE(request);
    CHECK(request.error().code == base::ErrorCode::invalid);
  }
  CHECK_FALSE(agent::is_status_request("put s 1 1\n"));
  CHECK_FALSE(agent::is_status_request(""));
}

TEST_CASE("status: text tells what there is to know and steers no terminal", "[agent][status]") {
  const std::string text = render({}, some_status());
  CHECK(has(text, "running for 90 s, epoll, 2 reactors\n"));
  CHECK(has(text, "  files      1 followed, 1 open, 0 idle, 1 behind, 0 waiting\n"));
  CHECK(has(text, "  lag        8 bytes, 2.0 s\n"));
  CHECK(has(text, "77 bytes, the oldest for 0.0 s; the target takes nothing\n"));
  CHECK(has(text, "files in trouble\n"));
  CHECK(has(text, "/b\\x0a.log: cannot be opened: Permission denied\n"));
  CHECK(has(text, "worth a look: records_dropped{flow=\"f\",reason=\"rejected\"} 3\n"));
  CHECK(has(render({.files = true}, some_status()), "/a.log: being read\n"));
}

TEST_CASE("status: all names of a file that has several (F19)", "[agent][status]") {
  agent::AgentStatus status = some_status();
  CHECK_FALSE(has(render({.format = StatusFormat::json}, status), "\"names\""));
  sources::FileState& file = status.survey.flows[0].files.list[0];
  file.names = {"/a.log", "/b\n.log"};
  CHECK(has(render({.files = true}, status),
            "/a.log: being read\n" + std::string(55, ' ') + "also /b\\x0a.log\n"));
  CHECK(has(render({.format = StatusFormat::json}, status),
            "\"path\":\"/a.log\",\"names\":[\"/a.log\",\"/b\\n.log\"],\"names_left_out\":0,"));
  file.names_left_out = 3;
  CHECK(has(render({.files = true}, status), " also 3 more names\n"));
  file.names[1] = "\xFF";  // no text
  CHECK(has(render({.format = StatusFormat::json}, status),
            "\"names_base64\":[\"L2EubG9n\",\"/w==\"],\"names_left_out\":3,"));
}

TEST_CASE("status: a reactor that does not answer is named", "[agent][status]") {
  agent::AgentStatus status = some_status();
  status.survey.silent = {1};
  CHECK(has(render({}, status), "reactor 1 does not answer"));
  CHECK(has(render({.format = StatusFormat::json}, status), "\"reactors_silent\":1,"));
}

TEST_CASE("status: metrics have one type line for each name", "[agent][status]") {
  const std::string text = render({.format = StatusFormat::metrics}, some_status());
  CHECK(has(text,
            "# TYPE tailrace_files_open gauge\ntailrace_files_open{flow=\"f\"} 1\n"
            "tailrace_files_open{flow=\"fg\"} 100\n"));
  CHECK(has(text, "# TYPE tailrace_records_read counter\ntailrace_records_read{flow=\"f\"} 12\n"));
  CHECK(has(text, "tailrace_lag_seconds{flow=\"f\"} 2.000000\n"));
  CHECK(has(text, "tailrace_state_commit_seconds_max 1.500000\n"));
}

TEST_CASE("survey: a list is as long as it may be, and says what it leaves out",
          "[agent][status]") {
  sources::FilesSurvey survey;
  for (int i = 0; i < 5; ++i)
    survey.add({.path = "p", .state = "s", .trouble = i > 0, .lag_bytes = 1}, false, 3);
  CHECK(survey.files == 5);
  CHECK(survey.behind == 5);
  CHECK(survey.lag_bytes == 5);
  CHECK(survey.list.size() == 3);
  CHECK(survey.left_out == 1);
}
