// `vectors ENGINE` puts cases of AES-GCM through an engine, which test/native/aead-vectors.test.ts takes from test/vectors. Each
// is a line of standard input: number, "valid" or "invalid", then in hexadecimal digits key, nonce of 12 octets, associated data,
// text, ciphertext and tag of 16 octets, each behind a ":". Buffers have no octet more than a case, so that sanitizers see every
// step beside them.
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "../src/aead.h"
#include "check.h"

using namespace soft;

namespace {

constexpr size_t NONCE_OCTETS = 12;
constexpr size_t ICV_OCTETS = 16;
constexpr size_t LINE_OCTETS = 64;

struct Case {
	std::string number;
	std::string result;
	std::vector<uint8_t> key, nonce, aad, text, ciphertext, tag;
};

std::vector<uint8_t> octets(std::istream &line)
{
	std::string hex;
	CHECK(line >> hex && hex[0] == ':' && hex.size() % 2 == 1);
	std::vector<uint8_t> read;
	for (size_t at = 1; at < hex.size(); at += 2)
		read.push_back(static_cast<uint8_t>(std::stoul(hex.substr(at, 2), nullptr, 16)));
	read.shrink_to_fit();
	return read;
}

Case read(const std::string &text)
{
	std::istringstream line(text);
	Case one;
	CHECK(line >> one.number >> one.result && (one.result == "valid" || one.result == "invalid"));
	for (std::vector<uint8_t> Case::*part :
	     {&Case::key, &Case::nonce, &Case::aad, &Case::text, &Case::ciphertext, &Case::tag})
		one.*part = octets(line);
	CHECK(one.key.size() == 16 || one.key.size() == 32);
	CHECK(one.nonce.size() == NONCE_OCTETS && one.tag.size() == ICV_OCTETS && one.text.size() == one.ciphertext.size());
	return one;
}

// Of a size of its own: in a vector a step beyond its end may stay in what it has reserved.
std::unique_ptr<uint8_t[]> exactly(const std::vector<uint8_t> &from)
{
	std::unique_ptr<uint8_t[]> copy(new uint8_t[from.size()]);
	std::copy(from.begin(), from.end(), copy.get());
	return copy;
}

// Whether the engine does with it what the case says.
bool holds(const Aead &aead, const Case &one)
{
	const bool valid = one.result == "valid";
	const auto key_octets = static_cast<uint32_t>(one.key.size());
	const auto aad_octets = static_cast<uint32_t>(one.aad.size());
	const auto length = static_cast<uint32_t>(one.text.size());
	void *prepared = aligned_alloc(LINE_OCTETS, (aead.context_octets + LINE_OCTETS - 1) / LINE_OCTETS * LINE_OCTETS);
	CHECK(prepared != nullptr);
	aead.prepare(prepared, one.key.data(), key_octets);
	const auto nonce = exactly(one.nonce);
	const auto aad = exactly(one.aad);
	const auto tag = exactly(one.tag);
	auto data = exactly(one.ciphertext);
	const bool opened = aead.open(prepared, key_octets, nonce.get(), aad.get(), aad_octets, data.get(), length, tag.get());
	// Data that does not authenticate is unchanged.
	const std::vector<uint8_t> &expected = opened ? one.text : one.ciphertext;
	const bool right = std::equal(expected.begin(), expected.end(), data.get());
	data = exactly(one.text);
	std::unique_ptr<uint8_t[]> icv(new uint8_t[ICV_OCTETS]);
	aead.seal(prepared, key_octets, nonce.get(), aad.get(), aad_octets, data.get(), length, icv.get());
	const bool sealed = std::equal(one.ciphertext.begin(), one.ciphertext.end(), data.get()) &&
			    std::equal(one.tag.begin(), one.tag.end(), icv.get());
	aead.wipe(prepared);
	free(prepared);
	return opened == valid && right && sealed == valid;
}

} // namespace

int main(int argc, char **argv)
{
	const Aead *aead = argc == 2 ? find_aead(argv[1]) : nullptr;
	if (aead == nullptr) {
		fprintf(stderr, "usage: vectors ENGINE, of those that this machine has: ipsec-mb, openssl\n");
		return 2;
	}
	uint32_t counts[2] = {};
	std::string line;
	while (std::getline(std::cin, line)) {
		const Case one = read(line);
		if (!holds(*aead, one)) {
			fprintf(stderr, "case %s: %s does not find it %s\n", one.number.c_str(), aead->name, one.result.c_str());
			return 1;
		}
		counts[one.result == "valid"]++;
	}
	printf("%s: %u valid, %u invalid\n", aead->name, counts[1], counts[0]);
	return 0;
}
