// Which representor of a device a name means, and opening it.
#pragma once

#include <string>

#include <doca_dev.h>

// By PCI address, by its number in the device's list ("[1]"), or by name ("pf0vf1", "vf1", "sf4", "pf0": the first of that PF).
// Of a list the first. Throws Failure, which names those that there are.
doca_dev_rep *open_representor(doca_dev *dev, const std::string &representor);
