// The addon of --hal=doca; src/hal-doca/native.ts is its declaration.
#include <napi.h>

#include "../guard/guard_binding.h"
#include "fields.h"
#include "log_stream.h"
#include "native_device.h"
#include "tasks.h"

namespace {

// The fields that the addon knows. src/hal-doca/addon-fields.ts compares them with PipeHAL's when it loads the addon.
Napi::Array fields(Napi::Env env)
{
	Napi::Array list = Napi::Array::New(env);
	for (const DocaField *field : doca_fields()) {
		Napi::Object object = Napi::Object::New(env);
		object.Set("name", Napi::String::New(env, field->name));
		object.Set("widthBits", Napi::Number::New(env, field->flag ? 1 : field->octets * 8));
		object.Set("writable", Napi::Boolean::New(env, field->to_actions != nullptr));
		list.Set(list.Length(), object);
	}
	return list;
}

// Lines of DOCA's log that standard output did not take.
Napi::Value lost_lines(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), static_cast<double>(lost_log_lines()));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports)
{
	prepare_tasks(env);
	exports.Set("openDevice", Napi::Function::New(env, open_device));
	exports.Set("fields", fields(env));
	exports.Set("guard", guard::binding(env));
	exports.Set("lostLogLines", Napi::Function::New(env, lost_lines));
	return exports;
}

} // namespace

NODE_API_MODULE(psp_gateway_doca, initialize)
