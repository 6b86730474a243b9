// The house rules as a test: the rules themselves on bad samples, then on the whole source tree.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/test.h"
#include "tests/tidy/rules.h"
#include "tests/tidy/source_text.h"

namespace {

using tidy::split_source;
using tidy::Violations;

// What `rule` says about `text` at `path`, one line each.
template <typename Rule>
std::vector<std::string> said(Rule rule, std::string path, std::string_view text) {
  Violations violations;
  rule(split_source(std::move(path), text), violations);
  std::vector<std::string> lines;
  for (const auto& one : violations) {
    lines.push_back(std::to_string(one.line) + ": " + one.message);
  }
  return lines;
}

std::string function_of(std::size_t lines, std::string_view head) {
  std::string text(head);
  text += " {\n";
  for (std::size_t i = 2; i < lines; ++i) text += "  call();\n";
  return text + "}\n";
}

bool is_checked(const std::filesystem::path& path) {
  const std::string extension = path.extension();
  return extension == ".cc" || extension == ".h" || extension == ".sh" || extension == ".py" ||
         extension == ".cmake" || path.filename() == "CMakeLists.txt";
}

std::vector<std::string> source_tree() {
  std::vector<std::string> paths;
  for (const char* folder : {"agent", "base", "bench", "cmake", "config", "examples", "io",
                             "pipeline", "scripts", "sinks", "sources", "store", "tests"}) {
    REQUIRE(std::filesystem::is_directory(folder));  // run from the root, as ctest does
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file() && is_checked(entry.path())) paths.push_back(entry.path());
    }
  }
  std::ranges::sort(paths);
  return paths;
}

using Said = std::vector<std::string>;

}  // namespace

TEST_CASE("source text: comments and literals are not code", "[tidy]") {
  const auto source = split_source("base/a.cc",
                                   "int a = 1'000;  // read(\n"
                                   "const char* b = \"write(\\\"\";\n"
                                   "char c = '\"'; int d = 0x'ff;\n"
                                   "auto e = R\"x(open( )\" )x\"; /* TODO\n"
                                   "sleep( */ f();\n");
  CHECK(source.code[0] == "int a = 1'000;          ");
  CHECK(source.comments[0] == "                // read(");
  CHECK(source.code[1] == "const char* b = \"        \";");
  CHECK(source.code[2] == "char c = ' '; int d = 0x'ff;");
  CHECK(source.code[3].find("open") == std::string::npos);
  CHECK(source.comments[3].ends_with("/* TODO"));
  CHECK(source.code[4] == "          f();");
}

TEST_CASE("includes: arrows point down", "[tidy]") {
  CHECK(said(tidy::check_includes, "store/a.cc", "#include \"base/ids.h\"\n#include \"io/io.h\"\n")
            .empty());
  CHECK(said(tidy::check_includes, "base/a.h", "\n#include \"io/io.h\"\n") ==
        Said{"2: base must not include io (\"io/io.h\"): arrows point down"});
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"io", "store"},
                                                        {"io", "pipeline"},
                                                        {"pipeline", "io"},
                                                        {"pipeline", "store"},
                                                        {"store", "pipeline"},
                                                        {"sources", "sinks"},
                                                        {"sinks", "sources"},
                                                        {"sinks", "config"},
                                                        {"store", "agent"},
                                                        {"config", "agent"},
                                                        {"store", "tests"},
                                                        {"agent", "bench"}}) {
    CAPTURE(from, to);
    CHECK(said(tidy::check_includes, from + "/a.cc", "#include \"" + to + "/b.h\"\n").size() == 1);
    CHECK(said(tidy::check_includes, from + "/a.cc", "#  include  \"" + to + "/b.h\"\n").size() ==
          1);
    CHECK(said(tidy::check_includes, from + "/a.cc", "// #include \"" + to + "/b.h\"\n").empty());
  }
  for (const std::string to : {"base", "io", "store", "pipeline", "sources", "sinks", "config"}) {
    CHECK(said(tidy::check_includes, "agent/a.cc", "#include \"" + to + "/b.h\"\n").empty());
    CHECK(said(tidy::check_includes, "tests/x/a.cc", "#include \"" + to + "/b.h\"\n").empty());
  }
  CHECK(said(tidy::check_includes, "store/a.cc", "#include \"block.h\"\n").size() == 1);
  CHECK(said(tidy::check_includes, "store/a.cc", "#include \"../io/io.h\"\n").size() == 1);
}

TEST_CASE("includes: a third-party header has one home", "[tidy]") {
  for (const auto& [header, home] : std::vector<std::pair<std::string, std::string>>{
           {"liburing.h", "io/uring_io.cc"},
           {"lz4.h", "store/block.cc"},
           {"lz4hc.h", "store/block.cc"},
           {"concurrentqueue/concurrentqueue.h", "pipeline/batch_queue.h"},
           {"simdjson.h", "pipeline/key_reader.cc"},
           {"re2/re2.h", "pipeline/line_pattern.cc"},
           {"simdjson.h", "agent/foreign/json_tree.cc"},
           {"openssl/evp.h", "agent/foreign/fingerprints.cc"},
           {"xxhash.h", "agent/foreign/fingerprints.cc"},
           {"sqlite3.h", "agent/foreign/sqlite_table.cc"},
           {"yaml-cpp/yaml.h", "config/yaml.cc"},
           {"zlib.h", "sources/gzip_inflater.cc"},
           {"zstd.h", "sources/zstd_inflater.cc"},
           {"zstd_errors.h", "sources/zstd_inflater.cc"},
           {"CLI/CLI.hpp", "agent/commands/run.cc"},
           {"fmt/format.h", "agent/report.cc"},
           {"catch2/catch.hpp", "tests/test.h"}}) {
    CAPTURE(header);
    const std::string text = "#include <" + header + ">\n";
    CHECK(said(tidy::check_includes, home, text).empty());
    CHECK(said(tidy::check_includes, "sinks/a.cc", text).size() == 1);
    CHECK(said(tidy::check_includes, "io/a.cc", text).size() == 1);
  }
  CHECK(said(tidy::check_includes, "tests/a_test.cc", "#include <catch2/catch.hpp>\n").size() == 1);
}

TEST_CASE("includes: headers of the operating system stay in io", "[tidy]") {
  for (const std::string header : {"unistd.h", "sys/mman.h", "fcntl.h", "thread", "random",
                                   "filesystem", "fstream", "ctime", "linux/fs.h"}) {
    CAPTURE(header);
    const std::string text = "#include <" + header + ">\n";
    CHECK(said(tidy::check_includes, "store/a.cc", text).size() == 1);
    CHECK(said(tidy::check_includes, "agent/agent.cc", text).size() == 1);
    CHECK(said(tidy::check_includes, "io/files.cc", text).empty());
    CHECK(said(tidy::check_includes, "tests/io/a_test.cc", text).empty());
    CHECK(said(tidy::check_includes, "bench/a_bench.cc", text).empty());
  }
  CHECK(said(tidy::check_includes, "agent/runner.cc", "#include <thread>\n").empty());
}

TEST_CASE("calls: nothing reaches outside but through io", "[tidy]") {
  for (const std::string call : {"::open(path, 0)",
                                 "::read(fd, p, n)",
                                 "return ::write(1, p, n)",
                                 "pread(fd, p, n, 0)",
                                 "x = pwrite(fd, p, n, 0)",
                                 "::clock_gettime(0, &t)",
                                 "std::chrono::system_clock::now()",
                                 "steady_clock::now()",
                                 "rand()",
                                 "std::rand()",
                                 "std::random_device d",
                                 "usleep(1)",
                                 "::sleep(1)",
                                 "std::this_thread::sleep_for(1s)",
                                 "std::thread t(f)",
                                 "std::jthread t{f}",
                                 "std::getenv(name)",
                                 "if (a && fsync(fd)) b()",
                                 "std::fopen(a, b)",
                                 "else sleep(1)"}) {
    CAPTURE(call);
    CHECK(said(tidy::check_calls, "store/a.cc", "\n" + call + ";\n").size() == 1);
    CHECK(said(tidy::check_calls, "agent/a.cc", call + ";\n").size() == 1);
    CHECK(said(tidy::check_calls, "io/a.cc", call + ";\n").empty());
    CHECK(said(tidy::check_calls, "bench/a.cc", call + ";\n").empty());
    CHECK(said(tidy::check_calls, "store/a.cc", "// " + call + ";\n").empty());
  }
}

TEST_CASE("calls: our own words are not the kernel's", "[tidy]") {
  for (const std::string call :
       {"io.read(op, h, into, 0)", "io->write(op)", "files_.open(path, how)", "read(chunk)",
        "io::open(path)", "Shard::open(a)", "base::Duration sleep(base::Duration d)",
        "clock.monotonic()", "Result<Handle> open(const std::string& path)", "thread_count()",
        "random_(1)", "sleep()", "Clock::now()", "std::this_thread::get_id()"}) {
    CAPTURE(call);
    CHECK(said(tidy::check_calls, "store/a.cc", call + ";\n").empty());
  }
}

TEST_CASE("calls: tests may do everything but sleep", "[tidy]") {
  CHECK(
      said(tidy::check_calls, "tests/a.cc", "::open(a, 0); std::thread t(f); pread(a);\n").empty());
  CHECK(said(tidy::check_calls, "tests/a.cc", "std::this_thread::sleep_for(1ms);\n").size() == 1);
  CHECK(said(tidy::check_calls, "tests/a.cc", "usleep(10);\n").size() == 1);
}

TEST_CASE("sizes: a file has at most 500 lines", "[tidy]") {
  std::string text;
  for (std::size_t i = 0; i < tidy::kFileLinesMax; ++i) text += "//\n";
  CHECK(said(tidy::check_sizes, "store/a.cc", text).empty());
  CHECK(said(tidy::check_sizes, "store/a.cc", text + "//\n") == Said{"0: 501 lines; at most 500"});
  CHECK(said(tidy::check_sizes, "scripts/a.sh", text + "x") == Said{"0: 501 lines; at most 500"});
}

TEST_CASE("sizes: a function has at most 70 lines", "[tidy]") {
  for (const std::string head :
       {"int f(int a)", "void C::f(int a = 3) const noexcept", "auto f() -> std::vector<int>",
        "template <typename T>\nT f(T t)", "C::C(int a) : a_(a), b_{a, {1}}, c_(2)",
        "bool operator==(const C& a, const C& b)", "TEST_CASE(\"a\", \"b\")", "struct S f(int a)",
        "template <class T, class U> S<T> f(T a) const", "C::~C()",
        "explicit operator bool() const"}) {
    CAPTURE(head);
    CHECK(said(tidy::check_sizes, "store/a.cc", function_of(70, head)).empty());
    CHECK(said(tidy::check_sizes, "store/a.cc", function_of(71, head)).size() == 1);
    const std::string nested = "namespace n {\nclass C : public B {\n public:\n";
    CHECK(said(tidy::check_sizes, "store/a.h", nested + function_of(70, head) + "};\n}\n").empty());
    CHECK(said(tidy::check_sizes, "store/a.h", nested + function_of(71, head) + "};\n}\n").size() ==
          1);
  }
  CHECK(said(tidy::check_sizes, "store/a.cc", function_of(71, "int f()")) ==
        Said{"1: a function of 71 lines; at most 70"});
}

TEST_CASE("sizes: classes, namespaces and tables may be long", "[tidy]") {
  for (const std::string head :
       {"namespace n", "class C final : public B<f(1)>", "struct S",
        "constexpr int table[] =", "enum class E : int", "const auto table = make(3),"}) {
    CAPTURE(head);
    CHECK(said(tidy::check_sizes, "store/a.cc", function_of(100, head) + ";").empty());
  }
  // A short function after a long class is counted from its own brace.
  CHECK(said(tidy::check_sizes, "store/a.cc",
             function_of(90, "class C") + ";\n" + function_of(70, "int f()"))
            .empty());
}

TEST_CASE("headers: a comment, pragma once, no using namespace", "[tidy]") {
  const std::string good = "// Thing: a thing that exists for a reason.\n#pragma once\n";
  CHECK(said(tidy::check_header, "store/a.h", good).empty());
  CHECK(said(tidy::check_header, "store/a.h", "#pragma once\n").size() == 1);
  CHECK(said(tidy::check_header, "store/a.h", "// Thing.\n#pragma once\n").size() == 1);
  CHECK(said(tidy::check_header, "store/a.h", "// Thing: a thing that exists for a reason.\n")
            .size() == 1);
  CHECK(said(tidy::check_header, "store/a.h", good + "using namespace std;\n").size() == 1);
  CHECK(said(tidy::check_header, "store/a.h", good + "// using namespace std;\n").empty());
  CHECK(said(tidy::check_header, "store/a.cc", "using namespace std;\n").empty());
}

TEST_CASE("notes: a TODO names its issue", "[tidy]") {
  CHECK(said(tidy::check_notes, "store/a.cc", "// TODO(#12): more\n").empty());
  CHECK(said(tidy::check_notes, "store/a.cc", "// TODO: more\n").size() == 1);
  CHECK(said(tidy::check_notes, "store/a.cc", "f();  /* FIXME later */\n").size() == 1);
  CHECK(said(tidy::check_notes, "store/a.cc", "const char* a = \"TODO\";\n").empty());
}

TEST_CASE("names: files are called by their noun", "[tidy]") {
  const auto name = [](std::string path) {
    Violations violations;
    tidy::check_name(path, violations);
    return violations.size();
  };
  CHECK(name("store/sparse_index.cc") == 0);
  CHECK(name("agent/commands/commands.h") == 0);
  for (const char* path : {"base/utils.h", "store/index_utils.cc", "io/helpers.h", "base/common.h",
                           "agent/flow_manager.cc", "store/shard_impl.h"}) {
    CAPTURE(path);
    CHECK(name(path) == 1);
  }
}

TEST_CASE("house: the source tree keeps its rules", "[tidy]") {
  const std::vector<std::string> paths = source_tree();
  REQUIRE(paths.size() > 100);
  std::string all;
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    for (const auto& one : tidy::check(split_source(path, text))) {
      all += one.path + ":" + std::to_string(one.line) + ": " + one.message + "\n";
    }
  }
  std::cout << all;  // not INFO: it breaks lines at 80 columns
  CHECK(all.empty());
}
