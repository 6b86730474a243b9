#include "sources/utf16.h"

#include <bit>
#include <cstring>

namespace sources {
namespace {

constexpr std::uint32_t kReplacement = 0xfffd;
constexpr std::size_t kBlockUnits = 16;  // the compiler makes a few vector instructions of them

constexpr bool is_high(std::uint32_t unit) { return (unit & 0xfc00U) == 0xd800U; }
constexpr bool is_low(std::uint32_t unit) { return (unit & 0xfc00U) == 0xdc00U; }

template <ByteOrder kOrder>
constexpr std::uint16_t native(std::uint16_t unit) {
  constexpr bool kSame =
      (kOrder == ByteOrder::little) == (std::endian::native == std::endian::little);
  return kSame ? unit : static_cast<std::uint16_t>(unit >> 8 | unit << 8);
}

std::size_t utf8_bytes(std::uint32_t character) {
  return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
}

void put(std::uint32_t character, std::size_t bytes, char* out) {
  if (bytes == 1) {
    *out = static_cast<char>(character);
    return;
  }
  for (std::size_t i = bytes - 1; i > 0; --i) {
    out[i] = static_cast<char>(0x80U | (character & 0x3fU));
    character >>= 6;
  }
  *out = static_cast<char>((0xf00U >> bytes) | character);  // as many ones as there are bytes
}

template <ByteOrder kOrder>
class Transcoding {
 public:
  Transcoding(std::string_view in, std::span<char> out)
      : in_(in.data()), units_(in.size() / 2), out_(out.data()), room_(out.size()) {}

  Transcoded run() {
    do {
      take_ascii();
    } while (take_some());
    return {.taken = 2 * at_, .given = given_, .replaced = replaced_};
  }

 private:
  std::uint32_t unit(std::size_t at) const {
    std::uint16_t raw = 0;
    std::memcpy(&raw, in_ + 2 * at, sizeof raw);
    return native<kOrder>(raw);
  }

  void take_ascii() {
    while (units_ - at_ >= kBlockUnits && room_ - given_ >= kBlockUnits) {
      std::uint16_t block[kBlockUnits];
      std::memcpy(block, in_ + 2 * at_, sizeof block);
      std::uint16_t all = 0;
      for (std::uint16_t& each : block) {
        each = native<kOrder>(each);
        all = static_cast<std::uint16_t>(all | each);
      }
      if (all >= 0x80) return;
      for (std::size_t i = 0; i < kBlockUnits; ++i) out_[given_ + i] = static_cast<char>(block[i]);
      at_ += kBlockUnits;
      given_ += kBlockUnits;
    }
  }

  // A block's worth of characters one by one. False: no more can be taken.
  bool take_some() {
    for (std::size_t i = 0; i < kBlockUnits; ++i) {
      if (at_ == units_) return false;
      std::uint32_t character = unit(at_);
      std::size_t units = 1;
      bool alone = is_low(character);
      if (is_high(character)) {
        if (at_ + 1 == units_) return false;
        const std::uint32_t next = unit(at_ + 1);
        alone = !is_low(next);
        if (!alone) {
          character = 0x10000U + ((character & 0x3ffU) << 10) + (next & 0x3ffU);
          units = 2;
        }
      }
      if (alone) character = kReplacement;
      const std::size_t bytes = utf8_bytes(character);
      if (bytes > room_ - given_) return false;
      put(character, bytes, out_ + given_);
      at_ += units;
      given_ += bytes;
      replaced_ += alone ? 1 : 0;
    }
    return true;
  }

  const char* in_;
  std::size_t units_;
  char* out_;
  std::size_t room_;
  std::size_t at_ = 0;  // units taken
  std::size_t given_ = 0;
  std::size_t replaced_ = 0;
};

}  // namespace

Transcoded utf16_to_utf8(std::string_view in, ByteOrder order, std::span<char> out) {
  return order == ByteOrder::little ? Transcoding<ByteOrder::little>(in, out).run()
                                    : Transcoding<ByteOrder::big>(in, out).run();
}

}  // namespace sources
