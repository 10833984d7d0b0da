// DOCA's structures of matches and actions with the words 6 to 9 of the PSP header behind them, which definitions name
// (doca_flow_definitions.h). Every match and every set of actions that the addon gives DOCA is one of these.
#pragma once

#include <doca_flow.h>

constexpr uint32_t PSP_WORD_FIRST = 6;
constexpr uint32_t PSP_WORDS = 4;

struct Match : doca_flow_match {
	doca_be32_t psp_words[PSP_WORDS];
};

struct Actions : doca_flow_actions {
	doca_be32_t psp_words[PSP_WORDS];
};
