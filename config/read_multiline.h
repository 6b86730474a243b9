// read_multiline(): a flow's 'multiline': which lines make one record.
#pragma once

#include "config/mistake.h"
#include "config/node.h"
#include "pipeline/line_groups.h"

namespace config {

void read_multiline(const Node& node, pipeline::GroupOptions& groups, Mistakes& mistakes);

}  // namespace config
