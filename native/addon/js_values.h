// Values of JavaScript (src/hal-doca/native.ts) read into plain structures, and typed arrays made of octets.
#pragma once

#include <napi.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "program.h"

// Empty where there is no typed array.
std::vector<uint8_t> octets_of(const Napi::Value &value);

// The member `name` of an object; a member that is missing or of another type is `absent`, false or empty.
uint32_t number_of(const Napi::Object &object, const char *name, uint32_t absent = 0);
bool flag_of(const Napi::Object &object, const char *name);
std::string text_of(const Napi::Object &object, const char *name);

// Reads each element of an array with `read`; empty where there is no array.
template <typename Item, typename Read> std::vector<Item> list_of(const Napi::Value &value, Read read)
{
	std::vector<Item> items;
	if (!value.IsArray())
		return items;
	const auto array = value.As<Napi::Array>();
	for (uint32_t i = 0; i < array.Length(); i++)
		items.push_back(read(array.Get(i)));
	return items;
}

// Throw Failure NOT_SUPPORTED for a field that DOCA does not have.
ProgramSpec program_of(const Napi::Value &value);
ControlEntrySpec control_entry_of(const Napi::Value &value);

// The items of a typed array.
template <typename Array> auto items_of(const Napi::Value &value)
{
	const auto array = value.As<Array>();
	using Item = std::remove_pointer_t<decltype(array.Data())>;
	return std::vector<std::remove_const_t<Item>>(array.Data(), array.Data() + array.ElementLength());
}

// A new typed array with `count` items from `from`, which may be nullptr when there are none.
template <typename Array, typename Item> Array array_of(Napi::Env env, const Item *from, size_t count)
{
	Array array = Array::New(env, count);
	std::copy_n(from, count, array.Data());
	return array;
}
