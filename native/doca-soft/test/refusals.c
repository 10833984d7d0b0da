/*
 * Calls that the software DOCA refuses. Prints a line "# NAME" before each call, then the log's lines and "= RESULT"; at last
 * the packets that RSS has spread. test/native/refusals.test.ts builds the program and has the expected output.
 *
 *     refusals PACKETS [EAL arguments]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>

#include <doca_dev.h>
#include <doca_flow.h>
#include <doca_log.h>

#include <rte_eal.h>
#include <rte_ethdev.h>

#include "by_release.h"

#define QUEUES 2
#define KEY_SLOTS 7
#define ENTRIES 8
#define BURST 32

static uint16_t pf;
static struct doca_dev *dev;
static struct doca_dev_rep *rep;
static struct doca_flow_port *switch_port;

static void must(doca_error_t result, const char *what)
{
	if (result == DOCA_SUCCESS)
		return;
	fprintf(stderr, "%s: %s\n", what, doca_error_get_name(result));
	exit(1);
}

static void begin(const char *name)
{
	printf("# %s\n", name);
	fflush(stdout);
}

static void end(doca_error_t result)
{
	printf("= %s\n", doca_error_get_name(result));
	fflush(stdout);
}

#define CASE(name, call)     \
	do {                 \
		begin(name); \
		end(call);   \
	} while (0)

/* ---- Start ---- */

static void start_dpdk_port(uint16_t port, uint16_t queues, struct rte_mempool *pool)
{
	struct rte_eth_conf conf;
	memset(&conf, 0, sizeof(conf));
	int failed = rte_eth_dev_configure(port, queues, queues, &conf);
	for (uint16_t queue = 0; queue < queues && failed == 0; queue++) {
		failed = rte_eth_rx_queue_setup(port, queue, 256, SOCKET_ID_ANY, NULL, pool);
		if (failed == 0)
			failed = rte_eth_tx_queue_setup(port, queue, 256, SOCKET_ID_ANY, NULL);
	}
	if (failed != 0 || rte_eth_dev_start(port) != 0)
		must(DOCA_ERROR_INITIALIZATION, "DPDK port");
}

static void start_flow_port(uint16_t id, struct doca_dev *own, struct doca_dev_rep *own_rep)
{
	struct doca_flow_port_cfg *cfg;
	struct doca_flow_port *port;
	must(doca_flow_port_cfg_create(&cfg), "port cfg");
	must(set_port(cfg, id, own, own_rep), "port's number and device");
#if RELEASE >= 302
	if (own_rep == NULL)
		must(doca_flow_port_cfg_set_nr_resources(cfg, DOCA_FLOW_RESOURCE_PSP, KEY_SLOTS), "key slots");
#endif
	must(doca_flow_port_start(cfg, &port), "port");
	doca_flow_port_cfg_destroy(cfg);
}

static void start(int argc, char **argv)
{
	char *eal[32] = {argv[0], "-a00:00.0"};
	int eal_count = 2;
	for (int i = 2; i < argc && eal_count < 32; i++)
		eal[eal_count++] = argv[i];
	struct doca_log_backend *log;
	must(doca_log_backend_create_with_file_sdk(stdout, &log), "log");
	if (rte_eal_init(eal_count, eal) < 0)
		must(DOCA_ERROR_INITIALIZATION, "EAL");

	struct doca_devinfo **devices;
	struct doca_devinfo_rep **representors;
	uint32_t count;
	must(doca_devinfo_create_list(&devices, &count), "devices");
	must(doca_dev_open(devices[0], &dev), "device");
	doca_devinfo_destroy_list(devices);
	must(doca_devinfo_rep_create_list(dev, DOCA_DEVINFO_REP_FILTER_NET, &representors, &count), "representors");
	must(doca_dev_rep_open(representors[0], &rep), "representor");
	doca_devinfo_rep_destroy_list(representors);
	must(probe_one(dev, rep, "vf0"), "probe");
	must(doca_dpdk_get_first_port_id(dev, &pf), "port id");
	struct rte_mempool *pool = rte_pktmbuf_pool_create("refusals", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		must(DOCA_ERROR_NO_MEMORY, "pool");
	start_dpdk_port(pf, QUEUES, pool);

	struct doca_flow_cfg *cfg;
	must(doca_flow_cfg_create(&cfg), "cfg");
	must(doca_flow_cfg_set_mode_args(cfg, "switch,hws,isolated,expert"), "mode");
#if RELEASE >= 302
	must(doca_flow_cfg_set_resource_mode(cfg, DOCA_FLOW_RESOURCE_MODE_PORT), "resource mode");
#else
	must(doca_flow_cfg_set_nr_shared_resource(cfg, KEY_SLOTS + 1, DOCA_FLOW_SHARED_RESOURCE_PSP), "key slots");
#endif
	must(doca_flow_init(cfg), "init");
	doca_flow_cfg_destroy(cfg);
	start_flow_port(pf, dev, NULL);
	start_flow_port(pf + 1, NULL, rep);
	switch_port = doca_flow_port_switch_get(NULL);
}

/* ---- Pipes and entries ---- */

static const struct doca_flow_fwd drop = {.type = DOCA_FLOW_FWD_DROP};

struct options {
	enum doca_flow_pipe_type type;
	bool is_root;
	const struct doca_flow_match *match, *match_mask;
	struct doca_flow_actions *actions, *actions_mask;
	const struct doca_flow_fwd *fwd, *miss;
};

static doca_error_t create(const struct options *options, struct doca_flow_pipe **pipe)
{
	struct doca_flow_pipe_cfg *cfg;
	struct doca_flow_pipe *made;
	const struct doca_flow_match nothing = {0};
	must(doca_flow_pipe_cfg_create(&cfg, switch_port), "pipe cfg");
	must(doca_flow_pipe_cfg_set_type(cfg, options->type), "type");
	must(doca_flow_pipe_cfg_set_is_root(cfg, options->is_root), "root");
	must(doca_flow_pipe_cfg_set_nr_entries(cfg, ENTRIES), "entries");
	must(doca_flow_pipe_cfg_set_match(cfg, options->match == NULL ? &nothing : options->match, options->match_mask), "match");
	struct doca_flow_actions *actions = options->actions, *mask = options->actions_mask;
	if (actions != NULL)
		must(doca_flow_pipe_cfg_set_actions(cfg, &actions, mask == NULL ? NULL : &mask, NULL, 1), "actions");
	const doca_error_t result = doca_flow_pipe_create(cfg, options->fwd, options->miss, pipe == NULL ? &made : pipe);
	doca_flow_pipe_cfg_destroy(cfg);
	return result;
}

static doca_error_t with_match(const struct doca_flow_match *match, const struct doca_flow_match *mask)
{
	return create(&(struct options){.match = match, .match_mask = mask, .fwd = &drop, .miss = &drop}, NULL);
}

static doca_error_t with_actions(struct doca_flow_actions *actions, struct doca_flow_actions *mask)
{
	return create(&(struct options){.actions = actions, .actions_mask = mask, .fwd = &drop, .miss = &drop}, NULL);
}

static doca_error_t with_forward(const struct doca_flow_fwd *fwd)
{
	return create(&(struct options){.fwd = fwd, .miss = &drop}, NULL);
}

static doca_error_t add(struct doca_flow_pipe *pipe, const struct doca_flow_actions *actions, const struct doca_flow_fwd *fwd)
{
	struct doca_flow_pipe_entry *entry;
	return add_to_basic(pipe, NULL, actions, NULL, fwd, NULL, &entry);
}

static doca_error_t add_control(struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
				const struct doca_flow_match_condition *condition, const struct doca_flow_actions *actions)
{
	struct doca_flow_pipe_entry *entry;
	return add_to_control(pipe, match, condition, actions, &drop, NULL, &entry);
}

/* ---- Refused calls ---- */

static void match_cases(void)
{
	struct doca_flow_match match, mask;
#define MATCH(name, fill)                             \
	do {                                          \
		memset(&match, 0, sizeof(match));     \
		memset(&mask, 0, sizeof(mask));       \
		fill;                                 \
		CASE(name, with_match(&match, NULL)); \
	} while (0)
#define MASKED(name, fill)                             \
	do {                                           \
		memset(&match, 0, sizeof(match));      \
		memset(&mask, 0, sizeof(mask));        \
		fill;                                  \
		CASE(name, with_match(&match, &mask)); \
	} while (0)
#if RELEASE < 301
	MATCH("match.flags", match.flags = 1);
	MATCH("match.meta.mark", match.meta.mark = 1);
#endif
	MATCH("match.parser_meta.outer_l4_ok", match.parser_meta.outer_l4_ok = 1);
	MATCH("match.outer.eth_vlan", match.outer.eth_vlan[1].tci = 1);
	MATCH("match.outer.ip4.version_ihl", match.outer.l3_type = DOCA_FLOW_L3_TYPE_IP4; match.outer.ip4.version_ihl = 0x45);
	MATCH("match.outer.ip6.flow_label", match.outer.l3_type = DOCA_FLOW_L3_TYPE_IP6; match.outer.ip6.flow_label = 1);
	MATCH("match.outer.ip4 without l3_type", match.outer.ip4.dst_ip = 1);
	MATCH("match.outer.tcp.data_offset", match.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_TCP;
	      match.outer.tcp.data_offset = 1);
	MATCH("match.outer.udp without l4_type_ext", match.outer.udp.l4_port.dst_port = 1);
	MATCH("match.tun of VXLAN", match.tun.type = DOCA_FLOW_TUN_VXLAN; match.tun.vxlan_tun_id = 1);
	MATCH("match.inner.ip4.ttl", match.inner.l3_type = DOCA_FLOW_L3_TYPE_IP4; match.inner.ip4.ttl = 1);
	MASKED("a mask of match.inner.tcp", match.inner.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_TCP; mask.inner.tcp.flags = 2);
	MASKED("a mask of match.outer.ip4.ttl", match.outer.l3_type = DOCA_FLOW_L3_TYPE_IP4; mask.outer.ip4.ttl = 255);
}

static void action_cases(void)
{
	struct doca_flow_actions actions, mask;
#define ACTIONS(name, fill)                                \
	do {                                               \
		memset(&actions, 0, sizeof(actions));      \
		memset(&mask, 0, sizeof(mask));            \
		fill;                                      \
		CASE(name, with_actions(&actions, &mask)); \
	} while (0)
#if RELEASE < 303
	ACTIONS("actions.flags", actions.flags = 77);
#endif
	ACTIONS("actions.nat64", actions.nat64.original_l3_type = 3);
	ACTIONS("actions.outer.ip4.next_proto", actions.outer.l3_type = DOCA_FLOW_L3_TYPE_IP4; actions.outer.ip4.next_proto = 5);
	ACTIONS("a mask of actions.outer.ip4.total_len", actions.outer.l3_type = DOCA_FLOW_L3_TYPE_IP4;
		mask.outer.ip4.total_len = 255);
	ACTIONS("a push and an encapsulation", actions.has_push = actions.has_crypto_encap = true);
	ACTIONS("a mask of actions.outer.eth.type", mask.outer.eth.type = 0xffff);
	ACTIONS("a mask of actions.parser_meta", mask.parser_meta.random = 0xffff);
	ACTIONS("a mask of actions.tun.psp.spi", actions.tun.type = DOCA_FLOW_TUN_PSP; mask.tun.psp.spi = 1);
	ACTIONS("a mask of what is known", actions.tun.type = mask.tun.type = DOCA_FLOW_TUN_PSP; mask.tun.psp.s_d_ver_v = 0x80;
		mask.meta.pkt_meta = UINT32_MAX; mask.outer.eth.dst_mac[0] = 1);

#define ENCAP(name, type, octets)                                                                                          \
	ACTIONS(name, actions.has_crypto_encap = true; actions.crypto_encap.action_type = DOCA_FLOW_CRYPTO_REFORMAT_ENCAP; \
		actions.crypto_encap.net_type = DOCA_FLOW_CRYPTO_HEADER_PSP_##type; actions.crypto_encap.icv_size = 16;    \
		actions.crypto_encap.data_size = (octets))
	ENCAP("a tunnel's header over IPv4 with 24 octets of extension fields", TUNNEL, 82);
	ENCAP("a tunnel's header over IPv6 with cookie and 24 octets of extension fields", TUNNEL, 110);
	ENCAP("a tunnel's header as long as can be", TUNNEL, 114);
	ENCAP("a tunnel's header that is longer", TUNNEL, 118);
	ENCAP("a tunnel's header that is too short", TUNNEL, 50);
	ENCAP("a tunnel's header of no family", TUNNEL, 80);
	ENCAP("a header of transport mode with 8 octets of extension fields", OVER_IPV4, 32);
	ENCAP("a header of transport mode that is too short", OVER_IPV4, 16);
	ENCAP("a header of transport mode and half a unit", OVER_IPV6, 28);

	memset(&actions, 0, sizeof(actions));
	actions.crypto.action_type = DOCA_FLOW_CRYPTO_ACTION_ENCRYPT;
	actions.crypto.resource_type = DOCA_FLOW_CRYPTO_RESOURCE_PSP;
	actions.crypto.crypto_id = KEY_SLOTS;
	CASE("the last key slot", with_actions(&actions, NULL));
	actions.crypto.crypto_id = KEY_SLOTS + 1;
	CASE("a key slot too high", with_actions(&actions, NULL));
	struct doca_flow_pipe *control, *pipe;
	must(create(&(struct options){.type = DOCA_FLOW_PIPE_CONTROL}, &control), "control pipe");
	CASE("a key slot too high in a control pipe", add_control(control, NULL, NULL, &actions));
	actions.crypto.crypto_id = UINT32_MAX;
	must(create(&(struct options){.actions = &actions, .fwd = &drop, .miss = &drop}, &pipe), "pipe");
	actions.crypto.crypto_id = KEY_SLOTS + 1;
	CASE("a key slot too high of an entry", add(pipe, &actions, NULL));
}

static void forward_cases(void)
{
	uint16_t queues[] = {1, 0};
	struct doca_flow_fwd fwd, port = {.type = DOCA_FLOW_FWD_PORT, .port_id = pf};
	const struct doca_flow_fwd changeable = {.type = DOCA_FLOW_FWD_CHANGEABLE};
#define RSS(name, ...)                                                                                                         \
	do {                                                                                                                   \
		set_rss(&fwd, &(struct doca_flow_resource_rss_cfg){.queues_array = queues, .nr_queues = QUEUES, __VA_ARGS__}); \
		CASE(name, with_forward(&fwd));                                                                                \
	} while (0)
	RSS("RSS", .outer_flags = DOCA_FLOW_RSS_IPV4 | DOCA_FLOW_RSS_UDP);
	RSS("RSS of both families", .outer_flags = DOCA_FLOW_RSS_IPV4 | DOCA_FLOW_RSS_IPV6);
	RSS("RSS of both transports", .outer_flags = DOCA_FLOW_RSS_TCP | DOCA_FLOW_RSS_UDP);
	queues[1] = QUEUES;
	RSS("RSS to a queue that is not there", .outer_flags = 0);
	queues[1] = 0;
	RSS("RSS of ESP", .outer_flags = DOCA_FLOW_RSS_ESP);
	RSS("RSS of inner and of outer headers", .inner_flags = DOCA_FLOW_RSS_IPV4, .outer_flags = DOCA_FLOW_RSS_IPV4);
	RSS("RSS, symmetric", .rss_hash_func = DOCA_FLOW_RSS_HASH_FUNCTION_SYMMETRIC_TOEPLITZ);
	set_rss(&fwd, &(struct doca_flow_resource_rss_cfg){.queues_array = queues, .nr_queues = QUEUES});

	struct doca_flow_pipe *pipe;
	const struct doca_flow_fwd no_pipe = {.type = DOCA_FLOW_FWD_PIPE};
	must(create(&(struct options){.fwd = &port, .miss = &drop}, &pipe), "pipe");
	CASE("a miss to a port", doca_flow_pipe_update_miss(pipe, &port));
	CASE("a miss to RSS", doca_flow_pipe_update_miss(pipe, &fwd));
	CASE("a changeable miss", doca_flow_pipe_update_miss(pipe, &changeable));
	CASE("a miss to no pipe", doca_flow_pipe_update_miss(pipe, &no_pipe));
	CASE("a miss to no pipe, at first", create(&(struct options){.fwd = &drop, .miss = &no_pipe}, NULL));
	CASE("an entry's forward, the template's is another", add(pipe, NULL, &drop));
	CASE("an entry's forward, the template's is the same", add(pipe, NULL, &port));
	CASE("a control pipe's forward", create(&(struct options){.type = DOCA_FLOW_PIPE_CONTROL, .fwd = &drop}, NULL));
}

static void condition_cases(void)
{
	struct doca_flow_pipe *control;
	must(create(&(struct options){.type = DOCA_FLOW_PIPE_CONTROL}, &control), "control pipe");
	struct doca_flow_match match;
	struct doca_flow_match_condition condition;
	memset(&match, 0, sizeof(match));
	memset(&condition, 0, sizeof(condition));
	match.parser_meta.random = htons(0x80);
	condition.operation = DOCA_FLOW_COMPARE_LT;
	condition.field_op.a.field_string = "parser_meta.random.value";
	condition.field_op.width = 16;
	CASE("a condition on 16 bits of 16", add_control(control, &match, &condition, NULL));
	condition.field_op.width = 8;
	CASE("a condition on 8 bits of 16", add_control(control, &match, &condition, NULL));
	condition.field_op.a.bit_offset = 9;
	CASE("a condition on bits that are not there", add_control(control, &match, &condition, NULL));
	condition.field_op.a.bit_offset = 0;
	condition.field_op.width = 0;
	CASE("a condition on no bits", add_control(control, &match, &condition, NULL));
	condition.field_op.width = 16;
	CASE("a condition without a match", add_control(control, NULL, &condition, NULL));
}

#if RELEASE >= 302
static doca_error_t set_list(struct doca_flow_pipe_cfg *cfg, struct doca_flow_ordered_list *list)
{
	return doca_flow_pipe_cfg_set_ordered_lists(cfg, &list, 1);
}

static void list_cases(void)
{
	struct doca_flow_crypto crypto;
	struct doca_flow_actions actions;
	struct doca_flow_monitor monitor = {0};
	struct doca_flow_action_desc desc = {0};
	struct doca_flow_action_descs descs = {.nb_action_desc = 1, .desc_array = &desc};
	struct doca_flow_ordered_list_element element = {.type = DOCA_FLOW_ORDERED_LIST_ELEMENT_CRYPTO};
	struct doca_flow_ordered_list list = {.size = 1, .elements = &element};
	struct doca_flow_pipe_cfg *cfg;
	struct doca_flow_pipe *pipe;
	struct doca_flow_pipe_entry *entry;
	memset(&crypto, 0, sizeof(crypto));
	memset(&actions, 0, sizeof(actions));
	crypto.crypto.action_type = DOCA_FLOW_CRYPTO_ACTION_ENCRYPT;
	crypto.crypto.resource_type = DOCA_FLOW_CRYPTO_RESOURCE_PSP;
	crypto.crypto.crypto_id = KEY_SLOTS + 1;
	must(doca_flow_pipe_cfg_create(&cfg, switch_port), "pipe cfg");
	must(doca_flow_pipe_cfg_set_type(cfg, DOCA_FLOW_PIPE_ORDERED_LIST), "type");
	must(doca_flow_pipe_cfg_set_nr_entries(cfg, ENTRIES), "entries");
	CASE("a list's CRYPTO without crypto", set_list(cfg, &list));
	element.crypto = &crypto;
	CASE("a list's key slot too high", set_list(cfg, &list));
	element = (struct doca_flow_ordered_list_element){.type = DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS};
	CASE("a list's ACTIONS without actions", set_list(cfg, &list));
	element.actions = &actions;
	element.action_descs = &descs;
	CASE("a list's action descriptors", set_list(cfg, &list));
	element.action_descs = NULL;
	list.elements = NULL;
	CASE("a list without elements", set_list(cfg, &list));

	list.elements = &element;
	element = (struct doca_flow_ordered_list_element){.type = DOCA_FLOW_ORDERED_LIST_ELEMENT_CRYPTO, .crypto = &crypto};
	crypto.crypto.crypto_id = UINT32_MAX;
	must(set_list(cfg, &list), "lists");
	must(doca_flow_pipe_create(cfg, &drop, NULL, &pipe), "list pipe");
	doca_flow_pipe_cfg_destroy(cfg);
	crypto.crypto.crypto_id = 1;
#define ADD_LIST doca_flow_pipe_ordered_list_add_entry(0, pipe, 0, &list, NULL, 0, NULL, &entry)
	CASE("an entry's list", ADD_LIST);
	element.crypto = NULL;
	CASE("an entry's CRYPTO without crypto", ADD_LIST);
	element = (struct doca_flow_ordered_list_element){.type = DOCA_FLOW_ORDERED_LIST_ELEMENT_MONITOR, .monitor = &monitor};
	CASE("an entry's MONITOR, the template's is CRYPTO", ADD_LIST);
	list.elements = NULL;
	CASE("an entry's list without elements", ADD_LIST);
}
#endif

static void function_cases(void)
{
	const struct doca_devinfo *info = doca_dev_as_devinfo(dev);
	const struct doca_devinfo_rep *rep_info = doca_dev_rep_as_devinfo(rep);
	uint16_t number;
	uint64_t rate;
	CASE("doca_devinfo_get_vhca_id", doca_devinfo_get_vhca_id(info, &number));
	CASE("doca_devinfo_get_active_rate", doca_devinfo_get_active_rate(info, &rate));
	CASE("doca_devinfo_rep_get_vhca_id", doca_devinfo_rep_get_vhca_id(rep_info, &number));
	CASE("doca_dpdk_get_rep_vf_index", doca_dpdk_get_rep_vf_index(rep_info, &number));
	CASE("doca_dpdk_get_rep_sf_num", doca_dpdk_get_rep_sf_num(rep_info, &number));
#if RELEASE < 303
	struct doca_flow_port_cfg *cfg;
	const struct doca_flow_resource_rss_cfg rss = {.nr_queues = 0};
	must(doca_flow_port_cfg_create(&cfg), "port cfg");
	CASE("doca_flow_port_cfg_set_rss_cfg", doca_flow_port_cfg_set_rss_cfg(cfg, &rss));
	doca_flow_port_cfg_destroy(cfg);
#endif
#if RELEASE >= 302
	uint32_t id = 1;
	struct doca_flow_resource_query query;
	CASE("doca_flow_port_shared_resources_query",
	     doca_flow_port_shared_resources_query(switch_port, DOCA_FLOW_SHARED_RESOURCE_PSP, &id, &query, 1));
#endif
}

/* ---- RSS ---- */

/* Spreads IPv4 over the queues 1 and 0, and IPv6 too in releases where one forward does both; else it goes to the first of them. */
static void spread(unsigned wanted)
{
	uint16_t queues[] = {1, 0};
	unsigned received[QUEUES][2] = {{0}}, all = 0;
	struct doca_flow_pipe *root;
	struct doca_flow_fwd rss;
	set_rss(&rss,
		&(struct doca_flow_resource_rss_cfg){.outer_flags = DOCA_FLOW_RSS_IPV4 | (RELEASE < 301 ? DOCA_FLOW_RSS_IPV6 : 0),
						     .queues_array = queues,
						     .nr_queues = QUEUES});
	must(create(&(struct options){.is_root = true, .fwd = &rss, .miss = &drop}, &root), "root");
	must(add(root, NULL, NULL), "root's entry");
	for (const time_t start = time(NULL); all < wanted && time(NULL) < start + 20;) {
		for (uint16_t queue = 0; queue < QUEUES; queue++) {
			struct rte_mbuf *packets[BURST];
			const uint16_t count = rte_eth_rx_burst(pf, queue, packets, BURST);
			for (uint16_t i = 0; i < count; i++) {
				received[queue][rte_pktmbuf_mtod(packets[i], uint8_t *)[14] >> 4 == 6]++;
				rte_pktmbuf_free(packets[i]);
			}
			all += count;
		}
	}
	printf("# spread\n");
	for (int family = 0; family < 2; family++)
		printf("%s %s%s", family == 0 ? "IPv4" : "IPv6",
		       received[0][family] == 0	  ? "on queue 1"
		       : received[1][family] == 0 ? "on queue 0"
						  : "on both queues",
		       family == 0 ? ", " : "\n");
	printf("= %u\n", all);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	start(argc, argv);
	match_cases();
	action_cases();
	forward_cases();
	condition_cases();
#if RELEASE >= 302
	list_cases();
#endif
	function_cases();
	spread((unsigned)atoi(argv[1]));
	return 0;
}
