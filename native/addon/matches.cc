#include "matches.h"

#include <algorithm>

#include "doca_structs.h"
#include "failure.h"

namespace {

void write_port(const LoweringDevice &device, const uint8_t *logical, Match &match)
{
	const uint32_t number = static_cast<uint32_t>(logical[0] << 8 | logical[1]);
	// A logical port that does not exist gets a number that no DPDK port has, so that nothing matches.
	compat::match_port(match, number < 2 ? device.dpdk_ports[number] : UINT16_MAX - 1);
}

void add_field(const LoweringDevice &device, const FieldSpec &field, Match &match, Match &mask, Match *repeated)
{
	const DocaField &doca = *field.field;
	const std::vector<uint8_t> bits = field.full_mask();
	if (doca.port && std::any_of(bits.begin(), bits.end(), [](uint8_t octet) { return octet != 0xff; }))
		throw Failure(DOCA_ERROR_NOT_SUPPORTED, "a mask of parser_meta.port_id");
	auto one_value = zeroed<Match>();
	auto one_mask = zeroed<Match>();
	doca.to_match(one_mask, bits.data(), true);
	if (field.of_entry)
		doca.to_match(one_value, bits.data(), true);
	else if (doca.port)
		write_port(device, field.value.data(), one_value);
	else
		doca.to_match(one_value, field.value.data(), false);
	doca.select(match);
	doca.select(mask);
	if (repeated != nullptr) {
		doca.select(*repeated);
		if (!field.of_entry && all_ones_under(one_value, one_mask))
			merge(*repeated, one_value, one_mask);
	}
	merge(match, one_value, one_mask);
	merge(mask, one_mask, one_mask);
}

} // namespace

void add_fields(const LoweringDevice &device, const std::vector<FieldSpec> &fields, Match &match, Match &mask, Match *repeated)
{
	for (const FieldSpec &field : fields)
		add_field(device, field, match, mask, repeated);
	// Header types come second, because those that the program itself matches take precedence.
	for (const FieldSpec &field : fields)
		field.field->need(match, mask);
}

void write_entry_values(const LoweringDevice &device, const std::vector<FieldSpec> &fields, const uint8_t *values, Match &match)
{
	for (const FieldSpec &field : fields) {
		if (!field.of_entry)
			continue;
		const DocaField &doca = *field.field;
		if (doca.port)
			write_port(device, values, match);
		else
			doca.to_match(match, values, false);
		values += doca.octets;
	}
}
