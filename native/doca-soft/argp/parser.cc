#include "parser.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "text.h"

namespace soft::argp {

bool Given::has(const doca_argp_param &param) const
{
	return std::any_of(uses.begin(), uses.end(), [&param](const Use &use) { return use.param == &param; });
}

EalArguments::EalArguments(std::vector<std::string> arguments) : arguments_(std::move(arguments))
{
	for (std::string &argument : arguments_)
		values_.push_back(argument.data());
	values_.push_back(nullptr);
}

void Parser::say(doca_log_level level, const char *format, ...) const
{
	va_list arguments;
	va_start(arguments, format);
	if (logger != nullptr) {
		logger(level, format, arguments);
	} else {
		fprintf(stderr, "%s: ", program.name.c_str());
		vfprintf(stderr, format, arguments);
		fputc('\n', stderr);
	}
	va_end(arguments);
}

std::string Parser::help() const
{
	const std::vector<const doca_argp_cmd *> only_program = {&program};
	return usage(program.name, path.empty() ? only_program : path, dpdk_callback != nullptr);
}

std::shared_ptr<Parser> &current()
{
	static std::shared_ptr<Parser> parser;
	return parser;
}

// EAL's part of a DPDK program's arguments, and what of them is ours.
static std::vector<std::string> split_off_eal(const Parser &parser, const std::vector<std::string> &arguments,
					      std::vector<std::string> &eal)
{
	eal = {arguments.front()};
	const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
	if (parser.dpdk_callback == nullptr || dashes == arguments.end())
		return {arguments.begin() + 1, arguments.end()};
	eal.assign(arguments.begin(), dashes);
	return {dashes + 1, arguments.end()};
}

// A flag that goes with no other one may be given several times where it may be so at all.
static void check_singular(const Given &given)
{
	for (const Use &use : given.uses) {
		const auto is_other = [&use](const Use &other) { return other.param != nullptr && other.param != use.param; };
		if (use.param != nullptr && use.param->singular && std::any_of(given.uses.begin(), given.uses.end(), is_other))
			throw wrong(use.said + ": goes with no other flag");
	}
}

static void check_mandatory(const Given &given)
{
	const auto is_singular = [](const Use &use) { return use.param != nullptr && use.param->singular; };
	if (std::any_of(given.uses.begin(), given.uses.end(), is_singular))
		return;
	std::vector<std::string> missing;
	for (const doca_argp_cmd *command : given.path) {
		for (const auto &param : command->params) {
			if (param->mandatory && !given.has(*param))
				missing.push_back(spelling(*param));
		}
	}
	if (!missing.empty())
		throw wrong(listed(missing) + (missing.size() == 1 ? ": is mandatory" : ": are mandatory"));
}

static void must(doca_error_t error, const std::string &what)
{
	if (error != DOCA_SUCCESS)
		throw Refusal(error, what + ": " + doca_error_get_name(error));
}

static void call_back(Parser &parser, const Use &use)
{
	if (use.command != nullptr) {
		if (use.command->callback != nullptr)
			must(use.command->callback(parser.config), use.said + ": the program refuses it");
		return;
	}
	const doca_argp_param &param = *use.param;
	const auto hand_over = [&](void *value) {
		must(param.callback(value, parser.config), use.said + ": the program refuses it");
	};
#if DOCA_SOFT_RELEASE_ >= 301
	if (param.type == DOCA_ARGP_TYPE_DEVICE) {
		doca_argp_device_ctx device = parser.devices.open(std::get<std::string>(use.value), use.said);
		return hand_over(&device);
	}
	if (param.type == DOCA_ARGP_TYPE_DEVICE_REP) {
		parser.devices.open_representors(std::get<std::string>(use.value), use.said,
						 [&](doca_argp_device_rep_ctx &rep) { hand_over(&rep); });
		return;
	}
#endif
	Value value = use.value;
	if (auto *text = std::get_if<std::string>(&value))
		hand_over(text->data());
	else
		std::visit([&](auto &plain) { hand_over(&plain); }, value);
}

void start(Parser &parser, const std::vector<std::string> &arguments)
{
	const size_t slash = arguments.front().rfind('/');
	parser.program.name = parser.name.empty() ? arguments.front().substr(slash + 1) : parser.name;
	parser.path = {&parser.program};
	std::vector<std::string> eal;
	const std::vector<std::string> own = split_off_eal(parser, arguments, eal);
	Given given = read_command_line(parser, own);
	if (given.json_file)
		read_json_file(parser, *given.json_file, given);
	check_singular(given);
	// Before the callbacks, which log.
	if (given.log_level)
		doca_log_level_set_global_lower_limit(static_cast<uint32_t>(*given.log_level));
	if (given.sdk_log_level)
		doca_log_level_set_global_sdk_limit(static_cast<uint32_t>(*given.sdk_log_level));
	parser.log_level = given.log_level;
	parser.sdk_log_level = given.sdk_log_level;
	for (const Use &use : given.uses)
		call_back(parser, use);
	check_mandatory(given);
	if (parser.validation_callback != nullptr)
		must(parser.validation_callback(parser.config), "the program refuses these flags together");
	if (parser.dpdk_callback == nullptr)
		return;
	// Those of the command line after the file's: of a flag that is given twice EAL takes the last.
	eal.insert(eal.begin() + 1, given.eal.begin(), given.eal.end());
	EalArguments &kept = parser.eal.emplace_back(std::move(eal));
	must(parser.dpdk_callback(kept.count(), kept.values()), "EAL's flags: the program refuses them");
}

} // namespace soft::argp
