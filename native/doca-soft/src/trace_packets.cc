#include "trace_packets.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>

#include "datapath.h"
#include "fields.h"
#include "pipe.h"
#include "trace_state.h"

namespace soft::trace {
namespace {

constexpr auto COUNTERS_INTERVAL = std::chrono::seconds(1);
// Pipes that a packet's line has at most; of more the number.
constexpr uint32_t STEPS_MAX = 64;

const char *kind_text(Forward::Kind kind)
{
	switch (kind) {
	case Forward::DROP:
		return "drop";
	case Forward::LOST:
		return "lost";
	case Forward::KERNEL:
		return "kernel";
	case Forward::RSS:
		return "rss";
	case Forward::PORT:
		return "port";
	case Forward::PIPE:
		return "pipe";
	case Forward::CHANGEABLE:
		break;
	}
	return "nowhere";
}

std::string target_json(const Forward &forward, const Datapath &datapath)
{
	JsonText target;
	target.text("to", kind_text(forward.kind));
	if (forward.kind == Forward::PORT)
		target.number("port", datapath.port_number(forward.target));
	if (forward.kind == Forward::PIPE) {
		target.number("pipe", forward.pipe->number);
		target.text("name", forward.pipe->name);
	}
	return target.str() + "}";
}

// The port's number is in the CPU's byte order, all else in that of the network.
uint64_t number_of(const FieldPlace &place, const uint8_t *value)
{
	if (is_port_number(place.base, place.offset)) {
		uint16_t port;
		memcpy(&port, value, sizeof(port));
		return port;
	}
	uint64_t number = 0;
	for (uint32_t i = 0; i < place.octets; i++)
		number = number << 8 | value[i];
	return number;
}

void tell_field(JsonText &to, const char *key, const FieldPlace &place, const uint8_t *value)
{
	const std::string_view name = place.name;
	const bool is_ip = name.size() > 7 &&
			   (name.substr(name.size() - 7) == ".src_ip" || name.substr(name.size() - 7) == ".dst_ip");
	if (is_ip)
		to.text(key, ip_text(place.octets == 4 ? AF_INET : AF_INET6, value));
	else if (place.octets == 6)
		to.text(key, mac_text(value));
	else if (place.octets <= 4)
		to.number(key, number_of(place, value));
	else
		to.octets(key, value, place.octets);
}

} // namespace

// The fields of a packet, as matches see them.
struct Fields {
	struct Field {
		const FieldPlace *place;
		uint8_t octets[16];
	};
	std::vector<Field> all;

	void read(const Packet &packet)
	{
		all.clear();
		visit_fields([&](const FieldPlace &place) {
			if ((packet.have & place.need) != place.need || is_random(place))
				return;
			Field field{&place, {}};
			read_field(packet, place, field.octets);
			all.push_back(field);
		});
	}
};

struct PacketSample {
	JsonText line;
	Fields fields;
	uint64_t number = 0;
	uint32_t steps = 0;
};

namespace {

const Fields::Field *find(const Fields &fields, const FieldPlace *place)
{
	const auto at = std::find_if(fields.all.begin(), fields.all.end(),
				     [place](const Fields::Field &field) { return field.place == place; });
	return at == fields.all.end() ? nullptr : &*at;
}

bool is_zero(const Fields::Field &field)
{
	return std::all_of(field.octets, field.octets + field.place->octets, [](uint8_t octet) { return octet == 0; });
}

void tell_or_null(JsonText &to, const Fields::Field *field)
{
	if (field == nullptr)
		to.json(nullptr, "null");
	else
		tell_field(to, nullptr, *field->place, field->octets);
}

// What has become of fields: before and after, null where the packet has not the field.
void tell_changes(JsonText &to, const Fields &before, const Fields &after)
{
	const auto tell = [&](const FieldPlace &place) {
		const Fields::Field *was = find(before, &place);
		const Fields::Field *is = find(after, &place);
		if (was == nullptr && is == nullptr)
			return;
		if (was != nullptr && is != nullptr && memcmp(was->octets, is->octets, place.octets) == 0)
			return;
		if ((was == nullptr && is_zero(*is)) || (is == nullptr && is_zero(*was)))
			return;
		to.open(place.name, '[');
		tell_or_null(to, was);
		tell_or_null(to, is);
		to.close(']');
	};
	to.open("changed", '{');
	visit_fields(tell);
	to.close('}');
}

// The fields of a packet whose layout may have changed: read from a copy, because the packet is parsed in its own time.
void read_fields(Fields &fields, const Packet &packet)
{
	if (!packet.stale) {
		fields.read(packet);
		return;
	}
	Packet parsed{};
	parsed.copy_from(packet, packet.frame);
	fields.read(parsed);
}

void add(Amount &amount, uint32_t octets)
{
	amount.packets++;
	amount.octets += octets;
}

void tell_amount(JsonText &to, const char *packets, const char *octets, const Amount &amount)
{
	to.number(packets, amount.packets);
	to.number(octets, amount.octets);
}

} // namespace

PacketWatch::PacketWatch(const Datapath &datapath) : datapath_(datapath) {}

PacketWatch::~PacketWatch()
{
	if (is_on())
		tell_counters();
}

void PacketWatch::begin(Packet *packets, uint32_t count)
{
	active_ = is_on();
	if (!active_)
		return;
	const uint32_t one_of = state().settings.packets;
	for (uint32_t i = 0; i < count; i++) {
		const bool is_told = one_of != 0 && seen_ % one_of == 0 && !state().file.leaves_out(Kinds::PACKET);
		packets[i].note = static_cast<uint8_t>(i);
		notes_[i].sample = is_told ? take_sample(packets[i], seen_ + 1, false) : nullptr;
		seen_++;
	}
}

// Returns nullptr where too many are told of already.
PacketSample *PacketWatch::take_sample(const Packet &packet, uint64_t number, bool is_copy)
{
	if (samples_ == nullptr)
		samples_ = std::make_unique<PacketSample[]>(SAMPLES_MAX);
	if (samples_used_ == SAMPLES_MAX)
		return nullptr;
	PacketSample &sample = samples_[samples_used_++];
	sample.line = JsonText();
	sample.number = number;
	sample.steps = 0;
	begin_line(sample.line, "packet");
	sample.line.number("packet", number);
	if (is_copy)
		sample.line.boolean("copy", true);
	sample.line.number("port", packet.port_id);
	sample.line.number("length", packet.length);
	const size_t octets = std::min<size_t>(packet.length, state().settings.octets);
	if (octets > 0)
		sample.line.octets("frame", packet.frame, octets);
	read_fields(sample.fields, packet);
	sample.line.open("fields", '{');
	for (const Fields::Field &field : sample.fields.all) {
		if (!is_zero(field))
			tell_field(sample.line, field.place->name, *field.place, field.octets);
	}
	sample.line.close('}');
	sample.line.open("way", '[');
	return &sample;
}

void PacketWatch::copied(Packet &copy, const Packet &original, uint32_t depth)
{
	const PacketSample *of_original = notes_[original.note].sample;
	copy.note = static_cast<uint8_t>(BURST_MAX + depth);
	notes_[copy.note].sample = of_original == nullptr ? nullptr : take_sample(copy, of_original->number, true);
}

void PacketWatch::before(Packet **packets, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		Note &note = notes_[packets[i]->note];
		note.hit = nullptr;
		note.octets_before = packets[i]->length;
	}
}

PacketWatch::PipeCounts *PacketWatch::counts_of(const doca_flow_pipe &pipe)
{
	const auto known = counts_.find(pipe.number);
	if (known != counts_.end())
		return &known->second;
	if (counts_.size() == COUNTED_PIPES_MAX)
		return nullptr;
	PipeCounts &fresh = counts_[pipe.number];
	fresh.name = pipe.name;
	return &fresh;
}

void PacketWatch::after(doca_flow_pipe &pipe, Packet **packets, uint32_t count, const Forward *results)
{
	PipeCounts *counts = counts_of(pipe);
	for (uint32_t i = 0; i < count; i++) {
		const Packet &packet = *packets[i];
		const Note &note = notes_[packet.note];
		// A pipe that floods has no entry for each packet.
		const bool is_hit = note.hit != nullptr || pipe.type == DOCA_FLOW_PIPE_HASH;
		const std::string target = target_json(results[i], datapath_);
		if (counts != nullptr) {
			counts->changed = true;
			add(is_hit ? counts->hits : counts->misses, note.octets_before);
			const std::pair<bool, std::string> way_out{!is_hit, target};
			if (counts->ways_out.size() < WAYS_OUT_MAX || counts->ways_out.count(way_out) != 0)
				add(counts->ways_out[way_out], note.octets_before);
		}
		PacketSample *sample = note.sample;
		if (sample == nullptr || sample->steps++ >= STEPS_MAX)
			continue;
		JsonText &line = sample->line;
		line.open(nullptr, '{');
		line.number("pipe", pipe.number);
		line.text("name", pipe.name);
		if (note.hit != nullptr)
			line.number("entry", pipe.slot_of(*note.hit));
		else
			line.text("entry", is_hit ? "all" : "miss");
		Fields fields;
		if (results[i].kind == Forward::LOST)
			fields = sample->fields;
		else
			read_fields(fields, packet);
		tell_changes(line, sample->fields, fields);
		line.json("next", target);
		line.close('}');
		sample->fields = std::move(fields);
	}
}

void PacketWatch::left(const Packet &packet, const Forward &forward, const Counts &before)
{
	PacketSample *sample = notes_[packet.note].sample;
	if (sample == nullptr)
		return;
	JsonText &line = sample->line;
	line.close(']');
	line.json("end", target_json(forward, datapath_));
	line.boolean("encrypted", packet.sealed);
	// Why it did not get there.
	const Counts &now = datapath_.counts;
	if (now.tx_errors != before.tx_errors)
		line.text("lost", "tx_errors");
	else if (now.port_drops != before.port_drops)
		line.text("lost", "port_drops");
	else if (now.rss_drops != before.rss_drops)
		line.text("lost", "rss_drops");
}

void PacketWatch::end()
{
	if (!active_)
		return;
	for (size_t i = 0; i < samples_used_; i++)
		state().file.write(Kinds::FREE, samples_[i].line);
	samples_used_ = 0;
	active_ = false;
}

void PacketWatch::tick()
{
	if (!is_on()) {
		if (!counts_.empty())
			counts_.clear();
		return;
	}
	const auto now = std::chrono::steady_clock::now();
	if (now - told_ < COUNTERS_INTERVAL)
		return;
	told_ = now;
	state().file.tell_left_out();
	tell_counters();
}

void PacketWatch::tell_counters()
{
	for (auto &[number, counts] : counts_) {
		if (!counts.changed)
			continue;
		counts.changed = false;
		JsonText line;
		begin_line(line, "counters");
		line.number("pipe", number);
		line.text("name", counts.name);
		tell_amount(line, "hits", "hit_octets", counts.hits);
		tell_amount(line, "misses", "miss_octets", counts.misses);
		line.open("next", '[');
		for (const auto &[way_out, amount] : counts.ways_out) {
			line.open(nullptr, '{');
			line.json("next", way_out.second);
			line.boolean("miss", way_out.first);
			tell_amount(line, "packets", "octets", amount);
			line.close('}');
		}
		line.close(']');
		state().file.write(Kinds::FREE, line);
	}
}

} // namespace soft::trace
