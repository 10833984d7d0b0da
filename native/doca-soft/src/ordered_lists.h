// Templates of ordered lists, and what entries give for their elements.
#pragma once

#include "list_pipes.h"

namespace soft {

#if DOCA_SOFT_RELEASE_ >= 300

// Reads the values that an entry gives for the elements of its list, which is one of the pipe's.
doca_error_t read_elements(const OrderedListPipe &pipe, const doca_flow_ordered_list &list, EntryHot &hot);

#endif

} // namespace soft
