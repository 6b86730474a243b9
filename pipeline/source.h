// Source: something that yields chunks and accepts settlement. What an acknowledgement *is* differs
// by source, and that is the whole difference: for a file it moves the watermark, for an HTTP
// producer it is the response.
#pragma once

#include "pipeline/batch.h"

namespace pipeline {

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  // Every batch of `parcel` is safe. On the home reactor; the source
  // gives the parcel back (Intake::release).
  virtual void settled(Parcel& parcel) = 0;
};

}  // namespace pipeline
