// The whole way of a chunk: read from the page cache, frame, route, gather, queue, settle, release,
// beside read() and the positions of newlines alone.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bench/bench.h"
#include "bench/lines.h"
#include "pipeline/intake.h"
#include "pipeline/source.h"

namespace {

struct NullSource final : pipeline::Source {
  void settled(pipeline::Parcel&) override {}
};

// A file of `text` in the page cache, without a name.
class CachedFile {
 public:
  explicit CachedFile(const std::string& text) {
    char path[] = "/tmp/pipeline_bench.XXXXXX";
    handle_ = mkstemp(path);
    if (handle_ < 0 || ::write(handle_, text.data(), text.size()) != std::ssize(text)) std::abort();
    unlink(path);
  }
  ~CachedFile() { close(handle_); }
  CachedFile(const CachedFile&) = delete;
  CachedFile& operator=(const CachedFile&) = delete;
  std::size_t read(std::span<char> into, std::uint64_t offset) const {
    const ssize_t got = pread(handle_, into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0) std::abort();
    return static_cast<std::size_t>(got);
  }

 private:
  int handle_;
};

class Flow {
 public:
  Flow(std::uint32_t shards, pipeline::PartitionKey key) {
    std::vector<pipeline::BatchQueue*> outlets;
    for (std::uint32_t i = 0; i <= shards; ++i) {
      queues_.push_back(std::make_unique<pipeline::BatchQueue>(1, doorbell_));
      outlets.push_back(queues_.back().get());
    }
    pipeline::ProgramOptions program;
    program.partition_key = std::move(key);
    intake_ = std::make_unique<pipeline::Intake>(
        pipeline::Intake::Parts{.program = std::move(program),
                                .map = pipeline::ShardMap::even(shards),
                                .outlets = std::move(outlets),
                                .slabs = slabs_,
                                .parcels = parcels_,
                                .budget = budget_,
                                .reactor = base::ReactorId{0},
                                .ringer = ringer_});
  }

  // Reads and settles the whole file; returns the number of records.
  std::uint64_t run(const CachedFile& file, std::span<char> buffer) {
    std::uint64_t offset = 0;
    std::uint64_t records = 0;
    while (const std::size_t got = file.read(buffer, offset)) {
      if (!budget_.take(got)) std::abort();
      const pipeline::Chunk chunk{
          .bytes = {buffer.data(), got}, .origin = base::Origin{9}, .offset = offset};
      const pipeline::Intake::Taken taken = intake_->take(chunk, source_, {}, got, {});
      if (taken.parcel == nullptr) break;
      records += taken.parcel->record_count;
      offset += taken.consumed;
      settle();
    }
    return records;
  }

 private:
  void settle() {
    pipeline::Batch* out[4];
    for (const auto& queue : queues_) {
      const std::size_t count = queue->drain(out);
      for (std::size_t i = 0; i < count; ++i) {
        if (pipeline::Parcel* parcel = pipeline::Intake::settle(*out[i])) intake_->release(*parcel);
      }
    }
  }

  pipeline::Doorbell doorbell_{nullptr, [](void*) noexcept {}};
  pipeline::Ringer ringer_;
  std::vector<std::unique_ptr<pipeline::BatchQueue>> queues_;
  pipeline::SlabPool slabs_{64 << 20};
  pipeline::ParcelPool parcels_;
  pipeline::Budget budget_{64 << 20, {}};
  NullSource source_;
  std::unique_ptr<pipeline::Intake> intake_;
};

std::size_t read_and_scan(const CachedFile& file, std::span<char> buffer) {
  const pipeline::NewlineScan& scan = pipeline::newline_scans().front();
  std::uint32_t out[pipeline::NewlineScan::kPieceBytes + pipeline::NewlineScan::kWriteAhead];
  std::uint64_t offset = 0;
  std::size_t lines = 0;
  while (const std::size_t got = file.read(buffer, offset)) {
    for (std::uint32_t at = 0; at < got; at += scan.kPieceBytes) {
      const auto end = std::min(static_cast<std::uint32_t>(got), at + scan.kPieceBytes);
      lines += static_cast<std::size_t>(scan.find(buffer.data(), at, end, '\n', out) - out);
    }
    offset += got;
  }
  return lines;
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report(argc, argv);
  const std::string text = bench::json_lines({.seed = 1, .bytes = 64 << 20, .line_bytes = 130});
  const CachedFile file(text);
  const bench::Work work{.items = bench::count_lines(text), .bytes = text.size()};
  for (const std::size_t chunk_bytes :
       {std::size_t{64} << 10, std::size_t{128} << 10, std::size_t{256} << 10}) {
    std::vector<char> memory(chunk_bytes + pipeline::kPaddingBytes);
    const std::span<char> buffer(memory.data(), chunk_bytes);
    const auto limit = [&] { bench::keep(read_and_scan(file, buffer)); };
    const std::string shape = std::string("/") + std::to_string(chunk_bytes >> 10) + "K";
    using Kind = pipeline::PartitionKey::Kind;
    for (const std::uint32_t shards : {1U, 16U}) {
      const std::string name =
          std::string("pipeline/") + std::to_string(shards) + " shards" + shape;
      Flow random(shards, {});
      report.beside(
          name + "/random", work, [&] { bench::keep(random.run(file, buffer)); }, "read and scan",
          limit);
      Flow constant(shards, {Kind::constant, "tenant"});
      report.beside(
          name + "/constant", work, [&] { bench::keep(constant.run(file, buffer)); },
          "read and scan", limit);
      Flow field(shards, {Kind::field, "/client"});
      report.beside(
          name + "/json field", work, [&] { bench::keep(field.run(file, buffer)); },
          "read and scan", limit);
    }
  }
}
