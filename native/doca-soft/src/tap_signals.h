// net_tap makes the kernel send the process a signal for every packet, which spares it polls of TAP interfaces without packets. A
// thread that polls anyway is faster without the signals.
#pragma once

namespace soft {

// net_tap's handler of these signals. A call makes net_tap's ports poll their interfaces once.
using TapLook = void (*)(int signal);

// Switches the signals off for all ports of net_tap that are set up. Returns the handler, which must be called before each poll
// of such a port from now on; nullptr when there are no such signals.
TapLook stop_tap_signals();

} // namespace soft
