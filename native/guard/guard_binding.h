// The process guard for JavaScript, the same in both addons; src/cli/process-guard.ts describes it.
#pragma once

#include <napi.h>

#include "process_guard.h"

namespace guard {

inline Napi::Object binding(Napi::Env env)
{
	Napi::Object object = Napi::Object::New(env);
	object.Set("overwriteFreedMemory",
		   Napi::Function::New(env, [](const Napi::CallbackInfo &) { overwrite_freed_memory(); }));
	object.Set("forbidDumps", Napi::Function::New(env, [](const Napi::CallbackInfo &info) -> Napi::Value {
			   return Napi::String::New(info.Env(), forbid_dumps());
		   }));
	object.Set("lock", Napi::Function::New(env, [](const Napi::CallbackInfo &info) -> Napi::Value {
			   auto octets = info[0].As<Napi::Uint8Array>();
			   return Napi::String::New(info.Env(), lock(octets.Data(), octets.ByteLength()));
		   }));
	object.Set("burnStack", Napi::Function::New(env, [](const Napi::CallbackInfo &) { burn_stack(); }));
	object.Set("burnFreedBlocks", Napi::Function::New(env, [](const Napi::CallbackInfo &) { burn_freed_blocks(); }));
	return object;
}

} // namespace guard
