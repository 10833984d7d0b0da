#include "entropy.h"

namespace soft {

// A CRC of 16 bits, not reflected, that begins with 0; as a port it is one of the dynamic ones.
uint16_t device_entropy(const EntropyFields &fields)
{
	constexpr uint32_t POLYNOMIAL = 0x100b;
	constexpr uint32_t HIGHEST_BIT = 0x8000;
	constexpr uint32_t DYNAMIC_PORTS_START = 0xc000;
	static_assert(sizeof(fields) == 37, "octets without padding");
	uint32_t crc = 0;
	const auto *octets = reinterpret_cast<const uint8_t *>(&fields);
	for (uint32_t i = 0; i < sizeof(fields); i++) {
		crc ^= static_cast<uint32_t>(octets[i]) << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & HIGHEST_BIT) != 0 ? crc << 1 ^ POLYNOMIAL : crc << 1;
	}
	return static_cast<uint16_t>(crc | DYNAMIC_PORTS_START);
}

} // namespace soft
