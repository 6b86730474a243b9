// read_from: what a flow reads: files by patterns, standard input, or a FIFO.
#pragma once

#include "config/config.h"
#include "config/mistake.h"
#include "config/node.h"
#include "config/read.h"

namespace config {

void read_from(const Node& node, Flow& flow, Places::Flow& places, Mistakes& mistakes);

}  // namespace config
