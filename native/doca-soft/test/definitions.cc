// Fields that a program defines: words of the PSP header, which it has behind DOCA's structures. `definitions CASE` is one process,
// for EAL starts once (test/native/definitions.test.ts).
#include "cases.h"
#include "world.h"

#include <cstddef>

#include <doca_flow_definitions.h>

using namespace world;

namespace {

constexpr uint32_t WORDS = 4;
const char *const NAMES[WORDS] = {"dw6", "dw7", "dw8", "dw9"};
constexpr uint16_t PSP_PORT = 1000;
constexpr uint8_t PROTOCOL_UDP = 17;
// Word 6 of the PSP header in a frame of psp_frame().
constexpr size_t WORD_6 = 14 + 40 + 8 + 20;

// Between DOCA's structure and the words stands something else of the program's.
struct Match {
	doca_flow_match base;
	uint8_t own[13];
	uint32_t words[WORDS];
};

struct Actions {
	doca_flow_actions base;
	uint32_t words[WORDS];
};

using Words = std::vector<uint32_t>;

uint32_t word(uint32_t value)
{
	return rte_cpu_to_be_32(value);
}

doca_flow_definitions *new_definitions()
{
	doca_flow_definitions_cfg *cfg;
	doca_flow_definitions *made;
	OK(doca_flow_definitions_cfg_create(&cfg));
	OK(doca_flow_definitions_create(cfg, &made));
	OK(doca_flow_definitions_cfg_destroy(cfg));
	return made;
}

doca_error_t add(doca_flow_definitions *to, const std::string &structure, uint32_t i, size_t offset, uint32_t size = 4)
{
	const std::string opcode = structure + ".packet.tunnel.psp." + NAMES[i];
	return doca_flow_definitions_add_field(to, opcode.c_str(), static_cast<uint32_t>(offset), size);
}

// A device whose program has all words in matches, and in actions.
void start_with_words()
{
	doca_flow_definitions *words = new_definitions();
	for (uint32_t i = 0; i < WORDS; i++) {
		OK(add(words, "match", i, offsetof(Match, words) + 4 * i));
		OK(add(words, "actions", i, offsetof(Actions, words) + 4 * i));
	}
	doca_flow_cfg *cfg;
	OK(doca_flow_cfg_create(&cfg));
	OK(doca_flow_cfg_set_mode_args(cfg, "switch,hws,isolated,expert"));
	OK(doca_flow_cfg_set_pipe_queues(cfg, PIPE_QUEUES));
	OK(doca_flow_cfg_set_cb_entry_process(cfg, entry_done));
	OK(doca_flow_cfg_set_definitions(cfg, words));
	start_device();
	OK(doca_flow_init(cfg));
	// Neither is looked at any more.
	doca_flow_cfg_destroy(cfg);
	doca_flow_definitions_destroy(words);
	OK(start_flow_port(pf, dev, nullptr, pf_port));
	OK(start_flow_port(pf + 1, nullptr, rep, vf_port));
}

// A datagram with a PSP header of `header_octets`, whose words from 6 on are these.
Frame psp_frame(const Words &words, uint32_t header_octets = 40, uint16_t port = PSP_PORT)
{
	Frame payload(8 + header_octets + 20);
	payload[2] = static_cast<uint8_t>(port >> 8);
	payload[3] = static_cast<uint8_t>(port);
	payload[4] = static_cast<uint8_t>(payload.size() >> 8);
	payload[5] = static_cast<uint8_t>(payload.size());
	payload[8] = 41;
	payload[9] = static_cast<uint8_t>(header_octets / 8 - 1);
	payload[11] = 0x01;
	payload[15] = 9;
	for (size_t i = 0; i < words.size(); i++) {
		const uint32_t value = word(words[i]);
		memcpy(&payload[8 + 20 + 4 * i], &value, sizeof(value));
	}
	return ip6_frame(1, 2, PROTOCOL_UDP, payload);
}

// The words 6 to 9 of a frame.
Words words_of(const Frame &frame)
{
	Words words;
	for (uint32_t i = 0; i < WORDS; i++) {
		uint32_t value;
		memcpy(&value, &frame[WORD_6 + 4 * i], sizeof(value));
		words.push_back(word(value));
	}
	return words;
}

void set(uint32_t (&into)[WORDS], const Words &words)
{
	for (size_t i = 0; i < words.size(); i++)
		into[i] = word(words[i]);
}

doca_flow_fwd to_vf()
{
	doca_flow_fwd fwd = forward_of(DOCA_FLOW_FWD_PORT);
	fwd.port_id = static_cast<uint16_t>(pf + 1);
	return fwd;
}

// A root that sends what it matches to the VF.
doca_flow_pipe *pipe_of(const Match *match, const Match *mask, Actions *actions, Actions *actions_mask,
			doca_flow_pipe_type type = DOCA_FLOW_PIPE_BASIC)
{
	doca_flow_pipe_cfg *cfg;
	OK(doca_flow_pipe_cfg_create(&cfg, pf_port));
	OK(doca_flow_pipe_cfg_set_name(cfg, "WORDS"));
	OK(doca_flow_pipe_cfg_set_type(cfg, type));
	OK(doca_flow_pipe_cfg_set_is_root(cfg, true));
	OK(doca_flow_pipe_cfg_set_nr_entries(cfg, 8));
	OK(doca_flow_pipe_cfg_set_miss_counter(cfg, true));
	if (match != nullptr)
		OK(doca_flow_pipe_cfg_set_match(cfg, &match->base, mask == nullptr ? nullptr : &mask->base));
	doca_flow_actions *all[] = {actions == nullptr ? nullptr : &actions->base};
	doca_flow_actions *masks[] = {actions_mask == nullptr ? nullptr : &actions_mask->base};
	if (actions != nullptr)
		OK(doca_flow_pipe_cfg_set_actions(cfg, all, actions_mask == nullptr ? nullptr : masks, nullptr, 1));
	const doca_flow_fwd fwd = to_vf();
	const doca_flow_fwd drop = forward_of(DOCA_FLOW_FWD_DROP);
	doca_flow_pipe *pipe;
	OK(doca_flow_pipe_create(cfg, type == DOCA_FLOW_PIPE_BASIC ? &fwd : nullptr, &drop, &pipe));
	doca_flow_pipe_cfg_destroy(cfg);
	return pipe;
}

void entry_of(doca_flow_pipe *pipe, const Match *match, const Actions *actions)
{
	doca_flow_pipe_entry *entry;
	OK(add_basic(0, pipe, match == nullptr ? nullptr : &match->base, actions == nullptr ? nullptr : &actions->base, nullptr,
		     1, &entry));
	process(0);
	CHECK((reported() == std::vector<Completion>{{1, 0, true, DOCA_FLOW_ENTRY_OP_ADD}}));
}

// The words of what comes out by the VF; one packet at the most.
Words carried(const Frame &frame)
{
	arrive(wire, frame);
	const std::vector<Frame> frames = sent_by(vf);
	CHECK(frames.size() <= 1);
	return frames.empty() ? Words() : words_of(frames[0]);
}

void what_is_refused()
{
	doca_flow_definitions *words = new_definitions();
	CHECK(doca_flow_definitions_cfg_create(nullptr) == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_flow_definitions_cfg_destroy(nullptr) == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_flow_definitions_create(nullptr, &words) == DOCA_ERROR_INVALID_VALUE);
	const uint32_t behind = sizeof(doca_flow_match);
	for (const char *opcode :
	     {"", "match.packet.tunnel.psp.dw5", "match.packet.tunnel.psp.dw10", "match.packet.tunnel.psp.dw",
	      "packet.tunnel.psp.dw6", "monitor.packet.tunnel.psp.dw6", "match.packet.tunnel.psp.dw6 "})
		CHECK(doca_flow_definitions_add_field(words, opcode, behind, 4) == DOCA_ERROR_NOT_SUPPORTED);
	CHECK(doca_flow_definitions_add_field(words, nullptr, behind, 4) == DOCA_ERROR_INVALID_VALUE);
	CHECK(add(nullptr, "match", 0, behind) == DOCA_ERROR_INVALID_VALUE);
	// Within DOCA's own structure; far behind it; of another size.
	for (const uint32_t offset : {uint32_t{0}, behind - 1, uint32_t{4093}, UINT32_MAX, UINT32_MAX - 3})
		CHECK(add(words, "match", 0, offset) == DOCA_ERROR_INVALID_VALUE);
	CHECK(add(words, "actions", 0, sizeof(doca_flow_actions) - 1) == DOCA_ERROR_INVALID_VALUE);
	for (const uint32_t size : {0u, 2u, 8u, UINT32_MAX})
		CHECK(add(words, "match", 0, behind, size) == DOCA_ERROR_INVALID_VALUE);
	OK(add(words, "match", 0, behind));
	OK(add(words, "actions", 0, 4092));
	CHECK(add(words, "match", 0, behind + 4) == DOCA_ERROR_ALREADY_EXIST);
	doca_flow_cfg *cfg;
	OK(doca_flow_cfg_create(&cfg));
	CHECK(doca_flow_cfg_set_definitions(cfg, nullptr) == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_flow_cfg_set_definitions(nullptr, words) == DOCA_ERROR_INVALID_VALUE);
	OK(doca_flow_cfg_destroy(cfg));
	doca_flow_definitions_destroy(words);
	doca_flow_definitions_destroy(nullptr);
}

// Entries give words in matches, and in actions.
void entries_match_and_write()
{
	start_with_words();
	Match match = {};
	match.base.tun.type = DOCA_FLOW_TUN_PSP;
	match.base.tun.psp.hdrextlen = 4;
	// It is nobody's but the program's.
	memset(match.own, 0x55, sizeof(match.own));
	Actions actions = {};
	memset(match.words, 0xff, sizeof(match.words));
	memset(actions.words, 0xff, sizeof(actions.words));
	doca_flow_pipe *pipe = pipe_of(&match, nullptr, &actions, nullptr);
	set(match.words, {1, 2, 3, 4});
	set(actions.words, {0x11, 0x22, 0x33, 0x44});
	entry_of(pipe, &match, &actions);
	set(match.words, {0xabcdef90, 2, 3, 4});
	set(actions.words, {0, 0xffffffff, 7, 8});
	entry_of(pipe, &match, &actions);
	CHECK((carried(psp_frame({1, 2, 3, 4})) == Words{0x11, 0x22, 0x33, 0x44}));
	CHECK((carried(psp_frame({0xabcdef90, 2, 3, 4})) == Words{0, 0xffffffff, 7, 8}));
	for (const Words &other : {Words{2, 2, 3, 4}, Words{1, 3, 3, 4}, Words{1, 2, 4, 4}, Words{1, 2, 3, 5}})
		CHECK(carried(psp_frame(other)).empty());
	// No PSP at all, a header of another length, and one that the datagram does not hold.
	CHECK(carried(psp_frame({1, 2, 3, 4}, 40, 1001)).empty());
	CHECK(carried(psp_frame({1, 2, 3, 4}, 48)).empty());
	Frame cut = psp_frame({1, 2, 3, 4});
	cut.resize(WORD_6 + 16);
	cut[19] = static_cast<uint8_t>(cut.size() - 54);
	CHECK(carried(cut).empty());
	CHECK(misses_of(pipe) == 7);
	stop();
}

// A template's own words, under masks or without; and words that a header is too short for.
void templates_match_and_write()
{
	start_with_words();
	Match match = {};
	Match mask = {};
	set(match.words, {0x12340000, 0, 0, 0});
	set(mask.words, {0xffff0000, 0, 0, 0});
	Actions actions = {};
	Actions actions_mask = {};
	set(actions.words, {0x00000077, 0, 0xaaaaaaaa, 0});
	set(actions_mask.words, {0x000000ff, 0xffffffff, 0x0ff00000, 0});
	doca_flow_pipe *pipe = pipe_of(&match, &mask, &actions, &actions_mask);
	entry_of(pipe, nullptr, nullptr);
	CHECK((carried(psp_frame({0x1234cdef, 1, 2, 3})) == Words{0x1234cd77, 0, 0x0aa00002, 3}));
	CHECK(carried(psp_frame({0x1235cdef, 1, 2, 3})).empty());
	// Word 6 alone, and words 6 to 8: what follows is payload, and stays.
	CHECK((carried(psp_frame({0x1234cdef, 1, 2, 3}, 24)) == Words{0x1234cd77, 1, 2, 3}));
	CHECK((carried(psp_frame({0x1234cdef, 1, 2, 3}, 32)) == Words{0x1234cd77, 0, 0x0aa00002, 3}));
	// No words at all.
	CHECK(carried(psp_frame({0x1234cdef, 1, 2, 3}, 16)).empty());
	stop();
}

// A word that is not written by an action stays, and no other octet of the packet changes.
void words_alone_are_written()
{
	start_with_words();
	Actions actions = {};
	actions.words[3] = 0xffffffff;
	doca_flow_pipe *pipe = pipe_of(nullptr, nullptr, &actions, nullptr);
	set(actions.words, {1, 2, 3, 0x99});
	entry_of(pipe, nullptr, &actions);
	const Frame before = psp_frame({5, 6, 7, 8});
	arrive(wire, before);
	const std::vector<Frame> after = sent_by(vf);
	CHECK(after.size() == 1);
	Frame expected = before;
	expected[WORD_6 + 15] = 0x99;
	CHECK(after[0] == expected);
	stop();
}

// Entries of a control pipe, one of them with a condition.
void control_entries_match()
{
	start_with_words();
	doca_flow_pipe *pipe = pipe_of(nullptr, nullptr, nullptr, nullptr, DOCA_FLOW_PIPE_CONTROL);
	Match match = {};
	Match mask = {};
	set(match.words, {0, 0x50, 0, 0});
	set(mask.words, {0, 0xf0, 0, 0});
	const doca_flow_fwd fwd = to_vf();
	doca_flow_pipe_entry *entry;
	OK(add_control(0, 0, pipe, &match.base, &mask.base, &fwd, 1, &entry));
	process(0);
	CHECK(reported().size() == 1);
	CHECK((carried(psp_frame({1, 0x5f, 2, 3})) == Words{1, 0x5f, 2, 3}));
	CHECK(carried(psp_frame({1, 0x6f, 2, 3})).empty());
	CHECK(packets_of(entry) == 1);
	stop();
}

// Of a program that defines nothing no octet behind DOCA's structures is read; address sanitizers see one that is.
void nothing_is_read_without_definitions()
{
	start();
	doca_flow_match *match = new doca_flow_match(match_on_address());
	doca_flow_actions *actions = new doca_flow_actions();
	actions->meta.pkt_meta = UINT32_MAX;
	doca_flow_pipe_cfg *cfg;
	OK(doca_flow_pipe_cfg_create(&cfg, pf_port));
	OK(doca_flow_pipe_cfg_set_match(cfg, match, nullptr));
	OK(doca_flow_pipe_cfg_set_actions(cfg, &actions, nullptr, nullptr, 1));
	const doca_flow_fwd drop = forward_of(DOCA_FLOW_FWD_DROP);
	doca_flow_pipe *pipe;
	OK(doca_flow_pipe_create(cfg, &drop, &drop, &pipe));
	doca_flow_pipe_cfg_destroy(cfg);
	doca_flow_pipe_entry *entry;
	*match = key(2);
	OK(add_basic(0, pipe, match, actions, nullptr, 1, &entry));
	process(0);
	delete match;
	delete actions;
	stop();
}

const Case CASES[] = {
	{"refused", what_is_refused},
	{"entries", entries_match_and_write},
	{"templates", templates_match_and_write},
	{"written-alone", words_alone_are_written},
	{"control", control_entries_match},
	{"none", nothing_is_read_without_definitions},
};

} // namespace

int main(int argc, char **argv)
{
	return run_case("definitions", CASES, argc, argv);
}
