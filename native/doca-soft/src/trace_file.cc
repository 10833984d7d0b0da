#include "trace_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doca_version.h>

#include "trace_call.h"

namespace soft::trace {
namespace {

constexpr uint64_t SIZE_OCTETS_MIN = 4096;
constexpr const char *NAMES_OF_KINDS[LIMITED_KINDS] = {"calls", "entries", "packets"};

bool read_number(const std::string &text, uint64_t max, uint64_t &value)
{
	if (text.empty() || text.size() > 19 ||
	    !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
		return false;
	value = std::stoull(text);
	return value <= max;
}

std::string read_setting(const std::string &name, const std::string &text, Settings &settings)
{
	const bool is_size = name == "size";
	const uint64_t max = name == "octets" ? 65535 : is_size ? INT64_MAX : UINT32_MAX;
	uint64_t value = 0;
	if (name != "packets" && name != "octets" && name != "lines" && !is_size)
		return "there is no setting \"" + name + "\"; packets, octets, lines and size are";
	const uint64_t min = is_size ? SIZE_OCTETS_MIN : name == "lines" ? 1 : 0;
	if (!read_number(text, max, value) || value < min)
		return name + " is \"" + text + "\"; expected a number from " + std::to_string(min) + " to " +
		       std::to_string(max);
	if (is_size)
		settings.size_octets = value;
	else
		(name == "packets"  ? settings.packets
		 : name == "octets" ? settings.octets
				    : settings.lines) = static_cast<uint32_t>(value);
	return "";
}

// "%p" in the name of a file is the number of the process.
std::string with_process(std::string path)
{
	const size_t at = path.find("%p");
	if (at != std::string::npos)
		path.replace(at, 2, std::to_string(getpid()));
	return path;
}

std::string system_error(const std::string &path)
{
	return path + ": " + strerror(errno);
}

std::string now_text()
{
	const time_t now = time(nullptr);
	tm parts{};
	gmtime_r(&now, &parts);
	char text[32];
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	return text;
}

} // namespace

std::string read_settings(const char *text, Settings &settings)
{
	const std::string all = text;
	size_t at = all.find(',');
	settings.path = with_process(all.substr(0, at));
	if (settings.path.empty())
		return "no file is named";
	while (at != std::string::npos) {
		const size_t end = all.find(',', at + 1);
		const std::string setting = all.substr(at + 1, end == std::string::npos ? end : end - at - 1);
		const size_t equals = setting.find('=');
		if (equals == std::string::npos)
			return "\"" + setting + "\" has no value";
		std::string wrong = read_setting(setting.substr(0, equals), setting.substr(equals + 1), settings);
		if (!wrong.empty())
			return wrong;
		at = end;
	}
	return "";
}

std::string File::open(const Settings &settings)
{
	std::lock_guard<std::mutex> guard(mutex_);
	// Without waiting: a FIFO that nobody reads would hold the program.
	const int fd = ::open(settings.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	if (fd < 0)
		return system_error(settings.path);
	struct stat status {};
	std::string wrong;
	const bool is_known = fstat(fd, &status) == 0;
	if (is_known && !S_ISREG(status.st_mode))
		wrong = settings.path + ": is not a regular file";
	else if (is_known && status.st_uid != geteuid())
		wrong = settings.path + ": belongs to another user, who could read the trace";
	else if (is_known && flock(fd, LOCK_EX | LOCK_NB) != 0)
		wrong = settings.path + ": another process writes its trace to it; \"%p\" in the name is the process's number";
	else if (!is_known || fchmod(fd, S_IRUSR | S_IWUSR) != 0 || ftruncate(fd, 0) != 0)
		wrong = system_error(settings.path);
	if (!wrong.empty()) {
		::close(fd);
		return wrong;
	}
	// Beyond this limit the process would get a signal.
	rlimit limit{};
	uint64_t process_max = UINT64_MAX;
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		process_max = limit.rlim_cur;
	fd_ = fd;
	pid_ = getpid();
	device_ = status.st_dev;
	inode_ = status.st_ino;
	written_ = 0;
	size_octets_ = std::min(settings.size_octets, process_max);
	lines_ = settings.lines;
	start_ = std::chrono::steady_clock::now();
	second_ = 0;
	for (size_t i = 0; i < LIMITED_KINDS; i++) {
		in_second_[i] = 0;
		left_out_[i] = 0;
		left_out_ever_[i] = 0;
	}
	JsonText line;
	line.text("type", "start");
	line.number("format", FORMAT);
	line.text("release", DOCA_VERSION_STRING);
	line.text("program", program_invocation_short_name);
	line.number("process", static_cast<uint64_t>(getpid()));
	line.text("time", now_text());
	line.number("packets", settings.packets);
	line.number("octets", settings.octets);
	line.number("lines", settings.lines);
	line.number("size", size_octets_);
	put(line.str() + "}\n", END_OCTETS);
	return "";
}

double File::seconds() const
{
	return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

bool File::is_of_this_process() const
{
	return pid_ == getpid();
}

// Begins a new second when the time has come.
void File::roll_second()
{
	const auto now = static_cast<int64_t>(seconds());
	if (now == second_)
		return;
	second_ = now;
	for (uint32_t &count : in_second_)
		count = 0;
	tell_left_out_locked();
}

bool File::leaves_out(Kinds kind)
{
	if (kind == Kinds::FREE || !is_of_this_process())
		return false;
	std::lock_guard<std::mutex> guard(mutex_);
	if (fd_ < 0)
		return true;
	roll_second();
	const auto at = static_cast<size_t>(kind);
	if (in_second_[at] < lines_) {
		in_second_[at]++;
		return false;
	}
	left_out_[at]++;
	left_out_ever_[at]++;
	return true;
}

void File::write(Kinds kind, const JsonText &line)
{
	if (!is_of_this_process() || leaves_out(kind))
		return;
	std::lock_guard<std::mutex> guard(mutex_);
	if (fd_ < 0)
		return;
	const std::string &text = line.str();
	if (text.size() + 2 <= LINE_OCTETS_MAX) {
		put(text + "}\n", END_OCTETS);
		return;
	}
	JsonText instead;
	instead.text("type", "too_long");
	instead.fraction("t", seconds(), 6);
	instead.number("octets", text.size() + 2);
	instead.text("begins", text);
	put(instead.str() + "}\n", END_OCTETS);
}

// Writes a line unless less than `room` octets would be left. Ends the trace when it cannot.
bool File::put(const std::string &line, uint64_t room)
{
	// The program may have closed what it did not open, and have another file under the number.
	struct stat status {};
	if (fstat(fd_, &status) != 0 || status.st_dev != device_ || status.st_ino != inode_) {
		turn_off();
		fd_ = -1;
		return false;
	}
	if (written_ + line.size() + room > size_octets_) {
		if (room > 0)
			end_locked("size");
		return false;
	}
	const ssize_t octets = ::write(fd_, line.data(), line.size());
	if (octets == static_cast<ssize_t>(line.size())) {
		written_ += line.size();
		return true;
	}
	// A full disk. What was written of the line goes again, so that the file has whole lines.
	if (octets > 0 && ftruncate(fd_, static_cast<off_t>(written_)) != 0)
		written_ += static_cast<uint64_t>(octets);
	turn_off();
	::close(fd_);
	fd_ = -1;
	return false;
}

void File::tell_left_out()
{
	if (!is_of_this_process())
		return;
	std::lock_guard<std::mutex> guard(mutex_);
	if (fd_ >= 0)
		roll_second();
}

void File::tell_left_out_locked()
{
	if (std::all_of(left_out_, left_out_ + LIMITED_KINDS, [](uint64_t count) { return count == 0; }))
		return;
	JsonText line;
	line.text("type", "left_out");
	line.fraction("t", seconds(), 6);
	for (size_t i = 0; i < LIMITED_KINDS; i++) {
		line.number(NAMES_OF_KINDS[i], left_out_[i]);
		left_out_[i] = 0;
	}
	put(line.str() + "}\n", END_OCTETS);
}

void File::end_locked(const char *reason)
{
	turn_off();
	JsonText line;
	line.text("type", "end");
	line.fraction("t", seconds(), 6);
	line.text("reason", reason);
	line.open("left_out", '{');
	for (size_t i = 0; i < LIMITED_KINDS; i++)
		line.number(NAMES_OF_KINDS[i], left_out_ever_[i]);
	line.close('}');
	if (put(line.str() + "}\n", 0)) {
		::close(fd_);
		fd_ = -1;
	}
}

void File::close(const char *reason)
{
	if (!is_of_this_process())
		return;
	std::lock_guard<std::mutex> guard(mutex_);
	if (fd_ < 0)
		return;
	tell_left_out_locked();
	if (fd_ >= 0)
		end_locked(reason);
}

} // namespace soft::trace
