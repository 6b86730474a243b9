// main() of tests that mount is in own_mounts_main.cc: it gives them a mount namespace of their
// own, so that whatever they leave behind goes with them. Where that is not to be had, or the
// device they need is not there, they say so and are skipped.
#pragma once

namespace process {

extern const char* const kNeededDevice;  // each program defines it; "": none

}  // namespace process
