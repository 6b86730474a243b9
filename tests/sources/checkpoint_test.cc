#include "sources/checkpoint.h"

#include <chrono>
#include <string>

#include "tests/test.h"

namespace {

sources::Checkpoint sample() {
  return {.flow = "web logs 2",
          .identity = {.device = 259, .inode = ~std::uint64_t{0}, .birth_ns = -5},
          .path = std::string("/var/log/a\n\xFF b", 14),
          .origin = base::Origin{0x0123456789abcdef},
          .flow_fingerprint = 77,
          .generation = 3,
          .offset = 1ULL << 40,
          .tail_bytes = 64,
          .tail_hash = ~std::uint64_t{0},
          .seen_us = -1};
}

}  // namespace

TEST_CASE("checkpoint: comes back as it was written", "[sources][checkpoint]") {
  sources::Checkpoint checkpoint = sample();
  const std::string key = sources::checkpoint_key(checkpoint.flow, checkpoint.identity);
  CHECK(key == "web logs 2 259 18446744073709551615 -5");
  CHECK(sources::decode_checkpoint(key, sources::encode(checkpoint)) == checkpoint);
  checkpoint.path.clear();
  checkpoint.offset = 0;
  checkpoint.tail_bytes = 7;  // the file's first bytes
  CHECK(sources::decode_checkpoint(key, sources::encode(checkpoint)) == checkpoint);
}

TEST_CASE("checkpoint: its bytes never change", "[sources][checkpoint]") {
  sources::Checkpoint checkpoint = sample();
  checkpoint.path = "/x";
  const std::string value = sources::encode(checkpoint);
  REQUIRE(value.size() == 55);
  CHECK(value.substr(0, 9) == std::string("\x01\xef\xcd\xab\x89\x67\x45\x23\x01", 9));
  CHECK(value.substr(21, 8) == std::string("\0\0\0\0\0\x01\0\0", 8));
  CHECK(value.substr(53) == "/x");
}

TEST_CASE("checkpoint: what only compressed and deleted files need takes bytes only there",
          "[sources][checkpoint]") {
  sources::Checkpoint checkpoint = sample();
  const std::string key = sources::checkpoint_key(checkpoint.flow, checkpoint.identity);
  const std::size_t bytes = sources::encode(checkpoint).size();
  checkpoint.compressed_bytes = 0x0102030405060708;
  std::string value = sources::encode(checkpoint);
  CHECK(sources::decode_checkpoint(key, value) == checkpoint);
  CHECK(value.size() == bytes + 9);
  CHECK(value[0] == 2);
  CHECK(value.substr(49, 9) == std::string("\x08\x07\x06\x05\x04\x03\x02\x01\0", 9));
  for (std::size_t cut = 0; cut < value.size(); ++cut) {
    CHECK_FALSE(sources::decode_checkpoint(key, std::string_view(value).substr(0, cut)));
  }
  checkpoint.compressed_bytes = 0;
  checkpoint.gone = true;
  value = sources::encode(checkpoint);
  CHECK(sources::decode_checkpoint(key, value) == checkpoint);
  CHECK(value[57] == 1);
  checkpoint.gone = false;
  checkpoint.goes_on = true;
  value = sources::encode(checkpoint);
  CHECK(sources::decode_checkpoint(key, value) == checkpoint);
  CHECK(value[57] == 2);
  checkpoint.past_footer = true;
  value = sources::encode(checkpoint);
  CHECK(sources::decode_checkpoint(key, value) == checkpoint);
  CHECK(value[57] == 6);
  checkpoint.cut = true;
  value = sources::encode(checkpoint);
  CHECK(sources::decode_checkpoint(key, value) == checkpoint);
  CHECK(value[57] == 14);
  checkpoint.cut = false;
  checkpoint.goes_on = false;
  value = sources::encode(checkpoint);
  CHECK(sources::decode_checkpoint(key, value) == checkpoint);
  CHECK(value.size() == bytes + 9);
}

TEST_CASE("checkpoint: that all before its place was read takes no byte, in no version",
          "[sources][checkpoint]") {
  sources::Checkpoint checkpoint = sample();
  const std::string key = sources::checkpoint_key(checkpoint.flow, checkpoint.identity);
  const auto check = [&](int version) {
    checkpoint.whole = false;
    const std::string before = sources::encode(checkpoint);
    CHECK(before[0] == version);
    CHECK(sources::decode_checkpoint(key, before) == checkpoint);
    checkpoint.whole = true;
    const std::string value = sources::encode(checkpoint);
    CHECK(static_cast<unsigned char>(value[0]) == 128 + version);
    CHECK(value.substr(1) == before.substr(1));
    CHECK(sources::decode_checkpoint(key, value) == checkpoint);
  };
  check(1);
  checkpoint.compressed_bytes = 20;
  check(2);
  checkpoint.compressed_bytes = 0;
  checkpoint.line_ends = {{.offset = checkpoint.offset - 1, .hash = 5}};
  check(4);
  std::string newer = sources::encode(checkpoint);
  newer[0] = static_cast<char>(128 + 5);
  CHECK_FALSE(sources::decode_checkpoint(key, newer));
}

TEST_CASE("checkpoint: of a transcoded file, it says where transcoding may begin",
          "[sources][checkpoint]") {
  sources::Checkpoint checkpoint = sample();
  const std::string key = sources::checkpoint_key(checkpoint.flow, checkpoint.identity);
  const std::size_t bytes = sources::encode(checkpoint).size();
  checkpoint.transcoded = true;
  checkpoint.point = {.offset = 0x0807060504, .raw = 0x1817161514131211};
  const std::string value = sources::encode(checkpoint);
  CHECK(sources::decode_checkpoint(key, value) == checkpoint);
  CHECK(value.size() == bytes + 25);
  CHECK(value[0] == 3);
  CHECK(value.substr(58, 16) ==
        std::string("\x04\x05\x06\x07\x08\0\0\0\x11\x12\x13\x14\x15\x16\x17\x18", 16));
  for (std::size_t cut = 0; cut < value.size(); ++cut) {
    CHECK_FALSE(sources::decode_checkpoint(key, std::string_view(value).substr(0, cut)));
  }
  checkpoint.point.offset = checkpoint.offset + 1;
  CHECK_FALSE(sources::decode_checkpoint(key, sources::encode(checkpoint)));
}

TEST_CASE("checkpoint: knows when a file holds nothing more", "[sources][checkpoint]") {
  sources::Checkpoint checkpoint = sample();
  checkpoint.offset = 100;
  CHECK(sources::covers(checkpoint, 100));
  CHECK_FALSE(sources::covers(checkpoint, 101));
  checkpoint.compressed_bytes = 20;
  CHECK(sources::covers(checkpoint, 20));
  CHECK_FALSE(sources::covers(checkpoint, 100));
  CHECK(sources::unread_bytes(checkpoint, 20) == 0);
  CHECK(sources::unread_bytes(checkpoint, 25) == 5);
  checkpoint.compressed_bytes = 0;
  CHECK(sources::unread_bytes(checkpoint, 125) == 25);
  checkpoint.transcoded = true;
  checkpoint.point = {.offset = 40, .raw = 80};
  CHECK_FALSE(sources::covers(checkpoint, 100));  // by chance as long as its text so far
  CHECK(sources::unread_bytes(checkpoint, 100) == 20);
}

TEST_CASE("checkpoint: anything cut, longer, newer or senseless is none", "[sources][checkpoint]") {
  const sources::Checkpoint checkpoint = sample();
  const std::string key = sources::checkpoint_key(checkpoint.flow, checkpoint.identity);
  const std::string value = sources::encode(checkpoint);
  for (std::size_t cut = 0; cut < value.size(); ++cut) {
    CAPTURE(cut);
    CHECK_FALSE(sources::decode_checkpoint(key, std::string_view(value).substr(0, cut)));
  }
  CHECK_FALSE(sources::decode_checkpoint(key, value + "x"));
  std::string newer = value;
  newer[0] = 4;
  CHECK_FALSE(sources::decode_checkpoint(key, newer));
  std::string senseless = value;
  senseless[30] = 2;  // more tail than there is
  CHECK_FALSE(sources::decode_checkpoint(key, senseless));
  for (const char* bad : {"", "flow", "flow 1 2", "flow 1 2 x", "flow 1 2 3x", "flow -1 2 3"}) {
    CAPTURE(bad);
    CHECK_FALSE(sources::decode_checkpoint(bad, value));
  }
}

TEST_CASE("tail hash: only the last bytes count, and each of them", "[sources][identity]") {
  const std::string bytes(300, 'a');
  CHECK(sources::tail_hash(bytes) == sources::tail_hash(bytes.substr(44)));
  CHECK(sources::tail_hash("") != sources::tail_hash("a"));
  CHECK(sources::tail_hash("abc") == 0xf120aee01df30dab);  // it is on disks: never to change
  for (std::size_t i = 44; i < 300; ++i) {
    std::string other = bytes;
    other[i] = 'b';
    CHECK(sources::tail_hash(other) != sources::tail_hash(bytes));
  }
}

TEST_CASE("head hash: the first 1,024 bytes count, and each of them", "[sources][identity]") {
  const std::string bytes(1100, 'a');
  CHECK(sources::head_hash(bytes) == sources::head_hash(bytes.substr(0, 1024)));
  CHECK(sources::head_hash("abc") == sources::tail_hash("abc"));
  for (const std::size_t i : {0, 1, 255, 256, 300, 1023}) {
    std::string other = bytes;
    other[i] = 'b';
    CHECK(sources::head_hash(other) != sources::head_hash(bytes));
  }
  sources::Checkpoint known = sample();
  known.tail_bytes = 1024;
  const std::string key = sources::checkpoint_key(known.flow, known.identity);
  CHECK_FALSE(sources::decode_checkpoint(key, sources::encode(known)));
  known.offset = 0;
  CHECK(sources::decode_checkpoint(key, sources::encode(known)) == known);
  known.tail_bytes = 1025;
  CHECK_FALSE(sources::decode_checkpoint(key, sources::encode(known)));
}

TEST_CASE("checkpoint: of a generation, where its last lines ended", "[sources][checkpoint]") {
  sources::Checkpoint checkpoint = sample();
  const std::string key = sources::checkpoint_key(checkpoint.flow, checkpoint.identity);
  checkpoint.gone = true;
  const std::size_t bytes = sources::encode(checkpoint).size();
  checkpoint.line_ends = {{checkpoint.offset - 0x010203, 5}, {checkpoint.offset - 1, 6}};
  std::string value = sources::encode(checkpoint);
  CHECK(sources::decode_checkpoint(key, value) == checkpoint);
  CHECK(value.size() == bytes + 2 + 2 * 12);
  CHECK(value[0] == 4);
  CHECK(value.substr(57, 15) == std::string("\1\2\0\3\2\1\0\5\0\0\0\0\0\0\0", 15));
  for (std::size_t cut = 0; cut < value.size(); ++cut) {
    CHECK_FALSE(sources::decode_checkpoint(key, std::string_view(value).substr(0, cut)));
  }
  value[58] = '\xff';  // more than anybody writes
  value[59] = '\xff';
  CHECK_FALSE(sources::decode_checkpoint(key, value));
  checkpoint.offset = 10;
  checkpoint.tail_bytes = 10;
  checkpoint.line_ends = {{11, 5}};  // behind its own offset
  CHECK_FALSE(sources::decode_checkpoint(key, sources::encode(checkpoint)));
}

TEST_CASE("checkpoint: where a link led to takes bytes only there", "[sources][checkpoint]") {
  for (const bool more : {false, true}) {
    sources::Checkpoint checkpoint = sample();
    const std::string key = sources::checkpoint_key(checkpoint.flow, checkpoint.identity);
    if (more) checkpoint.line_ends = {{checkpoint.offset - 3, 5}};
    const std::string plain = sources::encode(checkpoint);
    checkpoint.target = sources::LinkTarget("/else/b");
    const std::string value = sources::encode(checkpoint);
    CHECK(value == std::string("\5\7\0\0\0/else/b", 12) + plain);
    CHECK(sources::decode_checkpoint(key, value) == checkpoint);
    for (std::size_t cut = 0; cut < value.size(); ++cut) {
      CHECK_FALSE(sources::decode_checkpoint(key, std::string_view(value).substr(0, cut)));
    }
    CHECK_FALSE(sources::decode_checkpoint(key, std::string("\5\0\0\0\0", 5) + plain));
    CHECK_FALSE(sources::decode_checkpoint(key, std::string("\5\1\0\0\0x", 6) + value));
  }
}

TEST_CASE("checkpoint: what is seen later has the later time, whatever the clock did",
          "[sources][checkpoint]") {
  sources::Checkpoint checkpoint;
  sources::mark_seen(checkpoint, base::Timestamp(std::chrono::seconds(100)));
  CHECK(checkpoint.seen_us == 100'000'000);
  sources::mark_seen(checkpoint, base::Timestamp(std::chrono::seconds(40)));
  CHECK(checkpoint.seen_us == 100'000'001);
  sources::mark_seen(checkpoint, base::Timestamp(std::chrono::seconds(101)));
  CHECK(checkpoint.seen_us == 101'000'000);
}
