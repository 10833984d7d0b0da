#include "process.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_flow.h>
#include <rte_lcore.h>
#include <rte_log.h>

#include <doca_flow_definitions.h>

#include "device.h"
#include "doca_structs.h"
#include "doca_words.h"
#include "log_stream.h"
#include "operations.h"

namespace {

// Up to 3.1: the numbers of mirrors that all devices share, of which 0 is not used.
constexpr uint32_t MIRRORS_MAX = 256;

// State that the open devices share.
struct {
	uint32_t devices = 0;
	bool has_psp_words = false;
	// Up to 3.1: how many numbers of key slots each device has, which devices' numbers are taken, and the free numbers of
	// mirrors.
	uint32_t device_crypto_ids = 0;
	std::vector<bool> crypto_ids_taken;
	std::vector<uint32_t> free_mirrors;
} shared;

bool has_huge_pages()
{
	std::ifstream information("/proc/meminfo");
	std::string key;
	while (information >> key) {
		long value = 0;
		if (key == "HugePages_Total:") {
			information >> value;
			return value > 0;
		}
		information.ignore(4096, '\n');
	}
	return false;
}

// Runs when the process ends, not with the last device: EAL cannot be started a second time.
void clean_up_eal()
{
	const std::filesystem::path directory = rte_eal_get_runtime_dir();
	// The threads of a device that was not closed still use EAL's memory.
	if (shared.devices == 0)
		rte_eal_cleanup();
	// EAL makes this directory for each process and does not remove it.
	std::error_code ignored;
	std::filesystem::remove_all(directory, ignored);
}

void initialize_eal(const std::vector<std::string> &given, uint32_t memory_megabytes)
{
	std::vector<std::string> arguments = {"psp-gateway"};
	for (const char *argument : compat::eal_device_arguments())
		arguments.push_back(argument);
	arguments.insert(arguments.end(), {"--file-prefix", "psp-gateway-" + std::to_string(getpid())});
	const auto is_given = [&given](const char *name) {
		return std::any_of(given.begin(), given.end(),
				   [name](const std::string &argument) { return argument.rfind(name, 0) == 0; });
	};
	if (has_huge_pages()) {
		if (!is_given("--no-huge") && !is_given("--in-memory"))
			arguments.push_back("--in-memory");
	} else {
		for (const char *argument : {"--no-huge", "--no-shconf"}) {
			if (!is_given(argument))
				arguments.push_back(argument);
		}
		if (memory_megabytes > 0 && !is_given("-m"))
			arguments.insert(arguments.end(), {"-m", std::to_string(memory_megabytes)});
	}
	if (!is_given("--telemetry"))
		arguments.push_back("--no-telemetry");
	if (!is_given("--log-level"))
		arguments.push_back("--log-level=lib.eal:warning");
	arguments.insert(arguments.end(), given.begin(), given.end());
	std::vector<char *> argv;
	for (std::string &argument : arguments)
		argv.push_back(argument.data());
	if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
		std::string line;
		for (const std::string &argument : arguments)
			line += (line.empty() ? "" : " ") + argument;
		throw dpdk_failure("rte_eal_init with \"" + line + "\"", rte_errno);
	}
	atexit(clean_up_eal);
}

void entry_processed(doca_flow_pipe_entry *entry, uint16_t, doca_flow_entry_status status, doca_flow_entry_op operation,
		     void *context)
{
	if (operation == DOCA_FLOW_ENTRY_OP_AGED || context == nullptr)
		return;
	OperationQueue::completed(*static_cast<TrackedEntry *>(context), entry, operation,
				  status == DOCA_FLOW_ENTRY_STATUS_SUCCESS);
}

uint32_t offset_in(const void *structure, const void *member)
{
	return static_cast<uint32_t>(static_cast<const uint8_t *>(member) - static_cast<const uint8_t *>(structure));
}

using Definitions = std::unique_ptr<doca_flow_definitions, void (*)(doca_flow_definitions *)>;

// Tells DOCA where our matches and actions have the words of the PSP header. To be kept until DOCA Flow is initialized.
Definitions define_psp_words(doca_flow_cfg *cfg)
{
	const std::string doing = "definitions of words of the PSP header";
	doca_flow_definitions_cfg *definitions_cfg = nullptr;
	check(doca_flow_definitions_cfg_create(&definitions_cfg), doing);
	doca_flow_definitions *definitions = nullptr;
	const doca_error_t created = doca_flow_definitions_create(definitions_cfg, &definitions);
	doca_flow_definitions_cfg_destroy(definitions_cfg);
	check(created, doing);
	Definitions kept(definitions, doca_flow_definitions_destroy);
	const auto match = zeroed<Match>();
	const auto actions = zeroed<Actions>();
	for (uint32_t i = 0; i < PSP_WORDS; i++) {
		const std::string name = ".packet.tunnel.psp.dw" + std::to_string(PSP_WORD_FIRST + i);
		check(doca_flow_definitions_add_field(
			      definitions, ("match" + name).c_str(),
			      offset_in(static_cast<const doca_flow_match *>(&match), &match.psp_words[i]),
			      sizeof(match.psp_words[i])),
		      doing);
		check(doca_flow_definitions_add_field(
			      definitions, ("actions" + name).c_str(),
			      offset_in(static_cast<const doca_flow_actions *>(&actions), &actions.psp_words[i]),
			      sizeof(actions.psp_words[i])),
		      doing);
	}
	check(doca_flow_cfg_set_definitions(cfg, definitions), doing);
	return kept;
}

void initialize_flow(const DeviceOptions &options)
{
	doca_flow_cfg *cfg = nullptr;
	check(doca_flow_cfg_create(&cfg), "doca_flow_cfg");
	const std::unique_ptr<doca_flow_cfg, doca_error_t (*)(doca_flow_cfg *)> guard(cfg, doca_flow_cfg_destroy);
	// One queue of entry operations for each receiving thread, and one for the control thread.
	check(doca_flow_cfg_set_pipe_queues(cfg, static_cast<uint16_t>(options.rss_queues + 1)), "pipe_queues");
	check(doca_flow_cfg_set_queue_depth(cfg, FlowLibrary::QUEUE_DEPTH), "queue_depth");
	check(doca_flow_cfg_set_mode_args(cfg, compat::mode_arguments()), "mode_args");
	std::vector<uint16_t> queues(options.rss_queues);
	std::iota(queues.begin(), queues.end(), static_cast<uint16_t>(0));
	check(compat::set_default_rss(cfg, queues), "default_rss");
	check(doca_flow_cfg_set_cb_entry_process(cfg, entry_processed), "cb_entry_process");
	Definitions definitions(nullptr, doca_flow_definitions_destroy);
	if (options.psp_words)
		definitions = define_psp_words(cfg);
#if PSP_ORDERED_LISTS
	check(doca_flow_cfg_set_resource_mode(cfg, DOCA_FLOW_RESOURCE_MODE_PORT), "resource_mode");
#else
	check(doca_flow_cfg_set_nr_counters(cfg, options.devices * options.counters), "nr_counters");
	check(doca_flow_cfg_set_nr_shared_resource(cfg, options.devices * options.key_slots + 1, DOCA_FLOW_SHARED_RESOURCE_PSP),
	      "nr_shared_resource of PSP");
	check(doca_flow_cfg_set_nr_shared_resource(cfg, MIRRORS_MAX, DOCA_FLOW_SHARED_RESOURCE_MIRROR),
	      "nr_shared_resource of MIRROR");
#endif
	check(doca_flow_init(cfg), "doca_flow_init");
	shared.has_psp_words = options.psp_words;
	shared.device_crypto_ids = options.key_slots;
	shared.crypto_ids_taken.assign(options.devices, false);
	shared.free_mirrors.clear();
	for (uint32_t id = MIRRORS_MAX; id-- > 1;)
		shared.free_mirrors.push_back(id);
}

} // namespace

cpu_set_t receiver_cores(size_t number)
{
	std::vector<unsigned> cores;
	unsigned core;
	RTE_LCORE_FOREACH_WORKER(core)
	cores.push_back(core);
	// The main core comes last, because the control thread runs on it.
	cores.push_back(rte_get_main_lcore());
	return rte_lcore_cpuset(cores[number % cores.size()]);
}

void start_eal(const DeviceOptions &options)
{
	static bool started = false;
	if (started)
		return;
	// Another part of the process may have started EAL.
	if (rte_lcore_count() == 0)
		initialize_eal(options.eal_arguments, options.memory_megabytes);
	rte_openlog_stream(log_stream());
	if (rte_flow_dynf_metadata_register() < 0)
		throw dpdk_failure("rte_flow_dynf_metadata_register", rte_errno);
	started = true;
}

void start_logging(uint32_t level)
{
	static bool done = false;
	if (done)
		return;
	done = true;
	check(doca_log_backend_create_standard(), "the application's log");
	doca_log_backend *backend = nullptr;
	check(doca_log_backend_create_with_file_sdk(log_stream(), &backend), "the SDK's log");
	check(doca_log_backend_set_sdk_level(backend, level), "the SDK's log level");
}

FlowLibrary::FlowLibrary(const DeviceOptions &options)
{
	if (shared.devices == 0)
		initialize_flow(options);
	shared.devices++;
}

FlowLibrary::~FlowLibrary()
{
	if (crypto_ids_)
		shared.crypto_ids_taken[*crypto_ids_] = false;
	shared.free_mirrors.insert(shared.free_mirrors.end(), mirrors_.begin(), mirrors_.end());
	if (--shared.devices == 0)
		doca_flow_destroy();
}

bool FlowLibrary::has_psp_words()
{
	return shared.has_psp_words;
}

uint32_t FlowLibrary::take_crypto_ids(uint32_t count)
{
	const auto place = std::find(shared.crypto_ids_taken.begin(), shared.crypto_ids_taken.end(), false);
	if (place == shared.crypto_ids_taken.end() || count > shared.device_crypto_ids)
		throw Failure(DOCA_ERROR_FULL, "key slots of one more device, or of a larger one, in this process");
	*place = true;
	crypto_ids_ = static_cast<size_t>(place - shared.crypto_ids_taken.begin());
	return static_cast<uint32_t>(*crypto_ids_) * shared.device_crypto_ids + 1;
}

uint32_t FlowLibrary::take_mirror()
{
	if (shared.free_mirrors.empty())
		throw Failure(DOCA_ERROR_FULL, "mirrors");
	mirrors_.push_back(shared.free_mirrors.back());
	shared.free_mirrors.pop_back();
	return mirrors_.back();
}
