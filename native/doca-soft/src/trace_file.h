// The file of the trace: lines of JSON, as many and as long as its limits allow, and what was left out.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <sys/types.h>

#include "trace_text.h"

namespace soft::trace {

// The version of the lines.
constexpr uint32_t FORMAT = 1;
// A line that is longer becomes one that says so.
constexpr size_t LINE_OCTETS_MAX = 65536;
// Octets that are kept for the lines that end a file which is full.
constexpr uint64_t END_OCTETS = 1024;

// What a trace is asked for: FILE[,packets=N][,octets=N][,lines=N][,size=N].
struct Settings {
	std::string path;
	// One of so many packets is told; 0 for none.
	uint32_t packets = 100;
	// Octets of a packet's frame that are told.
	uint32_t octets = 0;
	// Lines of each kind in a second.
	uint32_t lines = 1000;
	uint64_t size_octets = uint64_t{64} << 20;
};

// Reads settings. Returns what is wrong with them; empty when nothing is.
std::string read_settings(const char *text, Settings &settings);

// Kinds of lines that have a limit in each second. Others are few.
enum class Kinds : uint8_t { CALL, ENTRY, PACKET, FREE };
constexpr size_t LIMITED_KINDS = 3;

class File {
public:
	// Opens and empties the file, and writes the first line. Returns what is wrong; empty when nothing is.
	std::string open(const Settings &settings);
	// Writes the last line, and closes the file. `reason` is why it ends.
	void close(const char *reason);
	// Writes a line, which begins with an object that is not closed. Leaves it out when a limit is reached; when the file
	// cannot be written any more, the trace ends.
	void write(Kinds kind, const JsonText &line);
	// Whether a line of this kind would be left out, which is then counted.
	bool leaves_out(Kinds kind);
	// Writes how many lines were left out in the seconds before, if any.
	void tell_left_out();
	double seconds() const;
	// Where nobody writes any more: the process that a fork has made has the file of its parent.
	bool is_of_this_process() const;

private:
	void roll_second();
	bool put(const std::string &line, uint64_t room);
	void tell_left_out_locked();
	void end_locked(const char *reason);

	std::mutex mutex_;
	int fd_ = -1;
	std::atomic<pid_t> pid_{0};
	dev_t device_ = 0;
	ino_t inode_ = 0;
	uint64_t written_ = 0;
	uint64_t size_octets_ = 0;
	uint32_t lines_ = 0;
	std::chrono::steady_clock::time_point start_;
	int64_t second_ = 0;
	// In this second by kind; and what was left out since that was told, and from the beginning on.
	uint32_t in_second_[LIMITED_KINDS] = {};
	uint64_t left_out_[LIMITED_KINDS] = {};
	uint64_t left_out_ever_[LIMITED_KINDS] = {};
};

} // namespace soft::trace
