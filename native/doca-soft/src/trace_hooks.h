// What the library tells the trace besides its calls.
#pragma once

#include <cstdint>

#include <doca_flow.h>

namespace soft::trace {

// The number of a new pipe.
uint32_t next_pipe_number();
void pipe_gone(const doca_flow_pipe &pipe);
// An operation on an entry is done, and reported.
void entry_reported(const doca_flow_pipe_entry &entry, doca_flow_entry_op operation, bool succeeded);

} // namespace soft::trace
