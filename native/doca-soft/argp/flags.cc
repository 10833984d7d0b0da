#include "flags.h"

#include <algorithm>

namespace soft::argp {

const std::vector<OwnFlag> OWN_FLAGS = {
	{OwnFlag::Kind::HELP, "h", "help", nullptr, "Print this help, and end"},
	{OwnFlag::Kind::VERSION, "v", "version", nullptr, "Print the versions, and end"},
	{OwnFlag::Kind::LOG_LEVEL, "l", "log-level", "<level>",
	 "The program's log: 10 nothing, 20 critical, 30 errors, 40 warnings, 50 information, 60 debugging, 70 all"},
	{OwnFlag::Kind::SDK_LOG_LEVEL, nullptr, "sdk-log-level", "<level>", "DOCA's own log, by the same levels"},
	{OwnFlag::Kind::JSON, "j", "json", "<path>", "Read flags from a JSON file; those of the command line come before its"},
};

// A flag's text stands in this column.
static constexpr size_t TEXT_COLUMN = 36;

std::string spelling(const doca_argp_param &param)
{
	return param.long_name.empty() ? "-" + param.short_name : "--" + param.long_name;
}

bool is_called(const doca_argp_param &param, const std::string &name, bool is_long)
{
	return !name.empty() && name == (is_long ? param.long_name : param.short_name);
}

bool is_called(const OwnFlag &flag, const std::string &name, bool is_long)
{
	const char *own = is_long ? flag.long_name : flag.short_name;
	return own != nullptr && name == own;
}

const doca_argp_cmd *command_called(const doca_argp_cmd &cmd, const std::string &name)
{
	const auto found = std::find_if(cmd.commands.begin(), cmd.commands.end(),
					[&name](const auto &inner) { return inner->name == name; });
	return found == cmd.commands.end() ? nullptr : found->get();
}

static std::string line_of(const std::string &what, const std::string &text)
{
	std::string line = "  " + what;
	line += line.size() < TEXT_COLUMN ? std::string(TEXT_COLUMN - line.size(), ' ') : "\n" + std::string(TEXT_COLUMN, ' ');
	for (const char c : text) {
		line += c;
		if (c == '\n')
			line += std::string(TEXT_COLUMN, ' ');
	}
	return line + "\n";
}

static std::string names(const std::string &short_name, const std::string &long_name, const std::string &arguments)
{
	std::string text = short_name.empty() ? "    " : "-" + short_name;
	if (!long_name.empty())
		text += (short_name.empty() ? "--" : ", --") + long_name;
	return text + (arguments.empty() ? "" : " " + arguments);
}

static std::string arguments_of(const doca_argp_param &param)
{
	if (!param.arguments.empty())
		return param.arguments;
	switch (param.type) {
	case DOCA_ARGP_TYPE_BOOLEAN:
		return "";
	case DOCA_ARGP_TYPE_STRING:
		return "<text>";
#if DOCA_SOFT_RELEASE_ >= 301
	case DOCA_ARGP_TYPE_DEVICE:
		return "<device>[,<arguments>]";
	case DOCA_ARGP_TYPE_DEVICE_REP:
		return "<device>,<representors>[,<arguments>]";
#endif
	default:
		return "<number>";
	}
}

static std::string line_of(const doca_argp_param &param)
{
	std::string text = param.description;
	if (param.mandatory)
		text += " (mandatory)";
	if (param.multiple)
		text += " (may be given several times)";
	return line_of(names(param.short_name, param.long_name, arguments_of(param)), text);
}

std::string usage(const std::string &program, const std::vector<const doca_argp_cmd *> &path, bool is_dpdk)
{
	const doca_argp_cmd &last = *path.back();
	std::string commands;
	for (const auto &cmd : last.commands) {
		if (!cmd->hidden)
			commands += line_of(cmd->name, cmd->description);
	}
	std::string own;
	for (const OwnFlag &flag : OWN_FLAGS) {
		own += line_of(names(flag.short_name == nullptr ? "" : flag.short_name, flag.long_name,
				     flag.arguments == nullptr ? "" : flag.arguments),
			       flag.description);
	}
	std::string flags;
	for (size_t depth = path.size(); depth-- > 0;) {
		for (const auto &param : path[depth]->params) {
			if (!param->hidden && (depth + 1 == path.size() || param->inherited))
				flags += line_of(*param);
		}
	}
	std::string text = "Usage: " + program + (is_dpdk ? " [EAL's flags] --" : "");
	for (size_t depth = 1; depth < path.size(); depth++)
		text += " " + path[depth]->name;
	text += std::string(" [flags]") + (commands.empty() ? "" : " <command>") + "\n";
	if (path.size() > 1)
		text += last.description + "\n";
	text += "\nDOCA's flags:\n" + own;
	if (!flags.empty())
		text += std::string("\n") + (path.size() > 1 ? "The command's flags:\n" : "The program's flags:\n") + flags;
	if (!commands.empty())
		text += "\nCommands:\n" + commands;
	return text;
}

} // namespace soft::argp
