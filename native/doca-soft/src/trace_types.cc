#include "trace_types.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <iterator>

#include <doca_argp.h>
#include <doca_ctx.h>
#include <doca_dpdk.h>
#include <doca_flow.h>
#include <doca_flow_tune_server.h>
#include <doca_log.h>
#include <doca_mmap.h>
#include <doca_pe.h>
#include <doca_soft.h>

#include "../generated/trace_types.h"

namespace soft::trace {

// Releases of clang-format differ in braces within macros.
// clang-format off
#define REACH(S, member) static_cast<S *>(nullptr)->member
#define MEMBER(S, member, kind, type, ...) \
	{#member, Kind::kind, offsetof(S, member), sizeof(REACH(S, member)), 1, type, NOT_COUNTED, 0, {__VA_ARGS__}}
#define ARRAY(S, member, kind, type, ...) \
	{#member, Kind::kind, offsetof(S, member), sizeof(REACH(S, member)[0]), \
	 sizeof(REACH(S, member)) / sizeof(REACH(S, member)[0]), type, NOT_COUNTED, 0, {__VA_ARGS__}}
#define COUNTED(S, member, kind, type, counter, ...) \
	{#member, Kind::kind, offsetof(S, member), sizeof(REACH(S, member)), 1, type, offsetof(S, counter), \
	 sizeof(REACH(S, counter)), {__VA_ARGS__}}
#define POINTED(S, member, kind, type, counter, ...) \
	{#member, Kind::kind, offsetof(S, member), sizeof(*REACH(S, member)), 1, type, offsetof(S, counter), \
	 sizeof(REACH(S, counter)), {__VA_ARGS__}}
#define POINTED_ONE(S, member, kind, type, ...) \
	{#member, Kind::kind, offsetof(S, member), sizeof(*REACH(S, member)), 1, type, NOT_COUNTED, 0, {__VA_ARGS__}}
#define VALUES(...) {__VA_ARGS__}, std::size(std::initializer_list<int64_t>{__VA_ARGS__})
#define WHEN(S, selector, ...) {offsetof(S, selector), VALUES(__VA_ARGS__)}
#define BESIDE(...) {BESIDE_STRUCTURE, VALUES(__VA_ARGS__)}
#define ALWAYS {ALWAYS_TOLD, {}, 0}
// clang-format on

#include "../generated/trace_types.inc"

namespace {

constexpr const char *ALL_ONES = "all ones";

bool all(const uint8_t *octets, size_t count, uint8_t value)
{
	return std::all_of(octets, octets + count, [value](uint8_t octet) { return octet == value; });
}

uint64_t read_number(const uint8_t *at, size_t octets)
{
	uint64_t value = 0;
	memcpy(&value, at, std::min(octets, sizeof(value)));
	return value;
}

uint64_t read_big_endian(const uint8_t *at, size_t octets)
{
	uint64_t value = 0;
	for (size_t i = 0; i < octets; i++)
		value = value << 8 | at[i];
	return value;
}

int64_t read_signed(const uint8_t *at, size_t octets)
{
	if (octets == sizeof(int32_t)) {
		int32_t value;
		memcpy(&value, at, sizeof(value));
		return value;
	}
	return static_cast<int64_t>(read_number(at, octets));
}

const void *read_pointer(const uint8_t *at)
{
	const void *pointer;
	memcpy(&pointer, at, sizeof(pointer));
	return pointer;
}

bool has_value(const Condition &condition, int64_t value)
{
	return std::find(condition.values, condition.values + condition.count, value) != condition.values + condition.count;
}

bool holds(const Condition &condition, const uint8_t *structure, const Beside &beside)
{
	if (condition.at == BESIDE_STRUCTURE)
		return has_value(condition, beside.type);
	int64_t value = read_signed(structure + condition.at, sizeof(int32_t));
	if (value == 0 && beside.selectors != nullptr)
		value = read_signed(static_cast<const uint8_t *>(beside.selectors) + condition.at, sizeof(int32_t));
	return has_value(condition, value);
}

bool tells_zero(const Member &member)
{
	return member.kind <= Kind::ENUMERATION && (member.conditions[0].count > 0 || member.conditions[0].at == ALWAYS_TOLD);
}

bool counts(const Member &member, const uint8_t *structure, const Beside &beside)
{
	for (const Condition &condition : member.conditions) {
		if (condition.count > 0 && !holds(condition, structure, beside))
			return false;
	}
	return true;
}

// How many elements there are; none where a program leaves the number open by a negative one.
size_t number_of(const Member &member, const uint8_t *structure)
{
	if (member.counted_at == NOT_COUNTED)
		return 1;
	const int64_t count = read_signed(structure + member.counted_at, member.counter_octets);
	return count < 0 ? 0 : static_cast<size_t>(count);
}

void tell_pointed(JsonText &to, const Member &member, const uint8_t *structure, uint32_t depth)
{
	const auto *first = static_cast<const uint8_t *>(read_pointer(structure + member.at));
	const size_t count = number_of(member, structure);
	if (first == nullptr || count == 0 || depth >= DEPTH_MAX)
		return;
	to.open(member.name, '[');
	for (size_t i = 0; i < std::min(count, ELEMENTS_MAX); i++) {
		const uint8_t *at = first + i * member.octets;
		if (member.kind == Kind::NUMBERS)
			to.number(nullptr, read_number(at, member.octets));
		else
			tell_structure(to, nullptr, *static_cast<const Structure *>(member.type), at, {}, depth + 1);
	}
	tell_rest(to, count);
	to.close(']');
}

// One element that is not 0; `key` is nullptr in arrays.
void tell_value(JsonText &to, const char *key, const Member &member, const uint8_t *at, const Beside &beside, uint32_t depth)
{
	const bool is_all_ones = all(at, member.octets, 0xff);
	switch (member.kind) {
	case Kind::NUMBER:
	case Kind::NETWORK_ORDER:
	case Kind::MAC:
	case Kind::IP4:
	case Kind::IP6:
		if (is_all_ones)
			to.text(key, ALL_ONES);
		else if (member.kind == Kind::NUMBER)
			to.number(key, read_number(at, member.octets));
		else if (member.kind == Kind::NETWORK_ORDER)
			to.number(key, read_big_endian(at, member.octets));
		else if (member.kind == Kind::MAC)
			to.text(key, mac_text(at));
		else
			to.text(key, ip_text(member.kind == Kind::IP4 ? AF_INET : AF_INET6, at));
		return;
	case Kind::SIGNED:
		to.negative(key, read_signed(at, member.octets));
		return;
	case Kind::BOOLEAN:
		to.boolean(key, *at != 0);
		return;
	case Kind::ENUMERATION:
		if (is_all_ones)
			to.text(key, ALL_ONES);
		else
			tell_enumeration(to, key, *static_cast<const Enumeration *>(member.type),
					 member.octets == sizeof(int32_t) ? read_signed(at, member.octets)
									  : static_cast<int64_t>(read_number(at, member.octets)));
		return;
	case Kind::TEXT: {
		const auto *text = static_cast<const char *>(read_pointer(at));
		to.text(key, {text, strnlen(text, TEXT_OCTETS_MAX + 1)});
		return;
	}
	case Kind::SECRET:
		to.text(key, "left out");
		return;
	case Kind::PIPE:
		tell_pipe(to, key, static_cast<const doca_flow_pipe *>(read_pointer(at)));
		return;
	case Kind::STRUCTURE:
		tell_structure(to, key, *static_cast<const Structure *>(member.type), at, beside, depth + 1);
		return;
	default:
		to.boolean(key, true);
	}
}

void tell_member(JsonText &to, const Member &member, const uint8_t *structure, const Beside &beside, uint32_t depth)
{
	const uint8_t *at = structure + member.at;
	if (member.kind == Kind::STRUCTURES || member.kind == Kind::NUMBERS)
		return tell_pointed(to, member, structure, depth);
	if (member.kind == Kind::OCTETS) {
		const size_t there = member.counted_at == NOT_COUNTED ? member.octets : number_of(member, structure);
		const size_t count = std::min(there, member.octets);
		if (all(at, count, 0))
			return;
		if (all(at, count, 0xff))
			to.text(member.name, ALL_ONES);
		else
			to.octets(member.name, at, count);
		return;
	}
	// The selectors of structures within are in those within what is beside.
	Beside within = beside;
	if (within.selectors != nullptr)
		within.selectors = static_cast<const uint8_t *>(within.selectors) + member.at;
	if (member.elements == 1) {
		const size_t before = to.mark();
		if (tells_zero(member) || !all(at, member.octets, 0))
			tell_value(to, member.name, member, at, within, depth);
		// Of a structure of which nothing counts nothing is told.
		if (member.kind == Kind::STRUCTURE && to.mark() > before && to.str().back() == '}' &&
		    to.str()[to.str().size() - 2] == '{')
			to.back_to(before);
		return;
	}
	if (all(at, member.octets * member.elements, 0))
		return;
	to.open(member.name, '[');
	for (size_t i = 0; i < std::min(member.elements, ELEMENTS_MAX); i++)
		tell_value(to, nullptr, member, at + i * member.octets, within, depth);
	tell_rest(to, member.elements);
	to.close(']');
}

} // namespace

void tell_structure(JsonText &to, const char *key, const Structure &type, const void *value, const Beside &beside, uint32_t depth)
{
	to.open(key, '{');
	for (size_t i = 0; i < type.count && depth < DEPTH_MAX; i++) {
		const auto *structure = static_cast<const uint8_t *>(value);
		if (counts(type.members[i], structure, beside))
			tell_member(to, type.members[i], structure, beside, depth);
	}
	to.close('}');
}

void tell_enumeration(JsonText &to, const char *key, const Enumeration &type, int64_t value)
{
	const auto *end = type.values + type.count;
	const auto *found = std::find_if(type.values, end, [value](const EnumerationValue &one) { return one.value == value; });
	if (found != end)
		to.text(key, found->name);
	else
		to.negative(key, value);
}

void tell_rest(JsonText &to, size_t count)
{
	if (count > ELEMENTS_MAX)
		to.text(nullptr, "and " + std::to_string(count - ELEMENTS_MAX) + " more");
}

std::string ip_text(int family, const uint8_t *octets)
{
	char text[INET6_ADDRSTRLEN];
	return inet_ntop(family, octets, text, sizeof(text));
}

std::string mac_text(const uint8_t *octets)
{
	char text[3 * 6];
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", octets[0], octets[1], octets[2], octets[3], octets[4],
		 octets[5]);
	return text;
}

} // namespace soft::trace
