// A call of the API as the trace tells it; generated/traced_flow.cc and traced_argp.cc use this.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "trace_text.h"
#include "trace_types.h"

struct doca_flow_match;
struct doca_flow_pipe;
struct doca_flow_pipe_cfg;
struct doca_flow_pipe_entry;

#pragma GCC visibility push(default)
namespace soft::trace {

// Whether there is a trace. Without one, this is all that a call costs.
extern std::atomic<bool> on;
inline bool is_on()
{
	return __builtin_expect(on.load(std::memory_order_relaxed), 0);
}
inline void turn_off()
{
	on.store(false, std::memory_order_relaxed);
}

// Of a call that programs make again and again: when it was last told, and how often it was not since.
struct Often {
	std::atomic<int64_t> told_milliseconds{INT64_MIN};
	std::atomic<uint64_t> passed_over{0};
};

struct Text {
	const char *text;
};

struct Pointer {
	const void *pointer;
};

// An object of the library, which has a number among those of its type.
struct Handle {
	const char *type;
	const void *object;
};
inline Handle handle(const char *type, const void *object)
{
	return {type, object};
}

class Call {
public:
	explicit Call(const char *name, Often *often = nullptr);
	// Writes the line.
	~Call();
	Call(const Call &) = delete;
	Call &operator=(const Call &) = delete;

	// Whether this call is not told, because one like it was within the second.
	bool is_passed_over() const { return is_passed_over_; }

	// Arguments, before the call or, of what it has filled in, after it.
	template <typename Number> void number(const char *name, Number value)
	{
		if constexpr (std::is_same_v<Number, bool>)
			arguments_.boolean(name, value);
		else if constexpr (std::is_floating_point_v<Number>)
			arguments_.fraction(name, value, 6);
		else if constexpr (std::is_signed_v<Number>)
			arguments_.negative(name, value);
		else
			arguments_.number(name, value);
	}
	template <typename Number, typename Count> void numbers(const char *name, const Number *first, Count count)
	{
		if (first == nullptr)
			return;
		arguments_.open(name, '[');
		for (size_t i = 0; i < count && i < ELEMENTS_MAX; i++)
			arguments_.number(nullptr, first[i]);
		tell_rest(arguments_, count);
		arguments_.close(']');
	}
	void text(const char *name, const char *value);
	void enumeration(const char *name, int64_t value, const Enumeration &type)
	{
		tell_enumeration(arguments_, name, type, value);
	}
	void structure(const char *name, const void *value, const Structure &type, const void *selectors = nullptr,
		       int64_t beside = 0);
	// Structures one after the other, and by pointers to them.
	void structures(const char *name, const void *first, size_t count, const Structure &type);
	template <typename S>
	void structures(const char *name, S *const *all, size_t count, const Structure &type, S *const *selectors = nullptr)
	{
		if (all == nullptr)
			return;
		arguments_.open(name, '[');
		for (size_t i = 0; i < count && i < ELEMENTS_MAX; i++) {
			if (all[i] != nullptr)
				tell_structure(arguments_, nullptr, type, all[i],
					       {selectors == nullptr ? nullptr : selectors[i], 0});
		}
		tell_rest(arguments_, count);
		arguments_.close(']');
	}
	void handle(const char *name, const char *type, const void *object);
	template <typename Object> void handles(const char *name, const char *type, Object *const *all, size_t count)
	{
		if (all == nullptr)
			return;
		arguments_.open(name, '[');
		for (size_t i = 0; i < count && i < ELEMENTS_MAX; i++)
			handle(nullptr, type, all[i]);
		tell_rest(arguments_, count);
		arguments_.close(']');
	}
	void pipe(const char *name, const doca_flow_pipe *pipe);
	void entry(const char *name, const doca_flow_pipe_entry *entry);
	// A pointer of the program: whether it is there.
	template <typename Any> void pointer(const char *name, Any value) { arguments_.boolean(name, value != nullptr); }
	void octets(const char *name, const uint8_t *at, size_t count);
	// Keys, and what may hold some.
	void secret(const char *name, const void *octets);
	void left_out(const char *name, const void *octets);

	// What the call has returned.
	void ended() { returned(); }
	void ended(int64_t result, const Enumeration &type);
	void ended(Text result);
	void ended(Pointer result);
	void ended(Handle result);
	template <typename Number, typename = std::enable_if_t<std::is_integral_v<Number>>> void ended(Number result)
	{
		result_.negative("result", static_cast<int64_t>(result));
		returned();
	}

	// What the trace remembers of pipes: a description while it is made, the pipe, and the match of its template.
	// With `is_one`, the call has set one thing, which has the name `what`.
	void keep(const doca_flow_pipe_cfg *cfg, const char *what, bool is_one);
	void keep_match(const doca_flow_pipe_cfg *cfg, const doca_flow_match *match);
	void forget(const doca_flow_pipe_cfg *cfg);
	void pipe_made(const doca_flow_pipe_cfg *cfg, const doca_flow_pipe *pipe);
	void miss_updated(const doca_flow_pipe *pipe);
	const doca_flow_match *match_of(const doca_flow_pipe *pipe);
	void entry_changed(const char *change, const doca_flow_pipe *pipe, const doca_flow_pipe_entry *entry);

private:
	void returned();
	// An object was told; where it is the first argument, this is remembered.
	void is_told();
	// The members of the arguments behind the first one.
	std::string arguments_but_first() const;

	const char *const name_;
	bool is_passed_over_ = false;
	bool is_entry_ = false;
	uint64_t passed_over_ = 0;
	int64_t start_nanoseconds_ = 0;
	JsonText arguments_;
	size_t first_end_ = 0;
	JsonText result_;
	// The line that follows that of the call, when it has made or changed a pipe.
	JsonText pipe_line_;
	std::shared_ptr<const doca_flow_match> template_;
};

} // namespace soft::trace
#pragma GCC visibility pop
