// What is done for a network card, against headers written down once more here, and against any input at all.
#include "../ports/src/offloads.h"
#include "../doca-soft/test/check.h"

#include <algorithm>
#include <memory>
#include <random>

using namespace psp;

namespace {

using Octets = std::vector<uint8_t>;

constexpr size_t MTU = 1500;
constexpr uint8_t TCP = 6;
constexpr uint8_t UDP = 17;
constexpr uint8_t CWR_PSH_FIN_ACK = 0x99;
constexpr uint32_t FUZZ_ROUNDS = 200'000;

void put16(Octets &to, unsigned value)
{
	to.push_back(static_cast<uint8_t>(value >> 8));
	to.push_back(static_cast<uint8_t>(value));
}

unsigned get16(const Octets &from, size_t at)
{
	return from[at] << 8 | from[at + 1];
}

// RFC 1071, an octet pair at a time.
unsigned folded(const Octets &from, size_t begin, size_t end, unsigned sum = 0)
{
	for (size_t at = begin; at < end; at += 2)
		sum += from[at] << 8 | (at + 1 < end ? from[at + 1] : 0);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

struct Kind {
	bool is_ipv4;
	uint8_t protocol;
	// Of IPv6: octets of a hop-by-hop header.
	size_t extension = 0;
	bool has_tag_inside = false;

	size_t ip() const { return has_tag_inside ? 18 : 14; }
	size_t transport() const { return ip() + (is_ipv4 ? 20 : 40) + extension; }
	size_t payload() const { return transport() + (protocol == TCP ? 32 : 8); }
	uint8_t train() const
	{
		return protocol == UDP ? Todo::TRAIN_OF_UDP : is_ipv4 ? Todo::TRAIN_OF_TCP_IPV4 : Todo::TRAIN_OF_TCP_IPV6;
	}
	size_t checksum() const { return protocol == TCP ? 16 : 6; }
};

// What the transport's checksum begins with.
unsigned pseudo_header(const Kind &kind, const Octets &frame)
{
	const size_t addresses = kind.ip() + (kind.is_ipv4 ? 12 : 8);
	const size_t octets = frame.size() - kind.transport();
	return folded(frame, addresses, addresses + (kind.is_ipv4 ? 8 : 32), static_cast<unsigned>(kind.protocol + octets));
}

// A frame whose transport header is still to get its checksum, as the kernel leaves it.
Octets frame_of(const Kind &kind, size_t payload)
{
	Octets frame{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	if (kind.has_tag_inside) {
		put16(frame, 0x8100);
		put16(frame, 7);
	}
	put16(frame, kind.is_ipv4 ? 0x0800 : 0x86dd);
	const size_t transport = (kind.protocol == TCP ? 32 : 8) + payload;
	if (kind.is_ipv4) {
		put16(frame, 0x4500);
		put16(frame, static_cast<unsigned>(20 + transport));
		put16(frame, 0xfffe);
		put16(frame, 0x4000);
		frame.insert(frame.end(), {64, kind.protocol, 0xab, 0xcd, 192, 0, 2, 1, 192, 0, 2, 2});
	} else {
		frame.insert(frame.end(), {0x60, 0, 0, 0});
		put16(frame, static_cast<unsigned>(kind.extension + transport));
		frame.insert(frame.end(), {static_cast<uint8_t>(kind.extension == 0 ? kind.protocol : 0), 64});
		for (uint8_t i = 0; i < 32; i++)
			frame.push_back(i);
		if (kind.extension != 0) {
			frame.insert(frame.end(), {kind.protocol, static_cast<uint8_t>(kind.extension / 8 - 1), 1});
			frame.push_back(static_cast<uint8_t>(kind.extension - 4));
			frame.resize(frame.size() + kind.extension - 4);
		}
	}
	put16(frame, 0x1234);
	put16(frame, 0x0050);
	if (kind.protocol == TCP) {
		frame.insert(frame.end(), {0xff, 0xff, 0xff, 0x00, 0, 0, 0, 9, 0x80, CWR_PSH_FIN_ACK, 1, 0, 0, 0, 0, 0});
		frame.insert(frame.end(), 12, 1);
	} else {
		put16(frame, static_cast<unsigned>(transport));
		put16(frame, 0);
	}
	for (size_t i = 0; i < payload; i++)
		frame.push_back(static_cast<uint8_t>(i * 7 + i / 256));
	const unsigned sum = pseudo_header(kind, frame);
	frame[kind.transport() + kind.checksum()] = static_cast<uint8_t>(sum >> 8);
	frame[kind.transport() + kind.checksum() + 1] = static_cast<uint8_t>(sum);
	return frame;
}

Todo todo_of(const Kind &kind, uint8_t train, size_t segment)
{
	return {Todo::PARTIAL_CHECKSUM,
		train,
		0,
		static_cast<uint16_t>(segment),
		static_cast<uint16_t>(kind.transport()),
		static_cast<uint16_t>(kind.checksum())};
}

std::vector<Octets> split(const WireFrames &frames)
{
	std::vector<Octets> all;
	auto at = frames.octets.begin();
	for (const uint32_t length : frames.lengths) {
		all.emplace_back(at, at + length);
		at += length;
	}
	CHECK(at == frames.octets.end());
	return all;
}

std::vector<Octets> wire_frames(const Octets &frame, const Todo &todo, std::optional<VlanTag> tag = {}, size_t mtu = MTU)
{
	WireFrames to;
	CHECK(add_wire_frames({frame, todo, tag}, mtu, to));
	return split(to);
}

bool is_refused(const Octets &frame, const Todo &todo)
{
	WireFrames to;
	const bool is_added = add_wire_frames({frame, todo, {}}, MTU, to);
	CHECK(is_added || (to.octets.empty() && to.lengths.empty() && to.too_big == 0));
	return !is_added;
}

void check_segment(const Kind &kind, const Octets &train, const Octets &segment, size_t at, size_t size)
{
	const bool is_last = at + size == train.size() - kind.payload();
	CHECK(segment.size() == kind.payload() + size);
	CHECK(std::equal(segment.begin() + static_cast<ptrdiff_t>(kind.payload()), segment.end(),
			 train.begin() + static_cast<ptrdiff_t>(kind.payload() + at)));
	CHECK(std::equal(train.begin(), train.begin() + static_cast<ptrdiff_t>(kind.ip()), segment.begin()));
	const size_t packet = segment.size() - kind.ip();
	if (kind.is_ipv4) {
		CHECK(get16(segment, kind.ip() + 2) == packet);
		CHECK(folded(segment, kind.ip(), kind.ip() + 20) == 0xffff);
	} else {
		CHECK(get16(segment, kind.ip() + 4) == packet - 40);
	}
	CHECK(folded(segment, kind.transport(), segment.size(), pseudo_header(kind, segment)) == 0xffff);
	if (kind.protocol == UDP) {
		CHECK(get16(segment, kind.transport() + 4) == segment.size() - kind.transport());
		return;
	}
	const uint32_t sequence = get16(segment, kind.transport() + 4) << 16 | get16(segment, kind.transport() + 6);
	CHECK(sequence == 0xffffff00 + static_cast<uint32_t>(at));
	const unsigned flags = segment[kind.transport() + 13];
	CHECK(flags == (CWR_PSH_FIN_ACK & (is_last ? 0xff : 0xf6) & (at == 0 ? 0xff : 0x7f)));
}

void trains_are_cut(const Kind &kind)
{
	for (const size_t payload : {size_t{1}, size_t{999}, size_t{1000}, size_t{1001}, size_t{5001}, size_t{60000}}) {
		const Octets train = frame_of(kind, payload);
		for (const bool has_cwr : {false, true}) {
			const uint8_t flag = has_cwr && kind.protocol == TCP ? Todo::HAS_CWR : 0;
			const auto segments = wire_frames(train, todo_of(kind, kind.train() | flag, 1000));
			CHECK(segments.size() == (payload + 999) / 1000);
			for (size_t i = 0; i < segments.size(); i++) {
				check_segment(kind, train, segments[i], i * 1000, std::min<size_t>(1000, payload - i * 1000));
				// The number of the first was 0xfffe.
				if (kind.is_ipv4)
					CHECK(get16(segments[i], kind.ip() + 4) == ((0xfffe + i) & 0xffff));
			}
		}
	}
	// In one frame it is a checksum, and nothing else.
	const Octets train = frame_of(kind, 777);
	const auto whole = wire_frames(train, todo_of(kind, Todo::NO_TRAIN, 0));
	CHECK(whole.size() == 1);
	CHECK(whole[0].size() == train.size());
	CHECK(folded(whole[0], kind.transport(), train.size(), pseudo_header(kind, train)) == 0xffff);
}

void tags_are_put_back()
{
	for (const bool is_ipv4 : {false, true}) {
		const Kind kind{is_ipv4, TCP};
		const Octets train = frame_of(kind, 3000);
		const auto plain = wire_frames(train, todo_of(kind, kind.train(), 1400));
		const auto tagged = wire_frames(train, todo_of(kind, kind.train(), 1400), VlanTag{0x88a8, 0xe123});
		CHECK(plain.size() == 3 && tagged.size() == 3);
		for (size_t i = 0; i < 3; i++) {
			Octets expected = plain[i];
			const uint8_t tag[] = {0x88, 0xa8, 0xe1, 0x23};
			expected.insert(expected.begin() + 12, std::begin(tag), std::end(tag));
			CHECK(tagged[i] == expected);
		}
	}
}

void frames_are_no_larger_than_the_link()
{
	const Octets fits(14 + MTU, 1);
	const Octets too_big(15 + MTU, 1);
	WireFrames to;
	CHECK(add_wire_frames({fits, {}, {}}, MTU, to));
	CHECK(add_wire_frames({fits, {}, VlanTag{0x8100, 1}}, MTU, to));
	CHECK(add_wire_frames({too_big, {}, {}}, MTU, to));
	CHECK(add_wire_frames({too_big, {}, VlanTag{0x8100, 1}}, MTU, to));
	CHECK(to.lengths == (std::vector<uint32_t>{14 + MTU, 18 + MTU}));
	CHECK(to.too_big == 2);
	// A tag that the kernel has left inside does not count either.
	Octets tagged(18 + MTU, 1);
	tagged[12] = 0x81;
	tagged[13] = 0;
	CHECK(wire_frames(tagged, {}).size() == 1);
	tagged.push_back(1);
	CHECK(wire_frames(tagged, {}).empty());
	// The last segment of a train may be small enough.
	const Kind kind{true, TCP};
	to = {};
	CHECK(add_wire_frames({frame_of(kind, 2001), todo_of(kind, kind.train(), 2000), {}}, MTU, to));
	CHECK(to.lengths == std::vector<uint32_t>{static_cast<uint32_t>(kind.payload() + 1)});
	CHECK(to.too_big == 1);
}

void checksums_of_zero_are_written_otherwise()
{
	const Kind kind{true, UDP};
	Octets frame = frame_of(kind, 2);
	// With this payload the sum is 0xffff.
	frame[kind.payload()] = frame[kind.payload() + 1] = 0;
	const unsigned rest = folded(frame, kind.transport(), frame.size());
	frame[kind.payload()] = static_cast<uint8_t>(~rest >> 8);
	frame[kind.payload() + 1] = static_cast<uint8_t>(~rest);
	const auto done = wire_frames(frame, todo_of(kind, Todo::NO_TRAIN, 0));
	CHECK(get16(done[0], kind.transport() + kind.checksum()) == 0xffff);
	// A train without checksums has none afterwards.
	Todo todo = todo_of(kind, Todo::TRAIN_OF_UDP, 1);
	todo.flags = 0;
	frame[kind.transport() + 6] = frame[kind.transport() + 7] = 0;
	for (const auto &segment : wire_frames(frame, todo))
		CHECK(get16(segment, kind.transport() + 6) == 0);
}

void what_is_not_understood_is_refused()
{
	const Kind tcp{true, TCP};
	const Octets train = frame_of(tcp, 3000);
	const Todo right = todo_of(tcp, tcp.train(), 1000);
	CHECK(!is_refused(train, right));
	const auto changed = [&](auto change) {
		Todo todo = right;
		change(todo);
		return is_refused(train, todo);
	};
	CHECK(changed([](Todo &todo) { todo.train = 3; }));
	CHECK(changed([](Todo &todo) { todo.train = Todo::TRAIN_OF_TCP_IPV6; }));
	CHECK(changed([](Todo &todo) { todo.train = Todo::TRAIN_OF_UDP; }));
	CHECK(changed([](Todo &todo) { todo.segment_octets = 0; }));
	CHECK(changed([](Todo &todo) { todo.segment_octets = 2; }));
	// As of a header inside a tunnel.
	CHECK(changed([](Todo &todo) { todo.checksum_start += 50; }));
	CHECK(changed([](Todo &todo) { todo = {Todo::PARTIAL_CHECKSUM, Todo::NO_TRAIN, 0, 0, 34, 8}; }));
	CHECK(changed([](Todo &todo) { todo = {Todo::PARTIAL_CHECKSUM, Todo::NO_TRAIN, 0, 0, 65000, 16}; }));
	CHECK(changed([](Todo &todo) { todo = {Todo::PARTIAL_CHECKSUM, Todo::NO_TRAIN, 0, 0, 3, 6}; }));
	Octets longer = train;
	longer.push_back(0);
	CHECK(is_refused(longer, right));
	const Kind tcp6{false, TCP};
	longer = frame_of(tcp6, 3000);
	longer.push_back(0);
	CHECK(is_refused(longer, todo_of(tcp6, tcp6.train(), 1000)));
	// A header of IPv4 that is too short for one.
	Octets shorter = train;
	shorter[tcp.ip()] = 0x44;
	Todo todo = right;
	todo.checksum_start -= 4;
	shorter[tcp.transport() - 4 + 12] = 0x50;
	CHECK(is_refused(shorter, todo));
	// A routing header.
	Kind extended{false, TCP, 8};
	Octets routed = frame_of(extended, 3000);
	CHECK(!is_refused(routed, todo_of(extended, extended.train(), 1000)));
	routed[extended.ip() + 6] = 43;
	CHECK(is_refused(routed, todo_of(extended, extended.train(), 1000)));
	// One header after the other, the last of which ends with the frame.
	const auto endless = std::make_unique<uint8_t[]>(14 + 40 + 16);
	const Octets headers = frame_of(extended, 3000);
	std::copy_n(headers.begin(), 14 + 40 + 16, endless.get());
	endless[14 + 4] = 0;
	endless[14 + 5] = 16;
	endless[14 + 6] = endless[54] = endless[62] = 0;
	endless[55] = endless[63] = 0;
	WireFrames to;
	CHECK(!add_wire_frames({{endless.get(), 14 + 40 + 16}, todo_of(extended, extended.train(), 1000), {}}, MTU, to));
	CHECK(is_refused(Octets(13), {}));
}

// Whatever comes, what is added agrees with itself, and nothing else is touched.
void any_input_is_taken_or_refused(uint32_t seed)
{
	std::mt19937 random(seed);
	const auto below = [&](uint32_t end) { return random() % end; };
	uint32_t taken = 0;
	for (uint32_t round = 0; round < FUZZ_ROUNDS; round++) {
		const Kind kind{below(2) == 0, below(2) == 0 ? TCP : UDP, below(2) * 8, below(4) == 0};
		const bool has_extension = !kind.is_ipv4 && kind.extension != 0;
		Octets frame = frame_of({kind.is_ipv4, kind.protocol, has_extension ? 8u : 0u, kind.has_tag_inside}, below(200));
		Todo todo = todo_of(kind, kind.train(), 1 + below(64));
		for (uint32_t changes = below(4); changes > 0; changes--) {
			if (below(2) == 0)
				frame[below(static_cast<uint32_t>(frame.size()))] = static_cast<uint8_t>(random());
			else
				reinterpret_cast<uint8_t *>(&todo)[below(sizeof(todo))] = static_cast<uint8_t>(random());
		}
		if (below(4) == 0)
			frame.resize(below(static_cast<uint32_t>(frame.size()) + 1));
		// Without spare capacity, so that reading behind its end is noticed.
		const auto exact = std::make_unique<uint8_t[]>(frame.size());
		std::copy(frame.begin(), frame.end(), exact.get());
		const std::optional<VlanTag> tag = below(2) == 0 ? std::optional<VlanTag>({0x8100, 5}) : std::nullopt;
		WireFrames to;
		if (!add_wire_frames({{exact.get(), frame.size()}, todo, tag}, 576, to)) {
			CHECK(to.octets.empty() && to.lengths.empty() && to.too_big == 0);
			continue;
		}
		taken++;
		CHECK(to.lengths.size() + to.too_big <= SEGMENTS_MAX);
		for (const Octets &each : split(to))
			CHECK(each.size() <= 576 + 14 + 4 + 4);
	}
	CHECK(taken > FUZZ_ROUNDS / 10);
}

} // namespace

int main(int argc, char **argv)
{
	for (const bool has_tag_inside : {false, true}) {
		for (const uint8_t protocol : {TCP, UDP}) {
			trains_are_cut({true, protocol, 0, has_tag_inside});
			trains_are_cut({false, protocol, 0, has_tag_inside});
			trains_are_cut({false, protocol, 8, has_tag_inside});
			trains_are_cut({false, protocol, 24, has_tag_inside});
		}
	}
	tags_are_put_back();
	frames_are_no_larger_than_the_link();
	checksums_of_zero_are_written_otherwise();
	what_is_not_understood_is_refused();
	any_input_is_taken_or_refused(argc > 1 ? static_cast<uint32_t>(strtoul(argv[1], nullptr, 10)) : 1);
	printf("all is as it should be\n");
	return 0;
}
