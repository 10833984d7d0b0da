#include "trace_text.h"

#include <cstdio>

namespace soft::trace {
namespace {

constexpr char DIGITS[] = "0123456789abcdef";
// Numbers beyond this one are not exact in every reader of JSON, and are told as texts.
constexpr uint64_t EXACT_MAX = uint64_t{1} << 53;

} // namespace

void append_quoted(std::string &to, std::string_view value)
{
	to += '"';
	for (const char letter : value.substr(0, TEXT_OCTETS_MAX)) {
		const auto octet = static_cast<uint8_t>(letter);
		if (octet == '"' || octet == '\\') {
			to += '\\';
			to += letter;
		} else if (octet < 0x20 || octet > 0x7e) {
			to += "\\u00";
			to += DIGITS[octet >> 4];
			to += DIGITS[octet & 15];
		} else {
			to += letter;
		}
	}
	to += value.size() > TEXT_OCTETS_MAX ? "...\"" : "\"";
}

void JsonText::start(const char *key)
{
	if (needs_comma_)
		text_ += ',';
	needs_comma_ = true;
	if (key == nullptr)
		return;
	append_quoted(text_, key);
	text_ += ':';
}

void JsonText::open(const char *key, char bracket)
{
	start(key);
	text_ += bracket;
	needs_comma_ = false;
}

void JsonText::close(char bracket)
{
	text_ += bracket;
	needs_comma_ = true;
}

void JsonText::number(const char *key, uint64_t value)
{
	start(key);
	const std::string digits = std::to_string(value);
	text_ += value <= EXACT_MAX ? digits : '"' + digits + '"';
}

void JsonText::negative(const char *key, int64_t value)
{
	if (value >= 0)
		return number(key, static_cast<uint64_t>(value));
	start(key);
	text_ += std::to_string(value);
}

void JsonText::fraction(const char *key, double value, int digits)
{
	char written[64];
	snprintf(written, sizeof(written), "%.*f", digits, value);
	start(key);
	text_ += written;
}

void JsonText::boolean(const char *key, bool value)
{
	start(key);
	text_ += value ? "true" : "false";
}

void JsonText::text(const char *key, std::string_view value)
{
	start(key);
	append_quoted(text_, value);
}

void JsonText::json(const char *key, std::string_view value)
{
	start(key);
	text_ += value;
}

void JsonText::octets(const char *key, const uint8_t *at, size_t count)
{
	start(key);
	text_ += '"';
	for (size_t i = 0; i < count; i++) {
		text_ += DIGITS[at[i] >> 4];
		text_ += DIGITS[at[i] & 15];
	}
	text_ += '"';
}

void JsonText::members(const JsonText &other)
{
	if (other.is_empty())
		return;
	start(nullptr);
	text_.append(other.text_, 1, std::string::npos);
}

} // namespace soft::trace
