// Where a trace begins and ends: the variable DOCA_SOFT_TRACE in the environment, and the functions of doca_soft.h.
#include <cstdio>
#include <cstdlib>
#include <new>
#include <pthread.h>

#include <doca_soft.h>

#include "api.h"
#include "log.h"
#include "pipe.h"
#include "trace_hooks.h"
#include "trace_state.h"

namespace soft::trace {
namespace {

constexpr const char *VARIABLE = "DOCA_SOFT_TRACE";

std::mutex &start_mutex()
{
	static std::mutex mutex;
	return mutex;
}

// Returns what is wrong; empty when nothing is.
std::string start(const char *text)
{
	// A child has the file of its parent, which goes on.
	static const int registered = pthread_atfork(nullptr, nullptr, turn_off);
	Settings settings;
	std::string wrong = registered == 0 ? read_settings(text, settings) : "there is no memory";
	if (wrong.empty())
		wrong = state().file.open(settings);
	if (!wrong.empty())
		return wrong;
	state().settings = settings;
	on.store(true, std::memory_order_release);
	return "";
}

void stop(const char *reason)
{
	state().file.close(reason);
	turn_off();
}

struct FromEnvironment {
	FromEnvironment()
	{
		const char *text = secure_getenv(VARIABLE);
		if (text == nullptr || *text == '\0')
			return;
		// The program has not said yet where the library's log goes.
		const std::string wrong = start(text);
		if (!wrong.empty())
			fprintf(stderr, "doca-soft: %s: %s\n", VARIABLE, wrong.c_str());
	}
	~FromEnvironment() { stop("exit"); }
};

const FromEnvironment from_environment;

} // namespace

State &state()
{
	static State *const all = new State();
	return *all;
}

uint32_t thread_number()
{
	static std::atomic<uint32_t> threads{0};
	static thread_local const uint32_t number = ++threads;
	return number;
}

void begin_line(JsonText &line, const char *type)
{
	line.text("type", type);
	line.fraction("t", state().file.seconds(), 6);
}

uint32_t next_pipe_number()
{
	static std::atomic<uint32_t> pipes{0};
	return ++pipes;
}

void pipe_gone(const doca_flow_pipe &pipe)
{
	if (!is_on())
		return;
	{
		std::lock_guard<std::mutex> guard(state().mutex);
		state().pipes.erase(&pipe);
	}
	JsonText line;
	begin_line(line, "pipe");
	line.text("change", "destroyed");
	line.number("pipe", pipe.number);
	line.text("name", pipe.name);
	state().file.write(Kinds::FREE, line);
}

void entry_reported(const doca_flow_pipe_entry &entry, doca_flow_entry_op operation, bool succeeded)
{
	if (!is_on())
		return;
	JsonText line;
	begin_line(line, "entry");
	line.number("thread", thread_number());
	line.number("pipe", entry.pipe->number);
	line.text("name", entry.pipe->name);
	line.number("entry", entry.slot);
	line.text("change", succeeded ? "done" : "failed");
	static constexpr const char *OPERATIONS[] = {"added", "removed", "updated", "aged"};
	if (static_cast<size_t>(operation) < std::size(OPERATIONS))
		line.text("what", OPERATIONS[operation]);
	state().file.write(Kinds::ENTRY, line);
}

} // namespace soft::trace

using namespace soft;

doca_error_t doca_soft_trace_start(const char *settings)
try {
	REQUIRE(settings != nullptr);
	std::lock_guard<std::mutex> guard(trace::start_mutex());
	if (trace::is_on())
		return DOCA_ERROR_BAD_STATE;
	const std::string wrong = trace::start(settings);
	if (wrong.empty())
		return DOCA_SUCCESS;
	return invalid("a trace: %s", wrong.c_str());
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_soft_trace_stop(void)
{
	std::lock_guard<std::mutex> guard(trace::start_mutex());
	if (!trace::is_on())
		return DOCA_ERROR_BAD_STATE;
	trace::stop("stopped");
	return DOCA_SUCCESS;
}
