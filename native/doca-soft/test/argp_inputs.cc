// Flags from JSON files, EAL's flags beside them, and devices.
#include <fstream>
#include <unistd.h>

#include "argp_devices.h"
#include "argp_support.h"

namespace {

std::string path_of_file()
{
	return "/tmp/psp-gateway-argp-" + std::to_string(getpid()) + ".json";
}

struct JsonFile {
	std::string text;
	doca_error_t result;
	// What callbacks heard, or the mistake behind the file's name.
	std::string expected;
	Arguments arguments = {};
};

void check_files(const std::vector<JsonFile> &files, const std::function<void()> &prepare)
{
	const std::string path = path_of_file();
	for (const JsonFile &file : files) {
		std::ofstream(path, std::ios::binary) << file.text;
		Case one = {file.arguments, file.result, file.result == OK ? file.expected : path + file.expected};
		one.arguments.insert(one.arguments.end(), {"-j", path});
		check_cases({one}, prepare);
	}
	unlink(path.c_str());
}

std::string repeated(const std::string &text, size_t times)
{
	std::string all;
	for (size_t i = 0; i < times; i++)
		all += text;
	return all;
}

void mistakes_in_files_are_told()
{
	constexpr doca_error_t UNREADABLE = DOCA_ERROR_IO_FAILED;
	const std::string no_int = ": expected a whole number from -2147483648 to 2147483647";
	const std::string program = ": doca_program_flags.";
	const auto in_program = [](const std::string &text) { return "{\"doca_program_flags\": {" + text + "}}"; };
	check_files(
		{
			{"", UNREADABLE, ":1: the file ends before its object does"},
			{"{\n\"string\": \"a\",\n", UNREADABLE, ":3: the file ends before its object does"},
			{"{\n\n\"string\" \"a\"}", UNREADABLE, ":3: object property name separator ':' expected"},
			{"[1]", UNREADABLE, ": expected an object"},
			{"{}\n\n// more\n {}", UNREADABLE, ":4: there is something after the object"},
			{std::string("{}\0", 3), UNREADABLE, ": has an octet 0"},
			{repeated("{\"a\":", 40) + "1" + repeated("}", 40), UNREADABLE, ":1: nesting too deep"},
			{"{}" + std::string(1 << 20, ' '), UNREADABLE, ": larger than 1048576 octets"},
			{"{\"nosuch\": 1}", UNKNOWN, ": nosuch: there is no such key here"},
			{"{\"s\": \"a\"}", UNKNOWN, ": s: there is no such key here"},
			{in_program("\"help\": true"), UNKNOWN, program + "help: there is no such key here"},
			{in_program("\"log-level\": 60"), UNKNOWN, program + "log-level: there is no such key here"},
			{"{\"doca_general_flags\": {\"json\": \"x\"}}", UNKNOWN,
			 ": doca_general_flags.json: there is no such key here"},
			{"{\"doca_general_flags\": {}, \"string\": \"x\"}", UNKNOWN, ": string: there is no such key here"},
			{"{\"doca_general_flags\": 1}", WRONG, ": doca_general_flags: expected an object"},
			{"{\"doca_general_flags\": {\"log-level\": \"60\"}}", WRONG,
			 ": doca_general_flags.log-level: expected 10, 20, 30, 40, 50, 60 or 70"},
			{in_program("\"string\": 1"), WRONG, program + "string: expected a string"},
			{in_program("\"string\": null"), WRONG, program + "string: expected a string"},
			{in_program("\"string\": [\"a\"]"), WRONG, program + "string: expected a string"},
			{in_program("\"string\": \"a\\u0000b\""), WRONG, program + "string: has an octet 0"},
			{in_program("\"number\": \"1\""), WRONG, program + "number" + no_int},
			{in_program("\"number\": 1.5"), WRONG, program + "number" + no_int},
			{in_program("\"number\": 2147483648"), WRONG, program + "number" + no_int},
			{in_program("\"number\": 99999999999999999999"), WRONG, program + "number" + no_int},
			{in_program("\"flag\": 1"), WRONG, program + "flag: expected true or false"},
			{in_program("\"many\": \"a\""), WRONG, program + "many: expected an array"},
			{in_program("\"many\": [\"a\", 2]"), WRONG, program + "many[1]: expected a string"},
			{in_program("\"list\": true, \"string\": \"a\""), WRONG, program + "list: goes with no other flag"},
			{"{\"no\\u001b\": 1}", UNKNOWN, ": no\\x1b: there is no such key here"},
		},
		add_flags);
	check_cases({{{"-j", "/nonexistent"}, UNREADABLE, "/nonexistent: No such file or directory"},
		     {{"--json=/tmp"}, UNREADABLE, "/tmp: Is a directory"}},
		    add_flags);
}

void command_line_and_file_go_together()
{
	check_files(
		{
			{"/* first */ {\n// comment\n\"doca_program_flags\": {\"number\": 4, \"many\": [\"a\", \"b\",], "
			 "\"string\": \"x\",}, }",
			 OK, "n=4 m=a m=b s=x"},
			{"{\"string\": \"x\", \"flag\": false, \"log-level\": 50}\n// end", OK, "s=x"},
			{"{\"string\": \"x\", \"flag\": true, \"number\": -1}", OK, "s=x b n=-1"},
			// A flag of the command line comes before the file's, and its callback after those of the file.
			{"{\"string\": \"x\", \"number\": 1, \"many\": [\"a\"]}", OK, "n=1 s=y m=b", {"-s", "y", "-m", "b"}},
			{"{\"string\": \"x\", \"level\": 2}", OK, "s=x L=2 S", {"set"}},
			{"{\"level\": 2}", UNKNOWN, ": level: there is no such key here"},
			{"{}", OK, ""},
		},
		[] {
			add_flags();
			add_commands();
		});
	const std::string path = path_of_file();
	std::ofstream(path) << "{\"doca_general_flags\": {\"log-level\": 20, \"sdk-log-level\": 30}, \"doca_dpdk_flags\": {}, "
			       "\"doca_program_flags\": {\"cli\": \"c\"}}";
	begin();
	add_flags();
	CHECK(start({"-j", path, "-l", "60"}) == OK && heard.empty() && errors.empty());
	CHECK(doca_log_level_get_global_lower_limit() == 60 && doca_log_level_get_global_sdk_limit() == 30);
	CHECK(warnings == path + ": doca_dpdk_flags: passed over, since this is no program for DPDK" + path +
				  ": doca_program_flags.cli: passed over, since it is for the command line only");
	CHECK(doca_argp_destroy() == OK);
#if DOCA_SOFT_RELEASE_ >= 303
	CHECK(doca_argp_disable_pedantic_config_parsing() == DOCA_ERROR_BAD_STATE);
	std::ofstream(path) << "{\"nosuch\": 1, \"string\": \"x\", \"doca_general_flags\": 1}";
	begin();
	add_flags();
	CHECK(doca_argp_disable_pedantic_config_parsing() == OK);
	CHECK(start({"-j", path}) == WRONG);
	std::ofstream(path) << "{\"nosuch\": 1, \"string\": \"x\"}";
	CHECK(start({"-j", path}) == OK && heard == "s=x");
	CHECK(doca_argp_destroy() == OK);
#endif
	unlink(path.c_str());
}

int eal_argc;
char **eal_argv;

doca_error_t eal(int argc, char **argv)
{
	eal_argc = argc;
	eal_argv = argv;
	CHECK(argv[argc] == nullptr);
	for (int i = 0; i < argc; i++)
		heard += std::string(heard.empty() ? "" : " ") + argv[i];
	// As EAL does.
	std::swap(argv[0], argv[argc - 1]);
	return answer;
}

void add_dpdk()
{
	add_flags();
	doca_argp_set_dpdk_program(eal);
}

} // namespace

void json_files_are_read()
{
	mistakes_in_files_are_told();
	command_line_and_file_go_together();
}

void dpdk_programs_have_two_kinds_of_flags()
{
	check_cases(
		{
			{{}, OK, "/usr/bin/other"},
			{{"-s", "a"}, OK, "s=a /usr/bin/other"},
			{{"-a", "00:00.0", "-l", "0-3", "--", "-l", "60", "-s", "a"}, OK, "s=a /usr/bin/other -a 00:00.0 -l 0-3"},
			{{"--"}, OK, "/usr/bin/other"},
			{{"-c", "1", "--", "--nosuch"}, UNKNOWN, "--nosuch: there is no such flag"},
			{{"--", "-s", "a", "--"}, UNKNOWN, "--: there is no such flag"},
		},
		add_dpdk);
	const auto in_dpdk = [](const std::string &text) { return "{\"doca_dpdk_flags\": {" + text + "}}"; };
	const std::string dpdk = ": doca_dpdk_flags.";
	check_files(
		{
			{in_dpdk("\"devices\": [{\"device\": \"pf\", \"id\": \"0000:08:00.0\", \"hws\": true},"
				 "{\"device\": \"sf\", \"id\": \"4\", \"sft\": false},], \"core-list\": \"0-2\", \"core-mask\": "
				 "10, "
				 "\"flags\": \" --no-huge  -m 5\","),
			 OK,
			 "/usr/bin/other -a 0000:08:00.0,dv_flow_en=2 -a auxiliary:mlx5_core.sf.4 -l 0-2 -c 0xa --no-huge -m 5 "
			 "-v",
			 {"-v", "--"}},
			{in_dpdk("\"devices\": {}"), WRONG, dpdk + "devices: expected an array"},
			{in_dpdk("\"devices\": [1]"), WRONG, dpdk + "devices[0]: expected an object"},
			{in_dpdk("\"devices\": [{\"device\": \"gpu\", \"id\": \"1\"}]"), WRONG,
			 dpdk + "devices[0].device: expected pf, vf or sf"},
			{in_dpdk("\"devices\": [{\"device\": \"vf\"}]"), WRONG, dpdk + "devices[0].id: is mandatory"},
			{in_dpdk("\"devices\": [{\"device\": \"vf\", \"id\": \"1\", \"hws\": 1}]"), WRONG,
			 dpdk + "devices[0].hws: expected true or false"},
			{in_dpdk("\"devices\": [{\"device\": \"vf\", \"id\": \"1\", \"other\": 1}]"), UNKNOWN,
			 dpdk + "devices[0].other: there is no such key here"},
			{in_dpdk("\"core-mask\": \"0x3\""), WRONG, dpdk + "core-mask: expected a whole number above 0"},
			{in_dpdk("\"core-list\": 3"), WRONG, dpdk + "core-list: expected a string"},
			{in_dpdk("\"memory\": 3"), UNKNOWN, dpdk + "memory: there is no such key here"},
		},
		add_dpdk);
	begin();
	add_dpdk();
	CHECK(doca_argp_register_validation_callback(validate) == OK);
	CHECK(start({"-x", "--", "-s", "a"}) == OK && heard == "s=a valid /usr/bin/other -x");
	answer = DOCA_ERROR_DRIVER;
	CHECK(start({"-x", "--"}) == DOCA_ERROR_DRIVER);
	answer = OK;
	doca_argp_set_dpdk_program(eal);
	CHECK(doca_argp_register_validation_callback([](void *) { return OK; }) == OK);
	answer = DOCA_ERROR_DRIVER;
	errors = "";
	CHECK(start({"-x", "--"}) == DOCA_ERROR_DRIVER && errors == "EAL's flags: the program refuses them: DOCA_ERROR_DRIVER");
	CHECK(helps.find("Usage: prog [EAL's flags] -- [flags]\n") == 0);
	// They are there until the end.
	CHECK(eal_argc == 2 && std::string(eal_argv[0]) == "-x");
	CHECK(doca_argp_destroy() == OK);
}

#if DOCA_SOFT_RELEASE_ >= 301

static std::vector<doca_argp_device_ctx> devices;
static std::vector<doca_argp_device_rep_ctx> representors;

static doca_error_t take_device(void *value, void *)
{
	devices.push_back(*static_cast<doca_argp_device_ctx *>(value));
	return answer;
}

static doca_error_t take_representor(void *value, void *)
{
	representors.push_back(*static_cast<doca_argp_device_rep_ctx *>(value));
	return answer;
}

static void add_devices()
{
	devices.clear();
	representors.clear();
	add(made("a", "device", DOCA_ARGP_TYPE_DEVICE, take_device), doca_argp_param_set_multiplicity);
	add(made("r", "rep", DOCA_ARGP_TYPE_DEVICE_REP, take_representor), doca_argp_param_set_multiplicity);
}

// Closes what is the program's own.
static void close_all()
{
	for (const doca_argp_device_ctx &device : devices)
		doca_dev_close(device.dev);
	for (const doca_argp_device_rep_ctx &representor : representors)
		doca_dev_rep_close(representor.dev_rep);
	CHECK(doca_argp_destroy() == OK);
	CHECK(infos[0].opened == 0 && infos[1].opened == 0 && representors_open == 0);
}

static void starts(const Arguments &arguments)
{
	begin();
	add_devices();
	CHECK(start(arguments) == OK);
}

static void devices_are_found()
{
	for (const char *name : {"pci/03:00.1", "pci/0000:03:00.1", "03:00.1", "aux/2", "ib/mlx5_1", "net/eth2"}) {
		starts({"-a", name});
		CHECK(devices.size() == 1 && devices[0].dev == &devs[1] && devices[0].devargs == nullptr);
		close_all();
	}
	starts({"-a", "aux/2,dv_flow_en=2,x=[1,2]", "-a", "pci/03:00.0,", "-a", "aux/2"});
	CHECK(devices.size() == 3 && strcmp(devices[0].devargs, "dv_flow_en=2,x=[1,2]") == 0 && devices[1].devargs == nullptr);
	// Opened as often as it was given, and by callbacks in the order of the command line.
	CHECK(devices[0].dev == devices[2].dev && infos[1].opened == 2);
	close_all();
	check_files({{"{\"device\": [\"pci/03:00.0\", \"aux/2\"]}", OK, ""}}, [] {
		add_devices();
		answer = OK;
	});
	CHECK(devices.size() == 2);
	infos[0].opened = infos[1].opened = 0;
}

static void representors_are_found()
{
	starts({"-r", "pci/03:00.0,pf0vf[0-1,10],a=1", "-r", "03:00.0,sf7", "--rep", "pci/03:00.0,vf0"});
	std::string vuids;
	for (const doca_argp_device_rep_ctx &representor : representors) {
		vuids += std::string(representor.dev_rep->info.vuid) + " ";
		CHECK(representor.dev_ctx.dev == &devs[0]);
	}
	CHECK(vuids == "XF0VF0 XF0VF1 XF0VF10 XF0SF7 XF0VF0 ");
	CHECK(strcmp(representors[2].dev_ctx.devargs, "a=1") == 0 && representors[3].dev_ctx.devargs == nullptr);
	// The device is opened once, and closed with the parser.
	CHECK(infos[0].opened == 1);
	close_all();
	// Where the program has it by a flag of its own it is the program's only.
	starts({"-a", "03:00.0", "-r", "03:00.0,vf1"});
	CHECK(infos[0].opened == 1 && representors[0].dev_ctx.dev == devices[0].dev);
	close_all();
	starts({"-r", "03:00.0,vf1", "-a", "03:00.0"});
	CHECK(infos[0].opened == 2);
	close_all();
}

static void mistakes_of_devices_are_told()
{
	const std::string none = ": there is no such device; there are 0000:03:00.0, 0000:03:00.1";
	const std::string form = ": expected a device, a comma and its representors, as in pci/03:00.0,pf0vf[0-1]";
	const std::string brackets = ": expected numbers in brackets, as in [0-3,5]";
	const std::string has = "; it has XF0VF0, XF0VF1, XF0VF10, XF0SF7";
	check_cases(
		{
			{{"-a", "pci/09:00.0"}, WRONG, "-a pci/09:00.0" + none},
			{{"-a", "aux/3"}, WRONG, "-a aux/3" + none},
			{{"-a", "aux/x"}, WRONG, "-a aux/x" + none},
			{{"-a", ""}, WRONG, "-a " + none},
			{{"-a", "gpu/0"},
			 WRONG,
			 "-a gpu/0: expected pci/ADDRESS, aux/SUBFUNCTION, ib/NAME, net/INTERFACE or a PCI address"},
			{{"-r", "pci/03:00.0"}, WRONG, "-r pci/03:00.0" + form},
			{{"-r", "pci/03:00.0,"}, WRONG, "-r pci/03:00.0," + form},
			{{"-r", "pci/03:00.0,,x"}, WRONG, "-r pci/03:00.0,,x" + form},
			{{"-r", "03:00.0,vf[0"}, WRONG, "-r 03:00.0,vf[0: expected one pair of brackets"},
			{{"-r", "03:00.0,vf0]"}, WRONG, "-r 03:00.0,vf0]: expected one pair of brackets"},
			{{"-r", "03:00.0,pf[0]vf[0]"}, WRONG, "-r 03:00.0,pf[0]vf[0]: expected one pair of brackets"},
			{{"-r", "03:00.0,vf[]"}, WRONG, "-r 03:00.0,vf[]" + brackets},
			{{"-r", "03:00.0,vf[1-0]"}, WRONG, "-r 03:00.0,vf[1-0]" + brackets},
			{{"-r", "03:00.0,vf[0-]"}, WRONG, "-r 03:00.0,vf[0-]" + brackets},
			{{"-r", "03:00.0,vf[0-255,9]"}, WRONG, "-r 03:00.0,vf[0-255,9]: more than 256 representors"},
			{{"-r", "03:00.0,vf[0-4294967295]"}, WRONG, "-r 03:00.0,vf[0-4294967295]: more than 256 representors"},
			{{"-r", "03:00.0,vf[4294967295]"},
			 WRONG,
			 "-r 03:00.0,vf[4294967295]: the device has no representor vf4294967295" + has},
			{{"-r", "03:00.0,pf1vf0"}, WRONG, "-r 03:00.0,pf1vf0: the device has no representor pf1vf0" + has},
			{{"-r", "03:00.0,vf[0-2]"}, WRONG, "-r 03:00.0,vf[0-2]: the device has no representor vf2" + has},
			{{"-r", "03:00.0,pf0vf0x"}, WRONG, "-r 03:00.0,pf0vf0x: the device has no representor pf0vf0x" + has},
			{{"-r", "aux/2,vf0"}, WRONG, "-r aux/2,vf0: the device has no representor vf0; it has none"},
		},
		add_devices);
	CHECK(infos[0].opened == 0 && infos[1].opened == 0 && devices.empty() && representors.empty());
	list_error = DOCA_ERROR_BAD_CONFIG;
	check_cases({{{"-a", "aux/2"}, list_error, "-a aux/2: devices cannot be listed: DOCA_ERROR_BAD_CONFIG"}}, add_devices);
	list_error = OK;
	open_error = DOCA_ERROR_NOT_PERMITTED;
	check_cases({{{"-a", "aux/2"}, open_error, "-a aux/2: the device cannot be opened: DOCA_ERROR_NOT_PERMITTED"}},
		    add_devices);
	open_error = OK;
	begin();
	add_devices();
	answer = DOCA_ERROR_FULL;
	CHECK(start({"-r", "03:00.0,vf[0-1]"}) == DOCA_ERROR_FULL && representors.size() == 1);
	CHECK(errors == "-r: the program refuses it: DOCA_ERROR_FULL");
	answer = OK;
	close_all();
}

#if DOCA_SOFT_RELEASE_ >= 303
static doca_error_t number_with_fraction(void *value, void *config)
{
	return hear("d=" + std::to_string(*static_cast<double *>(value)), config);
}

static void numbers_may_have_fractions()
{
	const auto prepare = [] { add(made("d", "double", DOCA_ARGP_TYPE_DOUBLE, number_with_fraction)); };
	check_cases(
		{
			{{"-d", "1.5"}, OK, "d=1.500000"},
			{{"-d", "-2e3"}, OK, "d=-2000.000000"},
			{{"-d", "1,5"}, WRONG, "-d 1,5: expected a number"},
			{{"-d", "inf"}, WRONG, "-d inf: expected a number"},
			{{"-d", "1e999"}, WRONG, "-d 1e999: expected a number"},
		},
		prepare);
	check_files({{"{\"double\": 2}", OK, "d=2.000000"},
		     {"{\"double\": 0.25}", OK, "d=0.250000"},
		     {"{\"double\": \"1\"}", WRONG, ": double: expected a number"}},
		    prepare);
}

static doca_error_t open_device(doca_devinfo *info, void *context, doca_dev **dev)
{
	(*static_cast<int *>(context))++;
	*dev = &devs[info - infos];
	return answer;
}

static void programs_may_open_devices_themselves()
{
	int calls = 0;
	CHECK(doca_argp_register_dev_open_callback(open_device, &calls) == DOCA_ERROR_BAD_STATE);
	begin();
	add_devices();
	CHECK(doca_argp_register_dev_open_callback(nullptr, &calls) == WRONG);
	CHECK(doca_argp_register_dev_open_callback(open_device, &calls) == OK);
	CHECK(start({"-r", "03:00.0,vf1", "-a", "03:00.0", "-a", "03:00.0", "-a", "aux/2"}) == OK);
	CHECK(calls == 2 && devices.size() == 3 && devices[1].dev == &devs[0] && representors[0].dev_ctx.dev == &devs[0]);
	devices.clear();
	close_all();
	begin();
	add_devices();
	CHECK(doca_argp_register_dev_open_callback(open_device, &calls) == OK);
	answer = DOCA_ERROR_TIME_OUT;
	CHECK(start({"-a", "aux/2"}) == answer && errors == "-a aux/2: the device cannot be opened: DOCA_ERROR_TIME_OUT");
	answer = OK;
	close_all();
}
#endif

void devices_are_opened()
{
	devices_are_found();
	representors_are_found();
	mistakes_of_devices_are_told();
#if DOCA_SOFT_RELEASE_ >= 303
	numbers_may_have_fractions();
	programs_may_open_devices_themselves();
#endif
}

#else

void devices_are_opened() {}

#endif
