// What the trace knows of the program besides the call at hand, in one place for all threads.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <doca_flow.h>

#include "trace_call.h"
#include "trace_file.h"

namespace soft::trace {

// Objects of one type that have numbers, pipes, and descriptions of pipes that are remembered; a program that has more of them
// at once sees the first ones forgotten.
constexpr size_t OBJECTS_MAX = 65536;
constexpr size_t PIPES_MAX = 4096;
constexpr size_t DESCRIPTIONS_MAX = 256;

// A pipe while it is described: JSON by the names of the calls.
struct Description {
	std::map<std::string, std::string> parts;
	std::shared_ptr<const doca_flow_match> match;
};

struct KnownPipe {
	uint32_t number;
	std::string name;
	std::shared_ptr<const doca_flow_match> match;
};

struct State {
	File file;
	Settings settings;
	std::mutex mutex;
	std::map<std::string, std::unordered_map<const void *, uint32_t>> objects;
	std::unordered_map<const doca_flow_pipe *, KnownPipe> pipes;
	std::unordered_map<const doca_flow_pipe_cfg *, Description> descriptions;
};

// There until the process ends, also while objects are destroyed.
State &state();
uint32_t thread_number();
// The type and the time of a line.
void begin_line(JsonText &line, const char *type);

} // namespace soft::trace
