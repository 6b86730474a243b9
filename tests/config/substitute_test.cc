#include "config/substitute.h"

#include <string>

#include "config/load.h"
#include "tests/config/fake_files.h"
#include "tests/test.h"

namespace {

struct World {
  config_test::FakeFiles files;
  config::Substitutions outside;
  World() {
    outside.environment = {{"NAME", "web-1"}, {"EMPTY", ""}, {"TRICK", "${env:NAME} $${x}"}};
    outside.files = &files;
    files.texts = {{"/run/secret", "s3cret\n"},
                   {"/run/two", "a\nb\n\n"},
                   {"/run/dos", "dos\r\n"},
                   {"/run/empty", ""},
                   {"/run/limit", std::string(config::kSubstitutedFileBytesMax, 'x')},
                   {"/run/large", std::string(config::kSubstitutedFileBytesMax + 1, 'x')}};
  }
};

std::string text(std::string_view value) {
  World world;
  const config::Substituted result = config::substitute(value, world.outside);
  CHECK(result.problems.empty());
  CHECK(world.files.handles_open == 0);
  return result.text;
}

std::string problem(std::string_view value) {
  World world;
  const config::Substituted result = config::substitute(value, world.outside);
  REQUIRE(result.problems.size() == 1);
  CHECK(world.files.handles_open == 0);
  return std::to_string(result.problems[0].offset) + ": " + result.problems[0].message;
}

constexpr const char* kOnly =
    "; only ${env:NAME} and ${file:/PATH} are replaced, $${ is a plain ${";

}  // namespace

TEST_CASE("substitute: environment variables and files are put in", "[config][substitute]") {
  CHECK(text("") == "");
  CHECK(text("plain") == "plain");
  CHECK(text("${env:NAME}") == "web-1");
  CHECK(text("a${env:NAME}b${env:NAME}c") == "aweb-1bweb-1c");
  CHECK(text("${env:EMPTY}") == "");
  CHECK(text("${file:/run/secret}") == "s3cret");
  CHECK(text("${file:/run/two}") == "a\nb\n");
  CHECK(text("${file:/run/dos}") == "dos");
  CHECK(text("${file:/run/empty}") == "");
  CHECK(text("${file:/run/limit}").size() == config::kSubstitutedFileBytesMax);
}

TEST_CASE("substitute: what is put in is not looked at again", "[config][substitute]") {
  CHECK(text("${env:TRICK}") == "${env:NAME} $${x}");
}

TEST_CASE("substitute: a doubled dollar is a plain one", "[config][substitute]") {
  CHECK(text("$${env:NAME}") == "${env:NAME}");
  CHECK(text("$$${env:NAME}") == "$${env:NAME}");
  CHECK(text("${env:NAME}$${x}") == "web-1${x}");
  CHECK(text("$${") == "${");
  CHECK(text("$") == "$");
  CHECK(text("$$") == "$$");
  CHECK(text("$NAME {x} $ {") == "$NAME {x} $ {");
}

TEST_CASE("substitute: everything else is a mistake at its place", "[config][substitute]") {
  const std::string only = kOnly;
  CHECK(problem("${NAME}") == "0: unknown substitution '${NAME}'" + only);
  CHECK(problem("ab${cred:x}") == "2: unknown substitution '${cred:x}'" + only);
  CHECK(problem("${}") == "0: unknown substitution '${}'" + only);
  CHECK(problem("x${env:NAME") == "1: '${' is not closed by '}'" + only);
  CHECK(problem("${env:}") == "0: '${env:}' does not name an environment variable");
  CHECK(problem("${env:1A}") == "0: '${env:1A}' does not name an environment variable");
  CHECK(problem("${env:A:-b}") == "0: '${env:A:-b}' does not name an environment variable");
  CHECK(problem("${env:NOT_SET}") == "0: '${env:NOT_SET}': this variable is not set");
  CHECK(problem("${env:name}") == "0: '${env:name}': this variable is not set");
  CHECK(problem("${file:run/secret}") == "0: '${file:run/secret}': the path must be absolute");
  CHECK(problem("${file:/run/none}") ==
        "0: '${file:/run/none}': open /run/none: No such file or directory");
  CHECK(problem("${file:/run/large}") ==
        "0: '${file:/run/large}': /run/large is larger than 64KiB");
}

TEST_CASE("substitute: every mistake of a value is said", "[config][substitute]") {
  const config::Substituted result = config::substitute("${a} ${env:X} ${b}", {});
  REQUIRE(result.problems.size() == 3);
  CHECK(result.problems[0].offset == 0);
  CHECK(result.problems[1].offset == 5);
  CHECK(result.problems[2].offset == 14);
  CHECK(config::substitute("${file:/x}", {}).problems.at(0).message ==
        "'${file:/x}': files cannot be read here");
}

TEST_CASE("substitute: values of every kind take substitutions, and none changes the structure",
          "[config][substitute]") {
  World world;
  world.outside.environment = {
      {"DIR", "/var/lib/x"}, {"SHARDS", "3"}, {"AGE", "250ms"}, {"KEY", "a, b: [c]\n# d"}};
  const config::Loaded loaded = config::parse(R"(
data_dir: ${env:DIR}/data
streams: { s: { shards: "${env:SHARDS}" } }
flows:
  f:
    from: { files: ["/a/${env:SHARDS}.log"] }
    partition_key: { constant: "${env:KEY}" }
    to: { stream: s, flush: { age: "${env:AGE}" } }
)",
                                              world.outside);
  CHECK(loaded.mistakes.empty());
  CHECK(loaded.config.data_dir == "/var/lib/x/data");
  CHECK(loaded.config.streams.at("s").shards == 3);
  CHECK(loaded.config.flows.at(0).from.patterns == std::vector<std::string>{"/a/3.log"});
  CHECK(loaded.config.flows.at(0).program.partition_key.text == "a, b: [c]\n# d");
  CHECK(loaded.config.flows.at(0).flush.age_max == std::chrono::milliseconds(250));
}

TEST_CASE("substitute: messages show what was written, never what was put in",
          "[config][substitute]") {
  World world;
  const std::string yaml =
      "data_dir: ${file:/run/secret}\nflows: { f: { from: { files: /a }, to: null } }\n";
  const config::Loaded loaded = config::parse(yaml, world.outside);
  REQUIRE(loaded.mistakes.size() == 1);
  CHECK(config::describe(loaded.mistakes, "t.yaml", yaml) ==
        "t.yaml:1:11: data_dir wants an absolute path, not '${file:/run/secret}'; "
        "begin it with '/'\n"
        "    1 | data_dir: ${file:/run/secret}\n"
        "      |           ^\n");
}
