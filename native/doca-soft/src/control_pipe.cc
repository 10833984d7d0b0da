#include "control_pipe.h"

#include <algorithm>

namespace soft {
namespace {

bool compare(doca_flow_compare_op operation, uint32_t field, uint32_t value)
{
	switch (operation) {
	case DOCA_FLOW_COMPARE_EQ:
		return field == value;
	case DOCA_FLOW_COMPARE_NE:
		return field != value;
	case DOCA_FLOW_COMPARE_LT:
		return field < value;
	case DOCA_FLOW_COMPARE_LE:
		return field <= value;
	case DOCA_FLOW_COMPARE_GT:
		return field > value;
	case DOCA_FLOW_COMPARE_GE:
		return field >= value;
	}
	return false;
}

// Of a packet of a kind that can match.
bool matches(const FixedMatch &match, const Packet &packet)
{
	if (!match.test.fields_pass(packet))
		return false;
	if (!match.has_condition)
		return true;
	const FieldPlace &place = *match.compared.place;
	return compare(match.operation, field_number(place, packet.bases[place.base] + place.offset),
		       field_number(place, match.compared.value));
}

} // namespace

ControlPipe::ControlPipe(uint32_t entries)
{
	type = DOCA_FLOW_PIPE_CONTROL;
	entries_max = entries;
	reserve(0, 0);
}

bool ControlPipe::install(doca_flow_pipe_entry &entry)
{
	entry.order = installed_++;
	FixedMatch &match = entry.own->match;
	match.test = {};
	for (const MatchField &field : match.fields)
		match.test.add(field);
	if (match.has_condition)
		match.test.need(*match.compared.place);
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
		random_ |= match.has_condition && is_random(*match.compared.place);
		for (const MatchField &field : match.fields)
			random_ |= is_random(*field.place);
		parts_mask_ |= match.test.parts();
		for (size_t i = 0; i < 2; i++)
			parser_mask_.words[i] |= match.test.parser_mask().words[i];
	}
	for (Kind &kind : kinds_)
		kind.known = false;
}

ControlPipe::Kind &ControlPipe::kind_of(const Packet &packet)
{
	const uint32_t parts = packet.have & parts_mask_;
	ParserWords parser(packet);
	parser.words[0] &= parser_mask_.words[0];
	parser.words[1] &= parser_mask_.words[1];
	constexpr uint64_t MULTIPLIER = 0x9e3779b97f4a7c15;
	const uint64_t mixed = (parser.words[0] ^ parts) * MULTIPLIER + parser.words[1];
	Kind &kind = kinds_[mixed * MULTIPLIER >> 32 & (KINDS - 1)];
	if (kind.known && kind.parts == parts && kind.parser.words[0] == parser.words[0] &&
	    kind.parser.words[1] == parser.words[1])
		return kind;
	kind.known = true;
	kind.parts = parts;
	kind.parser = parser;
	kind.entries.clear();
	for (const doca_flow_pipe_entry *entry : order_) {
		const FixedMatch &match = entry->own->match;
		if (!match.test.has_parts(parts) || !match.test.parser_passes(parser))
			continue;
		kind.entries.push_back(entry);
		// Nothing comes behind an entry that matches them all.
		if (!match.has_condition && !match.test.has_fields())
			break;
	}
	return kind;
}

void ControlPipe::process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath)
{
	for (uint32_t i = 0; i < count; i++) {
		Packet &packet = *packets[i];
		if (random_)
			store16(packet.random, datapath.draw_random());
		const doca_flow_pipe_entry *found = nullptr;
		for (const doca_flow_pipe_entry *entry : kind_of(packet).entries) {
			if (matches(entry->own->match, packet)) {
				found = entry;
				break;
			}
		}
		if (found == nullptr) {
			count_miss(packet);
			results[i] = miss;
			continue;
		}
		EntryHot &hot = *found->hot;
		hot.count(packet.length);
		const Actions &actions = found->own->actions;
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
