// Limits: what the machine can do with a file when nothing of ours is in the way, as bodies for
// run_child(): each returns 0 or a code.
#pragma once

#include <cstdint>
#include <string>

namespace agent_bench {

// read() in 256 KiB pieces, nothing more. Also warms the page cache.
int read_file(const std::string& path);

// read() and the position of every newline, with the project's widest scan.
int read_and_find_newlines(const std::string& path);

// read(), newlines, and one field of each line by simdjson On-Demand, one document per line.
int read_and_take_field(const std::string& path);

// LZ4 of 1 MiB blocks on `threads` threads, each its part of the file; the output goes nowhere.
int compress_lz4(const std::string& path, std::uint32_t threads);

}  // namespace agent_bench
