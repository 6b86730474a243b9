// Standard input, output and error must be there, if only as something that refuses: the kernel
// gives the lowest free number to whatever is opened next, and a segment or a ring that is
// descriptor 0 would be read as standard input.
#pragma once

namespace io {

// First of all in main(). Where one of the three is closed, it is opened such that every use still
// fails with EBADF.
void occupy_standard_streams();

}  // namespace io
