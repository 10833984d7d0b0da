// Files of text that programs and operators bring.
#pragma once

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

namespace soft {

// The whole file, of so many octets at most. Throws std::runtime_error with `name` and why that fails.
inline std::string read_text(const std::string &path, const std::string &name, size_t octets_max)
{
	std::ifstream file(path);
	std::string text(octets_max + 1, '\0');
	if (file)
		file.read(text.data(), static_cast<std::streamsize>(text.size()));
	// The file does not exist, or it is a directory, which can be opened and not read.
	if (!file.is_open() || file.bad())
		throw std::runtime_error(name + ": " + strerror(errno));
	if (file.gcount() > static_cast<std::streamsize>(octets_max))
		throw std::runtime_error(name + ": larger than " + std::to_string(octets_max) + " octets");
	text.resize(static_cast<size_t>(file.gcount()));
	return text;
}

} // namespace soft
