// What only a program of the public API sees: calls in the wrong order, too large or too late, and which queue RSS puts a
// packet in. `api CASE` is one process, for EAL starts once; DOCA_SOFT_CONFIG names a device with a representor. Built for each release, and once more with
// sanitizers (robustness.cmake).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doca_dev.h>
#include <doca_flow.h>
#include <doca_flow_crypto.h>
#include <doca_log.h>
#include <doca_soft.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "by_release.h"
#include "cases.h"
#include "check.h"

namespace {

constexpr uint32_t ENTRIES = 4;
constexpr uint64_t WAIT_MICROSECONDS = 1000000;
const doca_flow_fwd DROP = [] {
	doca_flow_fwd fwd = {};
	fwd.type = DOCA_FLOW_FWD_DROP;
	return fwd;
}();

/* ---- Ports ---- */

doca_dev *dev;
doca_dev_rep *rep;
uint16_t pf;
doca_flow_port *pf_port;
doca_flow_port *vf_port;

struct Completion {
	uintptr_t ctx;
	bool succeeded;
	doca_flow_entry_op operation;
	bool operator==(const Completion &other) const
	{
		return ctx == other.ctx && succeeded == other.succeeded && operation == other.operation;
	}
};
std::vector<Completion> completions;

void entry_done(doca_flow_pipe_entry *, uint16_t, doca_flow_entry_status status, doca_flow_entry_op operation, void *ctx)
{
	completions.push_back({reinterpret_cast<uintptr_t>(ctx), status == DOCA_FLOW_ENTRY_STATUS_SUCCESS, operation});
}

// What has been reported since the last call.
std::vector<Completion> processed()
{
	completions.clear();
	OK(doca_flow_entries_process(pf_port, 0, WAIT_MICROSECONDS, 0));
	return completions;
}

void probe()
{
	doca_log_backend *log;
	OK(doca_log_backend_create_with_file_sdk(stderr, &log));
	const std::string prefix = "psp-api-" + std::to_string(getpid());
	const char *arguments[] = {"api", "-a00:00.0",	    "--no-huge",	   "--no-shconf",   "-m",
				   "64",  "--no-telemetry", "--log-level=*:error", "--file-prefix", prefix.c_str()};
	CHECK(rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), const_cast<char **>(arguments)) >= 0);
	doca_devinfo **devices;
	doca_devinfo_rep **representors;
	uint32_t count;
	OK(doca_devinfo_create_list(&devices, &count));
	OK(doca_dev_open(devices[0], &dev));
	doca_devinfo_destroy_list(devices);
	OK(doca_devinfo_rep_create_list(dev, DOCA_DEVINFO_REP_FILTER_NET, &representors, &count));
	OK(doca_dev_rep_open(representors[0], &rep));
	doca_devinfo_rep_destroy_list(representors);
	OK(probe_one(dev, rep, "vf0"));
	OK(doca_dpdk_get_first_port_id(dev, &pf));
}

doca_error_t init(uint32_t psp_slots)
{
	doca_flow_cfg *cfg;
	OK(doca_flow_cfg_create(&cfg));
	OK(doca_flow_cfg_set_mode_args(cfg, "switch,hws,isolated,expert"));
	OK(doca_flow_cfg_set_nr_shared_resource(cfg, psp_slots, DOCA_FLOW_SHARED_RESOURCE_PSP));
	OK(doca_flow_cfg_set_cb_entry_process(cfg, entry_done));
	const doca_error_t result = doca_flow_init(cfg);
	doca_flow_cfg_destroy(cfg);
	return result;
}

doca_error_t start_port(uint16_t id, doca_dev_rep *of, doca_flow_port *&port)
{
	doca_flow_port_cfg *cfg;
	OK(doca_flow_port_cfg_create(&cfg));
	OK(set_port(cfg, id, of == nullptr ? dev : nullptr, of));
	const doca_error_t result = doca_flow_port_start(cfg, &port);
	doca_flow_port_cfg_destroy(cfg);
	return result;
}

void start(uint32_t psp_slots)
{
	OK(init(psp_slots));
	OK(start_port(pf, nullptr, pf_port));
	OK(start_port(pf + 1, rep, vf_port));
}

void stop()
{
	OK(doca_flow_port_stop(vf_port));
	OK(doca_flow_port_stop(pf_port));
	doca_flow_destroy();
}

void shut_down()
{
	OK(doca_dev_rep_close(rep));
	OK(doca_dev_close(dev));
	rte_eal_cleanup();
}

/* ---- Pipes, each with a function that adds its nth entry ---- */

struct Pipe {
	doca_flow_pipe *pipe;
	std::function<doca_error_t(uint32_t n, uintptr_t ctx, doca_flow_pipe_entry **entry)> add;
	// Number of different entries that the pipe takes at the same time.
	uint32_t room;
};

doca_flow_pipe_cfg *pipe_cfg(doca_flow_pipe_type type)
{
	doca_flow_pipe_cfg *cfg;
	OK(doca_flow_pipe_cfg_create(&cfg, pf_port));
	OK(doca_flow_pipe_cfg_set_type(cfg, type));
	OK(doca_flow_pipe_cfg_set_nr_entries(cfg, ENTRIES));
	return cfg;
}

doca_flow_pipe *make(doca_flow_pipe_cfg *cfg, const doca_flow_fwd *fwd)
{
	doca_flow_pipe *pipe;
	OK(doca_flow_pipe_create(cfg, fwd, nullptr, &pipe));
	doca_flow_pipe_cfg_destroy(cfg);
	return pipe;
}

doca_error_t add_basic(doca_flow_pipe *pipe, const doca_flow_match *match, uintptr_t ctx, doca_flow_pipe_entry **entry)
{
	return add_to_basic(pipe, match, nullptr, nullptr, nullptr, reinterpret_cast<void *>(ctx), entry);
}

Pipe basic_pipe()
{
	doca_flow_match match = {};
	match.outer.l3_type = DOCA_FLOW_L3_TYPE_IP4;
	match.outer.ip4.dst_ip = UINT32_MAX;
	doca_flow_pipe_cfg *cfg = pipe_cfg(DOCA_FLOW_PIPE_BASIC);
	OK(doca_flow_pipe_cfg_set_match(cfg, &match, nullptr));
	doca_flow_pipe *pipe = make(cfg, &DROP);
	return {pipe,
		[pipe](uint32_t n, uintptr_t ctx, doca_flow_pipe_entry **entry) {
			doca_flow_match own = {};
			own.outer.ip4.dst_ip = n + 1;
			return add_basic(pipe, &own, ctx, entry);
		},
		ENTRIES};
}

Pipe pipe_of_all_packets()
{
	const doca_flow_match match = {};
	doca_flow_pipe_cfg *cfg = pipe_cfg(DOCA_FLOW_PIPE_BASIC);
	OK(doca_flow_pipe_cfg_set_match(cfg, &match, nullptr));
	doca_flow_pipe *pipe = make(cfg, &DROP);
	return {pipe,
		[pipe](uint32_t, uintptr_t ctx, doca_flow_pipe_entry **entry) { return add_basic(pipe, nullptr, ctx, entry); },
		1};
}

Pipe control_pipe()
{
	doca_flow_pipe *pipe = make(pipe_cfg(DOCA_FLOW_PIPE_CONTROL), nullptr);
	return {pipe,
		[pipe](uint32_t, uintptr_t given, doca_flow_pipe_entry **entry) {
			auto *ctx = reinterpret_cast<void *>(given);
			return add_to_control(pipe, nullptr, nullptr, nullptr, &DROP, ctx, entry);
		},
		ENTRIES};
}

std::vector<Pipe> pipes_of_all_types()
{
	std::vector<Pipe> pipes = {basic_pipe(), pipe_of_all_packets(), control_pipe()};
#if RELEASE >= 302
	static doca_flow_crypto crypto = {};
	crypto.crypto.action_type = DOCA_FLOW_CRYPTO_ACTION_DECRYPT;
	crypto.crypto.resource_type = DOCA_FLOW_CRYPTO_RESOURCE_PSP;
	crypto.crypto.crypto_id = DOCA_FLOW_PSP_DECRYPTION_ID;
	static doca_flow_ordered_list_element element = {};
	element.type = DOCA_FLOW_ORDERED_LIST_ELEMENT_CRYPTO;
	element.crypto = &crypto;
	static doca_flow_ordered_list list = {};
	list.size = 1;
	list.elements = &element;
	doca_flow_ordered_list *lists[] = {&list};
	doca_flow_pipe_cfg *cfg = pipe_cfg(DOCA_FLOW_PIPE_ORDERED_LIST);
	OK(doca_flow_pipe_cfg_set_ordered_lists(cfg, lists, 1));
	doca_flow_pipe *ordered = make(cfg, &DROP);
	pipes.push_back({ordered,
			 [ordered](uint32_t n, uintptr_t ctx, doca_flow_pipe_entry **entry) {
				 return doca_flow_pipe_ordered_list_add_entry(0, ordered, n, &list, nullptr, 0,
									      reinterpret_cast<void *>(ctx), entry);
			 },
			 ENTRIES});
	cfg = pipe_cfg(DOCA_FLOW_PIPE_HASH);
	OK(doca_flow_pipe_cfg_set_hash_map_algorithm(cfg, DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_FLOODING));
	doca_flow_pipe *flooding = make(cfg, &DROP);
	pipes.push_back({flooding,
			 [flooding](uint32_t n, uintptr_t ctx, doca_flow_pipe_entry **entry) {
				 return doca_flow_pipe_hash_add_entry(0, flooding, n, 0, nullptr, nullptr, nullptr, NO_FLAGS,
								      reinterpret_cast<void *>(ctx), entry);
			 },
			 ENTRIES});
#endif
	return pipes;
}

doca_error_t remove_entry(doca_flow_pipe_entry *entry)
{
	return doca_flow_pipe_remove_entry(0, 0, entry);
}

// That as many entries go in as there is room for, and from 3.2 on no more: no place was lost, none is given out twice.
void check_room(const Pipe &pipe)
{
	std::vector<doca_flow_pipe_entry *> entries(pipe.room);
	for (uint32_t n = 0; n < pipe.room; n++) {
		OK(pipe.add(n, n, &entries[n]));
		CHECK(std::count(entries.begin(), entries.begin() + n, entries[n]) == 0);
		CHECK((processed() == std::vector<Completion>{{n, true, DOCA_FLOW_ENTRY_OP_ADD}}));
	}
#if DOCA_SOFT_RELEASE_ >= 302
	doca_flow_pipe_entry *more;
	CHECK(pipe.room < ENTRIES || pipe.add(0, 99, &more) == DOCA_ERROR_FULL);
#endif
	for (uint32_t n = 0; n < pipe.room; n++) {
		OK(remove_entry(entries[n]));
		CHECK((processed() == std::vector<Completion>{{n, true, DOCA_FLOW_ENTRY_OP_DEL}}));
	}
}

void check_room_inside(const Pipe &pipe)
{
	std::vector<doca_flow_pipe_entry *> entries(pipe.room);
	for (uint32_t n = 0; n < pipe.room; n++)
		OK(pipe.add(n, n, &entries[n]));
	for (doca_flow_pipe_entry *entry : entries)
		OK(remove_entry(entry));
	CHECK(std::all_of(completions.begin(), completions.end(), [](const Completion &one) { return one.succeeded; }));
	CHECK(completions.size() == 2 * pipe.room);
	completions.clear();
}

/* ---- Cases ---- */

void a_program_without_key_slots_runs()
{
	start(0);
	uint32_t key[8] = {};
	doca_flow_shared_resource_cfg cfg = {};
	cfg.psp_cfg.key_cfg.key = key;
	CHECK(doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_PSP, 1, &cfg) == DOCA_ERROR_INVALID_VALUE);
	uint32_t id = 1;
	CHECK(doca_flow_shared_resources_bind(DOCA_FLOW_SHARED_RESOURCE_PSP, &id, 1, pf_port) == DOCA_ERROR_INVALID_VALUE);
#if RELEASE >= 302
	CHECK(doca_flow_port_shared_resource_set_cfg(pf_port, DOCA_FLOW_SHARED_RESOURCE_PSP, 1, &cfg) ==
	      DOCA_ERROR_INVALID_VALUE);
#endif
	check_room(basic_pipe());
	stop();
}

// Each call that asks for too much says so, and the same call with less is answered as if the first had not been.
void memory_that_is_not_there_is_an_error()
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	CHECK(file != nullptr && fscanf(file, "%lu", &pages) == 1);
	fclose(file);
	const rlim_t limit = pages * static_cast<unsigned long>(getpagesize()) + (1ul << 30);
	const rlimit limits = {limit, limit};
	CHECK(setrlimit(RLIMIT_AS, &limits) == 0);
	CHECK(init(UINT32_MAX) == DOCA_ERROR_NO_MEMORY);
	OK(init(1 << 24));
	CHECK(start_port(pf, nullptr, pf_port) == DOCA_ERROR_NO_MEMORY);
	CHECK(start_port(pf, nullptr, pf_port) == DOCA_ERROR_NO_MEMORY);
	CHECK(doca_flow_port_switch_get(nullptr) == nullptr);
	doca_flow_destroy();
	start(8);
	doca_flow_crypto_psp_spi_key_bulk *bulk;
	CHECK(doca_flow_crypto_psp_spi_key_bulk_alloc(pf_port, DOCA_FLOW_CRYPTO_KEY_256, UINT32_MAX, &bulk) ==
	      DOCA_ERROR_NO_MEMORY);
	OK(doca_flow_crypto_psp_spi_key_bulk_alloc(pf_port, DOCA_FLOW_CRYPTO_KEY_256, 1, &bulk));
	OK(doca_flow_crypto_psp_spi_key_bulk_free(bulk));
	doca_flow_pipe_cfg *cfg = pipe_cfg(DOCA_FLOW_PIPE_CONTROL);
	OK(doca_flow_pipe_cfg_set_nr_entries(cfg, UINT32_MAX));
	doca_flow_pipe *pipe;
	CHECK(doca_flow_pipe_create(cfg, nullptr, nullptr, &pipe) == DOCA_ERROR_NO_MEMORY);
	doca_flow_pipe_cfg_destroy(cfg);
	check_room(basic_pipe());
	stop();
}

void an_entry_that_is_not_there_stays_away()
{
	start(8);
	for (const Pipe &pipe : pipes_of_all_types()) {
		doca_flow_pipe_entry *entry;
		OK(pipe.add(0, 1, &entry));
		processed();
		// Remove it twice before anything is reported.
		OK(remove_entry(entry));
		OK(remove_entry(entry));
		CHECK((processed() ==
		       std::vector<Completion>{{1, true, DOCA_FLOW_ENTRY_OP_DEL}, {1, false, DOCA_FLOW_ENTRY_OP_DEL}}));
		// And once more when the removal was reported.
		CHECK(remove_entry(entry) == DOCA_ERROR_INVALID_VALUE);
		check_room(pipe);
	}
	for (const Pipe &pipe : pipes_of_all_types()) {
		doca_flow_pipe_entry *first;
		doca_flow_pipe_entry *equal;
		OK(pipe.add(0, 1, &first));
		processed();
		OK(pipe.add(0, 2, &equal));
		// Pipes whose entries have matches accept equal ones.
		if (!processed()[0].succeeded) {
			OK(pipe.add(0, 3, &equal));
			OK(remove_entry(equal));
			CHECK((processed() ==
			       std::vector<Completion>{{3, false, DOCA_FLOW_ENTRY_OP_ADD}, {3, false, DOCA_FLOW_ENTRY_OP_DEL}}));
			// The first entry still occupies the key.
			OK(pipe.add(0, 4, &equal));
			CHECK((processed() == std::vector<Completion>{{4, false, DOCA_FLOW_ENTRY_OP_ADD}}));
			CHECK(remove_entry(equal) == DOCA_ERROR_INVALID_VALUE);
		} else {
			OK(remove_entry(equal));
			processed();
		}
		OK(remove_entry(first));
		CHECK((processed() == std::vector<Completion>{{1, true, DOCA_FLOW_ENTRY_OP_DEL}}));
		check_room(pipe);
	}
	const Pipe basic = basic_pipe();
	doca_flow_pipe_entry *entry;
	OK(basic.add(0, 1, &entry));
	OK(remove_entry(entry));
	OK(update_in_basic(basic.pipe, &DROP, entry));
	CHECK((processed() == std::vector<Completion>{{1, true, DOCA_FLOW_ENTRY_OP_ADD},
						      {1, true, DOCA_FLOW_ENTRY_OP_DEL},
						      {1, false, DOCA_FLOW_ENTRY_OP_UPD}}));
	CHECK(update_in_basic(basic.pipe, &DROP, entry) == DOCA_ERROR_INVALID_VALUE);
	check_room(basic);
	stop();
}

// Additions and removals of which half fail, the removal sent before the addition is known to have failed.
void failures_leave_room()
{
	start(8);
	for (const Pipe &pipe : pipes_of_all_types()) {
		OK(doca_soft_set_faults(5, 500));
		for (uintptr_t round = 0; round < 300; round++) {
			doca_flow_pipe_entry *entry;
			while (pipe.add(0, round, &entry) != DOCA_SUCCESS)
				;
			while (remove_entry(entry) != DOCA_SUCCESS)
				;
			const std::vector<Completion> first = processed();
			CHECK(first.size() == 2 && first[0].ctx == round && first[1].ctx == round);
			CHECK(first[0].succeeded || !first[1].succeeded);
			for (bool there = first[0].succeeded && !first[1].succeeded; there; there = !processed()[0].succeeded) {
				while (remove_entry(entry) != DOCA_SUCCESS)
					;
			}
		}
		OK(doca_soft_set_faults(0, 0));
		check_room(pipe);
	}
	stop();
}

// Nothing is reported of entries whose pipe is gone, and their places in the queue are free again.
void pipes_go_with_their_entries()
{
	start(8);
	for (const bool flush : {false, true}) {
		for (const Pipe &pipe : pipes_of_all_types()) {
			const Pipe other = basic_pipe();
			doca_flow_pipe_entry *entry;
			doca_flow_pipe_entry *stays;
			OK(pipe.add(0, 1, &entry));
			processed();
			OK(other.add(0, 2, &stays));
			OK(remove_entry(entry));
			OK(pipe.add(0, 3, &entry));
			if (flush)
				doca_flow_port_pipes_flush(pf_port);
			else
				doca_flow_pipe_destroy(pipe.pipe);
			CHECK(processed() ==
			      (flush ? std::vector<Completion>{} : std::vector<Completion>{{2, true, DOCA_FLOW_ENTRY_OP_ADD}}));
			if (flush)
				break;
		}
		// More operations than the queue is deep.
		for (uint32_t i = 0; i < 200; i++) {
			const Pipe pipe = control_pipe();
			doca_flow_pipe_entry *entry;
			OK(pipe.add(0, i, &entry));
			doca_flow_pipe_destroy(pipe.pipe);
			CHECK(processed().empty());
		}
	}
	check_room(basic_pipe());
	// Operations that are outstanding at the end are never reported.
	const Pipe last = basic_pipe();
	doca_flow_pipe_entry *entry;
	OK(last.add(0, 1, &entry));
	doca_flow_pipe_destroy(last.pipe);
	OK(basic_pipe().add(0, 1, &entry));
	stop();
}

std::vector<Completion> reported()
{
	return std::exchange(completions, {});
}

// The mapping file says completions = inside: when a call returns, its operation has been reported.
void operations_end_inside_their_calls()
{
	start(8);
	for (const Pipe &pipe : pipes_of_all_types()) {
		doca_flow_pipe_entry *entry;
		for (uintptr_t round = 0; round < 3; round++) {
			OK(pipe.add(0, round, &entry));
			CHECK((reported() == std::vector<Completion>{{round, true, DOCA_FLOW_ENTRY_OP_ADD}}));
			CHECK(processed().empty());
			CHECK(doca_flow_pipe_entry_get_status(entry) == DOCA_FLOW_ENTRY_STATUS_SUCCESS);
			OK(remove_entry(entry));
			CHECK((reported() == std::vector<Completion>{{round, true, DOCA_FLOW_ENTRY_OP_DEL}}));
			CHECK(remove_entry(entry) == DOCA_ERROR_INVALID_VALUE);
		}
		check_room_inside(pipe);
		// Failures are reported inside the call, too, and about half of them make the call return an error besides.
		OK(doca_soft_set_faults(5, 1000));
		CHECK(pipe.add(0, 1, &entry) == DOCA_ERROR_DRIVER && reported().empty());
		OK(doca_soft_set_faults(5, 300));
		uint32_t results[2][2] = {};
		for (uint32_t round = 0; round < 300; round++) {
			const doca_error_t result = pipe.add(0, 1, &entry);
			const std::vector<Completion> told = reported();
			CHECK(told.size() <= 1 && (result == DOCA_SUCCESS || result == DOCA_ERROR_DRIVER));
			if (told.empty()) {
				CHECK(result == DOCA_ERROR_DRIVER);
				continue;
			}
			results[told[0].succeeded][result == DOCA_SUCCESS]++;
			while (told[0].succeeded) {
				const bool taken = remove_entry(entry) == DOCA_SUCCESS;
				const std::vector<Completion> removed = reported();
				CHECK(taken || removed.empty() || !removed[0].succeeded);
				if (!removed.empty() && removed[0].succeeded)
					break;
			}
		}
		CHECK(results[0][0] > 10 && results[0][1] > 10 && results[1][0] == 0 && results[1][1] > 50);
		OK(doca_soft_set_faults(0, 0));
		check_room_inside(pipe);
		// Entries that are removed with their pipe are reported inside the call, too.
		OK(pipe.add(0, 7, &entry));
		reported();
		doca_flow_pipe_destroy(pipe.pipe);
		CHECK((reported() == std::vector<Completion>{{7, true, DOCA_FLOW_ENTRY_OP_DEL}}));
	}
	const Pipe basic = basic_pipe();
	doca_flow_pipe_entry *entry;
	OK(basic.add(0, 1, &entry));
	reported();
	OK(update_in_basic(basic.pipe, &DROP, entry));
	CHECK((reported() == std::vector<Completion>{{1, true, DOCA_FLOW_ENTRY_OP_UPD}}));
	doca_flow_port_pipes_flush(pf_port);
	CHECK((reported() == std::vector<Completion>{{1, true, DOCA_FLOW_ENTRY_OP_DEL}}));
	OK(basic_pipe().add(0, 2, &entry));
	reported();
	stop();
	CHECK((reported() == std::vector<Completion>{{2, true, DOCA_FLOW_ENTRY_OP_DEL}}));
}

// The mapping file says completions = control: so it is for control pipes alone, and what goes with its pipe is told of later.
void operations_of_control_pipes_end_inside_their_calls()
{
	start(8);
	const Pipe basic = basic_pipe();
	const Pipe control = control_pipe();
	doca_flow_pipe_entry *entries[2];
	OK(basic.add(0, 1, &entries[0]));
	OK(control.add(0, 2, &entries[1]));
	CHECK((reported() == std::vector<Completion>{{2, true, DOCA_FLOW_ENTRY_OP_ADD}}));
	CHECK((processed() == std::vector<Completion>{{1, true, DOCA_FLOW_ENTRY_OP_ADD}}));
	completions.clear();
	OK(remove_entry(entries[1]));
	CHECK((reported() == std::vector<Completion>{{2, true, DOCA_FLOW_ENTRY_OP_DEL}}));
	OK(control.add(0, 3, &entries[1]));
	reported();
	doca_flow_pipe_destroy(control.pipe);
	CHECK(reported().empty());
	CHECK((processed() == std::vector<Completion>{{3, true, DOCA_FLOW_ENTRY_OP_DEL}}));
	completions.clear();
	stop();
	CHECK((reported() == std::vector<Completion>{{1, true, DOCA_FLOW_ENTRY_OP_DEL}}));
}

uint32_t dev_flags(uint16_t port)
{
	rte_eth_dev_info info;
	CHECK(rte_eth_dev_info_get(port, &info) == 0);
	return *info.dev_flags;
}

void a_representors_port_is_not_the_applications()
{
	CHECK((dev_flags(pf) & RTE_ETH_DEV_REPRESENTOR) == 0);
	CHECK((dev_flags(pf + 1) & RTE_ETH_DEV_REPRESENTOR) != 0);
	const rte_eth_conf conf = {};
	CHECK(rte_eth_dev_configure(pf + 1, 1, 1, &conf) != 0);
	start(8);
	check_room(basic_pipe());
	stop();
	// The order in which NVIDIA's own programs end.
	CHECK(rte_eth_dev_stop(pf + 1) == 0 && rte_eth_dev_close(pf + 1) == 0);
}

doca_flow_pipe *root(doca_flow_pipe_domain domain, doca_error_t expected)
{
	const doca_flow_match match = {};
	doca_flow_pipe *pipe = nullptr;
	doca_flow_pipe_cfg *cfg = pipe_cfg(DOCA_FLOW_PIPE_BASIC);
	OK(doca_flow_pipe_cfg_set_is_root(cfg, true));
	OK(doca_flow_pipe_cfg_set_domain(cfg, domain));
	OK(doca_flow_pipe_cfg_set_match(cfg, &match, nullptr));
	CHECK(doca_flow_pipe_create(cfg, &DROP, nullptr, &pipe) == expected);
	doca_flow_pipe_cfg_destroy(cfg);
	return pipe;
}

void set_up_is_told()
{
	doca_flow_cfg *cfg;
	doca_soft_set_up set_up;
	OK(doca_flow_cfg_create(&cfg));
	OK(doca_flow_cfg_set_mode_args(cfg, "switch,hws,isolated,expert"));
#if RELEASE < 302
	doca_flow_resource_rss_cfg rss = {};
	uint16_t queues[] = {0, 2};
	CHECK(doca_flow_cfg_set_default_rss(cfg, &rss) == DOCA_ERROR_INVALID_VALUE);
	rss.queues_array = queues;
	rss.nr_queues = 2;
	OK(doca_flow_cfg_set_default_rss(cfg, &rss));
#endif
	OK(doca_flow_init(cfg));
	doca_flow_cfg_destroy(cfg);
	CHECK(doca_soft_get_set_up(pf, &set_up) == DOCA_ERROR_NOT_FOUND);
	OK(start_port(pf, nullptr, pf_port));
	OK(doca_soft_get_set_up(pf, &set_up));
	CHECK(set_up.promiscuous == 0 && set_up.egress_root_domain == -1);
#if RELEASE < 302
	CHECK(set_up.default_rss_count == 2 && set_up.default_rss[1] == 2);
	root(DOCA_FLOW_PIPE_DOMAIN_SECURE_EGRESS, DOCA_ERROR_INVALID_VALUE);
#else
	CHECK(set_up.default_rss_count == 0);
	doca_flow_pipe *secure = root(DOCA_FLOW_PIPE_DOMAIN_SECURE_EGRESS, DOCA_SUCCESS);
	OK(doca_soft_get_set_up(pf, &set_up));
	CHECK(set_up.egress_root_domain == DOCA_FLOW_PIPE_DOMAIN_SECURE_EGRESS);
	root(DOCA_FLOW_PIPE_DOMAIN_EGRESS, DOCA_ERROR_ALREADY_EXIST);
	doca_flow_pipe_destroy(secure);
#endif
	root(DOCA_FLOW_PIPE_DOMAIN_SECURE_INGRESS, DOCA_ERROR_INVALID_VALUE);
	root(DOCA_FLOW_PIPE_DOMAIN_EGRESS, DOCA_SUCCESS);
	CHECK(rte_eth_promiscuous_enable(pf) == 0);
	OK(doca_soft_get_set_up(pf, &set_up));
	CHECK(set_up.promiscuous == 1 && set_up.egress_root_domain == DOCA_FLOW_PIPE_DOMAIN_EGRESS);
	OK(doca_flow_port_stop(pf_port));
	doca_flow_destroy();
}

// How often a key stands in this process's memory. The key is given inverted, so that the search does not find itself.
uint32_t copies_of(const uint8_t *inverted)
{
	uint32_t found = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	const int memory = open("/proc/self/mem", O_RDONLY);
	CHECK(maps != nullptr && memory >= 0);
	static uint8_t chunk[1 << 20];
	char line[512];
	while (fgets(line, sizeof(line), maps) != nullptr) {
		unsigned long from;
		unsigned long to;
		char rights[8];
		CHECK(sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3);
		if (strncmp(rights, "rw", 2) != 0)
			continue;
		// Steps that overlap by one key.
		for (unsigned long at = from; at + 16 < to; at += sizeof(chunk) - 16) {
			const ssize_t octets = pread(memory, chunk, std::min(sizeof(chunk), to - at), static_cast<off_t>(at));
			for (ssize_t i = 0; i + 16 <= octets; i++) {
				bool equal = true;
				for (ssize_t j = 0; equal && j < 16; j++)
					equal = (chunk[i + j] ^ 0xff) == inverted[j];
				const unsigned long where = at + static_cast<unsigned long>(i);
				const auto own = reinterpret_cast<unsigned long>(chunk);
				found += equal && (where + 16 <= own || where >= own + sizeof(chunk)) ? 1 : 0;
			}
		}
	}
	fclose(maps);
	close(memory);
	explicit_bzero(chunk, sizeof(chunk));
	return found;
}

void set_key(uint32_t slot, const uint8_t *inverted)
{
	uint32_t key[8];
	doca_flow_shared_resource_cfg cfg = {};
	for (uint32_t i = 0; i < sizeof(key); i++)
		reinterpret_cast<uint8_t *>(key)[i] = inverted[i] ^ 0xff;
	cfg.psp_cfg.key_cfg.key_type = DOCA_FLOW_CRYPTO_KEY_256;
	cfg.psp_cfg.key_cfg.key = key;
	OK(doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_PSP, slot, &cfg));
	explicit_bzero(key, sizeof(key));
}

void a_key_that_was_replaced_is_forgotten()
{
	start(2);
	uint32_t slot = 1;
	OK(doca_flow_shared_resources_bind(DOCA_FLOW_SHARED_RESOURCE_PSP, &slot, 1, pf_port));
	uint8_t keys[3][32];
	for (uint32_t i = 0; i < sizeof(keys); i++)
		keys[i / 32][i % 32] = static_cast<uint8_t>(0xa1 ^ i * 37 ^ i / 32 * 0x5c);
	for (const uint8_t *key : keys)
		set_key(slot, key);
	// The device is idle.
	usleep(50000);
	CHECK(copies_of(keys[0]) == 0);
	CHECK(copies_of(keys[1]) == 0);
	CHECK(copies_of(keys[2]) > 0);
	stop();
	CHECK(copies_of(keys[2]) == 0);
}

#if RELEASE >= 302
void a_slot_is_put_back_once()
{
	doca_flow_cfg *cfg;
	OK(doca_flow_cfg_create(&cfg));
	OK(doca_flow_cfg_set_mode_args(cfg, "switch,hws,isolated,expert"));
	OK(doca_flow_cfg_set_resource_mode(cfg, DOCA_FLOW_RESOURCE_MODE_PORT));
	OK(doca_flow_init(cfg));
	doca_flow_cfg_destroy(cfg);
	doca_flow_port_cfg *port_cfg;
	OK(doca_flow_port_cfg_create(&port_cfg));
	OK(doca_flow_port_cfg_set_port_id(port_cfg, pf));
	OK(doca_flow_port_cfg_set_dev(port_cfg, dev));
	OK(doca_flow_port_cfg_set_nr_resources(port_cfg, DOCA_FLOW_RESOURCE_PSP, 3));
	OK(doca_flow_port_start(port_cfg, &pf_port));
	doca_flow_port_cfg_destroy(port_cfg);
	const auto type = DOCA_FLOW_SHARED_RESOURCE_PSP;
	for (int round = 0; round < 3; round++) {
		uint32_t ids[4];
		for (int i = 0; i < 3; i++)
			OK(doca_flow_port_shared_resource_get(pf_port, type, &ids[i]));
		CHECK(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
		CHECK(doca_flow_port_shared_resource_get(pf_port, type, &ids[3]) == DOCA_ERROR_EMPTY);
		for (int i = 0; i < 3; i++) {
			OK(doca_flow_port_shared_resource_put(pf_port, type, ids[i]));
			CHECK(doca_flow_port_shared_resource_put(pf_port, type, ids[i]) == DOCA_ERROR_INVALID_VALUE);
		}
	}
	CHECK(doca_flow_port_shared_resource_put(pf_port, type, 0) == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_flow_port_shared_resource_put(pf_port, type, 4) == DOCA_ERROR_INVALID_VALUE);
	OK(doca_flow_port_stop(pf_port));
	doca_flow_destroy();
}
#else
void mirrors_have_16_bits()
{
	doca_flow_cfg *cfg;
	OK(doca_flow_cfg_create(&cfg));
	OK(doca_flow_cfg_set_nr_shared_resource(cfg, 65536, DOCA_FLOW_SHARED_RESOURCE_MIRROR));
	CHECK(doca_flow_cfg_set_nr_shared_resource(cfg, 65537, DOCA_FLOW_SHARED_RESOURCE_MIRROR) == DOCA_ERROR_NOT_SUPPORTED);
	OK(doca_flow_cfg_set_cb_entry_process(cfg, entry_done));
	OK(doca_flow_init(cfg));
	doca_flow_cfg_destroy(cfg);
	OK(start_port(pf, nullptr, pf_port));
	const Pipe pipe = basic_pipe();
	doca_flow_match match = {};
	doca_flow_monitor monitor = {};
	doca_flow_pipe_entry *entry;
	monitor.shared_mirror_id = 65535;
	OK(add_to_basic(pipe.pipe, &match, nullptr, &monitor, nullptr, nullptr, &entry));
	monitor.shared_mirror_id = 65536;
	CHECK(add_to_basic(pipe.pipe, &match, nullptr, &monitor, nullptr, nullptr, &entry) == DOCA_ERROR_INVALID_VALUE);
	processed();
	OK(doca_flow_port_stop(pf_port));
	doca_flow_destroy();
}
#endif

// What the uplink's capture has, of flows that all differ: as many packets of IPv4 as of IPv6.
constexpr uint32_t FLOWS = 32;
constexpr uint16_t RSS_QUEUES = 2;

void start_queues()
{
	rte_mempool *pool = rte_pktmbuf_pool_create("queues", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	rte_eth_conf conf = {};
	CHECK(pool != nullptr && rte_eth_dev_configure(pf, RSS_QUEUES, 1, &conf) == 0);
	for (uint16_t queue = 0; queue < RSS_QUEUES; queue++)
		CHECK(rte_eth_rx_queue_setup(pf, queue, 64, SOCKET_ID_ANY, nullptr, pool) == 0);
	CHECK(rte_eth_tx_queue_setup(pf, 0, 64, SOCKET_ID_ANY, nullptr) == 0);
	CHECK(rte_eth_dev_start(pf) == 0);
}

void rss_spreads(uint32_t outer_flags, bool ip4, bool ip6)
{
	start_queues();
	OK(init(0));
	OK(start_port(pf, nullptr, pf_port));
	uint16_t queues[RSS_QUEUES] = {0, 1};
	doca_flow_fwd fwd = {};
	doca_flow_resource_rss_cfg rss = {};
	rss.outer_flags = outer_flags;
	rss.queues_array = queues;
	rss.nr_queues = RSS_QUEUES;
	set_rss(&fwd, &rss);
	const doca_flow_match match = {};
	doca_flow_pipe_cfg *cfg = pipe_cfg(DOCA_FLOW_PIPE_BASIC);
	OK(doca_flow_pipe_cfg_set_is_root(cfg, true));
	OK(doca_flow_pipe_cfg_set_match(cfg, &match, nullptr));
	doca_flow_pipe_entry *entry;
	OK(add_basic(make(cfg, &fwd), nullptr, 0, &entry));
	processed();

	uint32_t counts[2][RSS_QUEUES] = {};
	for (uint32_t rounds = 0, total = 0; total < 2 * FLOWS; rounds++) {
		CHECK(rounds < 10000);
		for (uint16_t queue = 0; queue < RSS_QUEUES; queue++) {
			rte_mbuf *mbufs[32];
			const uint16_t count = rte_eth_rx_burst(pf, queue, mbufs, 32);
			for (uint16_t i = 0; i < count; i++) {
				counts[*rte_pktmbuf_mtod_offset(mbufs[i], uint8_t *, 14) >> 4 == 6][queue]++;
				rte_pktmbuf_free(mbufs[i]);
			}
			total += count;
		}
		usleep(1000);
	}
	for (const uint32_t *of_family : counts)
		CHECK(of_family[0] + of_family[1] == FLOWS);
	CHECK((counts[0][1] > 0) == ip4);
	CHECK((counts[1][1] > 0) == ip6);
	OK(doca_flow_port_stop(pf_port));
	doca_flow_destroy();
	CHECK(rte_eth_dev_stop(pf) == 0);
}

const Case CASES[] = {
	{"no-slots", a_program_without_key_slots_runs},
	{"no-memory", memory_that_is_not_there_is_an_error},
	{"not-there", an_entry_that_is_not_there_stays_away},
	{"failures", failures_leave_room},
	{"gone-pipes", pipes_go_with_their_entries},
	{"inside", operations_end_inside_their_calls},
	{"inside-control", operations_of_control_pipes_end_inside_their_calls},
	{"representors", a_representors_port_is_not_the_applications},
	{"set-up", set_up_is_told},
	{"old-keys", a_key_that_was_replaced_is_forgotten},
	{"rss-ipv4", [] { rss_spreads(DOCA_FLOW_RSS_IPV4, true, false); }},
	{"rss-ipv6", [] { rss_spreads(DOCA_FLOW_RSS_IPV6, false, true); }},
	{"rss", [] { rss_spreads(0, true, true); }},
#if RELEASE >= 302
	{"put-twice", a_slot_is_put_back_once},
#else
	{"mirrors", mirrors_have_16_bits},
#endif
};

} // namespace

int main(int argc, char **argv)
{
	return run_case("api", CASES, argc, argv, [](const Case &one) {
		probe();
		one.run();
		shut_down();
	});
}
