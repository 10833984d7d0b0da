#include "control_pipe.h"

#include <algorithm>

namespace soft {
namespace {

// Returns the packets that match, of those in `among`, whose class can match.
uint64_t matching(const FixedMatch &match, Packet **packets, uint64_t among)
{
	const uint64_t passed = match.test.fields_passing(packets, among);
	if (!match.has_condition)
		return passed;
	uint64_t matched = 0;
	for (uint64_t rest = passed; rest != 0; rest &= rest - 1) {
		const int i = __builtin_ctzll(rest);
		matched |= static_cast<uint64_t>(match.condition.holds(*packets[i])) << i;
	}
	return matched;
}

} // namespace

ControlPipe::ControlPipe(uint32_t expected, uint32_t max)
{
	type = DOCA_FLOW_PIPE_CONTROL;
	entries_expected = expected;
	entries_max = max;
	reserve(0, 0, true);
}

bool ControlPipe::install(doca_flow_pipe_entry &entry)
{
	entry.order = installed_++;
	FixedMatch &match = entry.own->match;
	match.test = {};
	for (const MatchField &field : match.fields)
		match.test.add(field);
	if (match.has_condition)
		match.test.need(match.condition.need());
	const auto before = [](const doca_flow_pipe_entry *a, const doca_flow_pipe_entry *b) {
		return a->index != b->index ? a->index < b->index : a->order < b->order;
	};
	order_.insert(std::upper_bound(order_.begin(), order_.end(), &entry, before), &entry);
	lay_out();
	return true;
}

void ControlPipe::uninstall(doca_flow_pipe_entry &entry)
{
	order_.erase(std::find(order_.begin(), order_.end(), &entry));
	lay_out();
}

void ControlPipe::lay_out()
{
	random_ = false;
	parts_mask_ = 0;
	parser_mask_ = {};
	for (const doca_flow_pipe_entry *entry : order_) {
		const FixedMatch &match = entry->own->match;
		random_ |= match.has_condition && match.condition.draws_random();
		for (const MatchField &field : match.fields)
			random_ |= is_random(*field.place);
		parts_mask_ |= match.test.parts();
		for (size_t i = 0; i < 2; i++)
			parser_mask_.words[i] |= match.test.parser_mask().words[i];
	}
	for (PacketClass &seen : classes_)
		seen.known = false;
}

ControlPipe::PacketTraits ControlPipe::traits_of(const Packet &packet) const
{
	PacketTraits traits{packet.have & parts_mask_, ParserWords(packet)};
	traits.parser.words[0] &= parser_mask_.words[0];
	traits.parser.words[1] &= parser_mask_.words[1];
	return traits;
}

const ControlPipe::PacketClass &ControlPipe::class_of(const PacketTraits &traits)
{
	constexpr uint64_t MULTIPLIER = 0x9e3779b97f4a7c15;
	const uint64_t mixed = (traits.parser.words[0] ^ traits.parts) * MULTIPLIER + traits.parser.words[1];
	PacketClass &seen = classes_[mixed * MULTIPLIER >> 32 & (CLASSES - 1)];
	if (seen.known && seen.traits == traits)
		return seen;
	seen.known = true;
	seen.traits = traits;
	seen.candidates.clear();
	for (const doca_flow_pipe_entry *entry : order_) {
		const FixedMatch &match = entry->own->match;
		if (!match.test.has_parts(traits.parts) || !match.test.parser_passes(traits.parser))
			continue;
		const Actions &actions = entry->own->actions;
		seen.candidates.push_back({&match, entry->hot, actions.empty() ? nullptr : &actions});
		// Entries after one that matches all packets are never reached.
		if (!match.has_condition && !match.test.has_fields())
			break;
	}
	return seen;
}

uint32_t ControlPipe::class_end(Packet **packets, uint32_t from, uint32_t count, const PacketTraits &traits) const
{
	uint32_t to = from + 1;
	while (to < count && traits_of(*packets[to]) == traits)
		to++;
	return to;
}

void ControlPipe::hit(Packet &packet, const Candidate &candidate, Forward &result, Datapath &datapath) const
{
	EntryHot &hot = *candidate.hot;
	if (!take_hit(hot, packet, datapath)) {
		result.kind = Forward::DROP;
		return;
	}
	if (candidate.actions != nullptr && !candidate.actions->run(packet, values_of(hot), hot.crypto_id, datapath)) {
		result.kind = Forward::LOST;
		return;
	}
	result = forward_of(hot);
	if (hot.mirror != 0)
		pass_mirror(packet, hot.mirror, result, datapath);
}

// Packets of one class are compared together. Actions are done in the packets' order.
void ControlPipe::process_class(const PacketClass &same, Packet **packets, uint32_t count, Forward *results, Datapath &datapath)
{
	// Copies: a packet's own copies may come to this pipe again before the next packet is handled, and be of a new class.
	Candidate found[BURST_MAX];
	const uint64_t all = first_bits(count);
	uint64_t rest = all;
	for (const Candidate &candidate : same.candidates) {
		const uint64_t matched = matching(*candidate.match, packets, rest);
		// Mostly the packets of a burst that look the same go the same way.
		if (matched == all) {
			const Candidate only = candidate;
			for (uint32_t i = 0; i < count; i++)
				hit(*packets[i], only, results[i], datapath);
			return;
		}
		for (uint64_t bits = matched; bits != 0; bits &= bits - 1)
			found[__builtin_ctzll(bits)] = candidate;
		rest &= ~matched;
		if (rest == 0)
			break;
	}
	for (uint32_t i = 0; i < count; i++) {
		if ((rest >> i & 1) == 0) {
			hit(*packets[i], found[i], results[i], datapath);
			continue;
		}
		count_miss(*packets[i]);
		results[i] = miss;
	}
}

void ControlPipe::process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath)
{
	if (random_) {
		for (uint32_t i = 0; i < count; i++)
			store16(packets[i]->random, datapath.draw_random());
	}
	for (uint32_t from = 0, to = 0; from < count; from = to) {
		const PacketTraits traits = traits_of(*packets[from]);
		to = class_end(packets, from, count, traits);
		process_class(class_of(traits), packets + from, to - from, results + from, datapath);
	}
}

} // namespace soft
