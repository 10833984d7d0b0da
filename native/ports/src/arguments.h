// Arguments that JavaScript gives to the bindings, checked.
#pragma once

#include <napi.h>

#include <cstdint>
#include <span>
#include <string>

namespace psp {

inline std::span<const uint8_t> octets_of(const Napi::Value &value, const char *what)
{
	if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
		throw Napi::TypeError::New(value.Env(), std::string(what) + ": expected a Uint8Array");
	}
	const auto array = value.As<Napi::Uint8Array>();
	return {array.Data(), array.ByteLength()};
}

inline Napi::Function function_of(const Napi::Value &value, const char *what)
{
	if (!value.IsFunction())
		throw Napi::TypeError::New(value.Env(), std::string(what) + ": expected a function");
	return value.As<Napi::Function>();
}

inline std::string interface_name_of(const Napi::Value &value)
{
	if (!value.IsString())
		throw Napi::TypeError::New(value.Env(), "expected the interface's name");
	return value.As<Napi::String>();
}

} // namespace psp
