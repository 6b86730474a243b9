// What is different for files in UTF-16: where their text begins, and how a restart finds its
// place.
#include <algorithm>
#include <memory>

#include "sources/file_tail.h"

namespace sources {

// Its offset is one of other bytes and says nothing now. What discovery says of a fresh file, that
// it is to begin at its end, stays.
void FileTail::begin_anew_in_other_encoding() {
  if (!checkpoint_.transcoded && checkpoint_.tail_bytes == 0) return;
  ++checkpoint_.generation;
  checkpoint_.origin = base::Origin::none;
  checkpoint_.offset = 0;
  checkpoint_.tail_bytes = 0;
  checkpoint_.tail_hash = 0;
  checkpoint_.compressed_bytes = 0;
  checkpoint_.transcoded = false;
  checkpoint_.past_footer = false;
  passed_something_over();  // perhaps: whoever reads it in another encoding may read it anew
  checkpoint_.point = {};
  marks_.clear();
  window_.restart(0);
  offset_ = seen_end_ = text_end_ = 0;
}

void FileTail::begin_transcoding() {
  if (!checkpoint_.transcoded && offset_ > 0) {
    // To begin at the end, discovery said. It knows the file's size only. How long the text before
    // it is nobody needs to know: as many NULs stand for it as are compared.
    passed_something_over();
    checkpoint_.point = {.offset = kTailBytes, .raw = offset_ - offset_ % 2};
    checkpoint_.offset = offset_ = seen_end_ = text_end_ = kTailBytes;
    window_.restart(offset_);
  }
  checkpoint_.transcoded = true;
  utf16_ = std::make_unique<Utf16File>(Utf16File::Parts{.environment = parts_.environment,
                                                        .handle = handle_,
                                                        .encoding = parts_.options.encoding,
                                                        .replaced = parts_.counters.utf16_replaced,
                                                        .begin = checkpoint_.point,
                                                        .offset = offset_});
}

void FileTail::read_text(TailRead& read, std::uint64_t from) {
  if (!read.spare) read.spare = std::make_unique_for_overwrite<char[]>(Utf16File::kRawBytes);
  utf16_->read(read.operation, read.buffer, from, {read.spare.get(), Utf16File::kRawBytes});
}

// The checkpoint's offset has changed. A restart first reads the bytes before it.
void FileTail::note_point() {
  if (!utf16_) return;
  const std::uint64_t from = checkpoint_.offset - checkpoint_.tail_bytes;
  utf16_->forget_before(from);
  checkpoint_.point = utf16_->point_before(from);
}

}  // namespace sources
