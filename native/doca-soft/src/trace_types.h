// How structures and enumerations of the API are told, by tables that are made of the headers (generated/trace_types.inc).
#pragma once

#include <cstddef>
#include <cstdint>

#include "trace_text.h"

struct doca_flow_pipe;

#pragma GCC visibility push(default)
namespace soft::trace {

// Elements of an array that are told; of those beyond them the number.
constexpr size_t ELEMENTS_MAX = 16;
// How deep structures that point to structures are told.
constexpr uint32_t DEPTH_MAX = 6;

struct EnumerationValue {
	int64_t value;
	const char *name;
};

struct Enumeration {
	const EnumerationValue *values;
	size_t count;
};

enum class Kind : uint8_t {
	NUMBER,
	SIGNED,
	// In network byte order.
	NETWORK_ORDER,
	BOOLEAN,
	ENUMERATION,
	MAC,
	IP4,
	IP6,
	OCTETS,
	TEXT,
	// Octets that are never told.
	SECRET,
	STRUCTURE,
	// Pointers to structures, and to numbers.
	STRUCTURES,
	NUMBERS,
	PIPE,
	POINTER,
};

// A member counts, and is told even when it is 0, when another member of its structure, or with BESIDE what stands beside the structure, has one of these values.
struct Condition {
	static constexpr size_t VALUES_MAX = 2;
	size_t at;
	int64_t values[VALUES_MAX];
	size_t count;
};

constexpr size_t BESIDE_STRUCTURE = SIZE_MAX;
// In the place of a condition: there is none, and the member is told when it is 0, too.
constexpr size_t ALWAYS_TOLD = SIZE_MAX - 1;
constexpr size_t NOT_COUNTED = SIZE_MAX;

struct Member {
	static constexpr size_t CONDITIONS_MAX = 2;
	const char *name;
	Kind kind;
	size_t at;
	// Of one element.
	size_t octets;
	size_t elements;
	// An Enumeration or a Structure.
	const void *type;
	// The member that says how many elements, or octets, there are, and its size.
	size_t counted_at;
	size_t counter_octets;
	Condition conditions[CONDITIONS_MAX];
};

struct Structure {
	const Member *members;
	size_t count;
	size_t octets;
};

// What members of unions are told by, where the structure itself does not say it.
struct Beside {
	// Another structure of the same type: a mask has the selectors of the match that it belongs to.
	const void *selectors = nullptr;
	int64_t type = 0;
};

// Appends an object with the members that are not 0.
void tell_structure(JsonText &to, const char *key, const Structure &type, const void *value, const Beside &beside,
		    uint32_t depth = 0);
void tell_enumeration(JsonText &to, const char *key, const Enumeration &type, int64_t value);
// Ends an array of which only the first elements are told.
void tell_rest(JsonText &to, size_t count);
// A pipe by its number and name; a pointer to what is none by that it is there.
void tell_pipe(JsonText &to, const char *key, const doca_flow_pipe *pipe);
std::string ip_text(int family, const uint8_t *octets);
std::string mac_text(const uint8_t *octets);

} // namespace soft::trace
#pragma GCC visibility pop
