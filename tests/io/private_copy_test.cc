#include "io/private_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "tests/test.h"

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 2> kEndings = {"-a", "-b"};
constexpr io::PrivateCopy::Kind kKind = {.magic = "xx",
                                         .endings = kEndings,
                                         .locks = {.writers = {.offset = 1 << 30, .bytes = 512},
                                                   .ending = "-c",
                                                   .users = {.offset = 7, .bytes = 2}}};

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("private copy: a file and what lies beside it, until the copy goes", "[io]") {
  std::string root = (fs::temp_directory_path() / "tailrace-copy-XXXXXX").string();
  REQUIRE(::mkdtemp(root.data()) != nullptr);
  const std::string name = root + "/file";
  std::ofstream(name) << std::string(600'000, 'x');
  std::ofstream(name + "-b") << "beside";
  fs::create_symlink(name, root + "/link");
  std::string copied;
  {
    const auto copy = io::PrivateCopy::make(root + "/link", kKind);
    REQUIRE(copy);
    copied = copy->path();
    CHECK(text_of(copied) == std::string(600'000, 'x'));
    CHECK_FALSE(fs::exists(copied + "-a"));
    CHECK(text_of(copied + "-b") == "beside");
    CHECK((fs::status(fs::path(copied).parent_path()).permissions() & fs::perms::mask) ==
          fs::perms::owner_all);
  }
  CHECK_FALSE(fs::exists(fs::path(copied).parent_path()));

  REQUIRE(::mkfifo((name + "-a").c_str(), 0600) == 0);
  const auto fifo = io::PrivateCopy::make(name, kKind);
  REQUIRE_FALSE(fifo);
  CHECK(fifo.error().message == fs::canonical(name).string() + "-a is no regular file");
  const auto missing = io::PrivateCopy::make(root + "/none", kKind);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().system == ENOENT);
  fs::remove_all(root);
}

TEST_CASE("private copy: not of a file that somebody has locked for writing", "[io]") {
  std::string root = (fs::temp_directory_path() / "tailrace-copy-XXXXXX").string();
  REQUIRE(::mkdtemp(root.data()) != nullptr);
  const std::string name = root + "/file";
  std::ofstream(name) << "xxy";
  const int writer = ::open(name.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(writer >= 0);
  struct ::flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_start = (1 << 30) + 1;
  lock.l_len = 1;
  REQUIRE(::fcntl(writer, F_OFD_SETLK, &lock) == 0);
  const auto refused = io::PrivateCopy::make(name, kKind);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == base::ErrorCode::busy);
  ::close(writer);
  CHECK(io::PrivateCopy::make(name, kKind));
  fs::remove_all(root);
}

TEST_CASE("private copy: not of a file that somebody uses, as a lock beside it says", "[io]") {
  std::string root = (fs::temp_directory_path() / "tailrace-copy-XXXXXX").string();
  REQUIRE(::mkdtemp(root.data()) != nullptr);
  const std::string name = root + "/file";
  std::ofstream(name) << "xx";
  const int user = ::open((name + "-c").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(user >= 0);
  CHECK(io::PrivateCopy::make(name, kKind));
  struct ::flock lock{};
  lock.l_type = F_RDLCK;
  lock.l_start = 8;
  lock.l_len = 1;
  REQUIRE(::fcntl(user, F_OFD_SETLK, &lock) == 0);
  const auto refused = io::PrivateCopy::make(name, kKind);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == base::ErrorCode::busy);
  CHECK(refused.error().message == name + " is in use");
  ::close(user);
  CHECK(io::PrivateCopy::make(name, kKind));
  fs::remove_all(root);
}

TEST_CASE("private copy: not of a file of another kind", "[io]") {
  std::string root = (fs::temp_directory_path() / "tailrace-copy-XXXXXX").string();
  REQUIRE(::mkdtemp(root.data()) != nullptr);
  const std::string name = root + "/file";
  for (const std::string text : {"x", "xyx", "yxx"}) {
    std::ofstream(name) << text;
    const auto other = io::PrivateCopy::make(name, kKind);
    REQUIRE_FALSE(other);
    CHECK(other.error().code == base::ErrorCode::corrupt);
  }
  for (const std::string text : {"", "xx"}) {
    std::ofstream(name) << text;
    CHECK(io::PrivateCopy::make(name, kKind));
  }
  fs::remove_all(root);
}
