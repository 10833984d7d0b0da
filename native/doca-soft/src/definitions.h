// The fields that a program has added to matches and actions by doca_flow_definitions_*.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include <doca_flow.h>

namespace soft {

// The words of the PSP header that definitions can name, counted from 1.
constexpr uint32_t PSP_WORD_FIRST = 6;
constexpr uint32_t PSP_WORDS = 4;
// The largest size of a program's match, and of its actions.
constexpr uint32_t EXTENDED_OCTETS_MAX = 4096;

// Where a program has the words of the PSP header: their offsets in its own structure, which begins with DOCA's; 0 for those
// that it has not.
struct WordOffsets {
	std::array<uint16_t, PSP_WORDS> at{};
	// The size of the program's structure, as far as its fields go.
	size_t octets = 0;
};

struct Definitions {
	WordOffsets match;
	WordOffsets actions;
};

// Those that the program has given doca_flow_init.
extern Definitions definitions;

// A copy of a structure that a program gave, with the fields behind it that the definitions place there.
template <typename Structure> class Extended {
public:
	// All 0.
	explicit Extended(const WordOffsets &words) : octets_(std::max(sizeof(Structure), words.octets)) {}
	Extended(const Structure &given, const WordOffsets &words)
		: octets_(reinterpret_cast<const uint8_t *>(&given),
			  reinterpret_cast<const uint8_t *>(&given) + std::max(sizeof(Structure), words.octets))
	{
	}

	const Structure &operator*() const { return *reinterpret_cast<const Structure *>(octets_.data()); }
	Structure &operator*() { return *reinterpret_cast<Structure *>(octets_.data()); }

private:
	// From operator new, and so aligned for any structure.
	std::vector<uint8_t> octets_;
};

} // namespace soft
