// Finds and opens a representor by its name.
#pragma once

#include <string>

#include <doca_dev.h>

// `representor` is a PCI address, a number in the device's list ("[1]"), or a name ("pf0vf1", "vf1", "sf4"; "pf0" means the first
// of that PF); of several the first counts. Throws Failure, which names the representors that the device has.
doca_dev_rep *open_representor(doca_dev *dev, const std::string &representor);
