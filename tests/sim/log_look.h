// LogLook: what LogWriters wrote, compared with what is stored: every whole line once, nothing
// else, and the lines of one generation of a file in order within a shard.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/log_writers.h"
#include "tests/sim/workload.h"

namespace sim {

class LogLook final : public Look {
 public:
  explicit LogLook(const LogWriters& writers);

  void begin_shard() override;
  // One line, or several with delimiters between.
  std::string take(std::string_view record) override;
  std::string missing() const override;

 private:
  std::string take_line(std::string_view text);
  bool is_banner(std::string_view text);

  const LogWriters& writers_;
  std::vector<std::vector<bool>> seen_;          // writer → line number
  std::vector<std::vector<std::int64_t>> last_;  // writer → generation → number, of one shard
  std::vector<std::uint64_t> banners_;           // number → seen
};

}  // namespace sim
