// The representors that devargs name.
#pragma once

#include <string>
#include <vector>

#include "mapping.h"

namespace soft {

// The representors of "representor=" in devargs, as in "dv_flow_en=2,representor=pf0vf[0-1]", in their order; none where it is not
// there. A number alone is a VF's. Throws std::runtime_error where the mapping has no such representor.
std::vector<const RepresentorMapping *> named_representors(const std::string &devargs, const DeviceMapping &mapping);

} // namespace soft
