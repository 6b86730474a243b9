// LineStyle: how a line is written as bytes, and what stands around lines.
//
// A line says who wrote it and when, and its length follows from that, so that a torn, shifted or
// doubled one cannot pass for another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.h"
#include "tests/sim/sim_random.h"

namespace sim {

struct WrittenLine {
  std::uint32_t writer = 0;
  std::uint32_t generation = 0;  // of the writer's file
  std::uint64_t number = 0;      // from 0, over all generations
};

struct LineStyle {
  std::string delimiter = "\n";
  bool carriage_returns = false;   // CR LF
  bool empty_lines = false;        // some lines are followed by empty ones, which nobody asks for
  std::uint32_t header_lines = 0;  // before a generation's first line; nobody asks for them
  std::uint32_t banner_lines = 0;  // the same, but to be stored; in all files alike (F17)
  bool byte_order_mark = false;    // at each generation's beginning
  bool wide_letters = false;       // of two to four bytes
  std::size_t line_bytes_min = 0;  // of text
  std::size_t line_bytes_max = 0;  // the flow cuts longer ones off here; 0: no
  sources::Encoding encoding = sources::Encoding::utf8;

  static LineStyle drawn(SimRandom& random);
  void describe(config::Flow& flow) const;
  std::string told() const;

  // As it is stored, and back. False: nobody ever writes that.
  std::string text(const WrittenLine& line) const;
  bool parse(std::string_view given, WrittenLine& line) const;
  std::string banner(std::uint32_t number) const;

  // As it is written, encoded already.
  std::string beginning() const;  // of a generation
  std::string end_of_line(SimRandom& random) const;
  std::string written(const WrittenLine& line) const;  // without its end

 private:
  std::string whole_text(const WrittenLine& line) const;
  std::string encode(std::string_view text) const;
};

}  // namespace sim
