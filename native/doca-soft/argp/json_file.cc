// Flags in a JSON file, as programs for DOCA bring it: sections, comments, and commas before the end of an object.
#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstring>
#include <sstream>

#include <json-c/json.h>

#include "parser.h"
#include "text.h"
#include "../src/text_file.h"

namespace soft::argp {
namespace {

// So that reading it ends soon.
constexpr size_t FILE_OCTETS_MAX = size_t{1} << 20;
constexpr const char *GENERAL = "doca_general_flags";
constexpr const char *PROGRAM = "doca_program_flags";
constexpr const char *DPDK = "doca_dpdk_flags";

Refusal unreadable(const std::string &what)
{
	return {DOCA_ERROR_IO_FAILED, what};
}

std::string text_of(const std::string &path)
{
	std::string text;
	try {
		text = read_text(path, printable(path), FILE_OCTETS_MAX);
	} catch (const std::runtime_error &error) {
		throw unreadable(error.what());
	}
	// A comment in the last line ends there.
	text += '\n';
	if (text.find('\0') != std::string::npos)
		throw unreadable(printable(path) + ": has an octet 0");
	return text;
}

// Where the next is that is no blank and no comment.
size_t after_comments(const std::string &text, size_t at)
{
	for (;;) {
		at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
		if (text.compare(at, 2, "//") == 0)
			at = std::min(text.find('\n', at), text.size());
		else if (text.compare(at, 2, "/*") == 0 && text.find("*/", at + 2) != std::string::npos)
			at = text.find("*/", at + 2) + 2;
		else
			return at;
	}
}

struct JsonFree {
	void operator()(json_object *object) const { json_object_put(object); }
	void operator()(json_tokener *tokener) const { json_tokener_free(tokener); }
};
using Json = std::unique_ptr<json_object, JsonFree>;

Json parse(const std::string &path, const std::string &text)
{
	const std::unique_ptr<json_tokener, JsonFree> tokener(json_tokener_new());
	if (tokener == nullptr)
		throw std::bad_alloc();
	Json object(json_tokener_parse_ex(tokener.get(), text.data(), static_cast<int>(text.size())));
	const size_t end = json_tokener_get_parse_end(tokener.get());
	const auto line = [&](size_t at) {
		return printable(path) + ":" +
		       std::to_string(1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
	};
	const json_tokener_error error = json_tokener_get_error(tokener.get());
	if (error == json_tokener_continue)
		throw unreadable(line(text.size() - 1) + ": the file ends before its object does");
	if (error != json_tokener_success)
		throw unreadable(line(end) + ": " + json_tokener_error_desc(error));
	if (!json_object_is_type(object.get(), json_type_object))
		throw unreadable(printable(path) + ": expected an object");
	const size_t more = after_comments(text, end);
	if (more < text.size())
		throw unreadable(line(more) + ": there is something after the object");
	return object;
}

bool is_int(json_object *value)
{
	// What does not fit into 64 bits is the nearest that does.
	const int64_t number = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : INT64_MAX;
	return number >= INT_MIN && number <= INT_MAX;
}

std::string text_of(json_object *value, const std::string &said)
{
	if (!json_object_is_type(value, json_type_string))
		throw wrong(said + ": expected a string");
	std::string text(json_object_get_string(value), static_cast<size_t>(json_object_get_string_len(value)));
	if (text.find('\0') != std::string::npos)
		throw wrong(said + ": has an octet 0");
	return text;
}

Value json_value_of(const doca_argp_param &param, json_object *value, const std::string &said)
{
	if (is_text(param.type))
		return text_of(value, said);
	if (param.type == DOCA_ARGP_TYPE_INT && is_int(value))
		return json_object_get_int(value);
	if (param.type == DOCA_ARGP_TYPE_BOOLEAN && json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value) != 0;
	if (is_double(param.type) && (json_object_is_type(value, json_type_double) || json_object_is_type(value, json_type_int)))
		return json_object_get_double(value);
	throw wrong(said + ": expected " + type_name(param.type));
}

class JsonFile {
public:
	JsonFile(const Parser &parser, const std::string &path, Given &given)
		: parser_(parser), path_(path), given_(given), object_(parse(path, text_of(path)))
	{
	}

	void read()
	{
		std::vector<Use> uses;
		const bool has_sections = has(GENERAL) || has(PROGRAM) || has(DPDK);
		json_object_object_foreach(object_.get(), key, value)
		{
			if (!has_sections)
				read_key(key, key, value, uses);
			else
				read_section(key, value, uses);
		}
		// The file's come first, as if its flags had been written there.
		given_.uses.insert(given_.uses.begin(), std::make_move_iterator(uses.begin()),
				   std::make_move_iterator(uses.end()));
	}

private:
	bool has(const char *key) const { return json_object_object_get_ex(object_.get(), key, nullptr) != 0; }

	std::string said(const std::string &key) const { return printable(path_) + ": " + printable(key); }

	void unknown(const std::string &key) const
	{
		if (parser_.is_pedantic)
			throw Refusal(DOCA_ERROR_NOT_SUPPORTED, said(key) + ": there is no such key here");
	}

	void read_section(const std::string &name, json_object *section, std::vector<Use> &uses)
	{
		if (name != GENERAL && name != PROGRAM && name != DPDK)
			return unknown(name);
		if (!json_object_is_type(section, json_type_object))
			throw wrong(said(name) + ": expected an object");
		if (name == DPDK && parser_.dpdk_callback == nullptr) {
			parser_.say(DOCA_LOG_LEVEL_WARNING, "%s: passed over, since this is no program for DPDK",
				    said(name).c_str());
			return;
		}
		json_object_object_foreach(section, key, value)
		{
			const std::string full = name + "." + key;
			if (name == DPDK)
				read_dpdk(key, full, value);
			else if (name == GENERAL)
				read_general(key, full, value);
			else
				read_program(key, full, value, uses);
		}
	}

	// In a file without sections.
	void read_key(const std::string &key, const std::string &full, json_object *value, std::vector<Use> &uses)
	{
		if (key == "log-level" || key == "sdk-log-level")
			read_general(key, full, value);
		else
			read_program(key, full, value, uses);
	}

	void read_general(const std::string &key, const std::string &full, json_object *value)
	{
		if (key != "log-level" && key != "sdk-log-level")
			return unknown(full);
		std::optional<int> &place = key == "log-level" ? given_.log_level : given_.sdk_log_level;
		const int level = checked_log_level(is_int(value) ? json_object_get_int(value) : 0, said(full));
		if (!place)
			place = level;
	}

	const doca_argp_param *param_of(const std::string &key) const
	{
		for (size_t depth = given_.path.size(); depth-- > 0;) {
			for (const auto &param : given_.path[depth]->params) {
				if (is_called(*param, key, true))
					return param.get();
			}
		}
		return nullptr;
	}

	void read_program(const std::string &key, const std::string &full, json_object *value, std::vector<Use> &uses)
	{
		const doca_argp_param *param = param_of(key);
		if (param == nullptr)
			return unknown(full);
		if (param->cli_only) {
			parser_.say(DOCA_LOG_LEVEL_WARNING, "%s: passed over, since it is for the command line only",
				    said(full).c_str());
			return;
		}
		if (!param->multiple)
			return add(*param, full, value, uses);
		if (!json_object_is_type(value, json_type_array))
			throw wrong(said(full) + ": expected an array");
		for (size_t i = 0; i < json_object_array_length(value); i++)
			add(*param, full + "[" + std::to_string(i) + "]", json_object_array_get_idx(value, i), uses);
	}

	void add(const doca_argp_param &param, const std::string &full, json_object *value, std::vector<Use> &uses)
	{
		Use use;
		use.said = said(full);
		use.param = &param;
		use.value = json_value_of(param, value, use.said);
		const auto *flag = std::get_if<bool>(&use.value);
		const bool is_absent = flag != nullptr && !*flag;
		if (!is_absent && !given_.has(param))
			uses.push_back(std::move(use));
	}

	void read_dpdk(const std::string &key, const std::string &full, json_object *value)
	{
		if (key == "devices") {
			if (!json_object_is_type(value, json_type_array))
				throw wrong(said(full) + ": expected an array");
			for (size_t i = 0; i < json_object_array_length(value); i++)
				read_device(full + "[" + std::to_string(i) + "]", json_object_array_get_idx(value, i));
		} else if (key == "core-mask") {
			const int64_t mask = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;
			if (mask <= 0)
				throw wrong(said(full) + ": expected a whole number above 0");
			char text[20];
			snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(mask));
			add_eal({"-c", text});
		} else if (key == "core-list") {
			add_eal({"-l", text_of(value, said(full))});
		} else if (key == "flags") {
			std::istringstream words(text_of(value, said(full)));
			for (std::string word; words >> word;)
				add_eal({word});
		} else {
			unknown(full);
		}
	}

	// As EAL's -a has it. "hws" asks for hardware steering, and "sft" for what DPDK has no more.
	void read_device(const std::string &full, json_object *device)
	{
		if (!json_object_is_type(device, json_type_object))
			throw wrong(said(full) + ": expected an object");
		std::string type;
		std::string id;
		bool hws = false;
		json_object_object_foreach(device, key, value)
		{
			const std::string what = full + "." + key;
			if (strcmp(key, "device") == 0)
				type = text_of(value, said(what));
			else if (strcmp(key, "id") == 0)
				id = text_of(value, said(what));
			else if (strcmp(key, "hws") != 0 && strcmp(key, "sft") != 0)
				unknown(what);
			else if (!json_object_is_type(value, json_type_boolean))
				throw wrong(said(what) + ": expected true or false");
			else if (strcmp(key, "hws") == 0)
				hws = json_object_get_boolean(value) != 0;
		}
		if (type != "pf" && type != "vf" && type != "sf")
			throw wrong(said(full + ".device") + ": expected pf, vf or sf");
		if (id.empty())
			throw wrong(said(full + ".id") + ": is mandatory");
		add_eal({"-a", (type == "sf" ? "auxiliary:mlx5_core.sf." : "") + id + (hws ? ",dv_flow_en=2" : "")});
	}

	void add_eal(std::initializer_list<std::string> arguments)
	{
		given_.eal.insert(given_.eal.end(), arguments.begin(), arguments.end());
	}

	const Parser &parser_;
	const std::string path_;
	Given &given_;
	const Json object_;
};

} // namespace

void read_json_file(const Parser &parser, const std::string &path, Given &given)
{
	JsonFile(parser, path, given).read();
}

} // namespace soft::argp
