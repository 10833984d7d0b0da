/*
 * Flows that share a counter and a meter and end when they are idle, in DOCA Flow's own API, mode vnf: UDP packets of four sources go from
 * the first port to the second one as long as all of them together keep to a rate. What is beyond it is yellow, and goes; what is beyond
 * that is red, and does not. A flow that has had no packet for a second is removed.
 *
 *     metered_flows PCI PCI PACKETS [EAL arguments]
 *
 * waits until so many packets have come, for ten seconds at most, and then until all flows have ended. It prints how many packets came, of
 * which colour they were, and how many flows have aged.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <doca_dev.h>
#include <doca_dpdk.h>
#include <doca_flow.h>
#include <doca_log.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#define PROGRAM "metered_flows"
#include "devices.h"
#include "releases.h"

#define PORTS 2
#define FLOWS 4
#define FIRST_SOURCE 0x0a000001u
#define ENTRY_QUEUE 0
#define AGING_SECONDS 1
/* The numbers of the shared counter and of the shared meter: one of each. */
#define COUNTER 0
#define METER 0

/* RFC 2697: the octets that may come at once are green, as many more are yellow as EXCESS says; each second brings one. */
#define OCTETS_PER_SECOND 1
#define COMMITTED_OCTETS 1000
#define EXCESS_OCTETS 500

/* ---- Ports ---- */

static struct doca_dev *devices[PORTS];
static uint16_t ids[PORTS];
static struct doca_flow_port *ports[PORTS];

static struct doca_flow_port *start_flow_port(uint16_t id, struct doca_dev *dev)
{
	struct doca_flow_port_cfg *cfg;
	struct doca_flow_port *port;
	must(doca_flow_port_cfg_create(&cfg), "port cfg");
	must(set_port(cfg, id, dev, NULL), "port");
	must(doca_flow_port_start(cfg, &port), "port start");
	doca_flow_port_cfg_destroy(cfg);
	return port;
}

/* ---- Entries ---- */

static int entries_failed, flows_aged, flows_removed;

/* Whoever uses a flow's context finds it in user_ctx; here the entry is all there is. */
static void entry_done(struct doca_flow_pipe_entry *entry, uint16_t queue, enum doca_flow_entry_status status,
		       enum doca_flow_entry_op op, void *user_ctx)
{
	(void)user_ctx;
	if (status != DOCA_FLOW_ENTRY_STATUS_SUCCESS)
		entries_failed++;
	if (op == DOCA_FLOW_ENTRY_OP_DEL)
		flows_removed++;
	if (op != DOCA_FLOW_ENTRY_OP_AGED)
		return;
	flows_aged++;
	must(doca_flow_pipe_remove_entry(queue, 0, entry), "remove what has aged");
}

static void wait_for_entries(void)
{
	must(doca_flow_entries_process(ports[0], ENTRY_QUEUE, 1000000, 0), "process entries");
	if (entries_failed > 0)
		must(DOCA_ERROR_DRIVER, "an entry");
}

/* ---- Shared resources and pipes ---- */

static void make_shared_resources(void)
{
	struct doca_flow_shared_resource_cfg cfg;
	uint32_t counter = COUNTER, meter = METER;
	memset(&cfg, 0, sizeof(cfg));
	must(doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_COUNTER, COUNTER, &cfg), "counter");
	must(doca_flow_shared_resources_bind(DOCA_FLOW_SHARED_RESOURCE_COUNTER, &counter, 1, ports[0]), "bind counter");
	cfg.meter_cfg.limit_type = DOCA_FLOW_METER_LIMIT_TYPE_BYTES;
	cfg.meter_cfg.color_mode = DOCA_FLOW_METER_COLOR_MODE_BLIND;
	cfg.meter_cfg.alg = DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2697;
	cfg.meter_cfg.cir = OCTETS_PER_SECOND;
	cfg.meter_cfg.cbs = COMMITTED_OCTETS;
	cfg.meter_cfg.rfc2697.ebs = EXCESS_OCTETS;
	must(doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_METER, METER, &cfg), "meter");
	must(doca_flow_shared_resources_bind(DOCA_FLOW_SHARED_RESOURCE_METER, &meter, 1, ports[0]), "bind meter");
}

static struct doca_flow_pipe *create_pipe(const char *name, enum doca_flow_pipe_type type, const struct doca_flow_match *match,
					  const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd)
{
	struct doca_flow_pipe_cfg *cfg;
	struct doca_flow_pipe *pipe;
	const struct doca_flow_fwd drop = {.type = DOCA_FLOW_FWD_DROP};
	must(doca_flow_pipe_cfg_create(&cfg, ports[0]), name);
	must(doca_flow_pipe_cfg_set_name(cfg, name), name);
	must(doca_flow_pipe_cfg_set_type(cfg, type), name);
	must(doca_flow_pipe_cfg_set_is_root(cfg, match != NULL), name);
	must(doca_flow_pipe_cfg_set_nr_entries(cfg, 8), name);
	if (match != NULL)
		must(doca_flow_pipe_cfg_set_match(cfg, match, NULL), name);
	if (monitor != NULL)
		must(doca_flow_pipe_cfg_set_monitor(cfg, monitor), name);
	must(doca_flow_pipe_create(cfg, fwd, &drop, &pipe), name);
	doca_flow_pipe_cfg_destroy(cfg);
	return pipe;
}

/* Packets of one colour. The meter leaves it in two bits of an octet. */
static struct doca_flow_pipe_entry *add_color(struct doca_flow_pipe *colors, enum doca_flow_meter_color color,
					      const struct doca_flow_fwd *fwd)
{
	struct doca_flow_match match, mask;
	struct doca_flow_monitor count;
	struct doca_flow_pipe_entry *entry;
	memset(&match, 0, sizeof(match));
	memset(&mask, 0, sizeof(mask));
	memset(&count, 0, sizeof(count));
	match.parser_meta.meter_color = color;
	memset(&mask.parser_meta.meter_color, 3, 1);
	count.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	must(add_monitored_to_control(ENTRY_QUEUE, 0, colors, &match, &mask, &count, fwd, &entry), "entry of a colour");
	return entry;
}

static uint64_t packets_of(struct doca_flow_pipe_entry *entry)
{
	struct doca_flow_resource_query query;
	must(doca_flow_resource_query_entry(entry, &query), "query");
	return query.counter.total_pkts;
}

static uint64_t packets_of_all_flows(void)
{
	struct doca_flow_resource_query query;
	uint32_t counter = COUNTER;
	must(doca_flow_shared_resources_query(DOCA_FLOW_SHARED_RESOURCE_COUNTER, &counter, &query, 1),
	     "query of the shared counter");
	return query.counter.total_pkts;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: metered_flows PCI PCI PACKETS [EAL arguments]\n");
		return 2;
	}
	const uint64_t wanted = strtoull(argv[3], NULL, 10);
	struct doca_log_backend *log;
	must(doca_log_backend_create_with_file_sdk(stderr, &log), "log");

	char *eal[32] = {argv[0], "-a00:00.0"};
	int eal_count = 2;
	for (int i = 4; i < argc && eal_count < 32; i++)
		eal[eal_count++] = argv[i];
	if (rte_eal_init(eal_count, eal) < 0)
		must(DOCA_ERROR_INITIALIZATION, "EAL");
	for (int i = 0; i < PORTS; i++) {
		devices[i] = open_device(argv[1 + i]);
		must(doca_dpdk_port_probe(devices[i], "dv_flow_en=2"), "probe");
		must(doca_dpdk_get_first_port_id(devices[i], &ids[i]), "port id");
		start_dpdk_port(ids[i]);
	}

	struct doca_flow_cfg *cfg;
	must(doca_flow_cfg_create(&cfg), "cfg");
	must(doca_flow_cfg_set_pipe_queues(cfg, 1), "pipe queues");
	must(doca_flow_cfg_set_mode_args(cfg, "vnf,hws"), "mode");
	must(doca_flow_cfg_set_nr_counters(cfg, 64), "counters");
	must(doca_flow_cfg_set_nr_shared_resource(cfg, 1, DOCA_FLOW_SHARED_RESOURCE_COUNTER), "shared counters");
	must(doca_flow_cfg_set_nr_shared_resource(cfg, 1, DOCA_FLOW_SHARED_RESOURCE_METER), "shared meters");
	must(doca_flow_cfg_set_cb_entry_process(cfg, entry_done), "callback");
	must(doca_flow_init(cfg), "init");
	doca_flow_cfg_destroy(cfg);
	for (int i = 0; i < PORTS; i++)
		ports[i] = start_flow_port(ids[i], devices[i]);
	must(doca_flow_port_pair(ports[0], ports[1]), "pair");
	make_shared_resources();

	/* Behind the meter: what becomes of each colour. */
	struct doca_flow_fwd to_other = {.type = DOCA_FLOW_FWD_PORT, .port_id = ids[1]};
	const struct doca_flow_fwd drop = {.type = DOCA_FLOW_FWD_DROP};
	struct doca_flow_pipe *colors = create_pipe("COLORS", DOCA_FLOW_PIPE_CONTROL, NULL, NULL, NULL);
	struct doca_flow_pipe_entry *green = add_color(colors, DOCA_FLOW_METER_COLOR_GREEN, &to_other);
	struct doca_flow_pipe_entry *yellow = add_color(colors, DOCA_FLOW_METER_COLOR_YELLOW, &to_other);
	struct doca_flow_pipe_entry *red = add_color(colors, DOCA_FLOW_METER_COLOR_RED, &drop);
	wait_for_entries();

	/* The flows. Their counter and meter are the template's, the same for all; so is the time after which they end. */
	struct doca_flow_match match;
	struct doca_flow_monitor monitor;
	memset(&match, 0, sizeof(match));
	match.parser_meta.outer_l3_type = DOCA_FLOW_L3_META_IPV4;
	match.parser_meta.outer_l4_type = DOCA_FLOW_L4_META_UDP;
	match.outer.l3_type = DOCA_FLOW_L3_TYPE_IP4;
	match.outer.ip4.src_ip = UINT32_MAX;
	memset(&monitor, 0, sizeof(monitor));
	monitor.counter_type = DOCA_FLOW_RESOURCE_TYPE_SHARED;
	monitor.shared_counter.shared_counter_id = COUNTER;
	monitor.meter_type = DOCA_FLOW_RESOURCE_TYPE_SHARED;
	monitor.shared_meter.shared_meter_id = METER;
	monitor.aging_sec = AGING_SECONDS;
	const struct doca_flow_fwd to_colors = {.type = DOCA_FLOW_FWD_PIPE, .next_pipe = colors};
	struct doca_flow_pipe *flows = create_pipe("FLOWS", DOCA_FLOW_PIPE_BASIC, &match, &monitor, &to_colors);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct doca_flow_pipe_entry *flow;
		match.outer.ip4.src_ip = htonl(FIRST_SOURCE + i);
		must(add_to_basic(ENTRY_QUEUE, flows, &match, NULL, &flow), "flow");
	}
	wait_for_entries();

	for (int i = 0; i < 1000 && packets_of_all_flows() < wanted; i++)
		rte_delay_us_sleep(10000);
	/* Until here nothing has looked at what is idle. A call looks at some entries, and says -1 when it has seen all. */
	while (flows_removed < FLOWS) {
		while (doca_flow_aging_handle(ports[0], ENTRY_QUEUE, 1000, 0) != -1)
			;
		wait_for_entries();
		rte_delay_us_sleep(10000);
	}
	printf("packets %lu\ngreen %lu\nyellow %lu\nred %lu\naged %d\n", (unsigned long)packets_of_all_flows(),
	       (unsigned long)packets_of(green), (unsigned long)packets_of(yellow), (unsigned long)packets_of(red), flows_aged);
	const int status = packets_of_all_flows() >= wanted ? 0 : 1;

	for (int i = PORTS - 1; i >= 0; i--)
		must(doca_flow_port_stop(ports[i]), "stop");
	doca_flow_destroy();
	for (int i = 0; i < PORTS; i++) {
		rte_eth_dev_stop(ids[i]);
		doca_dev_close(devices[i]);
	}
	rte_eal_cleanup();
	return status;
}
