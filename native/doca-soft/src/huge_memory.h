// Memory for big tables: zeroed pages of the kernel, transparent huge ones where the kernel offers them.
#pragma once

#include <cstddef>
#include <new>
#include <utility>
#include <sys/mman.h>

namespace soft {

class HugeMemory {
public:
	HugeMemory() = default;
	explicit HugeMemory(size_t octets) : HugeMemory(octets, octets) {}
	// Of which only `expected` octets are likely to be used: huge pages are for these.
	HugeMemory(size_t octets, size_t expected)
	{
		// mmap refuses a length of 0.
		if (octets == 0)
			return;
		size_ = (octets + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
		// The start is moved to a boundary of 2 MiB, so that all pages can be huge. Memory that is not touched costs
		// nothing.
		const size_t reserved = size_ < ALIGNMENT * 2 ? size_ : size_ + ALIGNMENT;
		void *raw = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (raw == MAP_FAILED)
			throw std::bad_alloc();
		raw_ = raw;
		reserved_ = reserved;
		auto address = reinterpret_cast<size_t>(raw);
		if (reserved != size_)
			address = (address + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
		data_ = reinterpret_cast<unsigned char *>(address);
		if (expected >= ALIGNMENT)
			madvise(data_, size_, MADV_HUGEPAGE);
	}
	~HugeMemory() { release(); }
	HugeMemory(const HugeMemory &) = delete;
	HugeMemory &operator=(const HugeMemory &) = delete;
	HugeMemory(HugeMemory &&other) noexcept { swap(other); }
	HugeMemory &operator=(HugeMemory &&other) noexcept
	{
		swap(other);
		return *this;
	}

	unsigned char *data() const { return data_; }

	// Keeps memory that holds keys out of swap, each page once it is touched, and out of dumps. Returns false when the kernel
	// does not allow the former (RLIMIT_MEMLOCK).
	bool lock()
	{
		if (raw_ == nullptr)
			return true;
		madvise(raw_, reserved_, MADV_DONTDUMP);
		return mlock2(raw_, reserved_, MLOCK_ONFAULT) == 0;
	}

	// Gives the pages back to the kernel, with their contents.
	void discard()
	{
		if (raw_ != nullptr)
			madvise(raw_, reserved_, MADV_DONTNEED);
	}

private:
	static constexpr size_t ALIGNMENT = size_t{2} << 20;

	void release()
	{
		if (raw_ != nullptr)
			munmap(raw_, reserved_);
	}
	void swap(HugeMemory &other)
	{
		std::swap(raw_, other.raw_);
		std::swap(reserved_, other.reserved_);
		std::swap(data_, other.data_);
		std::swap(size_, other.size_);
	}

	void *raw_ = nullptr;
	size_t reserved_ = 0;
	unsigned char *data_ = nullptr;
	size_t size_ = 0;
};

} // namespace soft
