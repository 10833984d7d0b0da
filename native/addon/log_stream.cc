#include "log_stream.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.h"

namespace {

std::atomic<uint64_t> lost{0};
int descriptor = STDOUT_FILENO;
bool is_socket = false;

// Terminals and pipes get a description of their own: those who share that of standard output, the shell among them, expect of it
// that it waits. A file takes everything anyway.
void choose_descriptor()
{
	struct stat status;
	if (fstat(STDOUT_FILENO, &status) != 0)
		return;
	is_socket = S_ISSOCK(status.st_mode);
	if (!S_ISCHR(status.st_mode) && !S_ISFIFO(status.st_mode))
		return;
	const int own = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	// No /proc, or a terminal of another user: the program waits with it when it is stopped.
	if (own >= 0)
		descriptor = own;
}

ssize_t write_now(const char *octets, size_t size)
{
	for (;;) {
		const ssize_t written = is_socket ? send(descriptor, octets, size, MSG_DONTWAIT | MSG_NOSIGNAL)
						  : write(descriptor, octets, size);
		if (written >= 0 || errno != EINTR)
			return written;
	}
}

// The stream is told that all was written: it would keep what was not, and stop with an error.
ssize_t write_or_lose(void *, const char *octets, size_t size)
{
	const ssize_t written = std::max<ssize_t>(0, write_now(octets, size));
	lost += static_cast<uint64_t>(std::count(octets + written, octets + size, '\n'));
	return static_cast<ssize_t>(size);
}

FILE *open_stream()
{
	choose_descriptor();
	cookie_io_functions_t functions{};
	functions.write = write_or_lose;
	FILE *stream = fopencookie(nullptr, "w", functions);
	if (stream == nullptr)
		throw Failure(DOCA_ERROR_NO_MEMORY, "a stream for the log");
	// Line by line, also into a pipe.
	setvbuf(stream, nullptr, _IOLBF, BUFSIZ);
	return stream;
}

} // namespace

FILE *log_stream()
{
	static FILE *stream = open_stream();
	return stream;
}

uint64_t lost_log_lines()
{
	return lost;
}
