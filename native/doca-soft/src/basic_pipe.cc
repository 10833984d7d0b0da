#include "basic_pipe.h"

#include <algorithm>
#include <new>

#include "log.h"
#include "prefetch.h"

namespace soft {
namespace {

constexpr uint32_t WORD_OCTETS = 8;
constexpr uint32_t WORDS_MAX = KEY_OCTETS_MAX / WORD_OCTETS;

// Reads one field of many packets before the next field: a key that is written in pieces and read as a whole right after would
// stall the processor.
template <uint32_t OCTETS>
void read_column(Packet **packets, const uint8_t *positions, uint32_t count, const FieldPlace &place, uint8_t *out, size_t stride)
{
	for (uint32_t i = 0; i < count; i++)
		memcpy(out + i * stride, packets[positions[i]]->bases[place.base] + place.offset, OCTETS);
}

// Whether a key equals the one before it in memory.
inline bool same_key(const uint64_t *key, uint32_t words)
{
	uint64_t difference = 0;
	for (uint32_t i = 0; i < words; i++)
		difference |= key[i] ^ (key - words)[i];
	return difference == 0;
}

} // namespace

void KeyReader::layout(const std::vector<MatchField> &fields)
{
	uint32_t at = 0;
	bool whole = true;
	for (const MatchField &field : fields) {
		random_ |= is_random(*field.place);
		if (!field.changeable) {
			test_.add(field);
			continue;
		}
		test_.need(*field.place);
		steps_.push_back({field, at});
		at += field.place->octets;
		whole &= std::all_of(field.mask, field.mask + field.place->octets, [](uint8_t octet) { return octet == 0xff; });
	}
	key_words_ = (at + WORD_OCTETS - 1) / WORD_OCTETS;
	if (whole)
		return;
	mask_.resize(key_words_);
	for (const Step &step : steps_)
		memcpy(reinterpret_cast<uint8_t *>(mask_.data()) + step.at, step.field.mask, step.field.place->octets);
}

uint32_t KeyReader::read(Packet **packets, uint32_t count, uint8_t *positions, uint64_t *keys) const
{
	uint32_t passed = 0;
	for (uint64_t rest = test_.passing(packets, first_bits(count)); rest != 0; rest &= rest - 1)
		positions[passed++] = static_cast<uint8_t>(__builtin_ctzll(rest));
	if (key_words_ == 0)
		return passed;
	// The fields may not fill the last word.
	for (uint32_t i = 0; i < passed; i++)
		keys[(i + 1) * key_words_ - 1] = 0;
	const size_t stride = key_words_ * WORD_OCTETS;
	for (const Step &step : steps_) {
		const FieldPlace &place = *step.field.place;
		uint8_t *out = reinterpret_cast<uint8_t *>(keys) + step.at;
		switch (place.octets) {
		case 1:
			read_column<1>(packets, positions, passed, place, out, stride);
			break;
		case 2:
			read_column<2>(packets, positions, passed, place, out, stride);
			break;
		case 3:
			read_column<3>(packets, positions, passed, place, out, stride);
			break;
		case 4:
			read_column<4>(packets, positions, passed, place, out, stride);
			break;
		case 6:
			read_column<6>(packets, positions, passed, place, out, stride);
			break;
		case 8:
			read_column<8>(packets, positions, passed, place, out, stride);
			break;
		default:
			read_column<16>(packets, positions, passed, place, out, stride);
		}
	}
	if (!mask_.empty()) {
		for (uint32_t i = 0; i < passed * key_words_; i++)
			keys[i] &= mask_[i % key_words_];
	}
	return passed;
}

void KeyReader::entry_key(const doca_flow_match *match, uint8_t *key) const
{
	memset(key, 0, size_t{key_words_} * WORD_OCTETS);
	if (match == nullptr)
		return;
	for (const Step &step : steps_) {
		const uint8_t *value = member(*match, *step.field.place);
		for (uint32_t i = 0; i < step.field.place->octets; i++)
			key[step.at + i] = value[i] & step.field.mask[i];
	}
}

BasicPipe::BasicPipe(const std::vector<MatchField> &fields, std::vector<Actions> actions, uint32_t expected, uint32_t max,
		     bool refuses_equal, bool monitors)
	: actions_(std::move(actions)), refuses_equal_(refuses_equal)
{
	type = DOCA_FLOW_PIPE_BASIC;
	reader_.layout(fields);
	uint32_t value_octets = 0;
	for (const Actions &action : actions_) {
		value_octets = std::max(value_octets, action.value_octets());
		decrypts_ |= action.decrypts();
	}
	const uint32_t key_words = reader_.key_words();
	entries_expected = expected;
	entries_max = max;
	reserve(value_octets, key_words * WORD_OCTETS, monitors);
	if (key_words > 0)
		table_ = ExactTable(hot_.data(), hot_stride_, sizeof(EntryHot), key_words, expected);
}

void BasicPipe::prefetch_record(const EntryHot *hot) const
{
	const auto *at = reinterpret_cast<const uint8_t *>(hot);
	for (size_t line = 0; line < forward_at_; line += LINE_OCTETS)
		prefetch_line(at + line);
}

// Finds the entry of each packet; nullptr for none.
void BasicPipe::find(Packet **packets, uint32_t count, EntryHot **found) const
{
	uint64_t keys[BURST_MAX * WORDS_MAX];
	uint64_t hashes[BURST_MAX];
	uint32_t candidates[BURST_MAX];
	uint8_t positions[BURST_MAX];
	const uint32_t key_words = reader_.key_words();
	for (uint32_t i = 0; i < count; i++)
		found[i] = nullptr;
	const uint32_t read = reader_.read(packets, count, positions, keys);
	if (key_words == 0) {
		for (uint32_t i = 0; i < read; i++)
			found[positions[i]] = only_;
		return;
	}
	// Packets come in trains: one with the key of the packet before has its entry, too, without a look-up.
	uint64_t looked_up = first_bits(std::min(read, 1u));
	for (uint32_t i = 1; i < read; i++)
		looked_up |= static_cast<uint64_t>(!same_key(keys + i * key_words, key_words)) << i;
	for (uint64_t rest = looked_up; rest != 0; rest &= rest - 1) {
		const int i = __builtin_ctzll(rest);
		hashes[i] = table_.hash(keys + i * key_words);
		table_.prefetch(hashes[i]);
	}
	for (uint64_t rest = looked_up; rest != 0; rest &= rest - 1) {
		const int i = __builtin_ctzll(rest);
		candidates[i] = table_.candidate(hashes[i]);
		if (candidates[i] != ExactTable::NONE)
			prefetch_record(record(candidates[i]));
	}
	for (uint32_t i = 0; i < read; i++) {
		if ((looked_up >> i & 1) == 0) {
			found[positions[i]] = found[positions[i - 1]];
			continue;
		}
		uint32_t at = candidates[i];
		if (at == ExactTable::NONE)
			continue;
		const uint64_t *key = keys + i * key_words;
		if (!table_.has_key(at, key))
			at = table_.find(hashes[i], key);
		if (at != ExactTable::NONE)
			found[positions[i]] = record(at);
	}
}

void BasicPipe::process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath)
{
	EntryHot *found[BURST_MAX];
	const void *keys[BURST_MAX];
	if (reader_.draws_random()) {
		for (uint32_t i = 0; i < count; i++)
			store16(packets[i]->random, datapath.draw_random());
	}
	find(packets, count, found);
	if (decrypts_) {
		datapath.prefetch_keys(packets, count, keys);
		for (uint32_t i = 0; i < std::min(count, PREFETCH_PACKETS); i++)
			datapath.prefetch_key(*packets[i], keys[i]);
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t ahead = i + PREFETCH_PACKETS;
		// Consecutive packets of one session prefetch once.
		if (decrypts_ && ahead < count && keys[ahead] != keys[ahead - 1])
			datapath.prefetch_key(*packets[ahead], keys[ahead]);
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
	if (!take_hit(entry, packet, datapath)) {
		result.kind = Forward::DROP;
		return;
	}
	if (!actions_.empty() && !actions_[entry.action_index].run(packet, values_of(entry), entry.crypto_id, datapath)) {
		result.kind = Forward::LOST;
		return;
	}
	result = forward.kind == Forward::CHANGEABLE ? forward_of(entry) : forward;
	const uint16_t number = mirror != 0 ? mirror : entry.mirror;
	if (number != 0)
		pass_mirror(packet, number, result, datapath);
}

// Whether an entry is there that has the key of this one.
bool BasicPipe::has_equal(const doca_flow_pipe_entry &entry) const
{
	if (reader_.key_words() == 0)
		return newest_ != nullptr;
	const auto *key = reinterpret_cast<const uint64_t *>(key_of(*entry.hot));
	return table_.find(table_.hash(key), key) != ExactTable::NONE;
}

// Of entries with an equal key, unless the pipe refuses them, the newest counts. It hides the older ones until it is removed.
bool BasicPipe::install(doca_flow_pipe_entry &entry)
{
	if (refuses_equal_ && has_equal(entry)) {
		log_sdk(DOCA_LOG_LEVEL_ERROR, "pipe %s: another entry has the key of this one", name.c_str());
		return false;
	}
	doca_flow_pipe_entry *older = newest_;
	if (reader_.key_words() > 0) {
		try {
			const uint32_t equal = table_.insert(entry.slot);
			older = equal == ExactTable::NONE ? nullptr : &entry_at(equal);
		} catch (const std::bad_alloc &) {
			return false;
		}
	} else {
		newest_ = &entry;
		only_ = entry.hot;
	}
	entry.newer = nullptr;
	entry.older = older;
	if (older != nullptr)
		older->newer = &entry;
	return true;
}

void BasicPipe::uninstall(doca_flow_pipe_entry &entry)
{
	doca_flow_pipe_entry *const older = entry.older;
	if (older != nullptr)
		older->newer = entry.newer;
	if (entry.newer != nullptr) {
		entry.newer->older = older;
		return;
	}
	if (reader_.key_words() == 0) {
		newest_ = older;
		only_ = older == nullptr ? nullptr : older->hot;
	} else if (older != nullptr) {
		table_.replace(entry.slot, older->slot);
	} else {
		table_.erase(entry.slot);
	}
}

} // namespace soft
