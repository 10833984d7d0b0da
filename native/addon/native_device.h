// A device as JavaScript sees it; src/hal-doca/native.ts is its declaration.
#pragma once

#include <napi.h>

// openDevice(options, handler of received packets): a promise of {device, ports, release}.
Napi::Value open_device(const Napi::CallbackInfo &info);
