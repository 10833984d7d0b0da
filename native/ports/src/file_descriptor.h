#pragma once

#include <unistd.h>

#include <utility>

namespace psp {

// Owns a file descriptor; -1 stands for none.
class FileDescriptor {
public:
	explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
	FileDescriptor(FileDescriptor &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	FileDescriptor(const FileDescriptor &) = delete;
	FileDescriptor &operator=(const FileDescriptor &) = delete;
	FileDescriptor &operator=(FileDescriptor &&) = delete;
	~FileDescriptor()
	{
		if (fd_ >= 0)
			::close(fd_);
	}

	int get() const noexcept { return fd_; }

private:
	int fd_;
};

} // namespace psp
