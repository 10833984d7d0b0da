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
	seen.entries.clear();
	for (const doca_flow_pipe_entry *entry : order_) {
		const FixedMatch &match = entry->own->match;
		if (!match.test.has_parts(traits.parts) || !match.test.parser_passes(traits.parser))
			continue;
		seen.entries.push_back(entry);
		// Entries after one that matches all packets are never reached.
		if (!match.has_condition && !match.test.has_fields())
			break;
	}
	return seen;
}

// Consecutive packets of one class are compared together. Actions are done in the packets' order.
void ControlPipe::find(Packet **packets, uint32_t count, const doca_flow_pipe_entry **found)
{
	for (uint32_t from = 0, to = 0; from < count; from = to) {
		const PacketTraits traits = traits_of(*packets[from]);
		for (to = from + 1; to < count && traits_of(*packets[to]) == traits; to++) {
		}
		uint64_t rest = first_bits(to) & ~first_bits(from);
		for (const doca_flow_pipe_entry *entry : class_of(traits).entries) {
			const uint64_t matched = matching(entry->own->match, packets, rest);
			for (uint64_t bits = matched; bits != 0; bits &= bits - 1)
				found[__builtin_ctzll(bits)] = entry;
			rest &= ~matched;
			if (rest == 0)
				break;
		}
		for (; rest != 0; rest &= rest - 1)
			found[__builtin_ctzll(rest)] = nullptr;
	}
}

void ControlPipe::process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath)
{
	const doca_flow_pipe_entry *found[BURST_MAX];
	if (random_) {
		for (uint32_t i = 0; i < count; i++)
			store16(packets[i]->random, datapath.draw_random());
	}
	find(packets, count, found);
	for (uint32_t i = 0; i < count; i++) {
		Packet &packet = *packets[i];
		if (found[i] == nullptr) {
			count_miss(packet);
			results[i] = miss;
			continue;
		}
		EntryHot &hot = *found[i]->hot;
		if (!take_hit(hot, packet, datapath)) {
			results[i].kind = Forward::DROP;
			continue;
		}
		const Actions &actions = found[i]->own->actions;
		if (!actions.empty() && !actions.run(packet, values_of(hot), hot.crypto_id, datapath)) {
			results[i].kind = Forward::LOST;
			continue;
		}
		results[i] = forward_of(hot);
		if (hot.mirror != 0)
			pass_mirror(packet, hot.mirror, results[i], datapath);
	}
}

} // namespace soft
