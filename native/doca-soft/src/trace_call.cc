#include "trace_call.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "../generated/trace_types.h"
#include "pipe.h"
#include "trace_state.h"

namespace soft::trace {

std::atomic<bool> on{false};

namespace {

constexpr int64_t OFTEN_MILLISECONDS = 1000;
constexpr int64_t NANOSECONDS_OF_MILLISECOND = 1000000;
constexpr double NANOSECONDS_OF_MICROSECOND = 1000;

int64_t now_nanoseconds()
{
	return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The number of an object, or nullptr, among those of its type.
void tell_handle(JsonText &to, const char *name, const char *type, const void *object)
{
	if (object == nullptr) {
		to.json(name, "null");
		return;
	}
	State &all = state();
	std::lock_guard<std::mutex> guard(all.mutex);
	auto &numbers = all.objects[type];
	if (numbers.size() >= OBJECTS_MAX)
		numbers.clear();
	const uint32_t number = numbers.emplace(object, numbers.size() + 1).first->second;
	to.text(name, std::string(type) + " " + std::to_string(number));
}

void tell_known_pipe(JsonText &line, const KnownPipe &pipe)
{
	line.number("pipe", pipe.number);
	line.text("name", pipe.name);
}

} // namespace

void tell_pipe(JsonText &to, const char *key, const doca_flow_pipe *pipe)
{
	State &all = state();
	std::lock_guard<std::mutex> guard(all.mutex);
	const auto known = all.pipes.find(pipe);
	if (pipe == nullptr)
		to.json(key, "null");
	else if (known == all.pipes.end())
		to.text(key, "a pipe that the trace does not know");
	else {
		to.open(key, '{');
		tell_known_pipe(to, known->second);
		to.close('}');
	}
}

Call::Call(const char *name, Often *often) : name_(name)
{
	start_nanoseconds_ = now_nanoseconds();
	if (often == nullptr)
		return;
	const int64_t now = start_nanoseconds_ / NANOSECONDS_OF_MILLISECOND;
	int64_t told = often->told_milliseconds.load();
	// One of several threads tells it.
	if (now - OFTEN_MILLISECONDS < told || !often->told_milliseconds.compare_exchange_strong(told, now)) {
		is_passed_over_ = true;
		often->passed_over++;
		return;
	}
	passed_over_ = often->passed_over.exchange(0);
}

Call::~Call()
{
	if (is_passed_over_)
		return;
	JsonText line;
	begin_line(line, is_entry_ ? "entry" : "call");
	line.number("thread", thread_number());
	line.text("call", name_);
	line.json("arguments", arguments_.str() + "}");
	line.members(result_);
	if (passed_over_ > 0)
		line.number("passed_over", passed_over_);
	state().file.write(is_entry_ ? Kinds::ENTRY : Kinds::CALL, line);
	if (!pipe_line_.is_empty())
		state().file.write(Kinds::FREE, pipe_line_);
}

void Call::returned()
{
	const int64_t nanoseconds = now_nanoseconds() - start_nanoseconds_;
	result_.fraction("us", static_cast<double>(nanoseconds) / NANOSECONDS_OF_MICROSECOND, 1);
}

void Call::ended(int64_t result, const Enumeration &type)
{
	tell_enumeration(result_, "result", type, result);
	returned();
}

void Call::ended(Text result)
{
	result_.text("result", {result.text, strnlen(result.text, TEXT_OCTETS_MAX + 1)});
	returned();
}

void Call::ended(Pointer result)
{
	result_.boolean("result", result.pointer != nullptr);
	returned();
}

void Call::ended(Handle result)
{
	tell_handle(result_, "result", result.type, result.object);
	returned();
}

void Call::text(const char *name, const char *value)
{
	if (value == nullptr)
		arguments_.json(name, "null");
	else
		arguments_.text(name, {value, strnlen(value, TEXT_OCTETS_MAX + 1)});
}

void Call::structure(const char *name, const void *value, const Structure &type, const void *selectors, int64_t beside)
{
	if (value != nullptr)
		tell_structure(arguments_, name, type, value, {selectors, beside});
}

void Call::structures(const char *name, const void *first, size_t count, const Structure &type)
{
	if (first == nullptr)
		return;
	arguments_.open(name, '[');
	for (size_t i = 0; i < count && i < ELEMENTS_MAX; i++)
		tell_structure(arguments_, nullptr, type, static_cast<const uint8_t *>(first) + i * type.octets, {});
	tell_rest(arguments_, count);
	arguments_.close(']');
}

void Call::handle(const char *name, const char *type, const void *object)
{
	tell_handle(arguments_, name, type, object);
	is_told();
}

void Call::pipe(const char *name, const doca_flow_pipe *pipe)
{
	tell_pipe(arguments_, name, pipe);
	is_told();
}

void Call::is_told()
{
	if (first_end_ == 0)
		first_end_ = arguments_.mark();
}

void Call::entry(const char *name, const doca_flow_pipe_entry *entry)
{
	if (entry == nullptr) {
		arguments_.json(name, "null");
		return;
	}
	arguments_.open(name, '{');
	arguments_.number("pipe", entry->pipe->number);
	arguments_.text("name", entry->pipe->name);
	arguments_.number("entry", entry->slot);
	arguments_.close('}');
}

void Call::octets(const char *name, const uint8_t *at, size_t count)
{
	if (at != nullptr)
		arguments_.octets(name, at, std::min(count, ELEMENTS_MAX));
}

void Call::secret(const char *name, const void *octets)
{
	if (octets != nullptr)
		arguments_.text(name, "left out: a key");
}

void Call::left_out(const char *name, const void *octets)
{
	if (octets != nullptr)
		arguments_.text(name, "left out: may hold keys");
}

std::string Call::arguments_but_first() const
{
	const std::string &all = arguments_.str();
	return all.size() <= first_end_ ? "" : all.substr(first_end_ + 1);
}

void Call::keep(const doca_flow_pipe_cfg *cfg, const char *what, bool is_one)
{
	std::string members = arguments_but_first();
	if (is_one && !members.empty())
		members = '"' + std::string(what) + '"' + members.substr(members.find(':'));
	State &all = state();
	std::lock_guard<std::mutex> guard(all.mutex);
	if (all.descriptions.size() >= DESCRIPTIONS_MAX)
		all.descriptions.clear();
	all.descriptions[cfg].parts[what] = members;
}

void Call::keep_match(const doca_flow_pipe_cfg *cfg, const doca_flow_match *match)
{
	State &all = state();
	std::lock_guard<std::mutex> guard(all.mutex);
	all.descriptions[cfg].match = std::make_shared<const doca_flow_match>(*match);
}

void Call::forget(const doca_flow_pipe_cfg *cfg)
{
	State &all = state();
	std::lock_guard<std::mutex> guard(all.mutex);
	all.descriptions.erase(cfg);
}

void Call::pipe_made(const doca_flow_pipe_cfg *cfg, const doca_flow_pipe *pipe)
{
	begin_line(pipe_line_, "pipe");
	pipe_line_.text("change", "made");
	State &all = state();
	std::lock_guard<std::mutex> guard(all.mutex);
	const Description &description = all.descriptions[cfg];
	if (all.pipes.size() >= PIPES_MAX)
		all.pipes.clear();
	all.pipes[pipe] = {pipe->number, pipe->name, description.match};
	tell_known_pipe(pipe_line_, all.pipes[pipe]);
	std::string settings;
	for (const auto &part : description.parts) {
		if (!part.second.empty())
			settings += (settings.empty() ? "" : ",") + part.second;
	}
	pipe_line_.json("settings", "{" + settings + "}");
	pipe_line_.json("forwards", "{" + arguments_but_first() + "}");
}

void Call::miss_updated(const doca_flow_pipe *pipe)
{
	begin_line(pipe_line_, "pipe");
	pipe_line_.text("change", "miss");
	pipe_line_.number("pipe", pipe->number);
	pipe_line_.text("name", pipe->name);
	pipe_line_.json("forwards", "{" + arguments_but_first() + "}");
}

const doca_flow_match *Call::match_of(const doca_flow_pipe *pipe)
{
	State &all = state();
	std::lock_guard<std::mutex> guard(all.mutex);
	const auto known = all.pipes.find(pipe);
	if (known != all.pipes.end())
		template_ = known->second.match;
	return template_.get();
}

void Call::entry_changed(const char *change, const doca_flow_pipe *pipe, const doca_flow_pipe_entry *entry)
{
	if (entry != nullptr)
		pipe = entry->pipe;
	if (pipe == nullptr)
		return;
	is_entry_ = true;
	result_.number("pipe", pipe->number);
	result_.text("name", pipe->name);
	if (entry != nullptr)
		result_.number("entry", entry->slot);
	result_.text("change", change);
}

} // namespace soft::trace
