// The command line: flags and commands in their order.
#include <cstdio>
#include <cstdlib>

#include <doca_version.h>

#include "parser.h"
#include "text.h"

namespace soft::argp {
namespace {

class CommandLine {
public:
	CommandLine(Parser &parser, const std::vector<std::string> &arguments) : parser_(parser), arguments_(arguments)
	{
		given_.path = parser.path;
	}

	Given read()
	{
		while (at_ < arguments_.size()) {
			const std::string &argument = arguments_[at_++];
			if (is_flag(argument))
				read_flag(argument);
			else
				read_command(argument);
		}
		return std::move(given_);
	}

private:
	// A flag as it stands on the command line.
	struct Spelled {
		std::string name;
		bool is_long;
		// What is after an equals sign.
		std::optional<std::string> value;
	};

	static bool is_flag(const std::string &argument) { return argument.size() > 1 && argument[0] == '-'; }

	static Spelled spelled(const std::string &argument)
	{
		Spelled flag;
		flag.is_long = argument[1] == '-';
		flag.name = argument.substr(flag.is_long ? 2 : 1);
		const size_t equals = flag.name.find('=');
		if (equals != std::string::npos) {
			flag.value = flag.name.substr(equals + 1);
			flag.name.resize(equals);
		}
		return flag;
	}

	// The last command's own, then those that it inherits.
	const doca_argp_param *param_of(const Spelled &flag) const
	{
		for (size_t depth = given_.path.size(); depth-- > 0;) {
			for (const auto &param : given_.path[depth]->params) {
				if ((depth + 1 == given_.path.size() || param->inherited) &&
				    is_called(*param, flag.name, flag.is_long))
					return param.get();
			}
		}
		return nullptr;
	}

	static const OwnFlag *own_of(const Spelled &flag)
	{
		for (const OwnFlag &own : OWN_FLAGS) {
			if (is_called(own, flag.name, flag.is_long))
				return &own;
		}
		return nullptr;
	}

	void read_flag(const std::string &argument)
	{
		const Spelled flag = spelled(argument);
		// A command's flag may have the short name of one of ours.
		if (const doca_argp_param *param = param_of(flag))
			return read_param(*param, flag);
		if (const OwnFlag *own = own_of(flag))
			return read_own(*own, flag);
		const doca_argp_cmd &last = *given_.path.back();
		throw Refusal(DOCA_ERROR_NOT_SUPPORTED,
			      said(flag) + (given_.path.size() == 1
						    ? ": there is no such flag"
						    : ": the command " + printable(last.name) + " has no such flag"));
	}

	static std::string said(const Spelled &flag) { return (flag.is_long ? "--" : "-") + printable(flag.name); }

	// The flag's value, which is the next argument where no equals sign has it.
	std::string value(const Spelled &flag)
	{
		if (flag.value)
			return *flag.value;
		if (at_ == arguments_.size())
			throw wrong(said(flag) + ": its value is missing");
		const std::string &next = arguments_[at_];
		if (is_flag(next) && (param_of(spelled(next)) != nullptr || own_of(spelled(next)) != nullptr))
			throw wrong(said(flag) + ": its value is missing before " + printable(next));
		at_++;
		return next;
	}

	static void must_be_alone(const Spelled &flag)
	{
		if (flag.value)
			throw wrong(said(flag) + ": takes no value");
	}

	void read_param(const doca_argp_param &param, const Spelled &flag)
	{
		if (!param.multiple && given_.has(param))
			throw wrong(said(flag) + ": may be given only once");
		Use use;
		use.said = said(flag);
		use.param = &param;
		if (param.type == DOCA_ARGP_TYPE_BOOLEAN) {
			must_be_alone(flag);
			use.value = true;
		} else {
			use.value = value_of(param, value(flag), use.said);
		}
		given_.uses.push_back(std::move(use));
	}

	template <typename T> static void set_once(std::optional<T> &place, T value, const Spelled &flag)
	{
		if (place)
			throw wrong(said(flag) + ": may be given only once");
		place = std::move(value);
	}

	void read_own(const OwnFlag &own, const Spelled &flag)
	{
		switch (own.kind) {
		case OwnFlag::Kind::HELP:
			must_be_alone(flag);
			parser_.path = given_.path;
			fputs(parser_.help().c_str(), stdout);
			end();
		case OwnFlag::Kind::VERSION:
			must_be_alone(flag);
			print_version(flag);
			end();
		case OwnFlag::Kind::LOG_LEVEL:
			return set_once(given_.log_level, log_level_of(value(flag), said(flag)), flag);
		case OwnFlag::Kind::SDK_LOG_LEVEL:
			return set_once(given_.sdk_log_level, log_level_of(value(flag), said(flag)), flag);
		case OwnFlag::Kind::JSON:
			return set_once(given_.json_file, value(flag), flag);
		}
	}

	[[noreturn]] static void end()
	{
		current().reset();
		exit(EXIT_SUCCESS);
	}

	// The program's own way may end the process itself.
	void print_version(const Spelled &flag) const
	{
		if (parser_.version_callback == nullptr) {
			printf("DOCA, compiled with: %s\nDOCA, running:       %s\n", doca_version(), doca_version_runtime());
			return;
		}
		bool is_given = true;
		const doca_error_t error = parser_.version_callback(&is_given, parser_.config);
		if (error != DOCA_SUCCESS)
			throw Refusal(error, said(flag) + ": the program refuses it: " + doca_error_get_name(error));
	}

	void read_command(const std::string &argument)
	{
		const doca_argp_cmd &last = *given_.path.back();
		const doca_argp_cmd *command = command_called(last, argument);
		if (command == nullptr)
			throw Refusal(DOCA_ERROR_NOT_SUPPORTED,
				      printable(argument) +
					      (last.commands.empty() ? ": is no flag" : ": there is no such command"));
		Use use;
		use.said = printable(argument);
		use.command = command;
		given_.uses.push_back(std::move(use));
		given_.path.push_back(command);
		parser_.path = given_.path;
	}

	Parser &parser_;
	const std::vector<std::string> &arguments_;
	size_t at_ = 0;
	Given given_;
};

} // namespace

Given read_command_line(Parser &parser, const std::vector<std::string> &arguments)
{
	return CommandLine(parser, arguments).read();
}

} // namespace soft::argp
