#include "tap_signals.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>

namespace soft {
namespace {

bool is_of_net_tap(TapLook handler)
{
	Dl_info info;
	return dladdr(reinterpret_cast<void *>(handler), &info) != 0 && info.dli_fname != nullptr &&
	       strstr(info.dli_fname, "librte_net_tap") != nullptr;
}

// Switches the signal off for file descriptors whose owner gets it.
void stop_sending(int signal)
{
	DIR *folder = opendir("/proc/self/fd");
	if (folder == nullptr)
		return;
	while (const dirent *entry = readdir(folder)) {
		const int fd = atoi(entry->d_name);
		const int flags = entry->d_name[0] == '.' ? -1 : fcntl(fd, F_GETFL);
		if (flags >= 0 && (flags & O_ASYNC) != 0 && fcntl(fd, F_GETSIG) == signal)
			fcntl(fd, F_SETFL, flags & ~O_ASYNC);
	}
	closedir(folder);
}

} // namespace

TapLook stop_tap_signals()
{
	for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++) {
		struct sigaction action;
		if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN ||
		    !is_of_net_tap(action.sa_handler))
			continue;
		stop_sending(signal);
		return action.sa_handler;
	}
	return nullptr;
}

} // namespace soft
