// Big tables: from the kernel, zeroed, with transparent huge pages where there are any.
#pragma once

#include <cstddef>
#include <new>
#include <utility>
#include <sys/mman.h>

namespace soft {

class HugeMemory {
public:
	HugeMemory() = default;
	explicit HugeMemory(size_t octets)
	{
		// The kernel gives no memory of no octets.
		if (octets == 0)
			return;
		size_ = (octets + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
		// Memory that is not touched costs nothing; a start on a boundary of 2 MiB lets all of it be huge.
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
		if (octets >= ALIGNMENT)
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

	// For keys: neither swapped out, page by page as it is touched, nor dumped. False where the kernel does not allow the former
	// (RLIMIT_MEMLOCK).
	bool lock()
	{
		if (raw_ == nullptr)
			return true;
		madvise(raw_, reserved_, MADV_DONTDUMP);
		return mlock2(raw_, reserved_, MLOCK_ONFAULT) == 0;
	}

	// Gives the pages back, and with them what stood there.
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
