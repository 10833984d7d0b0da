// Flags: what of command lines callbacks hear, and what is said of mistakes; argp_inputs.cc has the rest. Built for several releases,
// with AddressSanitizer and UndefinedBehaviorSanitizer, over devices of its own.
#include "argp_support.h"

namespace {

void command_lines_are_read()
{
	const std::string not_int = ": expected a whole number from -2147483648 to 2147483647";
	check_cases(
		{
			{{}, OK, ""},
			{{"-s", "a", "--number", "5", "-b"}, OK, "s=a n=5 b"},
			{{"-b", "--string=a=b", "-n=-5"}, OK, "b s=a=b n=-5"},
			{{"-s", "", "-n", "-2147483648"}, OK, "s= n=-2147483648"},
			{{"-n", "0x7fffffff", "-s", "-"}, OK, "n=2147483647 s=-"},
			// What is no flag may be a value.
			{{"-s", "-unknown", "-n", "010"}, OK, "s=-unknown n=10"},
			{{"-exp", "-m", "1", "-m", "2", "--many=3"}, OK, "e m=1 m=2 m=3"},
			{{"--list"}, OK, "l"},
			{{"--list", "-l", "60"}, OK, "l"},
			{{"--secret", "x", "--cli", "c"}, OK, "x=x c=c"},
			{{"--nosuch"}, UNKNOWN, "--nosuch: there is no such flag"},
			{{"-string", "a"}, UNKNOWN, "-string: there is no such flag"},
			{{"--s", "a"}, UNKNOWN, "--s: there is no such flag"},
			{{"--no\x1b[2J"}, UNKNOWN, "--no\\x1b[2J: there is no such flag"},
			{{"--" + std::string(300, 'x')}, UNKNOWN, "--" + std::string(200, 'x') + "...: there is no such flag"},
			{{"stray"}, UNKNOWN, "stray: is no flag"},
			{{"-"}, UNKNOWN, "-: is no flag"},
			{{"--"}, UNKNOWN, "--: there is no such flag"},
			{{"-s"}, WRONG, "-s: its value is missing"},
			{{"-s", "--flag"}, WRONG, "-s: its value is missing before --flag"},
			{{"--many", "-h"}, WRONG, "--many: its value is missing before -h"},
			{{"-s", "a", "--string", "b"}, WRONG, "--string: may be given only once"},
			{{"-b", "-b"}, WRONG, "-b: may be given only once"},
			{{"--flag=true"}, WRONG, "--flag: takes no value"},
			{{"-h=1"}, WRONG, "-h: takes no value"},
			{{"--version=1"}, WRONG, "--version: takes no value"},
			{{"-n", "five"}, WRONG, "-n five" + not_int},
			{{"-n", "5x"}, WRONG, "-n 5x" + not_int},
			{{"-n", ""}, WRONG, "-n " + not_int},
			{{"-n", "-"}, WRONG, "-n -" + not_int},
			{{"-n", "0x"}, WRONG, "-n 0x" + not_int},
			{{"-n", "2147483648"}, WRONG, "-n 2147483648" + not_int},
			{{"-n", "99999999999999999999"}, WRONG, "-n 99999999999999999999" + not_int},
			{{"--list", "-b"}, WRONG, "--list: goes with no other flag"},
			{{"-s", "a", "--list"}, WRONG, "--list: goes with no other flag"},
			{{"-l", "65"}, WRONG, "-l 65: expected 10, 20, 30, 40, 50, 60 or 70"},
			{{"-l", "80"}, WRONG, "-l 80: expected 10, 20, 30, 40, 50, 60 or 70"},
			{{"--sdk-log-level", "info"}, WRONG, "--sdk-log-level info: expected 10, 20, 30, 40, 50, 60 or 70"},
			{{"--sdk-log-level=0"}, WRONG, "--sdk-log-level 0: expected 10, 20, 30, 40, 50, 60 or 70"},
			{{"-l", "10", "--log-level", "20"}, WRONG, "--log-level: may be given only once"},
			{{"-j", "a", "-j", "b"}, WRONG, "-j: may be given only once"},
			// Callbacks are not called before all of it has been read.
			{{"-s", "a", "-n", "x"}, WRONG, "-n x" + not_int},
		},
		add_flags);
}

void a_mistake_comes_before_all_callbacks()
{
	begin();
	add_flags();
	CHECK(start({"-s", "a", "--nosuch"}) == UNKNOWN && heard.empty());
	// The same program may be started again.
	CHECK(start({"-s", "a"}) == OK && heard == "s=a");
	CHECK(helps.find("Usage: prog [flags]\n") == 0);
	CHECK(helps.find("  -s, --string <text>") != std::string::npos);
	CHECK(helps.find("      --list  ") != std::string::npos && helps.find("  -exp  ") != std::string::npos);
	CHECK(helps.find("what it is for (may be given several times)\n") != std::string::npos);
	CHECK(helps.find("secret") == std::string::npos);
	CHECK(doca_argp_destroy() == OK);
}

void mandatory_flags_and_validation_come_last()
{
	const auto prepare = [] {
		add(made("s", "string", DOCA_ARGP_TYPE_STRING, text<'s'>), doca_argp_param_set_mandatory);
		add(made("t", nullptr, DOCA_ARGP_TYPE_STRING, text<'t'>), doca_argp_param_set_mandatory);
		add(made(nullptr, "list", DOCA_ARGP_TYPE_BOOLEAN, flag<'l'>), doca_argp_param_set_singular);
		CHECK(doca_argp_register_validation_callback(validate) == OK);
	};
	check_cases(
		{
			{{}, WRONG, "--string, -t: are mandatory"},
			{{"-t", "1"}, WRONG, "--string: is mandatory"},
			{{"-t", "1", "-s", "2"}, OK, "t=1 s=2 valid"},
			{{"--list"}, OK, "l valid"},
		},
		prepare);
	begin();
	prepare();
	CHECK(start({"-t", "1"}) == WRONG && heard == "t=1");
	CHECK(doca_argp_destroy() == OK);
}

doca_error_t refuse(void *)
{
	return DOCA_ERROR_NOT_FOUND;
}

void errors_of_callbacks_are_passed_on()
{
	begin();
	add_flags();
	answer = DOCA_ERROR_TOO_BIG;
	CHECK(start({"-s", "a", "-b"}) == DOCA_ERROR_TOO_BIG && heard == "s=a");
	CHECK(errors == "-s: the program refuses it: DOCA_ERROR_TOO_BIG" && !helps.empty());
	CHECK(doca_argp_register_validation_callback(refuse) == OK);
	answer = OK;
	errors = "";
	CHECK(start({"-b"}) == DOCA_ERROR_NOT_FOUND);
	CHECK(errors == "the program refuses these flags together: DOCA_ERROR_NOT_FOUND");
	CHECK(doca_argp_destroy() == OK);
}

void commands_have_flags_of_their_own()
{
	check_cases(
		{
			{{}, OK, ""},
			{{"-b", "set", "--level", "3"}, OK, "b S L=3"},
			{{"set", "--level", "3", "-i", "4", "-v", "x", "deep", "-d"}, OK, "S L=3 i=4 v=x D d"},
			{{"set", "--level", "3", "deep", "-i", "5"}, OK, "S L=3 D i=5"},
			{{"set", "--level=3", "-l", "60"}, OK, "S L=3"},
			{{"hidden"}, OK, ""},
			{{"set"}, WRONG, "--level: is mandatory"},
			{{"set", "--level", "3", "-b"}, UNKNOWN, "-b: the command set has no such flag"},
			{{"set", "--level", "3", "deep", "-v=x"}, WRONG, "-v: takes no value"},
			{{"--level", "3", "set"}, UNKNOWN, "--level: there is no such flag"},
			{{"get"}, UNKNOWN, "get: there is no such command"},
			{{"set", "get"}, UNKNOWN, "get: there is no such command"},
			{{"set", "--level", "3", "deep", "more"}, UNKNOWN, "more: is no flag"},
		},
		[] {
			add_flags();
			add_commands();
		});
	begin();
	add_flags();
	add_commands();
	CHECK(start({"--nosuch"}) == UNKNOWN && helps.find("Commands:\n  set  ") != std::string::npos);
	CHECK(helps.find("hidden") == std::string::npos);
	helps = "";
	CHECK(start({"set", "--nosuch"}) == UNKNOWN && helps.find("Usage: prog set [flags] <command>\n") == 0);
	CHECK(helps.find("--inherited <number>") != std::string::npos && helps.find("--string") == std::string::npos);
	CHECK(doca_argp_destroy() == OK);
}

// Makes one that lacks something, and says what came of it.
doca_error_t registered(const std::function<void(doca_argp_param *)> &spoil)
{
	doca_argp_param *param = made("q", "quite", DOCA_ARGP_TYPE_STRING, text<'q'>);
	spoil(param);
	const doca_error_t result = doca_argp_register_param(param);
	CHECK(doca_argp_param_destroy(param) == DOCA_ERROR_BAD_STATE);
	CHECK(doca_argp_register_param(param) == DOCA_ERROR_BAD_STATE);
	return result;
}

void what_is_registered_is_checked()
{
	constexpr doca_error_t LACKS = DOCA_ERROR_INITIALIZATION;
	begin();
	add_flags();
	CHECK(registered([](auto *param) { doca_argp_param_set_description(param, nullptr); }) == LACKS);
	CHECK(errors == "--quite cannot be registered: it lacks a name, a description, a callback or a type");
	CHECK(registered([](auto *param) { doca_argp_param_set_callback(param, nullptr); }) == LACKS);
	CHECK(registered([](auto *param) { doca_argp_param_set_type(param, DOCA_ARGP_TYPE_UNKNOWN); }) == LACKS);
	CHECK(registered([](auto *param) {
		      doca_argp_param_set_short_name(param, nullptr);
		      doca_argp_param_set_long_name(param, "");
	      }) == LACKS);
	errors = "";
	for (const char *name : {"s", "h", "v", "l", "j", "-q", "q=", "q q"})
		CHECK(registered([name](auto *param) { doca_argp_param_set_short_name(param, name); }) == WRONG);
	for (const char *name : {"string", "help", "version", "log-level", "sdk-log-level", "json", "--quite"})
		CHECK(registered([name](auto *param) { doca_argp_param_set_long_name(param, name); }) == WRONG);
	CHECK(errors.find("--quite cannot be registered: its name is taken or none, or its type is unknown") == 0);
	CHECK(registered([](auto *param) { doca_argp_param_set_type(param, static_cast<doca_argp_type>(7)); }) == WRONG);
	CHECK(registered([](auto *) {}) == OK);
	doca_argp_cmd *cmd = made_command("", nullptr);
	CHECK(doca_argp_register_cmd(cmd) == LACKS && doca_argp_cmd_destroy(cmd) == DOCA_ERROR_BAD_STATE);
	CHECK(doca_argp_register_cmd(made_command("-x", nullptr)) == WRONG);
	cmd = made_command("go", nullptr);
	CHECK(doca_argp_cmd_register_cmd(cmd, cmd) == WRONG && doca_argp_register_cmd(cmd) == OK);
	CHECK(doca_argp_register_cmd(cmd) == DOCA_ERROR_BAD_STATE &&
	      doca_argp_register_cmd(made_command("go", nullptr)) == WRONG);
	doca_argp_param *free_param = made("z", nullptr, DOCA_ARGP_TYPE_BOOLEAN, flag<'z'>);
	CHECK(doca_argp_cmd_register_param(cmd, free_param) == DOCA_ERROR_BAD_STATE && doca_argp_param_destroy(free_param) == OK);
	doca_argp_cmd *other = made_command("other", nullptr);
	CHECK(doca_argp_cmd_register_param(other, made("h", nullptr, DOCA_ARGP_TYPE_BOOLEAN, flag<'h'>)) == WRONG);
	CHECK(doca_argp_cmd_register_param(other, made("j", nullptr, DOCA_ARGP_TYPE_BOOLEAN, flag<'j'>)) == OK);
	CHECK(doca_argp_cmd_destroy(other) == OK);
	CHECK(doca_argp_destroy() == OK);
}

void calls_out_of_order_are_refused()
{
	constexpr doca_error_t EARLY = DOCA_ERROR_BAD_STATE;
	doca_argp_param *param = nullptr;
	doca_argp_cmd *cmd = nullptr;
	int level = 0;
	CHECK(doca_argp_start(0, nullptr) == EARLY && doca_argp_destroy() == EARLY && start({}) == EARLY);
	CHECK(doca_argp_param_create(&param) == EARLY && doca_argp_cmd_create(&cmd) == EARLY);
	CHECK(doca_argp_register_validation_callback(validate) == EARLY && doca_argp_register_logger_callback(log_line) == EARLY);
	CHECK(doca_argp_disable_logger_callback() == EARLY && doca_argp_register_version_callback(flag<'v'>) == EARLY);
	doca_argp_usage();
	doca_argp_set_dpdk_program(nullptr);
	begin();
	CHECK(doca_argp_init(nullptr, nullptr) == EARLY);
	CHECK(doca_argp_register_logger_callback(log_line) == DOCA_ERROR_ALREADY_EXIST);
	CHECK(doca_argp_disable_logger_callback() == OK && doca_argp_disable_logger_callback() == EARLY);
	CHECK(doca_argp_register_version_callback(nullptr) == WRONG && doca_argp_register_validation_callback(nullptr) == WRONG);
	CHECK(doca_argp_register_param(nullptr) == WRONG && doca_argp_register_cmd(nullptr) == WRONG);
	CHECK(doca_argp_param_create(nullptr) == WRONG && doca_argp_cmd_create(nullptr) == WRONG);
	CHECK(doca_argp_param_destroy(nullptr) == WRONG && doca_argp_cmd_destroy(nullptr) == WRONG);
	CHECK(doca_argp_start(0, nullptr) == WRONG && doca_argp_get_log_level(nullptr) == WRONG);
	// Taken in all cases: after the end nobody else can free it.
	param = made("s", nullptr, DOCA_ARGP_TYPE_STRING, text<'s'>);
	cmd = made_command("set", nullptr);
	CHECK(doca_argp_destroy() == OK);
	CHECK(doca_argp_register_param(param) == EARLY && doca_argp_register_cmd(cmd) == EARLY);
	CHECK(doca_argp_get_log_level(&level) == OK && level == static_cast<int>(doca_log_level_get_global_lower_limit()));
}

void log_levels_are_those_of_the_log()
{
	begin();
	add_flags();
	int level = 0;
	CHECK(doca_log_level_set_global_lower_limit(DOCA_LOG_LEVEL_ERROR) == OK);
	CHECK(doca_argp_get_log_level(&level) == OK && level == DOCA_LOG_LEVEL_ERROR);
	CHECK(start({"--sdk-log-level", "70", "-l", "0x3c"}) == OK);
	CHECK(doca_log_level_get_global_lower_limit() == DOCA_LOG_LEVEL_DEBUG);
	CHECK(doca_log_level_get_global_sdk_limit() == DOCA_LOG_LEVEL_TRACE);
	CHECK(doca_argp_get_log_level(&level) == OK && level == DOCA_LOG_LEVEL_DEBUG);
	CHECK(doca_argp_get_sdk_log_level(&level) == OK && level == DOCA_LOG_LEVEL_TRACE);
	CHECK(doca_argp_destroy() == OK);
}

} // namespace

int main()
{
	calls_out_of_order_are_refused();
	what_is_registered_is_checked();
	command_lines_are_read();
	a_mistake_comes_before_all_callbacks();
	mandatory_flags_and_validation_come_last();
	errors_of_callbacks_are_passed_on();
	commands_have_flags_of_their_own();
	log_levels_are_those_of_the_log();
	json_files_are_read();
	dpdk_programs_have_two_kinds_of_flags();
	devices_are_opened();
	printf("all is as it should be\n");
	return 0;
}
