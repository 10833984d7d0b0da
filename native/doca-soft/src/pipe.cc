#include "pipe.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>

#include "device.h"
#include "log.h"

using namespace soft;

namespace {

constexpr size_t LINE_OCTETS = 64;
constexpr uint32_t WORDS_MAX = KEY_OCTETS_MAX / 8;
// rte_hash makes no smaller table.
constexpr uint32_t HASH_ENTRIES_MIN = 8;

size_t round_up(size_t value, size_t to)
{
	return (value + to - 1) / to * to;
}

// Counters are written by one thread and read by others.
void add_relaxed(uint64_t &counter, uint64_t amount)
{
	__atomic_store_n(&counter, counter + amount, __ATOMIC_RELAXED);
}

void count_hit(EntryHot &entry, const Packet &packet)
{
	if (!entry.counted)
		return;
	add_relaxed(entry.packets, 1);
	add_relaxed(entry.octets, packet.length);
}

} // namespace

void doca_flow_pipe::reserve(uint32_t value_octets, uint32_t key_octets)
{
	hot_stride_ = round_up(offsetof(EntryHot, values) + value_octets, LINE_OCTETS);
	hot_ = HugeMemory(hot_stride_ * entries_max);
	key_stride_ = key_octets;
	if (key_octets > 0)
		keys_ = HugeMemory(key_stride_ * entries_max);
	entries_.reset(new doca_flow_pipe_entry[entries_max]);
}

doca_flow_pipe_entry *doca_flow_pipe::take_entry()
{
	std::lock_guard<std::mutex> guard(mutex_);
	uint32_t slot;
	if (!free_slots_.empty()) {
		slot = free_slots_.back();
		free_slots_.pop_back();
	} else if (slots_used_ < entries_max) {
		slot = slots_used_++;
	} else {
		return nullptr;
	}
	doca_flow_pipe_entry &entry = entries_[slot];
	entry.pipe = this;
	entry.slot = slot;
	entry.status.store(DOCA_FLOW_ENTRY_STATUS_IN_PROCESS, std::memory_order_relaxed);
	entry.hot = reinterpret_cast<EntryHot *>(hot_.data() + slot * hot_stride_);
	memset(static_cast<void *>(entry.hot), 0, hot_stride_);
	return &entry;
}

void doca_flow_pipe::release_entry(doca_flow_pipe_entry *entry)
{
	entry->own.reset();
	std::lock_guard<std::mutex> guard(mutex_);
	free_slots_.push_back(entry->slot);
}

EntryHot *doca_flow_pipe::new_values() const
{
	void *memory = aligned_alloc(LINE_OCTETS, hot_stride_);
	if (memory == nullptr)
		throw std::bad_alloc();
	memset(memory, 0, hot_stride_);
	return static_cast<EntryHot *>(memory);
}

uint8_t *doca_flow_pipe::key_of(const doca_flow_pipe_entry &entry) const
{
	return keys_.data() + entry.slot * key_stride_;
}

void doca_flow_pipe::update(doca_flow_pipe_entry &entry, const EntryHot &update, UpdateParts parts) const
{
	EntryHot &hot = *entry.hot;
	if (parts.actions) {
		hot.crypto_id = update.crypto_id;
		hot.action_index = update.action_index;
		memcpy(hot.values, update.values, hot_stride_ - offsetof(EntryHot, values));
	}
	if (parts.forward)
		hot.forward = update.forward;
	if (parts.mirror)
		hot.mirror = update.mirror;
}

void doca_flow_pipe::count_miss(const Packet &packet)
{
	if (!miss_counted)
		return;
	miss_packets.store(miss_packets.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
	miss_octets.store(miss_octets.load(std::memory_order_relaxed) + packet.length, std::memory_order_relaxed);
}

bool doca_flow_pipe::pass_mirror(Packet &packet, uint16_t number, Forward &result, Datapath &datapath) const
{
	const MirrorTargets *targets = device->mirror(number);
	if (targets == nullptr)
		return true;
	if (!datapath.copy_to(packet, targets->targets.data(), targets->targets.size())) {
		result.kind = Forward::LOST;
		return false;
	}
	if (targets->has_original)
		result = targets->original;
	return true;
}

namespace soft {

void KeyReader::layout(std::vector<MatchField> fields)
{
	std::stable_sort(fields.begin(), fields.end(),
			 [](const MatchField &a, const MatchField &b) { return !a.changeable && b.changeable; });
	fields_ = std::move(fields);
	uint32_t at = 0;
	uint32_t constants = 0;
	bool in_key = false;
	for (const MatchField &field : fields_) {
		if (field.changeable && !in_key) {
			in_key = true;
			at = static_cast<uint32_t>(round_up(at, 8));
			constants = at;
		}
		steps_.push_back({field.place, at});
		memcpy(reinterpret_cast<uint8_t *>(mask_) + at, field.mask, field.place->octets);
		if (!field.changeable)
			memcpy(reinterpret_cast<uint8_t *>(constant_) + at, field.value, field.place->octets);
		need_ |= field.place->need;
		random_ |= is_random(*field.place);
		at += field.place->octets;
	}
	if (in_key) {
		constant_words_ = constants / 8;
		// rte_hash compares keys of whole 16 octets fastest.
		key_words_ = static_cast<uint32_t>(round_up(at - constants, 16)) / 8;
	} else {
		constant_words_ = static_cast<uint32_t>(round_up(at, 8)) / 8;
	}
}

bool KeyReader::read(const Packet &packet, uint64_t *words) const
{
	if ((packet.have & need_) != need_)
		return false;
	const uint32_t total = constant_words_ + key_words_;
	for (uint32_t i = 0; i < total; i++)
		words[i] = 0;
	auto *octets = reinterpret_cast<uint8_t *>(words);
	for (const Step &step : steps_)
		read_field(packet, *step.place, octets + step.at);
	uint64_t difference = 0;
	for (uint32_t i = 0; i < constant_words_; i++)
		difference |= (words[i] & mask_[i]) ^ constant_[i];
	if (difference != 0)
		return false;
	for (uint32_t i = constant_words_; i < total; i++)
		words[i] &= mask_[i];
	return true;
}

void KeyReader::entry_key(const doca_flow_match *match, uint8_t *key) const
{
	if (key_words_ == 0)
		return;
	memset(key, 0, key_octets());
	for (size_t i = 0; i < fields_.size(); i++) {
		const MatchField &field = fields_[i];
		if (!field.changeable || match == nullptr)
			continue;
		uint8_t *at = key + (steps_[i].at - constant_words_ * 8);
		const uint8_t *value = member(*match, *field.place);
		for (uint32_t j = 0; j < field.place->octets; j++)
			at[j] = value[j] & field.mask[j];
	}
}

BasicPipe::BasicPipe(std::vector<MatchField> fields, std::vector<Actions> actions, uint32_t entries)
	: actions_(std::move(actions))
{
	type = DOCA_FLOW_PIPE_BASIC;
	entries_max = entries;
	reader_.layout(std::move(fields));
	uint32_t value_octets = 0;
	for (const Actions &action : actions_) {
		value_octets = std::max(value_octets, action.value_octets());
		decrypts_ |= action.decrypts();
	}
	if (reader_.key_octets() > 0) {
		static std::atomic<uint32_t> number{0};
		const std::string table_name = "soft_pipe_" + std::to_string(number++);
		rte_hash_parameters parameters{};
		parameters.name = table_name.c_str();
		parameters.entries = std::max(entries, HASH_ENTRIES_MIN);
		parameters.key_len = reader_.key_octets();
		parameters.hash_func = rte_hash_crc;
		parameters.socket_id = SOCKET_ID_ANY;
		// Every entry that the pipe may hold finds room.
		parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE;
		table_ = rte_hash_create(&parameters);
		if (table_ == nullptr) {
			log_sdk(DOCA_LOG_LEVEL_ERROR, "rte_hash_create for %u entries: %s; give EAL more memory (-m)", entries,
				rte_strerror(rte_errno));
			throw std::bad_alloc();
		}
	} else {
		entries_max = std::max(entries, 1u);
	}
	reserve(value_octets, reader_.key_octets());
}

BasicPipe::~BasicPipe()
{
	rte_hash_free(table_);
}

void BasicPipe::process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath)
{
	uint64_t words[BURST_MAX][WORDS_MAX];
	const void *keys[BURST_MAX];
	uint8_t readable[BURST_MAX];
	uint32_t readable_count = 0;
	EntryHot *found[BURST_MAX];
	for (uint32_t i = 0; i < count; i++) {
		if (reader_.draws_random()) {
			const uint16_t random = datapath.draw_random();
			store16(packets[i]->random, random);
		}
		found[i] = nullptr;
		if (!reader_.read(*packets[i], words[i]))
			continue;
		keys[readable_count] = words[i] + reader_.key_at_word();
		readable[readable_count++] = static_cast<uint8_t>(i);
	}
	if (table_ == nullptr) {
		for (uint32_t i = 0; i < readable_count; i++)
			found[readable[i]] = only_;
	} else if (readable_count == 1) {
		void *data;
		if (rte_hash_lookup_data(table_, keys[0], &data) >= 0)
			found[readable[0]] = static_cast<EntryHot *>(data);
	} else if (readable_count > 0) {
		uint64_t hits = 0;
		void *data[BURST_MAX];
		rte_hash_lookup_bulk_data(table_, keys, readable_count, &hits, data);
		for (uint32_t i = 0; i < readable_count; i++) {
			if ((hits >> i & 1) == 0)
				continue;
			found[readable[i]] = static_cast<EntryHot *>(data[i]);
			__builtin_prefetch(data[i]);
			__builtin_prefetch(static_cast<uint8_t *>(data[i]) + LINE_OCTETS);
		}
	}
	if (decrypts_) {
		datapath.prefetch_tags(packets, count);
		for (uint32_t i = 0; i < std::min(count, PREFETCH_PACKETS); i++)
			datapath.prefetch_derived(*packets[i]);
	}
	for (uint32_t i = 0; i < count; i++) {
		if (decrypts_ && i + PREFETCH_PACKETS < count)
			datapath.prefetch_derived(*packets[i + PREFETCH_PACKETS]);
		if (found[i] == nullptr) {
			count_miss(*packets[i]);
			results[i] = miss;
		} else {
			hit(*packets[i], *found[i], results[i], datapath);
		}
	}
}

void BasicPipe::hit(Packet &packet, EntryHot &entry, Forward &result, Datapath &datapath)
{
	count_hit(entry, packet);
	if (!actions_.empty() &&
	    !actions_[entry.action_index].run(packet, entry.values, entry.crypto_id, datapath)) {
		result.kind = Forward::LOST;
		return;
	}
	result = forward.kind == Forward::CHANGEABLE ? entry.forward : forward;
	const uint16_t number = mirror != 0 ? mirror : entry.mirror;
	if (number != 0)
		pass_mirror(packet, number, result, datapath);
}

bool BasicPipe::install(doca_flow_pipe_entry &entry)
{
	if (table_ == nullptr) {
		if (only_ != nullptr)
			return false;
		only_ = entry.hot;
		return true;
	}
	const uint8_t *key = key_of(entry);
	const hash_sig_t hash = rte_hash_hash(table_, key);
	if (rte_hash_lookup_with_hash(table_, key, hash) >= 0)
		return false;
	return rte_hash_add_key_with_hash_data(table_, key, hash, entry.hot) == 0;
}

void BasicPipe::uninstall(doca_flow_pipe_entry &entry)
{
	if (table_ == nullptr)
		only_ = nullptr;
	else
		rte_hash_del_key(table_, key_of(entry));
}

ControlPipe::ControlPipe(uint32_t entries)
{
	type = DOCA_FLOW_PIPE_CONTROL;
	entries_max = entries;
	reserve(0, 0);
}

bool ControlPipe::install(doca_flow_pipe_entry &entry)
{
	entry.order = installed_++;
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

// The parser's fields stand next to each other in the packet's record: all of them are copied at once.
constexpr uint32_t PARSER_FIELDS_AT = offsetof(Packet, port_id);
constexpr uint32_t PARSER_FIELDS_OCTETS = 16;
static_assert(offsetof(Packet, syndrome) < PARSER_FIELDS_AT + PARSER_FIELDS_OCTETS);

bool is_parser_field(const FieldPlace &place)
{
	return place.base == BASE_PACKET && place.offset >= PARSER_FIELDS_AT &&
	       place.offset < PARSER_FIELDS_AT + PARSER_FIELDS_OCTETS;
}

void ControlPipe::lay_out()
{
	steps_.clear();
	random_ = false;
	parser_fields_ = std::any_of(order_.begin(), order_.end(), [](const doca_flow_pipe_entry *entry) {
		const std::vector<MatchField> &fields = entry->own->match.fields;
		return std::any_of(fields.begin(), fields.end(),
				   [](const MatchField &field) { return is_parser_field(*field.place); });
	});
	uint32_t end = parser_fields_ ? PARSER_FIELDS_OCTETS : 0;
	for (doca_flow_pipe_entry *entry : order_) {
		FixedMatch &match = entry->own->match;
		memset(match.value, 0, sizeof(match.value));
		memset(match.mask, 0, sizeof(match.mask));
		match.need = 0;
		match.words = 0;
		for (const MatchField &field : match.fields) {
			uint32_t at;
			if (is_parser_field(*field.place)) {
				at = field.place->offset - PARSER_FIELDS_AT;
			} else {
				auto step = std::find_if(steps_.begin(), steps_.end(),
							 [&field](const Step &known) { return known.place == field.place; });
				if (step == steps_.end()) {
					steps_.push_back({field.place, end});
					end += field.place->octets;
					step = steps_.end() - 1;
				}
				at = step->at;
			}
			random_ |= is_random(*field.place);
			match.need |= field.place->need;
			memcpy(reinterpret_cast<uint8_t *>(match.value) + at, field.value, field.place->octets);
			memcpy(reinterpret_cast<uint8_t *>(match.mask) + at, field.mask, field.place->octets);
			match.words = std::max(match.words, static_cast<uint8_t>((at + field.place->octets + 7) / 8));
		}
		if (match.has_condition) {
			match.need |= match.compared.place->need;
			random_ |= is_random(*match.compared.place);
		}
	}
	words_ = static_cast<uint32_t>(round_up(end, 8)) / 8;
}

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

bool matches(const FixedMatch &match, const Packet &packet, const uint64_t *words)
{
	if ((packet.have & match.need) != match.need)
		return false;
	for (uint32_t i = 0; i < match.words; i++) {
		if ((words[i] & match.mask[i]) != match.value[i])
			return false;
	}
	if (!match.has_condition)
		return true;
	uint8_t octets[16];
	const FieldPlace &place = *match.compared.place;
	read_field(packet, place, octets);
	return compare(match.operation, field_number(place, octets), field_number(place, match.compared.value));
}

} // namespace

void ControlPipe::process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath)
{
	for (uint32_t i = 0; i < count; i++) {
		Packet &packet = *packets[i];
		if (random_) {
			const uint16_t random = datapath.draw_random();
			store16(packet.random, random);
		}
		uint64_t words[CONTROL_OCTETS_MAX / 8];
		memset(words, 0, words_ * sizeof(words[0]));
		auto *octets = reinterpret_cast<uint8_t *>(words);
		if (parser_fields_)
			memcpy(octets, reinterpret_cast<const uint8_t *>(&packet) + PARSER_FIELDS_AT, PARSER_FIELDS_OCTETS);
		for (const Step &step : steps_) {
			if ((packet.have & step.place->need) == step.place->need)
				read_field(packet, *step.place, octets + step.at);
		}
		doca_flow_pipe_entry *found = nullptr;
		for (doca_flow_pipe_entry *entry : order_) {
			if (matches(entry->own->match, packet, words)) {
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
		count_hit(hot, packet);
		const Actions &actions = found->own->actions;
		if (!actions.empty() && !actions.run(packet, hot.values, hot.crypto_id, datapath)) {
			results[i].kind = Forward::LOST;
			continue;
		}
		results[i] = hot.forward;
		if (hot.mirror != 0)
			pass_mirror(packet, hot.mirror, results[i], datapath);
	}
}

OrderedListPipe::OrderedListPipe(std::vector<std::vector<Actions>> lists, uint32_t entries)
	: lists_(std::move(lists)), by_index_(entries)
{
	type = DOCA_FLOW_PIPE_ORDERED_LIST;
	entries_max = entries;
	uint32_t value_octets = 0;
	for (const std::vector<Actions> &list : lists_) {
		uint32_t octets = 0;
		for (const Actions &actions : list)
			octets += actions.value_octets();
		value_octets = std::max(value_octets, octets);
	}
	reserve(value_octets, 0);
}

bool OrderedListPipe::install(doca_flow_pipe_entry &entry)
{
	if (entry.index >= by_index_.size() || by_index_[entry.index] != nullptr)
		return false;
	by_index_[entry.index] = &entry;
	return true;
}

void OrderedListPipe::uninstall(doca_flow_pipe_entry &entry)
{
	by_index_[entry.index] = nullptr;
}

void OrderedListPipe::process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t index = results[i].index;
		const doca_flow_pipe_entry *entry = index < by_index_.size() ? by_index_[index] : nullptr;
		if (entry == nullptr) {
			results[i].kind = Forward::DROP;
			continue;
		}
		EntryHot &hot = *entry->hot;
		count_hit(hot, *packets[i]);
		uint32_t values_at = 0;
		bool lost = false;
		for (const Actions &actions : lists_[hot.action_index]) {
			if (!actions.run(*packets[i], hot.values + values_at, hot.crypto_id, datapath)) {
				lost = true;
				break;
			}
			values_at += actions.value_octets();
		}
		if (lost)
			results[i].kind = Forward::LOST;
		else
			results[i] = forward.kind == Forward::CHANGEABLE ? hot.forward : forward;
	}
}

FloodingPipe::FloodingPipe(uint32_t entries) : by_index_(entries)
{
	type = DOCA_FLOW_PIPE_HASH;
	entries_max = entries;
	reserve(0, 0);
}

bool FloodingPipe::install(doca_flow_pipe_entry &entry)
{
	if (entry.index >= by_index_.size() || by_index_[entry.index] != nullptr)
		return false;
	by_index_[entry.index] = &entry;
	collect();
	return true;
}

void FloodingPipe::uninstall(doca_flow_pipe_entry &entry)
{
	by_index_[entry.index] = nullptr;
	collect();
}

void FloodingPipe::collect()
{
	targets_.clear();
	for (const doca_flow_pipe_entry *entry : by_index_) {
		if (entry != nullptr)
			targets_.push_back(forward.kind == Forward::CHANGEABLE ? entry->hot->forward : forward);
	}
}

void FloodingPipe::process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath)
{
	for (uint32_t i = 0; i < count; i++) {
		if (targets_.empty()) {
			results[i].kind = Forward::DROP;
			continue;
		}
		if (datapath.copy_to(*packets[i], targets_.data(), targets_.size() - 1))
			results[i] = targets_.back();
		else
			results[i].kind = Forward::LOST;
	}
}

} // namespace soft
