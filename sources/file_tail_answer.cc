// What discovery asks, for copies: is it still the file it was, and how far is it?
#include "sources/file_tail.h"

namespace sources {

// The file under us is the one it was, after the question.
void FileTail::answer() {
  if (asked_ == 0) return;
  const auto status = this->status();
  const bool seen = binary_ || (status && status->size <= seen_end_);
  parts_.turns.verified.push_back({.number = number_,
                                   .question = asked_,
                                   .origin = checkpoint_.origin,
                                   .offset = window_.watermark(),
                                   .exhausted = reached_end_ && window_.empty() && seen});
  if (question_ == asked_) question_ = 0;
  asked_ = 0;
}

// In the middle of a long line, which goes on where it was.
void FileTail::answer_only(TailRead& read, std::string_view bytes) {
  const Continuity continuity = compare(bytes);
  free(read, true);
  if (continuity == Continuity::refilled) return start_over();
  if (continuity == Continuity::unclear) return back_off();
  answer();
  make_ready();
}

}  // namespace sources
