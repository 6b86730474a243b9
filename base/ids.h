// The nouns that must not be mixed up, and time.
#pragma once

#include <chrono>
#include <cstdint>

namespace base {

// Index of a reactor, 0 … N-1.
enum class ReactorId : std::uint32_t {};

// Index of a shard within its stream (store), or of an outlet within a flow's target (pipeline).
enum class ShardNumber : std::uint32_t {};

// Names one generation of one source to the shards that store its records. Drawn at random and
// written to the checkpoint log before the first record under it is delivered, so that a mark can
// never be mistaken for another generation's (docs/design/0002-origins-are-drawn.md). 0: none.
enum class Origin : std::uint64_t { none = 0 };

// Position of a record in its shard: dense, from 0.
using SequenceNumber = std::uint64_t;

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;  // monotonic
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;            // wall clock, UTC

constexpr std::uint32_t index(ReactorId id) { return static_cast<std::uint32_t>(id); }
constexpr std::uint32_t index(ShardNumber number) { return static_cast<std::uint32_t>(number); }
constexpr std::uint64_t value(Origin origin) { return static_cast<std::uint64_t>(origin); }

inline namespace literals {
constexpr std::uint64_t operator""_KiB(unsigned long long n) { return n << 10; }
constexpr std::uint64_t operator""_MiB(unsigned long long n) { return n << 20; }
constexpr std::uint64_t operator""_GiB(unsigned long long n) { return n << 30; }
}  // namespace literals

}  // namespace base
