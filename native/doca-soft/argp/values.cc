#include "values.h"

#include <charconv>
#include <climits>
#include <cmath>

#include "text.h"

namespace soft::argp {

// The whole text as a number of C's notation, decimal or 0x...
static bool whole_number(const std::string &text, int64_t &value)
{
	const bool negative = !text.empty() && text[0] == '-';
	const size_t digits = negative ? 1 : 0;
	const bool hexadecimal = text.compare(digits, 2, "0x") == 0 || text.compare(digits, 2, "0X") == 0;
	uint64_t magnitude = 0;
	const char *end = text.data() + text.size();
	const auto [at, error] = std::from_chars(text.data() + digits + (hexadecimal ? 2 : 0), end, magnitude,
						 hexadecimal ? 16 : 10);
	if (error != std::errc() || at != end || magnitude > INT64_MAX)
		return false;
	value = negative ? -static_cast<int64_t>(magnitude) : static_cast<int64_t>(magnitude);
	return true;
}

Value value_of(const doca_argp_param &param, const std::string &text, const std::string &said)
{
	const auto refused = [&] { return wrong(said + " " + printable(text) + ": expected " + type_name(param.type)); };
	if (param.type == DOCA_ARGP_TYPE_INT) {
		int64_t value = 0;
		if (!whole_number(text, value) || value < INT_MIN || value > INT_MAX)
			throw refused();
		return static_cast<int>(value);
	}
	if (is_double(param.type)) {
		double value = 0;
		const char *end = text.data() + text.size();
		const auto [at, error] = std::from_chars(text.data(), end, value);
		if (error != std::errc() || at != end || !std::isfinite(value))
			throw refused();
		return value;
	}
	return text;
}

int checked_log_level(int64_t level, const std::string &said)
{
	if (level < DOCA_LOG_LEVEL_DISABLE || level > DOCA_LOG_LEVEL_TRACE || level % 10 != 0)
		throw wrong(said + ": expected 10, 20, 30, 40, 50, 60 or 70");
	return static_cast<int>(level);
}

int log_level_of(const std::string &text, const std::string &said)
{
	int64_t level = 0;
	if (!whole_number(text, level))
		level = 0;
	return checked_log_level(level, said + " " + printable(text));
}

const char *type_name(doca_argp_type type)
{
	switch (type) {
	case DOCA_ARGP_TYPE_INT:
		return "a whole number from -2147483648 to 2147483647";
	case DOCA_ARGP_TYPE_BOOLEAN:
		return "true or false";
	default:
		return is_double(type) ? "a number" : "a string";
	}
}

bool is_text(doca_argp_type type)
{
	return type != DOCA_ARGP_TYPE_INT && type != DOCA_ARGP_TYPE_BOOLEAN && !is_double(type);
}

bool is_double([[maybe_unused]] doca_argp_type type)
{
#if DOCA_SOFT_RELEASE_ >= 303
	return type == DOCA_ARGP_TYPE_DOUBLE;
#else
	return false;
#endif
}

} // namespace soft::argp
