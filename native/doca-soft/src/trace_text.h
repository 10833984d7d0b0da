// JSON that the trace's lines are made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)
namespace soft::trace {

// Octets of a text of the program that are told; what is longer is cut.
constexpr size_t TEXT_OCTETS_MAX = 256;

// An object that is written member by member.
class JsonText {
public:
	JsonText() : text_("{") {}

	void open(const char *key, char bracket);
	void close(char bracket);
	void number(const char *key, uint64_t value);
	void negative(const char *key, int64_t value);
	void fraction(const char *key, double value, int digits);
	void boolean(const char *key, bool value);
	void text(const char *key, std::string_view value);
	// A value that is JSON already.
	void json(const char *key, std::string_view value);
	void octets(const char *key, const uint8_t *at, size_t count);
	// All members of another object.
	void members(const JsonText &other);
	bool is_empty() const { return text_.size() == 1; }

	// Takes back what was written since.
	size_t mark() const { return text_.size(); }
	void back_to(size_t mark)
	{
		text_.resize(mark);
		needs_comma_ = text_.back() != '{' && text_.back() != '[';
	}
	const std::string &str() const { return text_; }

private:
	// In an array the key is nullptr.
	void start(const char *key);

	std::string text_;
	bool needs_comma_ = false;
};

// The text in quotation marks, cut, with what JSON does not take escaped; octets that are no ASCII as if they were Latin-1.
void append_quoted(std::string &to, std::string_view value);

} // namespace soft::trace
#pragma GCC visibility pop
