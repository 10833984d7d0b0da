// net_tap has the kernel send the process a signal for every packet, so that it need not look at a TAP interface in vain.
// A thread that polls anyway is better off without.
#pragma once

namespace soft {

// What net_tap's handler of such signals is: a call makes its ports look at their interfaces once.
using TapLook = void (*)(int signal);

// Switches the signals off, for all ports of net_tap that are set up. What must be called before each poll of one from now
// on; nullptr: there are no such signals, and nothing to call.
TapLook stop_tap_signals();

} // namespace soft
