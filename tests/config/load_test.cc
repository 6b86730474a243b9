#include "config/load.h"

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "config/text_file.h"
#include "io/backends.h"
#include "tests/config/fake_files.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

config::Loaded parsed(std::string_view text) { return config::parse(text, {}); }

// A flow with `to` and whatever else; the rest is as small as can be.
config::Config with_target(const std::string& to) {
  const config::Loaded loaded = parsed(
      "data_dir: /d\nstreams: { s: }\nflows:\n  f:\n    from: { files: /a.log }\n    to: " + to);
  CAPTURE(to, config::describe(loaded.mistakes, "t", loaded.text));
  CHECK(loaded.mistakes.empty());
  return loaded.config;
}

template <typename Target>
bool goes_to(const std::string& to) {
  return std::holds_alternative<Target>(with_target(to).flows.at(0).to);
}

config::Config with_flow_key(const std::string& line) {
  const config::Loaded loaded =
      parsed("data_dir: /d\nflows:\n  f:\n    from: { files: /a.log }\n    to: null\n    " + line);
  CAPTURE(line, config::describe(loaded.mistakes, "t", loaded.text));
  CHECK(loaded.mistakes.empty());
  return loaded.config;
}

}  // namespace

TEST_CASE("load: the smallest useful file gives exactly its values", "[config][load]") {
  const config::Loaded loaded = parsed(R"(data_dir: /var/lib/tailrace
streams:
  access: { shards: 4, retention: 24h }
flows:
  nginx:
    from: { files: [/var/log/nginx/*.log], start: beginning }
    partition_key: random          # or { field: /client }  or  { constant: web-1 }
    to: { stream: access, flush: { bytes: 4MiB, age: 1s } }
)");
  REQUIRE(loaded.mistakes.empty());
  const config::Config& config = loaded.config;
  CHECK(config.data_dir == "/var/lib/tailrace");
  CHECK(config.io == io::Backend::automatic);
  CHECK(config.reactors == 0);
  CHECK(config.memory_bytes == config::Config().memory_bytes);
  CHECK(config.shutdown_grace == config::Config().shutdown_grace);
  CHECK(config.on_state_error == config::OnStateError::beginning);
  REQUIRE(config.streams.size() == 1);
  const config::Stream& stream = config.streams.at("access");
  CHECK(stream.shards == 4);
  store::ShardOptions options;
  options.retention_age = 24h;
  CHECK(stream.options == options);
  CHECK(stream.place.line == 3);
  CHECK(stream.place.column == 3);
  REQUIRE(config.flows.size() == 1);
  const config::Flow& flow = config.flows[0];
  CHECK(flow.name == "nginx");
  CHECK(flow.place.line == 5);
  sources::FilesOptions from;
  from.patterns = {"/var/log/nginx/*.log"};
  from.start = sources::Start::beginning;
  CHECK(flow.from == from);
  CHECK(flow.tail.rotate_wait == sources::TailOptions().rotate_wait);
  CHECK(flow.program.partition_key == pipeline::PartitionKey());
  CHECK(flow.program.framer.line_bytes_max == pipeline::FramerOptions().line_bytes_max);
  REQUIRE(std::holds_alternative<config::StreamTarget>(flow.to));
  CHECK(std::get<config::StreamTarget>(flow.to).stream == "access");
  CHECK(flow.flush.bytes_max == 4ULL << 20);
  CHECK(flow.flush.age_max == 1s);
  CHECK(flow.flush.records_max == pipeline::FlushPolicy().records_max);
}

TEST_CASE("load: what bounds open files reaches its option", "[config][load]") {
  const config::Loaded loaded = parsed(R"(
data_dir: /data
max_open_files: 16
streams: { kept: {} }
flows:
  f: { from: { files: /a, close_inactive: 0, ignore_older: 2d, state_ttl: 1h }, to: stdout }
  g: { from: { files: /b, state_ttl: 0 }, to: stdout }
  h: { from: { files: /c, delete_after: 2h }, to: { stream: kept } }
)");
  REQUIRE(loaded.mistakes.empty());
  CHECK(loaded.config.max_open_files == 16);
  CHECK(loaded.config.flows[0].tail.close_inactive == 0s);
  CHECK(loaded.config.flows[0].from.ignore_older == 48h);
  CHECK(loaded.config.flows[0].from.state_ttl == 1h);
  CHECK(loaded.config.flows[1].from.state_ttl == 0s);
  CHECK(loaded.config.flows[1].from.delete_after == 0s);
  CHECK(loaded.config.flows[2].from.delete_after == 2h);
}

TEST_CASE("load: what to do with compressed files reaches its option", "[config][load]") {
  const auto with = [](const std::string& from) {
    const config::Loaded loaded =
        parsed("flows:\n  f: { from: { files: " + from + " }, to: stdout }\n");
    REQUIRE(loaded.mistakes.empty());
    return loaded.config.flows[0].from;
  };
  CHECK(with("/a").compressed == sources::CompressedFiles::skip);
  CHECK(with("/a, compressed: skip").compressed == sources::CompressedFiles::skip);
  CHECK(with("/a, compressed: read").compressed == sources::CompressedFiles::read);
  CHECK(with("/a, compressed: raw").compressed == sources::CompressedFiles::raw);
  CHECK_FALSE(with("\"/a*\"").inflate());
  CHECK(with("[\"/a*\", \"/b*.gz\"]").inflate());
  CHECK(with("\"/a{.log,.zst}\"").inflate());
  CHECK(with("/a, compressed: read").inflate());
  CHECK_FALSE(with("/a.gz, compressed: raw").inflate());
}

TEST_CASE("load: what ends a line reaches its option", "[config][load]") {
  const auto with = [](const std::string& flow) {
    const config::Loaded loaded =
        parsed("flows:\n  f: { from: { files: /a }, to: stdout" + flow + " }\n");
    REQUIRE(loaded.mistakes.empty());
    return std::string(loaded.config.flows[0].program.framer.delimiter.bytes());
  };
  CHECK(with("") == "\n");
  CHECK(with(", delimiter: \"\\n\"") == "\n");
  CHECK(with(", delimiter: \"\\0\"") == std::string(1, '\0'));
  CHECK(with(", delimiter: \"\\x1e\\0;\"") == std::string("\x1e\0;", 3));
  CHECK(with(", delimiter: '|'") == "|");
  CHECK(with(", delimiter: \"\\\\\"") == "\\");
  CHECK(with(", delimiter: 1234567890123456") == "1234567890123456");
}

TEST_CASE("load: what to do with empty lines reaches its option", "[config][load]") {
  const auto with = [](const std::string& flow) {
    const config::Loaded loaded =
        parsed("flows:\n  f: { from: { files: /a }, to: stdout" + flow + " }\n");
    REQUIRE(loaded.mistakes.empty());
    return loaded.config.flows[0].program.empty_lines;
  };
  CHECK(with("") == pipeline::EmptyLines::keep);
  CHECK(with(", empty_lines: keep") == pipeline::EmptyLines::keep);
  CHECK(with(", empty_lines: skip") == pipeline::EmptyLines::skip);
}

TEST_CASE("load: what stands before the first record reaches its options", "[config][load]") {
  const auto with = [](const std::string& from) {
    const config::Loaded loaded =
        parsed("flows:\n  f: { from: { files: /a" + from + " }, to: stdout }\n");
    REQUIRE(loaded.mistakes.empty());
    return loaded.config.flows[0].tail;
  };
  CHECK(with("").header_lines == 0);
  CHECK(with(", skip_header: 3").header_lines == 3);
  CHECK(with("").header_pattern.empty());
  CHECK(with(", skip_header_pattern: '^#', skip_header: 0").header_pattern == "^#");
  CHECK(with("").footer_pattern.empty());
  CHECK(with(", footer_pattern: '^END$'").footer_pattern == "^END$");
  CHECK_FALSE(with("").allow_binary);
  CHECK_FALSE(with(", allow_binary: false").allow_binary);
  CHECK(with(", allow_binary: true").allow_binary);
}

TEST_CASE("load: what is done about read errors, and which file comes first, reach their options",
          "[config][load]") {
  const auto with = [](const std::string& from) {
    const config::Loaded loaded =
        parsed("flows:\n  f: { from: { files: /a" + from + " }, to: stdout }\n");
    REQUIRE(loaded.mistakes.empty());
    return loaded.config.flows[0];
  };
  CHECK(with("").tail.on_read_error == sources::OnReadError::retry);
  CHECK(with(", on_read_error: retry").tail.on_read_error == sources::OnReadError::retry);
  CHECK(with("").tail.on_rewrite == sources::OnRewrite::as_new);
  CHECK(with(", on_rewrite: new").tail.on_rewrite == sources::OnRewrite::as_new);
  CHECK(with(", on_rewrite: continue").tail.on_rewrite == sources::OnRewrite::read_on);
  CHECK(with(", on_read_error: skip").tail.on_read_error == sources::OnReadError::skip);
  CHECK(with("").from.order == sources::Order::fair);
  CHECK(with(", order: fair").from.order == sources::Order::fair);
  CHECK(with(", order: oldest_first").from.order == sources::Order::oldest_first);
}

TEST_CASE("load: how files are encoded reaches its option", "[config][load]") {
  const auto with = [](const std::string& from) {
    const config::Loaded loaded =
        parsed("flows:\n  f: { from: { files: /a" + from + " }, to: stdout }\n");
    REQUIRE(loaded.mistakes.empty());
    return loaded.config.flows[0].tail.encoding;
  };
  CHECK(with("") == sources::Encoding::utf8);
  CHECK(with(", encoding: utf-8") == sources::Encoding::utf8);
  CHECK(with(", encoding: utf-16le") == sources::Encoding::utf16le);
  CHECK(with(", encoding: utf-16be") == sources::Encoding::utf16be);
  CHECK(with(", encoding: utf-16") == sources::Encoding::utf16);
}

TEST_CASE("load: how files are found reaches its option", "[config][load]") {
  const auto with = [](const std::string& from) {
    const config::Loaded loaded =
        parsed("flows:\n  f: { from: { files: /a" + from + " }, to: stdout }\n");
    REQUIRE(loaded.mistakes.empty());
    return loaded.config.flows[0].from;
  };
  CHECK(with("").discover == sources::Discover::names);
  CHECK(with(", discover: open").discover == sources::Discover::open);
}

TEST_CASE("load: every key reaches its option", "[config][load]") {
  const config::Loaded loaded = parsed(R"(
data_dir: //var/./lib//tailrace/
io: epoll
reactors: 3
memory: 100MB
shutdown_grace: 5s
on_state_error: stop
streams:
  one: { shards: 8, retention: 0, max_bytes: 8GiB, compression: none, sync: interval,
         sync_interval: 20ms, segment_bytes: 1MiB, segment_age: 10m }
  two: { compression: lz4, sync: os }
  three:
flows:
  z-last.first_9:
    from:
      files: ["/a/{x,y}/**/*.log", /b]
      exclude: [/a/x/no.log, "*.gz"]
      start: end
      reconcile: 5s
      rotate_wait: 0
    long_lines: reject
    max_line: 64KiB
    partition_key: { field: /user/id }
    to: { stream: three, flush: { bytes: 1MiB, records: 10, age: 0 } }
  a:
    from: { files: /c }
    long_lines: truncate
    to: { file: /out/a.txt, flush: { age: 3s } }
)");
  CAPTURE(config::describe(loaded.mistakes, "t", loaded.text));
  REQUIRE(loaded.mistakes.empty());
  const config::Config& config = loaded.config;
  CHECK(config.data_dir == "/var/lib/tailrace");
  CHECK(config.io == io::Backend::epoll);
  CHECK(config.reactors == 3);
  CHECK(config.memory_bytes == 100'000'000);
  CHECK(config.shutdown_grace == 5s);
  CHECK(config.on_state_error == config::OnStateError::stop);
  CHECK(config.streams.at("one").shards == 8);
  store::ShardOptions one;
  one.compression = store::Compression::none;
  one.sync = store::SyncPolicy::interval;
  one.sync_interval = 20ms;
  one.segment_bytes_max = 1ULL << 20;
  one.segment_age_max = 10min;
  one.retention_age = 0s;
  one.retention_bytes = 1ULL << 30;  // the stream's 8GiB over 8 shards
  CHECK(config.streams.at("one").options == one);
  CHECK(config.streams.at("two").options.sync == store::SyncPolicy::os);
  CHECK(config.streams.at("three").options == store::ShardOptions());
  REQUIRE(config.flows.size() == 2);
  const config::Flow& first = config.flows[0];  // in the file's order, not the alphabet's
  CHECK(first.name == "z-last.first_9");
  CHECK(first.from.patterns == std::vector<std::string>{"/a/{x,y}/**/*.log", "/b"});
  CHECK(first.from.exclude == std::vector<std::string>{"/a/x/no.log", "/**/*.gz"});
  CHECK(first.from.start == sources::Start::end);
  CHECK(first.from.reconcile_interval == 5s);
  CHECK(first.tail.rotate_wait == 0s);
  CHECK(first.program.framer.long_lines == pipeline::LongLines::reject);
  CHECK(first.program.framer.line_bytes_max == 64U << 10);
  CHECK(first.program.partition_key ==
        pipeline::PartitionKey{pipeline::PartitionKey::Kind::field, "/user/id"});
  CHECK(first.flush == pipeline::FlushPolicy{1ULL << 20, 10, 0s});
  const config::Flow& second = config.flows[1];
  CHECK(second.program.framer.long_lines == pipeline::LongLines::truncate);
  CHECK(std::get<config::FileTarget>(second.to).path == "/out/a.txt");
  CHECK(second.flush.age_max == 3s);
}

TEST_CASE("load: a target has a long form and a short one", "[config][load]") {
  CHECK(goes_to<config::NullTarget>("null"));
  CHECK(goes_to<config::NullTarget>("~"));
  CHECK(goes_to<config::NullTarget>("\"null\""));
  CHECK(goes_to<config::NullTarget>("{ null: }"));
  CHECK(goes_to<config::NullTarget>("{ null: {} }"));
  CHECK(goes_to<config::NullTarget>("{ \"null\": {} }"));
  CHECK(goes_to<config::NullTarget>("{ null: , flush: { age: 1s } }"));
  CHECK(goes_to<config::NullTarget>("\n      null:\n"));
  CHECK(goes_to<config::StdoutTarget>("stdout"));
  CHECK(goes_to<config::StdoutTarget>("'stdout'"));
  CHECK(goes_to<config::StdoutTarget>("{ stdout: }"));
  CHECK(goes_to<config::StdoutTarget>("{ stdout: {}, flush: { age: 0 } }"));
  CHECK(goes_to<config::StdoutTarget>("\n      stdout:\n      flush: { age: 0 }\n"));
  CHECK(goes_to<config::FileTarget>("{ file: /o }"));
  CHECK(goes_to<config::FileTarget>("{ file: { path: /o } }"));
  CHECK(goes_to<config::StreamTarget>("{ stream: s }"));
}

TEST_CASE("load: partition keys", "[config][load]") {
  using Key = pipeline::PartitionKey;
  const auto key = [](const std::string& value) {
    return with_flow_key("partition_key: " + value).flows.at(0).program.partition_key;
  };
  CHECK(key("random") == Key{});
  CHECK(key("{ constant: web-1 }") == Key{Key::Kind::constant, "web-1"});
  CHECK(key("{ constant: 42 }") == Key{Key::Kind::constant, "42"});
  CHECK(key("{ constant: \"" + std::string(256, 'k') + "\" }") ==
        Key{Key::Kind::constant, std::string(256, 'k')});
  CHECK(key("{ field: /client }") == Key{Key::Kind::field, "/client"});
  CHECK(key("{ field: /a~1b/~0 }") == Key{Key::Kind::field, "/a~1b/~0"});
}

TEST_CASE("load: what makes one record", "[config][load]") {
  using By = pipeline::GroupLines;
  const auto groups = [](const std::string& value) {
    return with_flow_key("multiline: " + value).flows.at(0).program.groups;
  };
  CHECK(groups("off").by == By::off);
  CHECK(groups("indented").by == By::indented);
  CHECK(groups("{ start: '^a' }").by == By::start);
  CHECK(groups("{ continue: '^a' }").by == By::follow);
  CHECK(groups("{ end: 'a$' }").pattern == "a$");
  CHECK(groups("go").pattern == pipeline::trace_pattern("go"));
  const pipeline::GroupOptions all =
      groups("{ preset: php, timeout: 1s, max_lines: 7, max_bytes: 1KiB }");
  CHECK(all.by == By::follow);
  CHECK(all.timeout == std::chrono::seconds(1));
  CHECK(all.lines_max == 7);
  CHECK(all.bytes_max == 1024);
}

TEST_CASE("load: anchors and aliases are plain values", "[config][load]") {
  const config::Loaded loaded = parsed(R"(data_dir: /d
streams: { a: &options { shards: 3, sync: os }, b: *options }
flows:
  f: { from: &from { files: /a }, to: null }
  g: { from: *from, to: null }
)");
  CHECK(loaded.mistakes.empty());
  CHECK(loaded.config.streams.at("b").shards == 3);
  CHECK(loaded.config.streams.at("b").options.sync == store::SyncPolicy::os);
  CHECK(loaded.config.flows.at(1).from == loaded.config.flows.at(0).from);
}

TEST_CASE("load: values at their limits are taken", "[config][load]") {
  const config::Loaded loaded = parsed(R"(data_dir: /
reactors: 1
memory: 1MiB
shutdown_grace: 0
streams:
  least: { shards: 1, retention: 1s, max_bytes: 64KiB, segment_bytes: 64KiB, segment_age: 1s, sync_interval: 1ms }
  most: { shards: 10000, retention: 3650d, max_bytes: 1024TiB, segment_bytes: 4GiB, segment_age: 30d, sync_interval: 1m }
)"
                                       "  " +
                                       std::string(128, 'n') + R"(: {}
)");
  // data_dir / holds every file and there is no flow: only that may be wrong.
  REQUIRE(loaded.mistakes.size() == 1);
  CHECK(loaded.mistakes[0].message.starts_with("there are no flows"));
  CHECK(loaded.config.streams.at("most").options.retention_bytes == (1ULL << 50) / 10'000);
  CHECK(loaded.config.streams.contains(std::string(128, 'n')));
}

TEST_CASE("load: Windows line ends and a byte order mark do no harm", "[config][load]") {
  const config::Loaded loaded = parsed(
      "\xEF\xBB\xBF"
      "data_dir: /d\r\nflows:\r\n  f:\r\n    from: { files: /a }\r\n    to: stdout\r\n");
  CHECK(loaded.mistakes.empty());
  CHECK(loaded.config.data_dir == "/d");
  CHECK(std::holds_alternative<config::StdoutTarget>(loaded.config.flows.at(0).to));
}

TEST_CASE("load: a file that cannot be read is an error, not a mistake", "[config][load]") {
  config_test::FakeFiles files;
  const auto missing = config::load(files, "/etc/none.yaml", {});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message == "open /etc/none.yaml: No such file or directory");
  files.texts["/etc/large.yaml"] = std::string(config::kFileBytesMax + 1, '#');
  const auto large = config::load(files, "/etc/large.yaml", {});
  REQUIRE_FALSE(large);
  CHECK(large.error().message == "/etc/large.yaml is larger than 1MiB");
  CHECK(files.handles_open == 0);
}

TEST_CASE("load: reads the file and what it refers to", "[config][load]") {
  config_test::FakeFiles files;
  files.texts["/etc/t.yaml"] =
      "data_dir: ${file:/etc/dir}/${env:SUB}\nflows: { f: { from: { files: /a }, to: null } }";
  files.texts["/etc/dir"] = "/srv\n";
  const auto loaded = config::load(files, "/etc/t.yaml", {{"SUB", "tailrace"}});
  REQUIRE(loaded);
  CHECK(loaded->mistakes.empty());
  CHECK(loaded->config.data_dir == "/srv/tailrace");
  CHECK(loaded->text == files.texts["/etc/t.yaml"]);
  CHECK(files.handles_open == 0);
}

TEST_CASE("load: a file is read whole, whatever size it says it has", "[config][text_file]") {
  const auto files = io::make_files();
  const auto maps = config::read_text_file(*files, "/proc/self/smaps", 16 << 20);  // says 0
  REQUIRE(maps);
  CHECK(maps->size() > 3 * 4096);
  CHECK(maps->ends_with('\n'));
  const auto limited = config::read_text_file(*files, "/proc/self/smaps", 5000);
  REQUIRE_FALSE(limited);
  CHECK(limited.error().code == base::ErrorCode::limit);
}
