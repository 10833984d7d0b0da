// Programs whose trace test/native/trace.test.ts reads: `trace CASE` over the rings of world.h. TRACE_FILE in the environment names the
// file; cases that need no packets begin the trace themselves.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doca_error.h>
#include <doca_flow_crypto.h>

#include "cases.h"
#include "world.h"

using namespace world;

namespace {

constexpr uint8_t KNOWN = 1;
constexpr uint8_t UNKNOWN = 9;

std::string file_name()
{
	return getenv("TRACE_FILE");
}

void begin(const std::string &settings = "")
{
	OK(doca_soft_trace_start((file_name() + settings).c_str()));
}

// A call that needs no device.
void call()
{
	CHECK(doca_flow_cfg_destroy(nullptr) == DOCA_ERROR_INVALID_VALUE);
}

Frame frame_to(uint8_t destination)
{
	return ip6_frame(7, destination, 59, {1, 2, 3, 4});
}

/* ---- Packets ---- */

// A root, a table that writes metadata, and in releases that have them a list and a pipe that floods; entries come and go.
void way()
{
	begin(",packets=1,octets=16");
	start();
	uint16_t queue = 1;
	doca_flow_fwd to_wire = forward_of(DOCA_FLOW_FWD_PORT);
	to_wire.port_id = pf;
	const doca_flow_fwd drop = forward_of(DOCA_FLOW_FWD_DROP);
	const doca_flow_fwd to_cpu = to_queue(queue);
	doca_flow_actions actions = {};
	actions.meta.pkt_meta = UINT32_MAX;
	PipeOptions options;
	options.match = match_on_address();
	options.actions = &actions;
	options.fwd = &to_wire;
	options.miss = &drop;
	doca_flow_pipe *table;
	OK(create(options, table));
	const doca_flow_match match = key(KNOWN);
	actions.meta.pkt_meta = rte_cpu_to_be_32(42);
	doca_flow_pipe_entry *entry;
	OK(add_basic(0, table, &match, &actions, nullptr, 1, &entry));

	PipeOptions of_root;
	of_root.type = DOCA_FLOW_PIPE_CONTROL;
	of_root.is_root = true;
	doca_flow_pipe *root;
	OK(create(of_root, root));
	doca_flow_match from_vf = {};
	doca_flow_match mask = {};
	from_vf.parser_meta.port_id = static_cast<uint16_t>(pf + 1);
	mask.parser_meta.port_id = UINT16_MAX;
	const doca_flow_fwd to_table = to_pipe(table);
	doca_flow_pipe_entry *of_vf;
	doca_flow_pipe_entry *rest;
	OK(add_control(0, 0, root, &from_vf, &mask, &to_table, 2, &of_vf));
	OK(add_control(0, 7, root, nullptr, nullptr, &to_cpu, 3, &rest));
	process(0);
	arrive(vf, frame_to(KNOWN));
	arrive(vf, frame_to(UNKNOWN));
	arrive(wire, frame_to(KNOWN));
	CHECK(sent_by(wire).size() == 1);
	CHECK(metadata_in(queue).size() == 1);
	OK(doca_flow_pipe_remove_entry(0, 0, entry));
	process(0);
	CHECK(doca_flow_pipe_update_miss(table, nullptr) == DOCA_ERROR_INVALID_VALUE);
	OK(doca_flow_pipe_update_miss(table, &drop));
	doca_flow_pipe_destroy(root);
	stop();
	OK(doca_soft_trace_stop());
}

#if DOCA_SOFT_RELEASE_ >= 302
doca_flow_pipe *make_list(const doca_flow_fwd &fwd)
{
	doca_flow_actions actions = {};
	actions.meta.u32[0] = rte_cpu_to_be_32(5);
	doca_flow_ordered_list_element element = {};
	element.type = DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS;
	element.actions = &actions;
	doca_flow_ordered_list list = {};
	list.size = 1;
	list.elements = &element;
	doca_flow_ordered_list *lists[] = {&list};
	doca_flow_pipe_cfg *cfg;
	OK(doca_flow_pipe_cfg_create(&cfg, pf_port));
	OK(doca_flow_pipe_cfg_set_name(cfg, "LIST"));
	OK(doca_flow_pipe_cfg_set_type(cfg, DOCA_FLOW_PIPE_ORDERED_LIST));
	OK(doca_flow_pipe_cfg_set_nr_entries(cfg, 4));
	OK(doca_flow_pipe_cfg_set_ordered_lists(cfg, lists, 1));
	doca_flow_pipe *pipe;
	OK(doca_flow_pipe_create(cfg, &fwd, nullptr, &pipe));
	doca_flow_pipe_cfg_destroy(cfg);
	doca_flow_pipe_entry *entry;
	OK(doca_flow_pipe_ordered_list_add_entry(0, pipe, 2, &list, nullptr, {}, nullptr, &entry));
	process(0);
	return pipe;
}
#endif

// Pipes whose entries are found by an index.
void indexed()
{
#if DOCA_SOFT_RELEASE_ >= 302
	begin(",packets=1");
	start();
	doca_flow_fwd to_wire = forward_of(DOCA_FLOW_FWD_PORT);
	to_wire.port_id = pf;
	doca_flow_fwd to_list = forward_of(DOCA_FLOW_FWD_ORDERED_LIST_PIPE);
	to_list.ordered_list_pipe.pipe = make_list(to_wire);
	to_list.ordered_list_pipe.idx = 2;

	PipeOptions of_flood;
	of_flood.type = DOCA_FLOW_PIPE_HASH;
	doca_flow_pipe_cfg *cfg;
	OK(doca_flow_pipe_cfg_create(&cfg, pf_port));
	OK(doca_flow_pipe_cfg_set_name(cfg, "FLOOD"));
	OK(doca_flow_pipe_cfg_set_type(cfg, DOCA_FLOW_PIPE_HASH));
	OK(doca_flow_pipe_cfg_set_hash_map_algorithm(cfg, DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_FLOODING));
	OK(doca_flow_pipe_cfg_set_nr_entries(cfg, 2));
	doca_flow_pipe *flood;
	const doca_flow_fwd by_entry = forward_of(DOCA_FLOW_FWD_CHANGEABLE);
	OK(doca_flow_pipe_create(cfg, &by_entry, nullptr, &flood));
	doca_flow_pipe_cfg_destroy(cfg);
	doca_flow_pipe_entry *entries[2];
	OK(doca_flow_pipe_hash_add_entry(0, flood, 0, 0, nullptr, nullptr, &to_list, {}, nullptr, &entries[0]));
	OK(doca_flow_pipe_hash_add_entry(0, flood, 1, 0, nullptr, nullptr, &to_wire, {}, nullptr, &entries[1]));

	PipeOptions of_root;
	of_root.type = DOCA_FLOW_PIPE_CONTROL;
	of_root.is_root = true;
	doca_flow_pipe *root;
	OK(create(of_root, root));
	doca_flow_fwd to_flood = forward_of(DOCA_FLOW_FWD_HASH_PIPE);
	to_flood.hash_pipe.pipe = flood;
	to_flood.hash_pipe.algorithm = DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_FLOODING;
	doca_flow_pipe_entry *all;
	OK(add_control(0, 0, root, nullptr, nullptr, &to_flood, 1, &all));
	process(0);
	arrive(vf, frame_to(KNOWN));
	CHECK(sent_by(wire).size() == 2);
	stop();
	OK(doca_soft_trace_stop());
#endif
}

// Counters are told while the program runs.
void counters()
{
	begin(",packets=0");
	start();
	PipeOptions of_root;
	of_root.type = DOCA_FLOW_PIPE_CONTROL;
	of_root.is_root = true;
	doca_flow_pipe *root;
	OK(create(of_root, root));
	arrive(vf, frame_to(KNOWN));
	const std::string told = "\"misses\":1";
	std::string text;
	for (int i = 0; i < 1000 && text.find(told) == std::string::npos; i++) {
		usleep(10000);
		FILE *file = fopen(file_name().c_str(), "r");
		CHECK(file != nullptr);
		text.resize(65536);
		text.resize(fread(text.data(), 1, text.size(), file));
		fclose(file);
	}
	CHECK(text.find(told) != std::string::npos);
	stop();
	OK(doca_soft_trace_stop());
}

/* ---- Keys ---- */

void print_key(const uint32_t *key)
{
	for (int i = 0; i < 32; i++)
		fprintf(stderr, "%02x", reinterpret_cast<const uint8_t *>(key)[i]);
	fprintf(stderr, "\n");
}

// Keys that the device has made, and one of the program's own in calls that fail. They go to standard error.
void keys()
{
	begin(",packets=1");
	start();
	doca_flow_crypto_psp_spi_key_bulk *bulk;
	OK(doca_flow_crypto_psp_master_key_rotate(pf_port));
	OK(doca_flow_crypto_psp_spi_key_bulk_alloc(pf_port, DOCA_FLOW_CRYPTO_KEY_256, 2, &bulk));
	OK(doca_flow_crypto_psp_spi_key_bulk_generate(bulk));
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t spi;
		uint32_t key[8];
		OK(doca_flow_crypto_psp_spi_key_bulk_get(bulk, i, &spi, key));
		print_key(key);
	}
	OK(doca_flow_crypto_psp_spi_key_bulk_free(bulk));
	uint32_t own[8];
	for (uint32_t i = 0; i < 8; i++)
		own[i] = 0x5aa50000 + i;
	print_key(own);
	doca_flow_shared_resource_cfg slot = {};
	slot.psp_cfg.key_cfg.key_type = DOCA_FLOW_CRYPTO_KEY_256;
	slot.psp_cfg.key_cfg.key = own;
	CHECK(doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_PSP, 1, &slot) != DOCA_SUCCESS);
	doca_flow_cfg *cfg;
	OK(doca_flow_cfg_create(&cfg));
	CHECK(doca_flow_cfg_set_rss_key(cfg, reinterpret_cast<uint8_t *>(own), sizeof(own)) != DOCA_SUCCESS);
	OK(doca_flow_cfg_destroy(cfg));
	stop();
	OK(doca_soft_trace_stop());
}

/* ---- Limits, and the file ---- */

void lines()
{
	begin(",lines=5");
	for (int i = 0; i < 20; i++)
		call();
	OK(doca_soft_trace_stop());
}

// Of a call that is made again and again one in a second is told, and how many were not.
void often()
{
	begin();
	for (int i = 0; i < 100; i++)
		CHECK(doca_flow_aging_handle(nullptr, 0, 0, 0) == 0);
	usleep(1'100'000);
	CHECK(doca_flow_aging_handle(nullptr, 0, 0, 0) == 0);
	OK(doca_soft_trace_stop());
}

void size()
{
	begin(",size=4096");
	for (int i = 0; i < 200; i++)
		call();
	CHECK(doca_soft_trace_stop() == DOCA_ERROR_BAD_STATE);
}

// On a disk that has no room for all.
void full()
{
	begin();
	for (int i = 0; i < 900; i++)
		call();
	CHECK(doca_soft_trace_stop() == DOCA_ERROR_BAD_STATE);
}

// The program closes what it did not open, and another file gets the number.
void closed()
{
	begin();
	call();
	const std::string other = file_name() + ".other";
	unlink(other.c_str());
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	for (int fd = 3; fd < 64; fd++)
		CHECK(open(other.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600) >= 0);
	for (int i = 0; i < 5; i++)
		call();
	struct stat status {};
	CHECK(stat(other.c_str(), &status) == 0);
	CHECK(status.st_size == 0);
	CHECK(doca_soft_trace_stop() == DOCA_ERROR_BAD_STATE);
}

// What a child does is not its parent's.
void forked()
{
	begin();
	const pid_t child = fork();
	if (child == 0) {
		CHECK(doca_flow_port_stop(nullptr) == DOCA_ERROR_INVALID_VALUE);
		_exit(0);
	}
	int status;
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	call();
	OK(doca_soft_trace_stop());
}

void threads()
{
	std::vector<std::thread> callers;
	begin(",lines=100000");
	for (int i = 0; i < 4; i++)
		callers.emplace_back([] {
			for (int j = 0; j < 500; j++)
				call();
		});
	for (std::thread &caller : callers)
		caller.join();
	OK(doca_soft_trace_stop());
}

// It ends and begins while others call.
void restarts()
{
	std::thread caller([] {
		for (int i = 0; i < 20000; i++)
			call();
	});
	for (int i = 0; i < 50; i++) {
		begin();
		OK(doca_soft_trace_stop());
	}
	caller.join();
	begin();
	call();
	OK(doca_soft_trace_stop());
}

// The last line is written when the process ends.
void exits()
{
	begin();
	call();
}

void refused()
{
	doca_log_backend *log;
	OK(doca_log_backend_create_with_file_sdk(stderr, &log));
	const std::string file = file_name();
	for (const char *wrong : {"", ",packets=1"})
		CHECK(doca_soft_trace_start(wrong) == DOCA_ERROR_INVALID_VALUE);
	for (const char *wrong : {",packets", ",packets=", ",packets=-1", ",packets=4294967296", ",octets=65536", ",lines=0",
				  ",size=4095", ",size=99999999999999999999", ",colour=1"})
		CHECK(doca_soft_trace_start((file + wrong).c_str()) == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_soft_trace_start(nullptr) == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_soft_trace_start("/nowhere/at/all") == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_soft_trace_start("/dev/null") == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_soft_trace_stop() == DOCA_ERROR_BAD_STATE);
	CHECK(access(file.c_str(), F_OK) != 0 && errno == ENOENT);
	// One that is there, and that others may read, or have.
	CHECK(close(open(file.c_str(), O_WRONLY | O_CREAT, 0600)) == 0 && chmod(file.c_str(), 0666) == 0);
	if (geteuid() == 0) {
		CHECK(chown(file.c_str(), 65534, 0) == 0);
		CHECK(doca_soft_trace_start(file.c_str()) == DOCA_ERROR_INVALID_VALUE);
		CHECK(chown(file.c_str(), 0, 0) == 0);
	}
	begin(",size=4096");
	struct stat its {};
	CHECK(stat(file.c_str(), &its) == 0 && (its.st_mode & 07777) == 0600);
	CHECK(doca_soft_trace_start(file.c_str()) == DOCA_ERROR_BAD_STATE);
	// Another process would have both write to it.
	const pid_t child = fork();
	if (child == 0)
		_exit(doca_soft_trace_start(file.c_str()) == DOCA_ERROR_INVALID_VALUE ? 0 : 1);
	int status;
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	OK(doca_soft_trace_stop());
}

// Arguments of all kinds, in calls that need no device.
void told()
{
	begin();
	CHECK(doca_flow_pipe_cfg_set_name(nullptr, "a \"name\"\n\xff") == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_flow_pipe_cfg_set_name(nullptr, std::string(300, 'x').c_str()) == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_flow_pipe_cfg_set_type(nullptr, static_cast<doca_flow_pipe_type>(77)) == DOCA_ERROR_INVALID_VALUE);
	doca_flow_match match = {};
	doca_flow_match mask = {};
	match.meta.pkt_meta = UINT32_MAX;
	match.meta.u32[3] = rte_cpu_to_be_32(0x1234);
	match.outer.eth.dst_mac[5] = 9;
	match.outer.eth.type = rte_cpu_to_be_16(0x86dd);
	match.outer.l3_type = DOCA_FLOW_L3_TYPE_IP6;
	match.outer.ip6.src_ip[0] = rte_cpu_to_be_32(0x20010db8);
	match.outer.ip6.src_ip[3] = rte_cpu_to_be_32(1);
	match.tun.type = DOCA_FLOW_TUN_PSP;
	match.tun.psp.spi = rte_cpu_to_be_32(7);
	// The mask has no selectors.
	memset(mask.outer.ip6.src_ip, 0xff, 8);
	CHECK(doca_flow_pipe_cfg_set_match(nullptr, &match, &mask) == DOCA_ERROR_INVALID_VALUE);
	doca_flow_actions actions = {};
	actions.has_crypto_encap = true;
	actions.crypto_encap.data_size = 3;
	actions.crypto_encap.encap_data[1] = 0xab;
	actions.crypto_encap.encap_data[5] = 0xcd;
	std::vector<doca_flow_actions *> many(20, &actions);
	CHECK(doca_flow_pipe_cfg_set_actions(nullptr, many.data(), nullptr, nullptr, many.size()) == DOCA_ERROR_INVALID_VALUE);
	OK(doca_soft_trace_stop());
}

} // namespace

int main(int argc, char **argv)
{
	static const Case CASES[] = {
		{"way", way},	      {"indexed", indexed},   {"counters", counters}, {"keys", keys},	    {"lines", lines},
		{"often", often},     {"size", size},	      {"full", full},	      {"closed", closed},   {"forked", forked},
		{"threads", threads}, {"restarts", restarts}, {"exits", exits},	      {"refused", refused}, {"told", told},
	};
	return run_case("trace", CASES, argc, argv);
}
