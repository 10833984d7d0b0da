// psp_ports.node: what the simulator's ports need from the kernel and Node does not offer.
#include <napi.h>

#include "tap_binding.h"

static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("Tap", psp::TapBinding::define(env));
  return exports;
}

NODE_API_MODULE(psp_ports, initialize)
