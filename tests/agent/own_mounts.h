// main() of tests that mount is in own_mounts_main.cc: it gives them a mount namespace of their
// own, so that whatever they leave behind goes with them. Where that is not to be had, or what else
// they need is not there, they say so and are skipped.
#pragma once

#include <string>

namespace process {

// Why the program's tests cannot run here; empty: they can. Each program defines it. Asked in the
// new namespace, outside of any test.
std::string obstacle();

// For it. Empty: the device can be opened.
std::string cannot_open(const std::string& device);
std::string with_error(const std::string& what);  // and what errno says

}  // namespace process
