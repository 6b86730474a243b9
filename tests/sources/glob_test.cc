#include "sources/glob.h"

#include <string>
#include <vector>

#include "tests/test.h"

using namespace std::string_literals;

namespace {

struct Row {
  std::string pattern, path;
  bool matches;
};

const std::vector<Row> kRows = {
    {"/a/b.log", "/a/b.log", true},
    {"/a/b.log", "/a/b_log", false},
    {"/a/b.log", "/a/b.log/c", false},
    {"/a/b", "/a", false},
    {"/a//b", "/a/b", true},
    {"/a/*.log", "/a/x.log", true},
    {"/a/*.log", "/a/.log", false},  // begins with a dot
    {"/a/*.log", "/a/.x.log", false},
    {"/a/.*.log", "/a/.x.log", true},
    {"/a/*.log", "/a/b/x.log", false},
    {"/a/*", "/a/", false},
    {"/a/*", "/a/x", true},
    {"/a/*b*c", "/a/xbxbxc", true},
    {"/a/*b*c", "/a/xbxbxd", false},
    {"/a/**", "/a/x", true},  // everything below
    {"/a/**", "/a/x/y/z", true},
    {"/a/**", "/a", false},
    {"/a/**/x", "/a/x", true},  // no directory in between
    {"/a/**/x", "/a/b/x", true},
    {"/a/**/x", "/a/b/c/d/e/f/g/h/i/j/x", true},
    {"/a/**/x", "/a/b/x/y", false},
    {"/a/**/x", "/b/x", false},
    {"/a/**/x", "/a/.b/x", false},
    {"/a/**/.b/x", "/a/c/.b/x", true},
    {"/a/**/b/**/c", "/a/1/b/2/3/c", true},
    {"/a/**/b/**/c", "/a/1/2/3/c", false},
    {"/**/*.log", "/x.log", true},
    {"/a/b**c", "/a/bxxc", true},  // inside a part: as one star
    {"/a/b**c", "/a/bx/xc", false},
    {"/a/?", "/a/x", true},
    {"/a/?", "/a/xy", false},
    {"/a/?", "/a/.", false},
    {"/a/??", "/a/\xC3\xA9", true},  // bytes, not letters
    {"/a/[abc]", "/a/b", true},
    {"/a/[abc]", "/a/d", false},
    {"/a/[a-c]x", "/a/bx", true},
    {"/a/[a-c]x", "/a/dx", false},
    {"/a/[!a-c]", "/a/d", true},
    {"/a/[!a-c]", "/a/b", false},
    {"/a/[^a]", "/a/b", true},
    {"/a/[]]", "/a/]", true},
    {"/a/[!]]", "/a/]", false},
    {"/a/[a-]", "/a/-", true},
    {"/a/[", "/a/[", true},  // not closed: itself
    {"/a/[ab", "/a/[ab", true},
    {"/a/[!a]", "/a/\xFF", true},
    {"/a/[\x80-\xFF]", "/a/\x90", true},
    {"/a/x[/]y", "/a/x/y", false},
    {"/a/[.]x", "/a/.x", false},
    {"/a/\\*", "/a/*", true},
    {"/a/\\*", "/a/x", false},
    {"/a/\\.x", "/a/.x", true},
    {"/a/[\\]]", "/a/]", true},
    {"/a/{b,c}.log", "/a/b.log", true},
    {"/a/{b,c}.log", "/a/c.log", true},
    {"/a/{b,c}.log", "/a/d.log", false},
    {"/a/{b,c/d}/e", "/a/c/d/e", true},
    {"/a/{b,{c,d}*}x", "/a/d12x", true},
    {"/a/{b,}x", "/a/x", true},
    {"/a/{b", "/a/{b", true},
    {"/a/\\{b,c}", "/a/{b,c}", true},
    {"/a/{x*,y?}", "/a/y1", true},
    {"/a/*.log", "/a/new\nline.log", true},
    {"/a/*.log", "/a/\xFF\xFE.log", true},
    {"/a/*.log", "/a/# space.log", true},
    {"/a/new\nline", "/a/new\nline", true},
    {"/a/*", "/a/nul\0byte"s, true},
};

}  // namespace

TEST_CASE("glob: matches as its table says", "[sources][glob]") {
  CHECK(kRows.size() >= 60);
  for (const Row& row : kRows) {
    CAPTURE(row.pattern, row.path);
    CHECK(sources::glob_match(row.pattern, row.path) == row.matches);
  }
}

TEST_CASE("glob: braces become a list in the order they are written", "[sources][glob]") {
  using List = std::vector<std::string>;
  CHECK(sources::expand_braces("/a") == List{"/a"});
  CHECK(sources::expand_braces("/{a,b}/{c,d}") == List{"/a/c", "/a/d", "/b/c", "/b/d"});
  CHECK(sources::expand_braces("{a,{b,c}}") == List{"a", "b", "c"});
  CHECK(sources::expand_braces("{a}") == List{"a"});
  std::string many;
  for (int i = 0; i < 20; ++i) many += "{a,b}";
  CHECK(sources::expand_braces(many).size() == sources::kGlobAlternativesMax);
}

TEST_CASE("glob: a path's literal pattern matches it and nothing else", "[sources][glob]") {
  for (const std::string& path : {"/a/b.log"s, "/a[1]/b.log"s, "/a/b[!1].log"s, "/a/*.log"s,
                                  "/a/?"s, "/a/{b,c}.log"s, "/a/{b"s, "/a/b\\c"s, "/a/b\\"s,
                                  "/a/\\*"s, "/**/b"s, "/a/.b[1]"s, "/a/]}-^!,"s, "/a/\xFF*"s}) {
    CAPTURE(path);
    const std::string pattern = sources::literal_pattern(path);
    CHECK(sources::expand_braces(pattern).size() == 1);
    CHECK(sources::glob_match(pattern, path));
  }
  CHECK(sources::literal_pattern("/a/b.log") == "/a/b.log");
  CHECK_FALSE(sources::glob_match(sources::literal_pattern("/a/b[1].log"), "/a/b1.log"));
  CHECK_FALSE(sources::glob_match(sources::literal_pattern("/a/*"), "/a/b"));
  CHECK_FALSE(sources::glob_match(sources::literal_pattern("/a/{b,c}"), "/a/b"));
  CHECK_FALSE(sources::glob_match(sources::literal_pattern("/a/**/b"), "/a/b"));
}

TEST_CASE("glob: many stars take no exponential time", "[sources][glob]") {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  CHECK_FALSE(sources::glob_match_part(pattern + "b", std::string(5000, 'a')));
  CHECK(sources::glob_match_part(pattern, std::string(5000, 'a')));
}
