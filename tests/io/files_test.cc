#include "io/files.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "io/backends.h"
#include "tests/io/real_world.h"
#include "tests/test.h"

namespace {

struct Place {
  io_test::ScratchDirectory directory;
  std::unique_ptr<io::Files> files = io::make_files();

  std::string path(const std::string& name) const { return directory.path() + "/" + name; }
  io::UniqueHandle create(const std::string& name, std::string_view text = {}) {
    auto handle = files->open(path(name), io::Open::create_new);
    REQUIRE(handle.has_value());
    io::UniqueHandle file(*files, *handle);
    REQUIRE(files->write_at(file.get(), text, 0).has_value());
    return file;
  }
  std::string text_of(const std::string& name) {
    io::UniqueHandle file(*files, files->open(path(name), io::Open::read).value());
    std::string text(10'000, '\0');
    text.resize(files->read_at(file.get(), text, 0).value());
    return text;
  }
};

}  // namespace

TEST_CASE("files: what is not there is not_found, with the path in the message", "[io][files]") {
  Place place;
  const std::string missing = place.path("missing");
  const auto is_missing = [&](const auto& result) {
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == base::ErrorCode::not_found);
    CHECK(result.error().system == ENOENT);
    CHECK_THAT(result.error().message, Catch::Contains(missing));
  };
  is_missing(place.files->open(missing, io::Open::read));
  is_missing(place.files->status(missing, true));
  is_missing(place.files->list(missing));
  is_missing(place.files->remove(missing));
  is_missing(place.files->rename(missing, place.path("other")));
  is_missing(place.files->sync_directory(missing));
  is_missing(place.files->space(missing));
}

TEST_CASE("files: read_at fills its buffer or stops at the end", "[io][files]") {
  Place place;
  const io::UniqueHandle file = place.create("file", "0123456789");
  std::string into(4, ' ');
  CHECK(place.files->read_at(file.get(), into, 3) == 4U);
  CHECK(into == "3456");
  CHECK(place.files->read_at(file.get(), into, 8) == 2U);
  CHECK(into == "8956");
  CHECK(place.files->read_at(file.get(), into, 10) == 0U);
  CHECK(place.files->truncate(file.get(), 5).has_value());
  CHECK(place.files->sync(file.get()).has_value());
  CHECK(place.text_of("file") == "01234");
}

TEST_CASE("files: pages of a file that we are done with leave the memory (F68)", "[io][files]") {
  Place place;
  constexpr std::size_t kBytes = 16 << 20;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const io::UniqueHandle file = place.create("file", std::string(kBytes, 'x'));
  REQUIRE(place.files->sync(file.get()).has_value());
  const auto in_memory = [&](std::size_t from, std::size_t to) {
    void* const at = ::mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, file.get(), 0);
    REQUIRE(at != MAP_FAILED);
    std::vector<unsigned char> pages(kBytes / page);
    REQUIRE(::mincore(at, kBytes, pages.data()) == 0);
    ::munmap(at, kBytes);
    return std::count_if(pages.begin() + static_cast<std::ptrdiff_t>(from / page),
                         pages.begin() + static_cast<std::ptrdiff_t>(to / page),
                         [](unsigned char each) { return (each & 1U) != 0; });
  };
  place.files->advise(file.get(), io::PageAdvice::sequential, {});
  const auto before = in_memory(0, kBytes);
  if (before < static_cast<std::ptrdiff_t>(kBytes / page)) return;  // there is no room for them
  struct statfs raw{};
  REQUIRE(::statfs(place.directory.path().c_str(), &raw) == 0);
  if (raw.f_type == TMPFS_MAGIC) return;  // they have no other place
  place.files->advise(file.get(), io::PageAdvice::done_with,
                      {.offset = 0, .bytes = kBytes / 4 * 3 - 1});
  CHECK(place.files->in_memory(file.get(), kBytes - 1));
  CHECK(place.files->in_memory(file.get(), kBytes + 1));
  CHECK(in_memory(0, kBytes / 2) == 0);  // what the kernel keeps in one piece it keeps if it must
  CHECK(in_memory(kBytes / 4 * 3, kBytes) == before / 4);
  CHECK_FALSE(place.files->in_memory(file.get(), kBytes / 4));
  CHECK(place.text_of("file") == std::string(10'000, 'x'));
}

TEST_CASE("files: status tells kind, size, links and birth", "[io][files]") {
  Place place;
  const io::UniqueHandle file = place.create("file", "abc");
  const io::FileStatus status = place.files->status(file.get()).value();
  CHECK(status.kind == io::FileKind::regular);
  CHECK(status.size == 3);
  CHECK(status.links == 1);
  CHECK(status.modified_ns > 1'500'000'000'000'000'000);
  CHECK((status.birth_ns == 0 || status.birth_ns > 1'500'000'000'000'000'000));
  struct stat raw{};
  REQUIRE(::fstat(file.get(), &raw) == 0);
  CHECK(status.inode == raw.st_ino);
  CHECK(status.device == raw.st_dev);

  REQUIRE(::symlink("file", place.path("link").c_str()) == 0);
  CHECK(place.files->status(place.path("link"), true)->inode == status.inode);
  CHECK(place.files->status(place.path("link"), false)->kind == io::FileKind::symlink);
  CHECK(place.files->status(place.directory.path(), true)->kind == io::FileKind::directory);
  CHECK(place.files->status("/dev/null", true)->kind == io::FileKind::other);
}

TEST_CASE("files: lists every name but its own and its parent's", "[io][files]") {
  Place place;
  CHECK(place.files->list(place.directory.path())->empty());
  place.create("file");
  place.create(".hidden");
  place.create("not \xff utf-8");
  REQUIRE(place.files->make_directories(place.path("directory")).has_value());
  auto entries = place.files->list(place.directory.path()).value();
  std::ranges::sort(entries, {}, &io::DirectoryEntry::name);
  REQUIRE(entries.size() == 4);
  CHECK(entries[0].name == ".hidden");
  CHECK(entries[1].name == "directory");
  CHECK(entries[1].kind == io::FileKind::directory);
  CHECK(entries[2].name == "file");
  CHECK(entries[2].inode == place.files->status(place.path("file"), true)->inode);
  CHECK(entries[3].name == "not \xff utf-8");
}

TEST_CASE("files: makes missing parents, and a file in the way is an error", "[io][files]") {
  Place place;
  CHECK(place.files->make_directories(place.path("a/b/c")).has_value());
  CHECK(place.files->make_directories(place.path("a/b/c")).has_value());
  CHECK(place.files->make_directories(place.path("a//b/d/")).has_value());
  CHECK(place.files->status(place.path("a/b/d"), false)->kind == io::FileKind::directory);
  CHECK(place.files->sync_directory(place.path("a/b/d")).has_value());
  place.create("file");
  CHECK(place.files->make_directories(place.path("file")).error().system == ENOTDIR);
  CHECK(place.files->make_directories(place.path("file/x")).error().system == ENOTDIR);
}

TEST_CASE("files: renames over what is there, and removes", "[io][files]") {
  Place place;
  place.create("old", "old");
  place.create("new", "new");
  REQUIRE(place.files->rename(place.path("new"), place.path("old")).has_value());
  CHECK(place.text_of("old") == "new");
  CHECK_FALSE(place.files->status(place.path("new"), false).has_value());
  REQUIRE(place.files->remove(place.path("old")).has_value());
  CHECK(place.files->list(place.directory.path())->empty());
}

TEST_CASE("files: a new name is taken from nobody", "[io][files]") {
  Place place;
  place.create("one", "one");
  place.create("two", "two");
  CHECK(place.files->rename_new(place.path("one"), place.path("two")).error().system == EEXIST);
  CHECK(place.text_of("one") == "one");
  CHECK(place.text_of("two") == "two");
  REQUIRE(place.files->rename_new(place.path("one"), place.path("three")).has_value());
  CHECK(place.text_of("three") == "one");
  const std::string missing = place.path("four");
  CHECK(place.files->rename_new(missing, place.path("five")).error().system == ENOENT);
}

TEST_CASE("files: opening a FIFO for reading does not hang", "[io][files]") {
  Place place;
  REQUIRE(::mkfifo(place.path("fifo").c_str(), 0600) == 0);
  const io::UniqueHandle fifo(*place.files,
                              place.files->open(place.path("fifo"), io::Open::read).value());
  CHECK(place.files->status(fifo.get())->kind == io::FileKind::fifo);
}

TEST_CASE("files: knows how much space there is", "[io][files]") {
  Place place;
  const io::Space space = place.files->space(place.directory.path()).value();
  CHECK(space.total_bytes > 0);
  CHECK(space.free_bytes <= space.total_bytes);
}

TEST_CASE("files: a lock is exclusive, tells who holds it, and goes with its handle",
          "[io][files]") {
  Place place;
  const std::string path = place.path("LOCK");
  {
    const io::UniqueHandle mine(*place.files, place.files->lock(path).value());
    REQUIRE(place.files->write_at(mine.get(), "pid 42 (somebody)\n", 0).has_value());
    const auto other = place.files->lock(path);
    REQUIRE_FALSE(other.has_value());
    CHECK(other.error().code == base::ErrorCode::busy);
    CHECK(other.error().message == "pid 42 (somebody)");
  }
  CHECK(io::UniqueHandle(*place.files, place.files->lock(path).value()));
}

TEST_CASE("files: a lock keeps other processes out until its own dies", "[io][files]") {
  Place place;
  const std::string path = place.path("LOCK");
  int to_parent[2];
  REQUIRE(::pipe(to_parent) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = place.files->lock(path);
    const char told = lock.has_value() ? '1' : '0';
    if (::write(to_parent[1], &told, 1) != 1) ::_exit(1);
    while (true) ::pause();  // only SIGKILL ends it: nothing is cleaned up
  }
  char told = 0;
  REQUIRE(::read(to_parent[0], &told, 1) == 1);
  CHECK(told == '1');
  const auto refused = place.files->lock(path);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == base::ErrorCode::busy);
  CHECK(refused.error().message.empty());  // the child wrote nothing about itself

  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(io::UniqueHandle(*place.files, place.files->lock(path).value()));
  ::close(to_parent[0]);
  ::close(to_parent[1]);
}

TEST_CASE("files: names a process that lives, and no other", "[io][files]") {
  const std::string name = io::process_name(::getpid());
  CHECK_THAT(name, Catch::StartsWith("pid " + std::to_string(::getpid()) + " ("));
  CHECK_THAT(name, Catch::EndsWith(")"));
  CHECK(io::process_name(0).empty());
  CHECK(io::process_name(-5).empty());
  CHECK(io::process_name(std::int64_t{1} << 40).empty());
}

TEST_CASE("random: numbers do not repeat, clocks go forward", "[io]") {
  const auto random = io::make_random();
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 1000; ++i) numbers.push_back(random->next());
  std::ranges::sort(numbers);
  CHECK(std::ranges::adjacent_find(numbers) == numbers.end());
  const auto clock = io::make_clock();
  const base::Instant before = clock->monotonic();
  CHECK(clock->monotonic() >= before);
  CHECK(clock->wall().time_since_epoch() > std::chrono::years(50));
}
