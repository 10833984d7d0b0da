// What can be said of the parts alone. Built with AddressSanitizer and UndefinedBehaviorSanitizer; the part that is about
// threads also with ThreadSanitizer (-DONLY_THREADS), which does not go with DPDK.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <unistd.h>

#include "../src/spsc_ring.h"

#ifndef ONLY_THREADS
#include <fstream>
#include <map>
#include <stdexcept>

#include "../src/basic_pipe.h"
#include "../src/device.h"
#include "../src/exact_table.h"
#include "../src/mapping.h"
#include "../src/representor_names.h"
#endif

#include "../src/keys.h"
#include "../src/psp_header.h"
#include "check.h"

using namespace soft;

namespace {

void ring_keeps_order()
{
	constexpr uint32_t ITEMS = 1000000;
	SpscRing<uint32_t> ring(64);
	std::thread producer([&ring] {
		for (uint32_t i = 0; i < ITEMS; i++) {
			while (!ring.push(i))
				std::this_thread::yield();
		}
	});
	for (uint32_t i = 0; i < ITEMS; i++) {
		uint32_t item = 0;
		while (!ring.pop(item))
			std::this_thread::yield();
		CHECK(item == i);
	}
	producer.join();
	CHECK(ring.empty());
}

bool is_wiped(const Aead &aead, const void *prepared)
{
	const auto *octets = static_cast<const uint8_t *>(prepared);
	return std::all_of(octets, octets + aead.context_octets, [](uint8_t octet) { return octet == 0; });
}

// One thread sets keys over and over, the other seals with whatever is there: every packet opens under one of the keys that
// were set, and in the end nothing is left of the others.
void slots_change_under_use(const Aead &aead)
{
	constexpr int ROUNDS = 2000;
	KeySlots slots(aead, 4);
	std::atomic<bool> stop{false};
	uint8_t first[32];
	memset(first, 1, sizeof(first));
	CHECK(slots.set(1, first, 32) && slots.set(2, first, 32));
	const void *places[2] = {slots.get(1).prepared, nullptr};
	CHECK(!is_wiped(aead, places[0]));
	CHECK(!slots.set(0, first, 32) && !slots.set(4, first, 32));
	std::thread datapath([&] {
		for (uint32_t id = 1; !stop.load(); id ^= 3) {
			const KeySlots::Key key = slots.get(id);
			CHECK(key.octets == 32);
			uint8_t header[16] = {};
			uint8_t data[64 + 16] = {};
			aead.seal(key.prepared, 32, header, header, 16, data, 64, data + 64);
			CHECK(aead.open(key.prepared, 32, header, header, 16, data, 64, data + 64));
			slots.quiescent();
		}
	});
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t key[32];
		memset(key, i, sizeof(key));
		CHECK(slots.set(1 + i / 3 % 2, key, 32));
		places[1] = i == 0 ? slots.get(1).prepared : places[1];
	}
	stop = true;
	datapath.join();
	slots.quiescent();
	for (const void *place : places)
		CHECK(is_wiped(aead, place) == (place != slots.get(1).prepared));
}

#ifndef ONLY_THREADS

void *new_context(const Aead &aead)
{
	return aligned_alloc(64, (aead.context_octets + 63) / 64 * 64);
}

void aead_is_aes_gcm(const Aead &one, const Aead &other)
{
	for (const uint32_t key_octets : {16u, 32u}) {
		uint8_t key[32];
		uint8_t aad[40];
		for (size_t i = 0; i < sizeof(key); i++)
			key[i] = static_cast<uint8_t>(i * 7);
		for (size_t i = 0; i < sizeof(aad); i++)
			aad[i] = static_cast<uint8_t>(i);
		void *a = new_context(one);
		void *b = new_context(other);
		one.prepare(a, key, key_octets);
		other.prepare(b, key, key_octets);
		for (uint32_t octets = 0; octets < 300; octets++) {
			std::vector<uint8_t> x(octets + 16, 0x5a);
			std::vector<uint8_t> y = x;
			one.seal(a, key_octets, aad, aad, octets % 40, x.data(), octets, x.data() + octets);
			other.seal(b, key_octets, aad, aad, octets % 40, y.data(), octets, y.data() + octets);
			CHECK(x == y);
			std::vector<uint8_t> damaged = x;
			damaged[octets / 2] ^= 1;
			const std::vector<uint8_t> before = damaged;
			CHECK(!one.open(a, key_octets, aad, aad, octets % 40, damaged.data(), octets, damaged.data() + octets));
			// The packet is unchanged.
			CHECK(damaged == before);
			CHECK(one.open(a, key_octets, aad, aad, octets % 40, x.data(), octets, x.data() + octets));
			for (uint32_t i = 0; i < octets; i++)
				CHECK(x[i] == 0x5a);
		}
		one.wipe(a);
		other.wipe(b);
		free(a);
		free(b);
	}
}

void cache_forgets_the_oldest(const Aead &aead)
{
	DerivedKeyCache cache(aead, 8);
	void *key = aligned_alloc(64, prepared_key_stride(aead));
	const uint8_t octets[32] = {};
	for (uint32_t spi = 1; spi <= 100; spi++) {
		aead.prepare(key, octets, 32);
		cache.add(spi, 1, key);
		CHECK(cache.find(spi, 1) != nullptr);
		CHECK(cache.find(spi, 2) == nullptr);
	}
	uint32_t kept = 0;
	for (uint32_t spi = 1; spi <= 100; spi++)
		kept += cache.find(spi, 1) != nullptr ? 1 : 0;
	CHECK(kept <= 8);
	free(key);
}

void cache_wipes_keys_of_the_dead(const Aead &aead)
{
	DerivedKeyCache cache(aead, 64);
	void *key = aligned_alloc(64, prepared_key_stride(aead));
	const uint8_t octets[32] = {};
	const struct {
		uint32_t spi;
		uint32_t tag;
		bool alive;
	} cases[] = {
		{1, 2 << 2 | 1, false},
		{2, 3 << 2 | 0, true},
		{0x80000001, 2 << 2 | 1, true},
		{0x80000002, 3 << 2 | 1, false},
	};
	const void *places[4];
	for (size_t i = 0; i < 4; i++) {
		aead.prepare(key, octets, 32);
		cache.add(cases[i].spi, cases[i].tag, key);
		CHECK(is_wiped(aead, key));
		places[i] = cache.find(cases[i].spi, cases[i].tag);
		CHECK(!is_wiped(aead, places[i]));
	}
	const uint32_t alive[2] = {3 << 2, 2 << 2};
	size_t at = 0;
	while (at < cache.slots())
		at = cache.wipe_dead(at, 5, alive);
	for (size_t i = 0; i < 4; i++) {
		CHECK((cache.find(cases[i].spi, cases[i].tag) != nullptr) == cases[i].alive);
		CHECK(is_wiped(aead, places[i]) == !cases[i].alive);
	}
	free(key);
}

// A key that a packet was decrypted with is kept until its master key goes, not the other one; that of a forged packet is not.
void keys_of_packets_are_kept_for_their_time(const Aead &aead)
{
	constexpr uint32_t PAYLOAD = 32;
	RandomSource random(1);
	MasterKeys master_keys(random, {}, 1);
	IvSource ivs(random, 1);
	Exits exits;
	Datapath datapath(aead, random, master_keys, ivs, 1024, nullptr, exits);
	uint32_t spi;
	uint8_t octets[32];
	CHECK(master_keys.generate(1, 1, &spi, octets));
	uint8_t frame[14 + 20 + 8 + PSP_HEADER_OCTETS + PAYLOAD + PSP_ICV_OCTETS] = {};
	uint8_t *ip = frame + 14;
	uint8_t *udp = ip + 20;
	uint8_t *psp = udp + 8;
	store16(frame + 12, 0x0800);
	ip[0] = 0x45;
	ip[9] = 17;
	store16(ip + 2, sizeof(frame) - 14);
	store16(udp + 2, DOCA_FLOW_PSP_DEFAULT_PORT);
	store16(udp + 4, sizeof(frame) - 34);
	psp[0] = 59;
	psp[1] = 1;
	psp[3] = 1 << 2 | 1;
	store32(psp + PSP_SPI, spi);
	void *key = new_context(aead);
	aead.prepare(key, octets, 32);
	uint8_t *payload = psp + PSP_HEADER_OCTETS;
	aead.seal(key, 32, psp + PSP_SPI, psp, PSP_HEADER_OCTETS, payload, PAYLOAD, payload + PAYLOAD);
	aead.wipe(key);
	free(key);
	Packet packet{};
	Packet *one = &packet;
	const void *derived;
	uint8_t forged[sizeof(frame)];
	memcpy(forged, frame, sizeof(frame));
	forged[sizeof(forged) - 1] ^= 1;
	packet.load(forged, sizeof(forged), 0, 0);
	datapath.decrypt(packet);
	CHECK(packet.syndrome == SYNDROME_ICV_FAIL);
	datapath.prefetch_keys(&one, 1, &derived);
	CHECK(derived == nullptr);
	packet.load(frame, sizeof(frame), 0, 0);
	datapath.decrypt(packet);
	CHECK(packet.syndrome == SYNDROME_OK);
	datapath.prefetch_keys(&one, 1, &derived);
	CHECK(derived != nullptr && !datapath.wipe_dead_keys());
	for (const bool dead : {false, true}) {
		master_keys.rotate();
		CHECK(datapath.wipe_dead_keys());
		while (datapath.wipe_dead_keys()) {
		}
		CHECK(is_wiped(aead, derived) == dead);
	}
}

// A frame of IPv4 with UDP and a datagram of IPv4 with UDP behind a PSP header, the addresses and ports as told.
std::vector<uint8_t> tunneled(uint8_t outer_source, uint8_t source, uint16_t port)
{
	std::vector<uint8_t> frame(14 + 20 + 8 + PSP_HEADER_OCTETS + 20 + 8 + PSP_ICV_OCTETS);
	store16(&frame[12], 0x0800);
	const auto header = [&frame](size_t at, size_t end, uint8_t address) {
		frame[at] = 0x45;
		store16(&frame[at + 2], static_cast<uint32_t>(end - at));
		frame[at + 9] = 17;
		frame[at + 15] = address;
	};
	header(14, frame.size(), outer_source);
	store16(&frame[36], DOCA_FLOW_PSP_DEFAULT_PORT);
	store16(&frame[38], static_cast<uint32_t>(frame.size() - 34));
	const size_t inner = 42 + PSP_HEADER_OCTETS;
	header(inner, frame.size() - PSP_ICV_OCTETS, source);
	store16(&frame[inner + 20], port);
	return frame;
}

// With inner flags the headers inside a tunnel count, and those outside do not; without a tunnel, as of a packet that is not decrypted,
// the packet's own.
void rss_by_inner_headers()
{
	constexpr int32_t INNER = 42 + static_cast<int32_t>(PSP_HEADER_OCTETS);
	RssTarget target;
	target.queues = {0, 1};
	target.fields.inner = true;
	const auto queues_of = [&target](bool decrypted, bool outer, bool source, bool port) {
		bool seen[2] = {};
		for (uint8_t i = 0; i < 32; i++) {
			std::vector<uint8_t> frame = tunneled(outer ? i : 1, source ? i : 1, port ? i : 1);
			Packet packet{};
			packet.load(frame.data(), static_cast<uint32_t>(frame.size()), 0, 0);
			if (decrypted)
				packet.enter_payload(4, INNER,
						     static_cast<int32_t>(frame.size()) - static_cast<int32_t>(PSP_ICV_OCTETS));
			seen[target.queue_for(packet)] = true;
		}
		return seen[0] + seen[1];
	};
	for (const uint8_t ports : {RSS_BOTH, RSS_NONE}) {
		target.fields.udp = ports;
		CHECK(queues_of(true, true, false, false) == 1 && queues_of(true, false, true, false) == 2);
		CHECK(queues_of(true, false, false, true) == (ports == RSS_BOTH ? 2 : 1));
		CHECK(queues_of(false, true, false, false) == 2 && queues_of(false, false, true, true) == 1);
	}
}

// Twice as many records as it was made for, of few different keys and in few buckets, added and taken out at random. Of those with
// an equal key the newest is found.
void table_finds_what_a_map_finds()
{
	constexpr uint32_t RECORDS = 60;
	constexpr uint32_t KEYS = 90;
	struct Record {
		uint64_t before;
		uint64_t key[2];
	};
	std::vector<Record> records(RECORDS);
	ExactTable table(reinterpret_cast<unsigned char *>(records.data()), sizeof(Record), sizeof(uint64_t), 2, RECORDS / 4);
	// The records of each key, the newest at the end.
	std::map<uint64_t, std::vector<uint32_t>> model;
	std::vector<uint32_t> unused;
	for (uint32_t i = 0; i < RECORDS; i++)
		unused.push_back(i);
	RandomSource random(5);
	for (uint32_t step = 0; step < 200000; step++) {
		const uint64_t key[2] = {random.draw16() % KEYS, 7};
		std::vector<uint32_t> &known = model[key[0]];
		if (!known.empty() && random.draw16() % 2 == 0) {
			const uint32_t record = known.back();
			known.pop_back();
			if (known.empty())
				table.erase(record);
			else
				table.replace(record, known.back());
			unused.push_back(record);
		} else if (!unused.empty()) {
			const uint32_t record = unused.back();
			unused.pop_back();
			records[record] = {0, {key[0], key[1]}};
			CHECK(table.insert(record) == (known.empty() ? ExactTable::NONE : known.back()));
			known.push_back(record);
		}
		const uint64_t sought[2] = {random.draw16() % KEYS, 7};
		const uint64_t hash = table.hash(sought);
		const std::vector<uint32_t> &there = model[sought[0]];
		const uint32_t candidate = table.candidate(hash);
		CHECK(table.find(hash, sought) == (there.empty() ? ExactTable::NONE : there.back()));
		CHECK(candidate != ExactTable::NONE || there.empty());
	}
}

void rotation_replaces_one_key()
{
	RandomSource random(1);
	MasterKeys keys(random, {}, 1);
	uint32_t spis[2];
	uint8_t first[64];
	uint8_t now[32];
	CHECK(keys.generate(1, 2, spis, first));
	CHECK(spis[0] == 1 && spis[1] == 2);
	keys.rotate();
	keys.derive(1, 1, now);
	CHECK(memcmp(now, first, 32) == 0);
	CHECK(keys.generate(1, 1, spis, now) && spis[0] == 0x80000001);
	keys.rotate();
	keys.derive(1, 1, now);
	CHECK(memcmp(now, first, 32) != 0);
	CHECK(!keys.generate(1, 0x7fffffff + 1u, spis, now));
}

// A queue that ends with operations on a pipe that has gone: AddressSanitizer finds what is left of them.
// Half of all are left then.
void ivs_begin_in_the_lower_half()
{
	for (uint32_t seed = 0; seed < 100; seed++) {
		RandomSource random(seed);
		uint8_t iv[8];
		CHECK(IvSource(random, std::nullopt).next(iv));
		CHECK((iv[0] & 0x80) == 0);
	}
}

void queue_frees_what_it_holds()
{
	EntryQueue queue(4, Completions::QUEUED);
	DevicePipe pipe(new BasicPipe({}, {}, 1, 1, false, false));
	doca_flow_pipe_entry *entry = pipe->take_entry();
	pipe->submitted(*entry);
	queue.completions.push({entry, nullptr, EntryOperation::ADD, true});
	pipe->submitted(*entry);
	queue.commands.push({entry, pipe->new_values(), {}, EntryOperation::UPDATE});
}

void mapping_says_all_that_is_wrong()
{
	const struct {
		const char *text;
		std::vector<std::string> says;
	} cases[] = {
		{"[device 03:00.0]\nport = net_null0\n[representor vf0]\nport = net_null1\n", {}},
		{"port = x\nmtu = 1\n", {":1: expected [device PCI] first"}},
		{"[device 03:00.0]\nport = net_null0\nspeed = 4\nmtu\n",
		 {":3: there is no key \"speed\" here", ":4: expected key = value"}},
		{"[device 03:00.0]\nburst = 65\nmac = 1:2\n",
		 {":1: [device 03:00.0] has no port = ..., the DPDK port behind it",
		  ":2: expected a number from 1 to 64, got \"65\"", ":3: expected pairs of hexadecimal digits"}},
		{"[representor vf0]\nport = x\nmtu = 1\n", {":1: a representor before any device"}},
		// Lines under a wrong title report nothing.
		{"[devise 03:00.0]\nmtu = 1\n[representor vf0]\nmtu = 1\n[device 03:00.0\nmtu = 1\n[representor vf0]\n"
		 "[device 03:00.0]\nport = net_null0\n[representor vf0]\nmtu = 1\n[representor vf0]\nmtu = 1\n",
		 {":1: expected [device PCI] or [representor PCI]", ":5: expected ] at the end",
		  ":10: [representor vf0] has no port = ..., the DPDK port behind it",
		  ":11: expected a number from 68 to 65535, got \"1\"",
		  ":12: representor vf0 has a section of this device already"}},
	};
	const std::string path = "/tmp/doca-soft-mapping-" + std::to_string(getpid());
	setenv("DOCA_SOFT_CONFIG", path.c_str(), 1);
	for (const auto &one : cases) {
		std::ofstream(path) << one.text;
		std::vector<std::string> said;
		try {
			read_mapping();
		} catch (const MappingError &error) {
			said = error.mistakes;
		}
		std::vector<std::string> expected;
		for (const std::string &line : one.says)
			expected.push_back(path + line);
		if (said != expected) {
			fprintf(stderr, "of \"%s\" it said:\n", one.text);
			for (const std::string &line : said)
				fprintf(stderr, "%s\n", line.c_str());
			exit(1);
		}
	}
	unlink(path.c_str());
}

// The names of the representors that devargs stand for, or what is wrong with them.
std::string representors_of(const std::string &devargs)
{
	DeviceMapping mapping;
	for (const char *name : {"vf0", "pf0vf1", "pf1vf1", "0000:03:00.4", "sf7"})
		mapping.representors.emplace_back().pci = name;
	try {
		std::string names;
		for (const RepresentorMapping *representor : named_representors(devargs, mapping))
			names += (names.empty() ? "" : " ") + representor->pci;
		return names;
	} catch (const std::runtime_error &error) {
		return error.what();
	}
}

void devargs_name_representors()
{
	const std::string none = ": the mapping file has no such representor";
	const std::string wrong = ": expected names as pf0vf0 or vf[0-1,3]";
	const struct {
		std::string devargs, names;
	} CASES[] = {
		{"", ""},
		{"dv_flow_en=2", ""},
		{"representor=vf0", "vf0"},
		{"dv_flow_en=2,representor=pf0vf1,dv_xmeta_en=4", "pf0vf1"},
		{"representor=pf1vf1", "pf1vf1"},
		{"representor=sf7", "sf7"},
		// Of any PF, in the order of the file; a number is a VF's.
		{"representor=vf1", "pf0vf1"},
		{"representor=1", "pf0vf1"},
		// The fourth, whose name tells nothing of a function; by its address too.
		{"representor=vf3", "0000:03:00.4"},
		{"representor=03:00.4", "0000:03:00.4"},
		{"representor=vf[1,0],x=y", "pf0vf1 vf0"},
		{"representor=[0-1]", "vf0 pf0vf1"},
		{"representor=pf[0-1]vf[1]", "pf0vf1 pf1vf1"},
		{"representor=vf2", "representor=vf2" + none},
		{"representor=sf0", "representor=sf0" + none},
		{"representor=pf0vf1x", "representor=pf0vf1x" + none},
		{"representor=", "representor=" + none},
		{"representor=vf[0-", "representor=vf[0-" + wrong},
		{"representor=vf[]", "representor=vf[]" + wrong},
		{"representor=vf[2-1]", "representor=vf[2-1]" + wrong},
		{"representor=vf[0-256]", "representor=vf[0-256]" + wrong},
		{"representor=pf[0-99]vf[0-99]", "representor=: more than 256 representors"},
	};
	for (const auto &one : CASES) {
		const std::string names = representors_of(one.devargs);
		if (names != one.names)
			fprintf(stderr, "\"%s\": %s\n", one.devargs.c_str(), names.c_str());
		CHECK(names == one.names);
	}
}

#endif

} // namespace

int main()
{
	ring_keeps_order();
#ifdef ONLY_THREADS
	slots_change_under_use(*find_aead("openssl"));
#else
	const Aead &best = *find_aead("auto");
	const Aead &openssl = *find_aead("openssl");
	slots_change_under_use(best);
	slots_change_under_use(openssl);
	aead_is_aes_gcm(best, openssl);
	aead_is_aes_gcm(openssl, best);
	cache_forgets_the_oldest(best);
	cache_forgets_the_oldest(openssl);
	cache_wipes_keys_of_the_dead(best);
	cache_wipes_keys_of_the_dead(openssl);
	keys_of_packets_are_kept_for_their_time(best);
	keys_of_packets_are_kept_for_their_time(openssl);
	rss_by_inner_headers();
	table_finds_what_a_map_finds();
	rotation_replaces_one_key();
	ivs_begin_in_the_lower_half();
	queue_frees_what_it_holds();
	mapping_says_all_that_is_wrong();
	devargs_name_representors();
#endif
	puts("all is as it should be");
	return 0;
}
